"""A memory as it is stored, and what of it changes together: its text, its place, who may rank it."""

import hashlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields, replace
from functools import cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from memory.edge import Missing
from memory.owner_index import Entry
from memory.schema import memories
from messages import MemoryKind, Role

EVERYWHERE = ""
"""The scope of what is recalled in all conversations; a conversation's documents have its id."""
AT_ONCE = 500
"""Ids in one statement."""

_NEW = sa.insert(memories).returning(memories.c.position)


@dataclass(frozen=True, slots=True)
class Row:
    """`position` grows whenever the text changes or the memory comes into a scope; 0 before it is stored."""

    id: str
    conversation_id: str
    message_id: str
    role: Role
    text: str
    at: float
    kind: MemoryKind = "said"
    speaker: str = ""
    pinned: bool = False
    source: str = ""
    source_name: str = ""
    page: int = 0
    subject: str = ""
    superseded_at: float = 0.0
    superseded_by: str = ""
    edited_at: float = 0.0
    position: int = 0

    @property
    def scopes(self) -> frozenset[str]:
        """Where it is recalled: nowhere while another fact holds in its stead."""
        if self.superseded_at:
            return frozenset()
        if self.kind != "passage":
            return frozenset({EVERYWHERE})
        return frozenset(
            {self.conversation_id, EVERYWHERE} if self.pinned else {self.conversation_id}
        )

    @property
    def entry(self) -> Entry:
        """What an index takes of it."""
        about = (self.conversation_id, self.speaker, self.role, self.text, self.at)
        return Entry(self.position, self.id, *about)

    @property
    def places(self) -> dict[str, tuple[str, int]]:
        """Its scopes, and what it goes by there."""
        return dict.fromkeys(self.scopes, (self.id, self.position))


@dataclass(frozen=True, slots=True)
class Change:
    """`before` is None for what is new, `after` for what is gone."""

    before: Row | None
    after: Row | None

    @property
    def lost_words(self) -> bool:
        """Whether words are gone; those of what is superseded are still there."""
        return self.before is not None and (
            self.after is None or self.after.text != self.before.text
        )


COLUMNS = tuple(memories.c[field.name] for field in fields(Row))


def row_id(*origin: object) -> str:
    """The same 32 digits for the same origin, so that what is made again is known. No words in it:
    ids outlast what is forgotten."""
    return hashlib.sha256("\x1f".join(map(str, origin)).encode()).hexdigest()[:32]


def of_owner(owner: str | sa.ColumnElement[str]) -> sa.ColumnElement[bool]:
    """For rows found by their ids: no index is used for it, or SQLite would read all of the owner's."""
    return memories.c.owner.concat("") == owner


async def rows_where(
    connection: AsyncConnection, owner: str, *which: sa.ColumnElement[bool]
) -> list[Row]:
    found = sa.select(*COLUMNS).where(memories.c.owner == owner, *which)
    rows = await connection.execute(found.order_by(memories.c.position))
    return [Row(*row) for row in rows]


@cache
def _among(column: sa.ColumnElement[str]) -> sa.Select[Any]:
    owner = sa.bindparam("of_owner", type_=sa.String)
    mine = of_owner(owner) if column is memories.c.id else memories.c.owner == owner
    return sa.select(*COLUMNS).where(mine, column.in_(sa.bindparam("values", expanding=True)))


async def rows_among(
    connection: AsyncConnection, owner: str, column: sa.ColumnElement[str], values: Sequence[str]
) -> list[Row]:
    """Those whose `column` is one of `values`, however many."""
    found: list[Row] = []
    for start in range(0, len(values), AT_ONCE):
        some = {"of_owner": owner, "values": values[start : start + AT_ONCE]}
        found += [Row(*row) for row in await connection.execute(_among(column), some)]
    return sorted(found, key=lambda row: row.position)


async def insert(connection: AsyncConnection, owner: str, row: Row) -> Row:
    """Raises Missing where the id is somebody else's."""
    try:
        position = (await connection.execute(_NEW, _values(owner, row))).scalar_one()
        return replace(row, position=position)
    except IntegrityError:
        raise Missing("No such id.") from None


async def insert_many(connection: AsyncConnection, owner: str, rows: Sequence[Row]) -> list[Row]:
    """The same for many that nobody else can have."""
    if not rows:
        return []
    await connection.execute(sa.insert(memories), [_values(owner, row) for row in rows])
    return await rows_among(connection, owner, memories.c.id, [row.id for row in rows])


async def change(connection: AsyncConnection, owner: str, row: Row, **to: Any) -> Change:
    """Store `row` with these fields changed; at a new position where indexes have to read it anew."""
    after = replace(row, **to)
    mine = (memories.c.owner == owner, memories.c.id == row.id)
    if after.text != row.text or after.scopes - row.scopes:
        await connection.execute(sa.delete(memories).where(*mine))
        return Change(row, await insert(connection, owner, after))
    await connection.execute(sa.update(memories).where(*mine).values(to))
    return Change(row, after)


async def remove(connection: AsyncConnection, owner: str, rows: Sequence[Row]) -> list[Change]:
    """Remove these. What they had superseded holds again, unless something else has its place."""
    gone = {row.id: row for row in rows}
    ids = list(gone)
    for start in range(0, len(ids), AT_ONCE):
        some = memories.c.id.in_(ids[start : start + AT_ONCE])
        await connection.execute(sa.delete(memories).where(of_owner(owner), some))
    changes = [Change(row, None) for row in rows]
    for old in await rows_among(connection, owner, memories.c.superseded_by, ids):
        heir: Row | None = gone[old.superseded_by]
        while heir is not None and heir.superseded_by in gone:
            heir = gone[heir.superseded_by]
        at, by = (heir.superseded_at, heir.superseded_by) if heir else (0.0, "")
        changes.append(await change(connection, owner, old, superseded_at=at, superseded_by=by))
    return changes


def _values(owner: str, row: Row) -> dict[str, Any]:
    values = asdict(row)
    del values["position"]
    return {**values, "owner": owner}
