"""What tells this Parley's data from others' on a server that both use."""

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from memory.database import reading
from memory.schema import installation


async def collection_prefix(engine: AsyncEngine) -> str:
    """How the names of this database's collections on a Chroma server begin; of all its replicas."""
    async with reading(engine).connect() as connection:
        known = (await connection.execute(sa.select(installation.c.id))).scalar_one()
    return f"parley-{known}-"
