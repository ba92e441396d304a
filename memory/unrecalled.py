"""Copies of memories stand in the stored replies that recalled them; what is forgotten leaves those too."""

import asyncio
import re
from collections.abc import Collection, Sequence
from dataclasses import replace

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from memory.schema import conversations, forgotten, messages
from messages import Memory, Message, message_from_json, message_to_json

_LISTS = ('%"recalled":[{%', '%"remembered":[{%')
_ID = re.compile(r'"id":"([0-9a-f]{32})"')
AT_ONCE = 500


async def unrecall(
    connection: AsyncConnection, owner: str, memory_ids: Collection[str] | None
) -> int:
    """Take these memories, or all, out of what the owner's replies say they recalled or remembered.

    The words of the replies themselves stay: they were said there. Gives how many were changed.
    """
    m, gone = messages.c, None if memory_ids is None else set(memory_ids)
    if gone is not None and not gone:
        return 0
    # By conversation, because messages have no index of owners.
    theirs = sa.select(conversations.c.id).where(conversations.c.owner == owner)
    holding = sa.select(m.id, m.body).where(
        m.owner == owner,
        m.conversation_id.in_(theirs),
        sa.or_(*(m.body.like(found) for found in _LISTS)),
    )
    rows = [(row.id, row.body) for row in await connection.execute(holding)]
    changed = await asyncio.to_thread(_without, rows, gone)
    for message_id, body in changed:
        update = sa.update(messages).where(m.id == message_id, m.owner == owner)
        await connection.execute(update.values(body=body))
    return len(changed)


def recalled_in(message: Message) -> list[str]:
    """The memories that it says it recalled or remembered."""
    about = message.provenance
    return [memory.id for memory in (*about.recalled, *about.remembered)] if about else []


async def without_forgotten(connection: AsyncConnection, owner: str, message: Message) -> Message:
    """`message` without the memories that were forgotten since it recalled them."""
    ids = recalled_in(message)
    if not ids:
        return message
    c = forgotten.c
    gone: set[str] = set()
    for start in range(0, len(ids), AT_ONCE):
        known = sa.select(c.message_id).where(
            c.owner == owner, c.message_id.in_(ids[start : start + AT_ONCE])
        )
        gone |= set((await connection.execute(known)).scalars())
    return _scrubbed(message, gone) if gone else message


def _without(rows: Sequence[tuple[str, str]], gone: set[str] | None) -> list[tuple[str, str]]:
    changed = []
    for message_id, body in rows:
        if gone is None or gone.intersection(_ID.findall(body)):
            before = message_from_json(body)
            after = _scrubbed(before, gone)
            if after is not before:
                changed.append((message_id, message_to_json(after)))
    return changed


def _scrubbed(message: Message, gone: set[str] | None) -> Message:
    about = message.provenance
    if about is None:
        return message
    recalled, remembered = _kept(about.recalled, gone), _kept(about.remembered, gone)
    if (recalled, remembered) == (about.recalled, about.remembered):
        return message
    return replace(message, provenance=replace(about, recalled=recalled, remembered=remembered))


def _kept(memories: tuple[Memory, ...], gone: set[str] | None) -> tuple[Memory, ...]:
    return () if gone is None else tuple(memory for memory in memories if memory.id not in gone)
