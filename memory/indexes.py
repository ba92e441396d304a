"""Ranks what owners have by what is asked, through an index of each that follows the database."""

import asyncio
import time
from collections.abc import Sequence
from pathlib import Path

from sqlalchemy.ext.asyncio import AsyncEngine

from memory import scopes, words
from memory.chunks import MOST
from memory.database import reading
from memory.edge import clean
from memory.embedding import MAX_CHARS, Embedding, Vectors
from memory.owner_index import LAYOUT, Entry
from memory.piece_vectors import PieceVectors
from memory.questions import Question
from memory.ranking import Floor, Ranked, Ranking, Wanted
from memory.rebuild import vector_ids
from memory.scopes import Scope
from memory.shelf import Held, Shelf, Tasks, in_thread
from memory.snapshots import Snapshots
from memory.vectors import VectorStore
from memory.weights import Weights, weights_for

__all__ = ["Entry", "Indexes", "Ranked", "Scope"]

MIB = 1024 * 1024
FILLED_AT_ONCE = 200
MADE_AT_ONCE = 64
"""So few are made while the question waits: 15 ms of the local default, 1 s of MiniLM."""
SOUGHT_AGAIN_S = 30.0
"""Between two tries to get vectors that are missing."""


class Indexes:
    """The rows of the database are the truth: they are compared at every question, so nothing
    forgotten comes back and what other processes wrote is seen.

    `directory` is for files that can be deleted at any time; without one none is written. At most
    `max_bytes` are held in memory, but always what is in use. Give `made` to what makes lost vectors
    (memory/rebuild.py).
    """

    def __init__(
        self,
        engine: AsyncEngine,
        vectors: VectorStore,
        embedding: Embedding,
        directory: Path | None,
        max_bytes: int = 256 * MIB,
        weights: Weights | None = None,
    ) -> None:
        self._reading = reading(engine)
        self._store, self._embedding = vectors, embedding
        self._vectors = PieceVectors(vectors, embedding)
        made_by = f"{embedding.name} {words.VERSION} {LAYOUT}"
        self._shelf = Shelf(Snapshots(directory, made_by), max_bytes)
        self._weights = weights or weights_for(embedding.name)
        self._filling = Tasks()
        self._silent = False

    async def ranked(
        self,
        scope: Scope,
        query: str,
        *,
        besides: str | None = None,
        limit: int = 40,
        floor: Floor = "each",
    ) -> list[Ranked]:
        """The best of `scope` for `query`, best first, none of session `besides`.

        With a `floor` often none: what neither shares telling words with the query nor is near it in
        meaning is left out, or comes only beside what does. Sends no request but for a provider's
        embedding of the query.
        """
        text = clean(query)[:MAX_CHARS]
        async with self._shelf.use(scope) as held:
            await self._sync(scope, held)
            if not len(held.index):
                return []
            ranking = Ranking(held.index, self._weights)
            asked = ranking.question(text)
            vectors = await self._asked(asked, sentences=floor != "none")
            wanted = Wanted(limit, besides or "", floor)
            return await in_thread(ranking.best, asked, vectors, wanted)

    async def added(self, scope: Scope, entries: Sequence[Entry]) -> None:
        """Make vectors of `entries`, whose rows are committed. They are stored soon after: until then,
        or where that fails, they are only here."""
        vectors = await self._vectors.made(scope.owner, entries)
        if scope not in self._shelf:
            return
        async with self._shelf.use(scope) as held:
            known = set(held.index["position"].tolist())
            new = [n for n, entry in enumerate(entries) if entry.position not in known]
            for entry, rows in zip(entries, vectors, strict=True):
                # A question that came in between read the row when it had no vectors yet.
                if entry.position in known and rows is not None:
                    held.index.fill(entry.position, rows)
                    held.unsaved = True
            # Where others wrote in between, the next question finds out.
            await self._extend(held, [entries[n] for n in new], [vectors[n] for n in new])

    async def dropped(self, scope: Scope, ids: Sequence[tuple[str, int]]) -> None:
        """Forget these (id, position) here, once their rows are gone or out of the scope.

        Their vectors go too, unless the database has the text still: elsewhere, or superseded.
        """
        positions = [position for _, position in ids]
        async with self._shelf.use(scope) as held:
            pieces = held.index.pieces_at(positions)
            await self._shelf.drop(scope, held, positions)
        async with self._reading.connect() as connection:
            kept = await scopes.still_there(connection, scope.owner, positions)
        gone = [(memory_id, position) for memory_id, position in ids if position not in kept]
        keys = (vector_ids(m, position, pieces.get(position, MOST)) for m, position in gone)
        await self._vectors.drop([key for ids in keys for key in ids])

    async def erase(self, owner: str) -> None:
        """Forget all of `owner`, whose rows are gone already."""
        self._vectors.erase(owner)
        erased = await self._shelf.erase(owner)
        keys = [
            key for index in erased for memory in index.memories() for key in vector_ids(*memory)
        ]
        await self._vectors.drop(list(dict.fromkeys(keys)), traces=False)
        self._store.incomplete.set()  # what was neither held nor filed is found by its ids

    async def unload(self, owner: str) -> None:
        """Keep no index of `owner`, in memory or in a file; the next question makes it anew."""
        await self._shelf.erase(owner)

    def made(self, owner: str) -> None:
        """The missing vectors of `owner` are stored now: take them."""
        for scope in self._shelf.lacking(owner):
            self._filling.start(self._fill(scope))

    def lexical_only(self) -> bool:
        """Whether vectors are missing just now, so that some are found by their words alone."""
        return self._silent or bool(self._shelf.lacking())

    def trouble(self) -> str:
        """What stands in the way of meanings; empty where nothing does."""
        if told := self._embedding.trouble or self._store.trouble:
            return told
        return "Some memories are being indexed again." if self.lexical_only() else ""

    async def warm(self) -> None:
        """Load what the first question would have to wait for."""
        await asyncio.to_thread(words.read, "warm")  # the stemmers
        await self._embedding.embed(["warm"])

    async def written(self) -> None:
        """Wait until the vectors that were made are stored."""
        await self._vectors.written()

    async def close(self) -> None:
        """Write the files; nothing can be asked afterwards."""
        await self._filling.end(cancel=True)
        await self._vectors.close()
        await self._shelf.close()
        await self._store.close()

    async def _asked(self, asked: Question, *, sentences: bool) -> list[Vectors]:
        """Vectors of the question and its sentences, none where the embedding is in trouble."""
        # Of a provider's, each would be a request.
        several = asked.sentences if sentences and not self._embedding.per_request else ()
        wanted = [asked, *several]
        rows = [await self._embedding.embed_query(q.meaning, q.rarity) for q in wanted]
        self._silent = bool(self._embedding.trouble)
        return [] if self._silent else rows

    async def _sync(self, scope: Scope, held: Held) -> None:
        """Bring the index up to what the database holds."""
        index, entries, gone = held.index, list[Entry](), set[int]()
        async with self._reading.connect() as connection:
            state = await scopes.fingerprint(connection, scope)
            if state != index.fingerprint:
                async for page in scopes.newer(connection, scope, index.last_position):
                    entries += page
                mine = set(index["position"].tolist())
                there = await scopes.positions(connection, scope)
                gone = mine - there
                lacking = sorted(there - mine - {entry.position for entry in entries})
                async for page in scopes.at(connection, scope, lacking):
                    entries += page
        if gone:
            await self._shelf.drop(scope, held, list(gone))
        if entries:
            await self._extend(held, entries, await self._known(scope.owner, entries))
        if not index.whole and time.monotonic() - held.sought > SOUGHT_AGAIN_S:
            held.sought = time.monotonic()
            self._filling.start(self._fill(scope))

    async def _known(self, owner: str, entries: Sequence[Entry]) -> list[Vectors | None]:
        """Their vectors: stored, or made if only a few are not, as after a crash."""
        vectors = await self._vectors.stored(owner, entries)
        lost = [n for n, rows in enumerate(vectors) if rows is None]
        if 0 < len(lost) <= MADE_AT_ONCE and not self._embedding.per_request:
            made = await self._vectors.made(owner, [entries[n] for n in lost])
            for n, rows in zip(lost, made, strict=True):
                vectors[n] = rows
        return vectors

    async def _extend(
        self, held: Held, entries: Sequence[Entry], vectors: Sequence[Vectors | None]
    ) -> None:
        if entries:
            await in_thread(held.index.extend, entries, vectors)
            held.unsaved = True

    async def _fill(self, scope: Scope) -> None:
        """Get the vectors that are missing: from the store, or made, unless that costs requests."""
        async with self._shelf.use(scope) as held:
            missing = held.index.missing
        for start in range(0, len(missing), FILLED_AT_ONCE):
            some = missing[start : start + FILLED_AT_ONCE]
            async with self._reading.connect() as connection:
                pages = [page async for page in scopes.at(connection, scope, some)]
            entries = [entry for page in pages for entry in page]
            known = await self._vectors.stored(scope.owner, entries)
            lost = [entry for entry, rows in zip(entries, known, strict=True) if rows is None]
            if lost and self._embedding.per_request:
                self._store.incomplete.set()
            elif lost:
                entries += lost
                known += await self._vectors.made(scope.owner, lost)
            async with self._shelf.use(scope) as held:
                for entry, rows in zip(entries, known, strict=True):
                    if rows is not None:
                        held.index.fill(entry.position, rows)
                        held.unsaved = True
            await asyncio.sleep(0)
