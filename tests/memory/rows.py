"""Rows of memories as tests write them, past everything that otherwise does."""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from memory.indexes import Entry
from memory.schema import memories
from messages import new_id


async def written(
    engine: AsyncEngine, owner: str, texts: Sequence[str], **about: Any
) -> list[Entry]:
    """Each of `texts` as a memory of `owner`, all of one conversation unless `about` says otherwise."""
    m, found = memories.c, list[Entry]()
    columns = (m.position, m.id, m.conversation_id, m.speaker, m.role, m.text, m.at)
    common = {"conversation_id": new_id(), "role": "user", "at": 1.7e9, "owner": owner, **about}
    async with engine.begin() as connection:
        for text in texts:
            row = {"id": (known := new_id()), "message_id": known, "text": text, **common}
            new = sa.insert(memories).values(row).returning(*columns)
            found.append(Entry(*(await connection.execute(new)).one()))
    return found


async def changed(engine: AsyncEngine, which: Entry, **to: Any) -> None:
    here = memories.c.id == which.id
    async with engine.begin() as connection:
        await connection.execute(sa.update(memories).where(here).values(to))


async def deleted(engine: AsyncEngine, *which: Entry) -> None:
    async with engine.begin() as connection:
        here = memories.c.id.in_([entry.id for entry in which])
        await connection.execute(sa.delete(memories).where(here))
