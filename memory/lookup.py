"""Memories read from the database: by id, in order, by what stands beside them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from memory.database import reading
from memory.memory_rows import AT_ONCE, Row, of_owner, rows_where
from memory.schema import conversations, memories, messages
from messages import Memory

REST = 60
"""So many characters beside a fact say nothing more."""

Conditions = Sequence[sa.ColumnElement[bool]]

MOST_STANDING = 200
_OWNER = sa.bindparam("owner", type_=sa.String)
_IDS = sa.bindparam("ids", expanding=True, type_=sa.String)


@dataclass(frozen=True, slots=True)
class Filter:
    """Empty fields leave nothing out, but for passages, which are shown where they are asked for."""

    conversation_id: str = ""
    kind: str = ""
    since: float = 0.0
    until: float = 0.0

    def conditions(self) -> list[sa.ColumnElement[bool]]:
        m, found = memories.c, []
        if self.conversation_id:
            found.append(m.conversation_id == self.conversation_id)
        elif self.kind != "passage":
            found.append(sa.or_(m.kind != "passage", m.pinned))
        if self.kind:
            found.append(m.kind == self.kind)
        if self.since:
            found.append(m.at >= self.since)
        if self.until:
            found.append(m.at <= self.until)
        return found


class Lookup:
    """Owners and ids were checked before (memory/edge.py)."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._reading = reading(engine)

    async def memories(self, owner: str, ids: Sequence[str]) -> list[Memory]:
        """Those there are among `ids`, in their order."""
        async with self._reading.connect() as connection:
            return await _in_order(connection, _AMONG, owner, ids)

    async def among(self, owner: str, ids: Sequence[str], which: Conditions) -> list[Memory]:
        """Those that are as `which` says."""
        async with self._reading.connect() as connection:
            return await _in_order(connection, _AMONG.where(*which), owner, ids)

    async def holding(
        self, owner: str, ids: Sequence[str], most: int
    ) -> tuple[list[Memory], dict[str, Memory]]:
        """Those of `ids`, in their order, that hold and were not replaced by another reply.

        For each of the first `most` also what stands beside it: for a user's words the reply, for a
        reply the question.
        """
        async with self._reading.connect() as connection:
            found = await _in_order(connection, _HOLDING, owner, ids)
            said = [memory.id for memory in found[:most] if memory.kind == "said"]
            rows = await connection.execute(_BESIDE, {"owner": owner, "ids": said}) if said else ()
            return found, {row[-1]: Memory(*row[:-1]) for row in rows}

    async def standing(self, owner: str) -> list[Memory]:
        """What is always sent, the newest first; at most MOST_STANDING."""
        async with self._reading.connect() as connection:
            rows = await connection.execute(_STANDING, {"owner": owner})
            return [Memory(*row) for row in rows]

    async def newest(
        self, owner: str, which: Conditions, limit: int, before: str = ""
    ) -> list[Memory]:
        """By when they were said; those before the memory `before`, where that is given."""
        m = memories.c
        newest = _memories().where(*which).order_by(m.at.desc(), m.position.desc()).limit(limit)
        async with self._reading.connect() as connection:
            if before:
                place = sa.select(m.at, m.position).where(m.owner == owner, m.id == before)
                last = (await connection.execute(place)).first()
                if last is None:
                    return []
                earlier = sa.and_(m.at == last.at, m.position < last.position)
                newest = newest.where(sa.or_(m.at < last.at, earlier))
            return [Memory(*row) for row in await connection.execute(newest, {"owner": owner})]

    async def containing(
        self, owner: str, text: str, which: Conditions, limit: int
    ) -> list[Memory]:
        """Those with these very letters in them, newest first."""
        letters = memories.c.text.icontains(text, autoescape=True)
        return await self.newest(owner, [*which, letters], limit)

    async def rows(self, owner: str, *which: sa.ColumnElement[bool]) -> list[Row]:
        """In order of their positions."""
        async with self._reading.connect() as connection:
            return await rows_where(connection, owner, *which)

    async def ids(self, owner: str, *which: sa.ColumnElement[bool]) -> list[str]:
        """The same, without their texts."""
        m = memories.c
        found = sa.select(m.id).where(m.owner == owner, *which).order_by(m.position)
        async with self._reading.connect() as connection:
            return list((await connection.execute(found)).scalars())

    async def sources(self, owner: str) -> list[str]:
        """Of the passages that all conversations see."""
        async with self._reading.connect() as connection:
            return list((await connection.execute(_SOURCES, {"owner": owner})).scalars())

    async def titles(self, owner: str) -> dict[str, str]:
        """Of all the owner's conversations, by id."""
        c = conversations.c
        async with self._reading.connect() as connection:
            rows = await connection.execute(sa.select(c.id, c.title).where(c.owner == owner))
            return {row.id: row.title for row in rows}

    async def count(self, owner: str, *which: sa.ColumnElement[bool]) -> int:
        counted = sa.select(sa.func.count()).where(memories.c.owner == owner, *which)
        async with self._reading.connect() as connection:
            return (await connection.execute(counted)).scalar_one()


def of_long_term() -> Conditions:
    """What is remembered beyond its conversation; facts that hold no longer are, for the record."""
    m = memories.c
    return (sa.or_(m.kind != "passage", m.pinned),)


def _memories(by_id: bool = False) -> sa.Select[Any]:
    """The columns of a Memory. A passage goes by its document's name, the rest by the conversation's."""
    m, c = memories.c, conversations.c
    title = sa.case((m.source_name != "", m.source_name), else_=sa.func.coalesce(c.title, ""))
    joined = memories.outerjoin(
        conversations, sa.and_(c.id == m.conversation_id, c.owner == _OWNER)
    )
    about = (m.conversation_id, title, m.message_id, m.at, m.kind, m.pinned)
    return (
        sa.select(m.id, m.text, m.role, *about, m.source, m.page, m.superseded_at)
        .select_from(joined)
        .where(of_owner(_OWNER) if by_id else m.owner == _OWNER)
    )


def _replaced(message_id: sa.ColumnElement[str]) -> sa.ColumnElement[bool]:
    """Whether it is a reply that was asked for again."""
    c = messages.c
    return sa.exists().where(c.id == message_id, c.owner == _OWNER, c.replaced)


def _thrown() -> sa.ColumnElement[bool]:
    """Whether its conversation was thrown away, and its memories with it, but can be taken back."""
    c = conversations.alias("thrown").c
    gone = (c.id == memories.c.conversation_id, c.owner == _OWNER, c.deleted_at > 0, c.forgets)
    return sa.exists().where(*gone)


def _held() -> Conditions:
    m, old = memories.c, memories.alias("old").c
    # The words in which a fact was told that holds no longer, where they tell nothing else.
    outdated = sa.exists().where(
        old.owner == _OWNER,
        old.message_id == m.message_id,
        old.superseded_at > 0,
        sa.func.length(m.text) <= sa.func.length(old.text) + REST,
    )
    told = sa.and_(m.kind == "said", m.message_id != "", outdated)
    replaced = _replaced(m.message_id)
    return (m.superseded_at == 0, sa.not_(replaced), sa.not_(told), sa.not_(_thrown()))


def _beside() -> sa.Select[Any]:
    """A Memory, and at the end the id of that beside which it stands."""
    m, near, hits = memories.c, memories.alias("near").c, memories.alias("hits")
    there = sa.select(near.id).where(
        near.owner == _OWNER,
        near.conversation_id == hits.c.conversation_id,
        near.conversation_id != "",
        near.kind == "said",
        near.id != hits.c.id,
        sa.not_(_replaced(near.message_id)),
    )
    there = there.limit(1).correlate(hits)
    following = there.where(near.at >= hits.c.at).order_by(near.at, near.position)
    preceding = there.where(near.at <= hits.c.at).order_by(near.at.desc(), near.position.desc())
    neighbour = sa.case(
        (hits.c.role == "user", following.scalar_subquery()), else_=preceding.scalar_subquery()
    )
    hit = (hits.c.owner.concat("") == _OWNER, hits.c.id.in_(_IDS))
    mine = (*hit, m.id == neighbour, m.role != hits.c.role)
    return _memories(by_id=True).add_columns(hits.c.id).where(*mine, *_held())


# Built once: building them takes longer than running them.
_AMONG = _memories(by_id=True).where(memories.c.id.in_(_IDS))
_HOLDING = _AMONG.where(*_held())
_BESIDE = _beside()
_STANDING = (
    _memories()
    .where(memories.c.pinned, memories.c.kind != "passage", memories.c.superseded_at == 0)
    .order_by(memories.c.at.desc(), memories.c.position.desc())
    .limit(MOST_STANDING)
)
_SOURCES = (
    sa.select(memories.c.source)
    .where(memories.c.owner == _OWNER, memories.c.kind == "passage", memories.c.pinned)
    .distinct()
    .order_by(memories.c.source)
)


async def _in_order(
    connection: AsyncConnection, asked: sa.Select[Any], owner: str, ids: Sequence[str]
) -> list[Memory]:
    by_id: dict[str, Memory] = {}
    for start in range(0, len(ids), AT_ONCE):
        some = {"owner": owner, "ids": list(ids[start : start + AT_ONCE])}
        by_id |= {row[0]: Memory(*row) for row in await connection.execute(asked, some)}
    return [by_id[memory_id] for memory_id in ids if memory_id in by_id]
