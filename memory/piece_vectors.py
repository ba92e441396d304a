"""Vectors of memories piece by piece: from the store, or made by the embedding."""

import logging
from collections.abc import Mapping, Sequence

import numpy as np

from memory.chunks import chunks
from memory.embedding import MAX_CHARS, Embedding, Vectors
from memory.owner_index import Entry
from memory.rebuild import vector_ids
from memory.unwritten import Unwritten
from memory.vector_rows import VectorsUnusable
from memory.vectors import VectorStore

log = logging.getLogger(__name__)

MADE_AT_ONCE = 512
"""Pieces."""


class PieceVectors:
    """For each memory an array with one row for each of its `chunks`, or None where not known."""

    def __init__(self, store: VectorStore, embedding: Embedding) -> None:
        self._store, self._embedding = store, embedding
        self._unwritten = Unwritten(store)

    async def stored(self, owner: str, entries: Sequence[Entry]) -> list[Vectors | None]:
        keys = [_keys(entry) for entry in entries]
        every = [key for ids in keys for key in ids]
        found = self._unwritten.among(owner, every)
        try:
            found |= await self._store.get(owner, [key for key in every if key not in found])
        except VectorsUnusable as error:
            log.warning("Words alone are compared until there are vectors: %s", error)
        return [_stacked(ids, found) for ids in keys]

    async def made(self, owner: str, entries: Sequence[Entry]) -> list[Vectors | None]:
        """Made now, and stored soon. None where the embedding is in trouble."""
        found: list[Vectors | None] = []
        for some in _batches(entries):
            texts = [piece for entry in some for piece in _pieces(entry)]
            rows = await self._embedding.embed(texts)
            if self._embedding.trouble:
                self._store.incomplete.set()
                return found + [None] * (len(entries) - len(found))
            keys = [key for entry in some for key in _keys(entry)]
            by_key = dict(zip(keys, rows, strict=True))
            found += [np.stack([by_key[key] for key in _keys(entry)]) for entry in some]
            await self._unwritten.add(owner, by_key)
        return found

    async def drop(self, keys: Sequence[str], *, traces: bool = True) -> None:
        """Without `traces` nothing is left of them in any file, which takes longer."""
        self._unwritten.drop(keys)
        try:
            await self._store.drop(keys)
            if not traces:
                await self._store.compact()
        except VectorsUnusable as error:
            # Numbers without words are left behind; nothing reads a vector that has no text.
            log.warning("Vectors of forgotten memories were not removed: %s", error)

    def erase(self, owner: str) -> None:
        """Those of `owner` that are not stored yet."""
        self._unwritten.erase(owner)

    async def written(self) -> None:
        """Wait until all are in the store that were made."""
        await self._unwritten.written()

    async def close(self) -> None:
        await self._unwritten.close()


def _pieces(entry: Entry) -> list[str]:
    return chunks(entry.text[:MAX_CHARS])


def _keys(entry: Entry) -> list[str]:
    return vector_ids(entry.id, entry.position, len(_pieces(entry)))


def _stacked(keys: Sequence[str], found: Mapping[str, Vectors]) -> Vectors | None:
    rows = [found.get(key) for key in keys]
    return np.stack([row for row in rows if row is not None]) if all(map(_sound, rows)) else None


def _sound(row: Vectors | None) -> bool:
    """Whether it can be what was stored."""
    return row is not None and abs(float(np.linalg.norm(row)) - 1) < 1e-3


def _batches(entries: Sequence[Entry]) -> list[list[Entry]]:
    batches: list[list[Entry]] = []
    room = 0
    for entry in entries:
        room -= len(_pieces(entry))
        if room < 0:
            batches.append([])
            room = MADE_AT_ONCE
        batches[-1].append(entry)
    return batches
