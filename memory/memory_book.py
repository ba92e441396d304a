"""What is remembered, written down: one transaction for each thing that is told, changed, forgotten."""

import asyncio
from collections.abc import Awaitable, Iterable, Sequence
from dataclasses import replace
from time import time
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from memory.database import erase_traces
from memory.edge import Missing
from memory.memory_rows import (
    AT_ONCE,
    Change,
    Row,
    change,
    insert,
    insert_many,
    remove,
    rows_among,
    rows_where,
)
from memory.schema import forgotten, memories, messages
from memory.sentences import folded_line
from memory.statements import understood
from memory.unrecalled import unrecall
from messages import MemoryKind

T = TypeVar("T")

_TOLD: frozenset[MemoryKind] = frozenset({"said", "fact", "instruction"})


async def to_its_end(work: Awaitable[T]) -> T:
    """Await `work` and let it finish although its caller is cancelled.

    A statement that is left half read would hold SQLite's write lock, and a memory would be half
    forgotten.
    """
    task = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        while not task.done():
            try:
                await asyncio.wait({task})
            except asyncio.CancelledError:
                continue
        if not task.cancelled():
            task.exception()  # it is nobody's any more
        raise


class MemoryBook:
    """Owners, ids and texts were checked before (memory/edge.py). What changed comes back."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def say(self, owner: str, rows: Sequence[Row]) -> list[Change]:
        """Keep what was said: new, or with other words than before; not what was forgotten or corrected."""
        return await to_its_end(self._say(owner, rows))

    async def tell(self, owner: str, rows: Sequence[Row]) -> tuple[list[Row], list[Change]]:
        """Keep facts and instructions; older ones they contradict are superseded.

        Gives those that hold now, new or known. What was told in a message whose words were
        forgotten is not kept.
        """
        return await to_its_end(self._tell(owner, rows))

    async def add(self, owner: str, rows: Sequence[Row]) -> list[Change]:
        """Keep those, under ids of no one else, that are neither there nor forgotten."""
        return await to_its_end(self._add(owner, rows))

    async def edit(self, owner: str, memory_id: str, text: str) -> list[Change]:
        """Raises Missing."""
        return await to_its_end(self._edit(owner, memory_id, text))

    async def pin(
        self, owner: str, which: Sequence[sa.ColumnElement[bool]], pinned: bool
    ) -> list[Change]:
        """Raises Missing where there are none."""
        return await to_its_end(self._pin(owner, which, pinned))

    async def forget(self, owner: str, memory_id: str) -> list[Change]:
        """Forget it for good. Raises Missing.

        A fact goes with the words it was told in, and words with all facts told in them: either
        would bring the other back.
        """
        return await to_its_end(self._forget(owner, memory_id))

    async def forget_conversation(self, owner: str, conversation_id: str) -> list[Change]:
        """Its documents' passages too; but those may be added again as long as it is there."""
        there = memories.c.conversation_id == conversation_id
        return await to_its_end(self._forget_where(owner, there, _TOLD))

    async def forget_passages(self, owner: str, conversation_id: str) -> list[Change]:
        """Those of documents attached there, but for what all conversations recall."""
        m = memories.c
        there = (m.conversation_id == conversation_id, m.kind == "passage", sa.not_(m.pinned))
        return await to_its_end(self._forget_where(owner, sa.and_(*there), frozenset()))

    async def drop_messages(self, owner: str, message_ids: Sequence[str]) -> list[Change]:
        """What was said and told in these, without a mark: said again it is remembered again."""
        of_these = memories.c.message_id.in_(message_ids)
        return await to_its_end(self._forget_where(owner, of_these, frozenset()))

    async def erase(self, owner: str) -> list[Change]:
        return await to_its_end(self._erase(owner))

    async def settle(self, owner: str) -> list[Change]:
        """Of several that hold of one subject, which only an import brings, keep the newest."""
        return await to_its_end(self._settle(owner))

    async def _say(self, owner: str, rows: Sequence[Row]) -> list[Change]:
        changes: list[Change] = []
        async with self._engine.begin() as connection:
            said = [row.message_id for row in rows]
            marked = await _marked(connection, owner, said)
            marked |= await _left(connection, owner, said)
            ids = [row.id for row in rows]
            there = await rows_among(connection, owner, memories.c.id, ids)
            known = {row.id: row for row in there}
            for row in rows:
                found = known.get(row.id)
                if row.message_id in marked or (found and _stays(found, row.text)):
                    continue
                if found:
                    changes.append(await change(connection, owner, found, text=row.text))
                else:
                    changes.append(Change(None, await insert(connection, owner, row)))
        return changes

    async def _tell(self, owner: str, rows: Sequence[Row]) -> tuple[list[Row], list[Change]]:
        held: list[Row] = []
        changes: list[Change] = []
        async with self._engine.begin() as connection:
            marked = await _marked(connection, owner, [row.message_id for row in rows])
            for row in rows:
                known = await _known(connection, owner, row)
                if known is None and row.message_id not in marked:
                    stored, made = await _supersede(connection, owner, row)
                    changes += made
                    held.append(stored)
                elif known is not None:
                    held.append(known)
        return held, changes

    async def _add(self, owner: str, rows: Sequence[Row]) -> list[Change]:
        ids = [row.id for row in rows]
        async with self._engine.begin() as connection:
            there = {row.id for row in await rows_among(connection, owner, memories.c.id, ids)}
            origins = [row.message_id for row in rows if row.message_id]
            left_out = there | await _marked(connection, owner, [*ids, *origins])
            new = [r for r in rows if r.id not in left_out and r.message_id not in left_out]
            return [Change(None, row) for row in await insert_many(connection, owner, new)]

    async def _edit(self, owner: str, memory_id: str, text: str) -> list[Change]:
        async with self._engine.begin() as connection:
            row = await _one(connection, owner, memory_id)
            about = "" if row.kind in ("said", "passage") else understood(row.kind, text).subject
            to = {"text": text, "subject": about, "edited_at": time()}
            return [await change(connection, owner, row, **to)]

    async def _pin(
        self, owner: str, which: Sequence[sa.ColumnElement[bool]], pinned: bool
    ) -> list[Change]:
        async with self._engine.begin() as connection:
            rows = await rows_where(connection, owner, *which)
            if not rows:
                raise Missing("No such memory.")
            turned = [row for row in rows if row.pinned != pinned]
            return [await change(connection, owner, row, pinned=pinned) for row in turned]

    async def _forget(self, owner: str, memory_id: str) -> list[Change]:
        m = memories.c
        async with self._engine.begin() as connection:
            row = await _one(connection, owner, memory_id)
        which = m.id == row.id
        if row.kind != "passage" and row.message_id:
            kinds = ("said", "fact", "instruction") if row.kind == "said" else ("said",)
            which |= sa.and_(m.message_id == row.message_id, m.kind.in_(kinds))
        return await self._forget_where(owner, which, _TOLD | {"passage"})

    async def _forget_where(
        self, owner: str, which: sa.ColumnElement[bool], marked: frozenset[MemoryKind]
    ) -> list[Change]:
        """Forget these; those of the kinds `marked` are not to come again from where they came."""
        async with self._engine.begin() as connection:
            rows = await rows_where(connection, owner, which)
            changes = await remove(connection, owner, rows)
            await _mark(connection, owner, [row for row in rows if row.kind in marked])
            await unrecall(connection, owner, [row.id for row in rows])
        if rows:
            await erase_traces(self._engine)
        return changes

    async def _erase(self, owner: str) -> list[Change]:
        async with self._engine.begin() as connection:
            rows = await rows_where(connection, owner)
            await connection.execute(sa.delete(memories).where(memories.c.owner == owner))
            await connection.execute(sa.delete(forgotten).where(forgotten.c.owner == owner))
            await unrecall(connection, owner, None)
        await erase_traces(self._engine)
        return [Change(row, None) for row in rows]

    async def _settle(self, owner: str) -> list[Change]:
        m, changes = memories.c, []
        async with self._engine.begin() as connection:
            holding = await rows_where(connection, owner, m.superseded_at == 0, m.subject != "")
            newest: dict[tuple[str, str], Row] = {}
            for row in sorted(holding, key=lambda row: (row.at, row.position)):
                older = newest.get((row.kind, row.subject))
                newest[row.kind, row.subject] = row
                if older:
                    by = {"superseded_at": row.at, "superseded_by": row.id}
                    changes.append(await change(connection, owner, older, **by))
        return changes


def _stays(row: Row, text: str) -> bool:
    """Its owner's own words for it stay, whatever was said."""
    return row.text == text or bool(row.edited_at)


async def _one(connection: AsyncConnection, owner: str, memory_id: str) -> Row:
    found = await rows_where(connection, owner, memories.c.id == memory_id)
    if not found:
        raise Missing("No such memory.")
    return found[0]


async def _known(connection: AsyncConnection, owner: str, row: Row) -> Row | None:
    """The memory that says the same already, or was made of the same words."""
    m = memories.c
    made = await rows_where(connection, owner, m.id == row.id)
    if made:
        return made[0]
    alike = await rows_where(
        connection, owner, m.kind == row.kind, m.subject == row.subject, m.superseded_at == 0
    )
    value, line = understood(row.kind, row.text).value, folded_line(row.text)
    for other in alike:
        same = row.subject and understood(other.kind, other.text).value == value
        if same or folded_line(other.text) == line:
            return other
    return None


async def _supersede(connection: AsyncConnection, owner: str, row: Row) -> tuple[Row, list[Change]]:
    """Store `row` in the place of those of the same subject, or of a part of it; pinned if they were."""
    m, about = memories.c, set(filter(None, row.subject.split("+")))
    older: list[Row] = []
    if about:
        holding = await rows_where(
            connection, owner, m.kind == row.kind, m.subject != "", m.superseded_at == 0
        )
        older = [old for old in holding if set(old.subject.split("+")) <= about]
    kept = row.pinned or any(old.pinned for old in older)
    stored = await insert(connection, owner, replace(row, pinned=kept))
    by = {"superseded_at": row.at, "superseded_by": row.id}
    changes = [await change(connection, owner, old, **by) for old in older]
    return stored, [*changes, Change(None, stored)]


async def _marked(connection: AsyncConnection, owner: str, ids: Sequence[str]) -> set[str]:
    """Those that were forgotten."""
    return await _found(connection, _FORGOTTEN, owner, ids)


async def _left(connection: AsyncConnection, owner: str, ids: Sequence[str]) -> set[str]:
    """Those of a branch that was left while its last turn was still being remembered."""
    return await _found(connection, _LEFT, owner, ids)


async def _found(
    connection: AsyncConnection, which: sa.Select[Any], owner: str, ids: Sequence[str]
) -> set[str]:
    found: set[str] = set()
    for start in range(0, len(ids), AT_ONCE):
        some = {"of_owner": owner, "ids": ids[start : start + AT_ONCE]}
        found |= set((await connection.execute(which, some)).scalars())
    return found


_OWNER = sa.bindparam("of_owner", type_=sa.String)
_IDS = sa.bindparam("ids", type_=sa.String, expanding=True)
_FORGOTTEN = sa.select(forgotten.c.message_id).where(
    forgotten.c.owner == _OWNER, forgotten.c.message_id.in_(_IDS)
)
_LEFT = sa.select(messages.c.id).where(
    messages.c.id.in_(_IDS), messages.c.owner == _OWNER, messages.c.replaced
)


async def _mark(connection: AsyncConnection, owner: str, rows: Iterable[Row]) -> None:
    """Ids alone. What was told goes with its message, whose words may not be remembered yet."""
    ids = {row.message_id for row in rows} | {row.id for row in rows}
    new = sorted(ids - {""} - await _marked(connection, owner, sorted(ids)))
    if new:
        marks = [{"owner": owner, "message_id": mark} for mark in new]
        await connection.execute(sa.insert(forgotten), marks)
