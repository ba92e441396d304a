"""Everything of one owner, gone for good: every row of every table that names its owner."""

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from memory import schema
from memory.database import erase_traces
from memory.edge import known_owner
from memory.media import MediaStore
from memory.said_words import sweep_words


def tables_of_owners() -> list[sa.TableClause]:
    found = [table for table in vars(schema).values() if isinstance(table, sa.TableClause)]
    return [table for table in found if "owner" in table.c]


async def erase_owner(engine: AsyncEngine, media: MediaStore, owner: str) -> None:
    """Rows and files. Vectors are no rows: `Recall.erase` comes before this, running turns end."""
    known_owner(owner)
    conversations = schema.conversations
    async with engine.begin() as connection:
        # With their messages, which hold on to files.
        await connection.execute(sa.delete(conversations).where(conversations.c.owner == owner))
    await media.erase(owner)
    async with engine.begin() as connection:
        for table in tables_of_owners():
            await connection.execute(sa.delete(table).where(table.c.owner == owner))
        await sweep_words(connection)
    await erase_traces(engine)
