"""Vectors made again from the texts, in the background: after damage, loss, or another embedding."""

import asyncio
import logging
import re
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray
from sqlalchemy.ext.asyncio import AsyncEngine

from memory.chunks import chunks
from memory.database import reading
from memory.embedding import MAX_CHARS, Embedding, Vectors
from memory.schema import memories
from memory.vector_rows import VectorsUnusable
from memory.vectors import VectorStore

log = logging.getLogger(__name__)

READ = 4_000
"""Positions in one page of the database."""
PIECES = 64
"""Texts embedded at once: 15 ms of the local default, 1 s of MiniLM, one request to a provider."""
LOOKED_UP = 5_000
"""Positions in one question to the database."""
REST = 1.0
"""So much of the time a batch took is rested after it: half of one core at most is used."""
LONGEST_REST_S = 2.0
LONGEST_PAUSE_S = 600.0

_VECTOR_ID = re.compile(r"([0-9a-f]{32})\.(\d{1,18})\.\d+")

Numbers = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Progress:
    """Of `total` memories that lacked their vectors, `done` have them again. Equal: nothing lacks.

    `trouble` says why it does not go on now, empty while it does.
    """

    done: int = 0
    total: int = 0
    trouble: str = ""

    @property
    def complete(self) -> bool:
        return self.done >= self.total and not self.trouble


class _Failing(Exception):
    """The embedding gives nothing now; the text says why."""


class Rebuild:
    """Makes the vectors that are missing and removes those that nothing is left of.

    What is done stands in `vectors`, so it goes on after a restart where it was. `embedding` may be
    one that spends less than the one used for questions. `made(owner)` is called once all of an
    owner's are there. `prefix` is that of this Parley's collections (VectorStore.tidy).
    """

    def __init__(
        self,
        engine: AsyncEngine,
        vectors: VectorStore,
        embedding: Embedding,
        made: Callable[[str], None] | None = None,
        prefix: str = "",
        first_pause_s: float = 5.0,
    ) -> None:
        self._reading = reading(engine)
        self._vectors, self._embedding, self._made = vectors, embedding, made
        self._prefix, self._first_pause_s = prefix, first_pause_s
        self._task: asyncio.Task[None] | None = None
        self.progress = Progress()

    def start(self) -> None:
        """Look after the vectors from now on, until `close`."""
        self._task = asyncio.create_task(self._look_after())

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
            if not self._task.cancelled():
                self._task.result()

    async def once(self) -> None:
        """Bring the vectors up to the texts. Raises VectorsUnusable; `progress` tells how far it is."""
        self._vectors.incomplete.clear()
        known = await self._known()
        await self._vectors.check(len(known.positions))
        stored, strangers = await self._stored(known)
        lacking = await asyncio.to_thread(known.without, stored)
        self.progress = Progress(0, sum(len(those) for those in lacking.values()))
        if lacking:
            log.info("%d memories lack their vectors.", self.progress.total)
        try:
            while lacking:
                await self._make_some(lacking)
        except _Failing as error:
            self._say(str(error))
            return
        await self._drop_strangers(strangers)
        await self._vectors.tidy(self._prefix)
        if self.progress.total:
            log.info("All memories have their vectors.")

    async def _look_after(self) -> None:
        pause = self._first_pause_s
        while True:
            try:
                await self.once()
            except VectorsUnusable as error:
                self._say(str(error))
            except sa.exc.SQLAlchemyError as error:
                self._say(f"The database cannot be read: {error}")
            if self.progress.complete:
                pause = self._first_pause_s
                await self._vectors.incomplete.wait()
                # What fails now fails for the turn after it too: let a few gather.
                await asyncio.sleep(pause)
            else:
                await asyncio.sleep(pause)
                pause = min(pause * 2, LONGEST_PAUSE_S)

    def _say(self, trouble: str) -> None:
        if trouble != self.progress.trouble:
            log.warning("Vectors are not made now: %s", trouble)
        self.progress = Progress(self.progress.done, self.progress.total, trouble)

    async def _known(self) -> "_Known":
        m, last, found = memories.c, 0, _Known()
        while True:
            page = sa.select(m.position, m.id, m.owner).where(m.position > last)
            page = page.order_by(m.position).limit(READ)
            async with self._reading.connect() as connection:
                rows = (await connection.execute(page)).all()
            if not rows:
                return found
            await asyncio.to_thread(found.add, [tuple(row) for row in rows])
            last = rows[-1].position

    async def _stored(self, known: "_Known") -> tuple[Numbers, list[str]]:
        """The stamps of all vectors there are, and the ids of those that nothing known has."""
        found, strangers, start = [np.zeros(0, np.int64)], list[str](), 0
        while ids := await self._vectors.ids(start):
            start += len(ids)
            stamps, unknown = await asyncio.to_thread(known.recognise, ids)
            found.append(stamps)
            strangers += unknown
        return np.concatenate(found), strangers

    async def _make_some(self, lacking: dict[str, list[int]]) -> None:
        """Make a batch of the next owner's, and take it out of `lacking`."""
        owner = next(iter(lacking))
        started = time.monotonic()
        taken = lacking[owner][:PIECES]
        pieces = await self._pieces(taken)
        handled = _first_of(taken, pieces)
        await self._make(owner, {p: pieces[p] for p in handled if p in pieces})
        del lacking[owner][: len(handled)]
        if not lacking[owner]:
            del lacking[owner]
            if self._made is not None:
                self._made(owner)
        self.progress = Progress(self.progress.done + len(handled), self.progress.total)
        rest_s = (time.monotonic() - started) * REST
        await asyncio.sleep(min(rest_s, LONGEST_REST_S))

    async def _pieces(self, positions: Sequence[int]) -> dict[int, tuple[str, list[str]]]:
        """The memory's id and the pieces of its text, of those that are still there."""
        m = memories.c
        asked = sa.select(m.position, m.id, m.text).where(m.position.in_(positions))
        async with self._reading.connect() as connection:
            rows = (await connection.execute(asked)).all()
        return {row.position: (row.id, chunks(row.text[:MAX_CHARS])) for row in rows}

    async def _make(self, owner: str, wanted: Mapping[int, tuple[str, list[str]]]) -> None:
        if not wanted:
            return
        texts = [text for _, pieces in wanted.values() for text in pieces]
        rows = await self._embedding.embed(texts)
        if self._embedding.trouble:
            raise _Failing(self._embedding.trouble)
        keys = {
            position: vector_ids(memory_id, position, len(pieces))
            for position, (memory_id, pieces) in wanted.items()
        }
        names = [key for ids in keys.values() for key in ids]
        vectors: dict[str, Vectors] = dict(zip(names, rows, strict=True))
        await self._vectors.put(owner, {key: row for key, row in vectors.items() if row.any()})
        # Forgotten meanwhile: its vectors were dropped before these were put.
        gone = set(wanted) - set(await self._pieces(list(wanted)))
        await self._vectors.drop([key for position in gone for key in keys[position]])

    async def _drop_strangers(self, ids: Sequence[str]) -> None:
        """Remove vectors of what is gone; what was added since the texts were counted stays."""
        for start in range(0, len(ids), LOOKED_UP):
            some = {key: _parsed(key) for key in ids[start : start + LOOKED_UP]}
            there = await self._pieces([parsed[1] for parsed in some.values() if parsed])
            living = {(memory_id, position) for position, (memory_id, _) in there.items()}
            await self._vectors.drop([key for key, parsed in some.items() if parsed not in living])


class _Known:
    """The memories in the database: whose they are, and a number that stands for each."""

    def __init__(self) -> None:
        self.positions: list[int] = []
        self._stamps: list[int] = []
        self._owners: list[str] = []

    def add(self, rows: Iterable[tuple[int, str, str]]) -> None:
        """Rows of position, id and owner, in order of position."""
        for position, memory_id, owner in rows:
            self.positions.append(position)
            self._stamps.append(_stamp(memory_id, position))
            self._owners.append(owner)

    def recognise(self, ids: Sequence[str]) -> tuple[Numbers, list[str]]:
        """Of ids of vectors: the stamps, and those ids that belong to none of these memories."""
        parsed = [_parsed(key) for key in ids]
        stamps = np.fromiter((_stamp(*found) if found else -1 for found in parsed), np.int64)
        unknown = np.flatnonzero(~np.isin(stamps, self._all)).tolist()
        return stamps, [ids[row] for row in unknown]

    @cached_property
    def _all(self) -> Numbers:
        """Asked for when all were added."""
        return np.array(self._stamps, np.int64)

    def without(self, stored: Numbers) -> dict[str, list[int]]:
        """The positions of those that are not `stored`: of who spoke last first, newest first."""
        there = np.isin(self._all, stored)
        last = dict(zip(self._owners, self.positions, strict=True))
        lacking: dict[str, list[int]] = {}
        for row in np.flatnonzero(~there)[::-1].tolist():
            lacking.setdefault(self._owners[row], []).append(self.positions[row])
        return {owner: lacking[owner] for owner in sorted(lacking, key=lambda o: -last[o])}


def vector_ids(memory_id: str, position: int, pieces: int) -> list[str]:
    """The ids of a memory's vectors: of each piece of the very text it has at this position."""
    return [f"{memory_id}.{position}.{number}" for number in range(pieces)]


def _parsed(key: str) -> tuple[str, int] | None:
    """Memory and position of a vector's id; None where it is none of `vector_ids`."""
    found = _VECTOR_ID.fullmatch(key)
    return (found[1], int(found[2])) if found else None


def _stamp(memory_id: str, position: int) -> int:
    """A number of 63 bits for the very text a memory has at its position."""
    return (int(memory_id[:15], 16) + position * 0x9E3779B97F4A7C15) % 2**63


def _first_of(positions: Iterable[int], pieces: Mapping[int, tuple[str, list[str]]]) -> list[int]:
    """As many as have PIECES pieces together, and one at least; what is gone counts none."""
    found, count = list[int](), 0
    for position in positions:
        count += len(pieces[position][1]) if position in pieces else 0
        if found and count > PIECES:
            break
        found.append(position)
    return found
