"""Vectors kept: an index of texts that stand elsewhere, in Chroma, made again when it is lost."""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar, TypeVarTuple

from memory.chroma_apart import ChromaApart
from memory.embedding import Vectors
from memory.vector_rows import Place, Rows, VectorRows, VectorsUnusable

log = logging.getLogger(__name__)

READ = 500
"""Vectors in one call: 10,000 are read in 0.3 s so, in greater batches no sooner, by their owner
instead of their ids neither."""

DROPPED = 100
"""Ids removed in one call."""

END_S = 2.0
"""What is being done may take so long when they are closed."""

T = TypeVar("T")
Given = TypeVarTuple("Given")


class VectorStore:
    """Ids, vectors and owners; no text, because what Chroma deletes stays readable in its files.

    `place` is a directory for embedded Chroma, or a `ChromaServer`. `collection` names the embedding
    that made the vectors (`collection_name`). Chroma is started (1 s) when first used.
    """

    def __init__(self, place: Place | Path, collection: str) -> None:
        self._rows: Rows = (
            ChromaApart(place, collection)
            if isinstance(place, Path)
            else VectorRows(place, collection)
        )
        # One thread of its own: who waits for Chroma must not hold up what else runs in threads.
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="chroma")
        self.incomplete = asyncio.Event()
        """Set when vectors were lost, could not be written, or could not be removed."""

    @property
    def trouble(self) -> str:
        """Why they cannot be used, as it was when last tried; empty while they can."""
        return self._rows.trouble

    @property
    def at_once(self) -> int:
        """How many are put in one call."""
        return self._rows.written

    async def get(self, owner: str, ids: Sequence[str]) -> dict[str, Vectors]:
        """The vectors there are among `ids`; those that are missing are to be made again.

        Calls of others come between the batches, so a great owner holds up nobody for long.
        """
        found: dict[str, Vectors] = {}
        for batch in _batches(ids, READ):
            found |= await self._do(self._rows.get, owner, batch)
        return found

    async def put(self, owner: str, vectors: Mapping[str, Vectors]) -> None:
        """Keep these. A vector of 0 alone says nothing and is left out, as if it were missing."""
        await self.put_all({owner: vectors})

    async def put_all(self, by_owner: Mapping[str, Mapping[str, Vectors]]) -> None:
        """The same for several owners, in as few calls as there can be."""
        every = [(owner, *row) for owner, rows in by_owner.items() for row in rows.items()]
        telling = [row for row in every if row[2].any()]
        if len(telling) < len(every):
            self.incomplete.set()
        for batch in _batches(telling, self.at_once):
            await self._change(self._rows.put, batch)

    async def drop(self, ids: Sequence[str]) -> None:
        """Remove these, whoever owns them: the caller knows from the database."""
        for batch in _batches(ids, DROPPED):
            await self._change(self._rows.drop, batch)

    async def compact(self) -> None:
        """After much was removed: leave no trace of it in the files."""
        await self._do(self._rows.compact)

    async def ids(self, start: int) -> list[str]:
        """A page of all ids there are, from the one at `start` on; an empty one ends them."""
        return await self._do(self._rows.ids, start)

    async def check(self, expected: int) -> int:
        """Open them, and give how many there are: a missing or emptied file is opened as if it were new.

        Damaged files are put aside. `expected` is how many texts the database holds.
        """
        stored = await self._do(self._rows.count)
        if stored < expected:
            log.warning("There are %d vectors for %d memories.", stored, expected)
        return stored

    async def tidy(self, prefix: str = "") -> None:
        """Once these are complete: remove what was damaged, and other collections named alike.

        Those that begin with `prefix` are ours; all are, where Chroma is embedded.
        """
        await self._do(self._rows.tidy, prefix)

    async def close(self) -> None:
        """Nothing can be read or written after this."""
        await asyncio.get_running_loop().run_in_executor(None, self._close)

    async def _change(self, work: Callable[[Sequence[T]], None], batch: Sequence[T]) -> None:
        try:
            await self._do(work, batch)
        except VectorsUnusable:
            self.incomplete.set()
            raise

    async def _do(self, work: Callable[[*Given], T], *given: *Given) -> T:
        # The client of a Chroma server imports httpx. openai looks at that module whenever a request is
        # made, and fails while another thread has imported half of it: so it is imported here, on the loop.
        import httpx  # noqa: F401

        losses = self._rows.losses
        try:
            doing = asyncio.get_running_loop().run_in_executor(self._thread, work, *given)
        except RuntimeError:
            raise VectorsUnusable("The vectors are closed.") from None
        try:
            return await doing
        finally:
            if self._rows.losses > losses:
                self.incomplete.set()

    def _close(self) -> None:
        with contextlib.suppress(RuntimeError):  # closed before
            closing = self._thread.submit(self._rows.close)
            try:
                closing.result(END_S)
            except TimeoutError:
                self._rows.give_up()
        self._thread.shutdown()


def _batches(every: Sequence[T], at_once: int) -> Iterator[list[T]]:
    for start in range(0, len(every), at_once):
        yield list(every[start : start + at_once])
