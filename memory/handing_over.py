"""What a visitor had becomes another owner's: every row of every table that names its owner."""

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from memory.edge import known_owner
from memory.erasing import tables_of_owners
from memory.memory_rows import insert_many, rows_where
from memory.message_rows import Busy
from memory.said_words import keep_words
from memory.schema import memories, messages
from messages import Message, message_from_json


async def hand_over(engine: AsyncEngine, before: str, owner: str) -> None:
    """All or nothing. Where both have the same, a file or a permission, the `owner`'s own stays.

    Indexes and vectors are no rows: `Recall.handed_over` comes after this. Raises Busy while a reply
    of `before` runs.
    """
    known_owner(before), known_owner(owner)
    m = messages.c
    running = sa.select(m.id).where(m.owner == before, m.status == "running").limit(1)
    async with engine.begin() as connection:
        if (await connection.execute(running)).first() is not None:
            raise Busy
        said = await _said(connection, before)
        for table in tables_of_owners():
            if table is not memories:
                await _move(connection, table, before, owner)
        # At new positions, by which indexes and vectors are found: they were made for `before`.
        remembered = await rows_where(connection, before)
        await connection.execute(sa.delete(memories).where(memories.c.owner == before))
        await insert_many(connection, owner, remembered)
        await keep_words(connection, owner, said)


async def _said(connection: AsyncConnection, owner: str) -> list[Message]:
    bodies = sa.select(messages.c.body).where(messages.c.owner == owner)
    return [message_from_json(body) for body in (await connection.execute(bodies)).scalars()]


async def _move(
    connection: AsyncConnection, table: sa.TableClause, before: str, owner: str
) -> None:
    key = await connection.run_sync(_key, table.name)
    if "owner" in key:
        theirs = table.alias()
        alike = [theirs.c[name] == table.c[name] for name in key if name != "owner"]
        both = sa.exists().where(theirs.c.owner == owner, *alike)
        await connection.execute(sa.delete(table).where(table.c.owner == before, both))
    moved = sa.update(table).where(table.c.owner == before).values(owner=owner)
    await connection.execute(moved)


def _key(connection: sa.Connection, table: str) -> list[str]:
    return sa.inspect(connection).get_pk_constraint(table)["constrained_columns"]
