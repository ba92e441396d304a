"""Vectors on disk: an index of texts that stand elsewhere, kept in Chroma, remade when damaged."""

import asyncio
import contextlib
import logging
import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from memory.embedding import Vectors

log = logging.getLogger(__name__)

BATCH = 1_000
"""Rows in one call: Chroma takes no more than 5,461, and far fewer variables in one query."""

_NOT_THE_FILES = re.compile(r"code: (5|6|8|10|13|14)\b")
"""SQLite's codes for locked, read-only, I/O error, full, cannot open: new files would not help."""

T = TypeVar("T")


class VectorsUnusable(Exception):
    """The vectors can be neither read nor written now; make them from the texts instead."""


class VectorStore:
    """Ids, vectors and owners; no text, because what Chroma deletes stays readable in its files.

    Only one process may use `directory` (see `database.claim`). `collection` names the embedding
    that made the vectors. Chroma is imported (1 s) when first used.
    """

    def __init__(self, directory: Path, collection: str) -> None:
        self._directory = directory
        self._name = collection
        self._lock = threading.Lock()
        self._client: Any = None
        self._collection: Any = None

    async def get(self, owner: str, ids: Sequence[str]) -> dict[str, Vectors]:
        """The vectors there are among `ids`; those that are missing are to be made again."""
        return await asyncio.to_thread(self._guarded, lambda c: _get(c, owner, ids))

    async def put(self, owner: str, vectors: Mapping[str, Vectors]) -> None:
        await asyncio.to_thread(self._guarded, lambda c: _put(c, owner, vectors))

    async def drop(self, ids: Sequence[str]) -> None:
        """Remove these, whoever owns them: the caller knows from the database."""
        await asyncio.to_thread(self._guarded, lambda c: _drop(c, ids))

    async def close(self) -> None:
        await asyncio.to_thread(self._close)

    def _guarded(self, work: Callable[[Any], T]) -> T:
        """Do `work`; if the files turn out to be damaged, put them aside and do it on new ones."""
        from chromadb.errors import ChromaError, InternalError

        with self._lock:
            try:
                try:
                    return work(self._opened())
                except InternalError as error:
                    if _NOT_THE_FILES.search(str(error)):
                        raise
                    log.warning("%s is damaged and put aside: %s", self._directory, error)
                self._put_aside()
                return work(self._opened())
            except (ChromaError, OSError, ValueError) as error:
                raise VectorsUnusable(f"{type(error).__name__}: {error}") from error

    def _opened(self) -> Any:
        if self._collection is None:
            import chromadb
            from chromadb.config import Settings

            self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._client = chromadb.PersistentClient(
                path=str(self._directory), settings=Settings(anonymized_telemetry=False)
            )
            # Vectors are always brought along: Chroma's own embedding would download a model.
            self._collection = self._client.get_or_create_collection(
                self._name, embedding_function=None
            )
        return self._collection

    def _put_aside(self) -> None:
        self._close_unlocked()
        # Chroma keeps what it failed to start under the path's name and would hand it out again.
        from chromadb.api.shared_system_client import SharedSystemClient

        SharedSystemClient._identifier_to_system.pop(str(self._directory), None)
        if self._directory.exists():
            aside = f"{self._directory.name}.damaged-{time.strftime('%Y%m%d-%H%M%S')}"
            self._directory.rename(self._directory.with_name(f"{aside}-{time.monotonic_ns()}"))

    def _close(self) -> None:
        with self._lock:
            self._close_unlocked()

    def _close_unlocked(self) -> None:
        client, self._client, self._collection = self._client, None, None
        if client is not None:
            # A client of damaged files may fail to close as well; it is given up either way.
            with contextlib.suppress(Exception):
                client.close()


def _batches(ids: Sequence[str]) -> Iterator[list[str]]:
    for start in range(0, len(ids), BATCH):
        yield list(ids[start : start + BATCH])


def _owned_by(owner: str) -> dict[str, str]:
    """What stands beside a vector."""
    return {"owner": owner}


def _get(collection: Any, owner: str, ids: Sequence[str]) -> dict[str, Vectors]:
    found: dict[str, Vectors] = {}
    for batch in _batches(ids):
        # With `where` beside the ids this takes 3 ms an id; so the owner is compared here.
        rows = collection.get(ids=batch, include=["embeddings", "metadatas"])
        about = zip(rows["ids"], rows["embeddings"], rows["metadatas"], strict=True)
        found |= {key: vector for key, vector, whose in about if whose == _owned_by(owner)}
    return found


def _put(collection: Any, owner: str, vectors: Mapping[str, Vectors]) -> None:
    for batch in _batches(list(vectors)):
        # `add` silently ignores an id that is there.
        collection.upsert(
            ids=batch,
            embeddings=[vectors[i] for i in batch],
            metadatas=[_owned_by(owner)] * len(batch),
        )


def _drop(collection: Any, ids: Sequence[str]) -> None:
    for batch in _batches(ids):
        collection.delete(ids=batch)
