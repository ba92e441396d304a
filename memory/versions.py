"""What can be done with a conversation's tree: show another branch, judge a reply, grow a branch apart."""

import asyncio
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from time import time

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from memory import message_rows as rows
from memory.conversations import LONGEST_TITLE
from memory.database import reading
from memory.edge import Missing, known_id, known_owner, of_conversation
from memory.message_rows import Busy
from memory.schema import conversations, messages
from messages import Message, Rating, message_from_json, new_id

AT_ONCE = 500
BRANCH = " · branch"

m = messages.c


@dataclass(frozen=True, slots=True)
class Shown:
    """`left` are shown no longer; `again` are, of those that had memories when they were left."""

    left: tuple[str, ...] = ()
    again: tuple[Message, ...] = ()


class Versions:
    """Every method raises Missing for what is not there or not the owner's."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._reading = reading(engine)

    async def select(self, owner: str, conversation_id: str, message_id: str) -> Shown:
        """Show this version of a message, and what was last shown after it. Raises Busy."""
        mine = of_conversation(owner, conversation_id)
        found = sa.select(m.id, m.parent, m.seq, m.replaced).where(
            m.id == known_id(message_id), *rows.ALL_OF_MINE
        )
        async with self._engine.begin() as connection:
            await rows.refuse_busy(connection, mine)
            wanted = (await connection.execute(found, mine)).first()
            if wanted is None or not await _is_shown(connection, mine, wanted.parent):
                raise Missing("No such message.")
            if not wanted.replaced:
                return Shown()
            left = await rows.leave(connection, mine, wanted.seq)
            branch = await _branch(connection, mine, wanted.id, wanted.seq)
            again = await _show(connection, branch)
        return Shown(left, tuple(map(message_from_json, again)))

    async def had_memories(
        self, owner: str, conversation_id: str, message_ids: Collection[str]
    ) -> None:
        """Note it of these, which were left: memories come back with them, and with no others."""
        mine = of_conversation(owner, conversation_id)
        async with self._engine.begin() as connection:
            for some in _by_hundreds(list(message_ids)):
                mark = sa.update(messages).where(m.id.in_(some), *rows.ALL_OF_MINE)
                await connection.execute(mark.values(remembered=True), mine)

    async def rate(self, owner: str, conversation_id: str, reply_id: str, rating: Rating) -> None:
        # A column of its own, as `pinned` is.
        mine = of_conversation(owner, conversation_id)
        mark = sa.update(messages).where(
            m.id == known_id(reply_id), m.role == "assistant", *rows.MINE
        )
        async with self._engine.begin() as connection:
            if not (await connection.execute(mark.values(rating=rating), mine)).rowcount:
                raise Missing("No such reply.")

    async def branch(self, owner: str, conversation_id: str, upto: str, into: str) -> None:
        """Copy a conversation as it is shown, up to and with the reply `upto`, into a new one.

        Raises Busy while that reply is running.
        """
        mine = of_conversation(owner, conversation_id)
        last = sa.select(m.seq).where(m.id == known_id(upto), m.role == "assistant", *rows.MINE)
        upto_last = (*rows.MINE, m.seq <= last.scalar_subquery())
        copied = sa.select(m.body, m.pinned, m.status).where(*upto_last)
        c = conversations.c
        of_title = sa.select(c.title).where(
            c.id == conversation_id, c.owner == owner, c.deleted_at == 0
        )
        async with self._reading.connect() as connection:
            title = (await connection.execute(of_title)).scalar()
            found = (await connection.execute(copied.order_by(m.seq), mine)).all()
        if title is None or not found:
            raise Missing("No such message.")
        if found[-1].status == "running":
            raise Busy("This reply is still running.")
        copies = await asyncio.to_thread(_copies, [(row.body, row.pinned) for row in found])
        name = title[: LONGEST_TITLE - len(BRANCH)].removesuffix(BRANCH) + BRANCH
        now = time()
        new = {"id": known_id(into), "owner": known_owner(owner), "title": name}
        new |= {"created_at": now, "updated_at": now}
        async with self._engine.begin() as connection:
            try:
                await connection.execute(sa.insert(conversations).values(new))
            except IntegrityError:
                raise Missing("No such conversation.") from None
            await rows.insert_many(connection, owner, into, copies)


async def _is_shown(connection: AsyncConnection, mine: rows.Mine, parent: str) -> bool:
    if not parent:
        return True
    found = sa.select(m.id).where(m.id == parent, *rows.MINE)
    return (await connection.execute(found, mine)).first() is not None


async def _branch(
    connection: AsyncConnection, mine: rows.Mine, message_id: str, seq: int
) -> list[str]:
    """The message, and those that were last shown after it."""
    left = (*rows.ALL_OF_MINE, m.replaced, m.chosen)
    below = sa.select(m.parent, m.id).where(*left, m.seq > seq)
    after = {row.parent: row.id for row in await connection.execute(below, mine)}
    branch = [message_id]
    while following := after.get(branch[-1]):
        branch.append(following)
    return branch


async def _show(connection: AsyncConnection, branch: Sequence[str]) -> list[str]:
    """Show these; the bodies of those that had memories."""
    remembered: list[str] = []
    for some in _by_hundreds(branch):
        there = m.id.in_(some)
        had = sa.select(m.body).where(there, m.remembered).order_by(m.seq)
        remembered += (await connection.execute(had)).scalars()
        shown = {"replaced": False, "chosen": True, "remembered": False}
        await connection.execute(sa.update(messages).where(there).values(shown))
    return remembered


def _copies(found: Sequence[tuple[str, bool]]) -> list[tuple[rows.Place, Message]]:
    """The same messages under ids of their own, one after the other."""
    said = [(message_from_json(body), pinned) for body, pinned in found]
    ids = {message.id: new_id() for message, _ in said}
    copies: list[tuple[rows.Place, Message]] = []
    place = rows.Place()
    for message, pinned in said:
        about = message.provenance
        if about and about.sent_from:
            about = replace(about, sent_from=ids.get(about.sent_from, ""))
        copy = replace(message, id=ids[message.id], provenance=about, pinned=pinned)
        copies.append((place, copy))
        place = place.after(copy.id)
    return copies


def _by_hundreds(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(ids), AT_ONCE):
        yield ids[start : start + AT_ONCE]
