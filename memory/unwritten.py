"""Vectors that are made and not in the store yet: written soon, together, while nobody waits for it."""

import asyncio
import contextlib
import logging
from collections.abc import Mapping, Sequence

from memory.embedding import Vectors
from memory.vector_rows import VectorsUnusable
from memory.vectors import VectorStore

log = logging.getLogger(__name__)

GATHER_S = 0.3
"""So long vectors gather before they are written: those of a turn, and of everybody's turns, come together
then, and each write of Chroma's takes eight `fsync` and 10 ms of the interpreter however many there are."""
MOST = 4_000
"""Vectors; whoever adds more waits until these are written."""
LAST_S = 5.0
"""At the end so long is written; what is left then is made again from the texts at the next start."""


class Unwritten:
    """Nothing is lost with these but time: `Rebuild` makes again what never came into the store."""

    def __init__(self, store: VectorStore) -> None:
        self._store = store
        self._waiting: dict[str, dict[str, Vectors]] = {}
        self._writing: asyncio.Task[None] | None = None
        self._at_once = asyncio.Event()

    async def add(self, owner: str, vectors: Mapping[str, Vectors]) -> None:
        """Write them soon. Waits only where very many do."""
        self._waiting.setdefault(owner, {}).update(vectors)
        if self._writing is None or self._writing.done():
            self._writing = asyncio.create_task(self._write())
        if sum(map(len, self._waiting.values())) > MOST:
            self._at_once.set()
            await asyncio.wait([self._writing])

    def among(self, owner: str, ids: Sequence[str]) -> dict[str, Vectors]:
        """Those of `ids` that wait. What is written just now is found in the store: it does one thing
        after the other."""
        mine = self._waiting.get(owner, {})
        return {key: mine[key] for key in ids if key in mine}

    def drop(self, ids: Sequence[str]) -> None:
        for mine in self._waiting.values():
            for key in ids:
                mine.pop(key, None)

    def erase(self, owner: str) -> None:
        self._waiting.pop(owner, None)

    async def written(self, within_s: float | None = None) -> None:
        """Write what waits, without gathering more, and at most so long."""
        if self._writing is not None:
            self._at_once.set()
            await asyncio.wait([self._writing], timeout=within_s)

    async def close(self) -> None:
        await self.written(LAST_S)
        if self._writing is not None:
            self._writing.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._writing

    async def _write(self) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._at_once.wait(), GATHER_S)
        try:
            while self._waiting:
                # Nothing may come between taking these and handing them over: what is dropped
                # afterwards is dropped from the store after it was put there.
                await self._store.put_all(self._next())
        except VectorsUnusable as error:
            log.warning("Vectors were not stored and will be made again: %s", error)
            self._waiting.clear()
        finally:
            self._at_once.clear()

    def _next(self) -> dict[str, dict[str, Vectors]]:
        """As many as go in one call, of the owners who wait longest."""
        some: dict[str, dict[str, Vectors]] = {}
        room = self._store.at_once
        while room and self._waiting:
            owner, mine = next(iter(self._waiting.items()))
            some[owner] = {key: mine.pop(key) for key in list(mine)[:room]}
            room -= len(some[owner])
            if not mine:
                del self._waiting[owner]
        return some
