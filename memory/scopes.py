"""What is ranked together, and its rows in the database."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from memory.owner_index import Entry
from memory.schema import memories

AT_ONCE = 500
"""Values in one statement."""
PAGE = 2_000

Fingerprint = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Scope:
    """An owner's long-term memory; or, of one conversation, the passages of its documents."""

    owner: str
    conversation_id: str = ""

    @property
    def place(self) -> dict[str, str]:
        """The parameters of `_mine`."""
        of = {"of_owner": self.owner}
        return {**of, "of_conversation": self.conversation_id} if self.conversation_id else of


def _mine(passages: bool) -> sa.ColumnElement[bool]:
    """The rows of a scope: of an owner, or of one conversation."""
    m = memories.c
    held = sa.and_(m.owner == sa.bindparam("of_owner"), m.superseded_at == 0)
    if passages:
        here = m.conversation_id == sa.bindparam("of_conversation")
        return sa.and_(held, m.kind == "passage", here)
    return sa.and_(held, sa.or_(m.kind != "passage", m.pinned))


_MINE = {passages: _mine(passages) for passages in (False, True)}
_p = memories.c.position
_FINGERPRINT = {
    passages: sa.select(sa.func.count(), sa.func.max(_p), sa.func.sum(_p)).where(mine)
    for passages, mine in _MINE.items()
}
"""Built once, as each turn asks for it."""


async def fingerprint(connection: AsyncConnection, scope: Scope) -> Fingerprint:
    """How many rows, their greatest position, the sum of all: another one, where anything changed.

    A text that changes gets a new position.
    """
    asked = _FINGERPRINT[bool(scope.conversation_id)]
    count, last, total = (await connection.execute(asked, scope.place)).one()
    return count, last or 0, int(total or 0)


async def positions(connection: AsyncConnection, scope: Scope) -> set[int]:
    asked = sa.select(_p).where(_MINE[bool(scope.conversation_id)])
    return set((await connection.execute(asked, scope.place)).scalars())


async def newer(connection: AsyncConnection, scope: Scope, last: int) -> AsyncIterator[list[Entry]]:
    """What came after position `last`, in order, page by page."""
    while True:
        asked = _entries(scope, memories.c.position > last).limit(PAGE)
        page = [_entry(row) for row in await connection.execute(asked, scope.place)]
        if page:
            yield page
        if len(page) < PAGE:
            return
        last = page[-1].position


async def at(
    connection: AsyncConnection, scope: Scope, wanted: Sequence[int]
) -> AsyncIterator[list[Entry]]:
    """Those of `wanted` positions that are there, page by page."""
    for start in range(0, len(wanted), AT_ONCE):
        asked = _entries(scope, memories.c.position.in_(wanted[start : start + AT_ONCE]))
        if page := [_entry(row) for row in await connection.execute(asked, scope.place)]:
            yield page


async def still_there(connection: AsyncConnection, owner: str, wanted: Sequence[int]) -> set[int]:
    """Those of `wanted` positions that `owner` has in whatever scope, or in none."""
    m, found = memories.c, set[int]()
    for start in range(0, len(wanted), AT_ONCE):
        some = m.position.in_(wanted[start : start + AT_ONCE])
        found |= set(
            (
                await connection.execute(sa.select(m.position).where(m.owner == owner, some))
            ).scalars()
        )
    return found


def _entries(scope: Scope, *which: sa.ColumnElement[bool]) -> sa.Select[Any]:
    m = memories.c
    asked = sa.select(m.position, m.id, m.conversation_id, m.speaker, m.role, m.text, m.at)
    return asked.where(_MINE[bool(scope.conversation_id)], *which).order_by(m.position)


def _entry(row: Any) -> Entry:
    return Entry(*row)
