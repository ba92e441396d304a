"""Whole conversations that come from elsewhere, stored as if they had been held here."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from memory import message_rows as rows
from memory.database import reading
from memory.edge import clean, clean_message, known_id, known_owner
from memory.listing import folder_name
from memory.memory_rows import row_id
from memory.schema import conversations
from memory.titles import plain_line, shortened, title_of
from messages import Conversation, Message

_AT_ONCE = 500
LONGEST_TITLE = 200


@dataclass(frozen=True, slots=True)
class Brought:
    """A conversation and what was said in it, oldest first, under ids that are nobody's yet."""

    conversation: Conversation
    messages: Sequence[Message]


def id_here(owner: str, source: str) -> str:
    """Under which id a conversation of another place is kept here: always the same for this owner."""
    return row_id("brought", owner, source)


class Arrivals:
    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._reading = reading(engine)

    async def known(self, owner: str, ids: Collection[str]) -> set[str]:
        """Those of `ids` that are conversations of this owner already."""
        c = conversations.c
        found: set[str] = set()
        async with self._reading.connect() as connection:
            for start in range(0, len(ids), _AT_ONCE):
                some = sorted(ids)[start : start + _AT_ONCE]
                mine = sa.select(c.id).where(c.owner == known_owner(owner), c.id.in_(some))
                found |= set((await connection.execute(mine)).scalars())
        return found

    async def store(self, owner: str, brought: Sequence[Brought]) -> None:
        """All of them, or none."""
        async with self._engine.begin() as connection:
            for one in brought:
                first, about = one.messages[0], one.conversation
                title = plain_line(clean(about.title)[: LONGEST_TITLE * 2])[:LONGEST_TITLE]
                row = {
                    "id": known_id(about.id),
                    "owner": known_owner(owner),
                    "title": title or shortened(title_of(first)),
                    "created_at": about.created_at,
                    "updated_at": about.updated_at,
                    "pinned": about.pinned,
                    "folder": folder_name(about.folder),
                }
                await connection.execute(sa.insert(conversations).values(row))
                place, placed = rows.Place(), []
                for message in map(clean_message, one.messages):
                    placed.append((place, message))
                    place = place.after(message.id)
                await rows.insert_many(connection, owner, about.id, placed)
