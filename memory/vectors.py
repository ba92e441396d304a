"""Vectors kept: an index of texts that stand elsewhere, in Chroma, made again when it is lost."""

import asyncio
import contextlib
import hashlib
import logging
import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal, Protocol, TypeVar

import numpy as np

from memory.chroma_embedded import EmbeddedChroma
from memory.embedding import Vectors

log = logging.getLogger(__name__)

READ = 500
"""Vectors in one call: 10,000 are read in 0.3 s so, in greater batches no sooner, by their owner
instead of their ids neither."""

DROPPED = 100
"""Ids removed in one call."""

LISTED = 20_000
"""Ids in one page of all there are: each page starts counting from the first row."""

_ANOTHER_WIDTH = "expecting embedding with dimension"

T = TypeVar("T")

Verdict = Literal["lost", "trouble", "bug"]
"""What an error of Chroma means: the collection is lost and can be begun anew; it cannot be used
now; or it is a mistake of ours."""


class VectorsUnusable(Exception):
    """The vectors can be neither read nor written now; words must do. The text says why."""


class Place(Protocol):
    """Where Chroma is: embedded in this process, or a server. Used by one thread at a time.

    `written` are the vectors to write in one call.
    """

    written: int

    def open(self) -> Any:
        """A client that is ready. Raises what `verdict` understands."""
        ...

    def close(self) -> None: ...

    def verdict(self, error: BaseException) -> Verdict:
        """What to do about an error; where it is "lost", what was damaged is put aside already."""
        ...

    def words(self, error: BaseException) -> str:
        """The error, for the operator."""
        ...

    def sweep(self) -> None:
        """After each call: leave nothing in the files that does not belong there."""
        ...

    def forget(self, ids: Sequence[str], vectors: Collection[bytes]) -> None:
        """They were deleted: take out what is left of them in the files."""
        ...

    def compact(self) -> None:
        """Write the database anew, without what it has freed."""
        ...

    def tidy(self) -> None:
        """Remove what was put aside."""
        ...


@dataclass(frozen=True, slots=True)
class Health:
    """How many vectors there are, and how many texts there should be vectors of."""

    stored: int
    expected: int

    @property
    def plausible(self) -> bool:
        """Whether nothing seems to be missing; each text has at least one vector."""
        return self.stored >= self.expected


class VectorStore:
    """Ids, vectors and owners; no text, because what Chroma deletes stays readable in its files.

    `place` is a directory for Chroma in this process, which nobody else may use meanwhile (see
    `database.claim`), or a `ChromaServer`. `collection` names the embedding that made the vectors
    (`collection_name`). Chroma is imported (1 s) when first used.
    """

    def __init__(self, place: Place | Path, collection: str) -> None:
        self._place = EmbeddedChroma(place) if isinstance(place, Path) else place
        self._name = collection
        self._collection: Any = None
        # One thread of its own: who waits for Chroma must not hold up what else runs in threads.
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="chroma")
        self._losses = 0
        self.incomplete = asyncio.Event()
        """Set when vectors were lost, could not be written, or could not be removed."""
        self.trouble = ""
        """Why they cannot be used, as it was when last tried; empty while they can."""

    @property
    def at_once(self) -> int:
        """How many are put in one call."""
        return self._place.written

    async def get(self, owner: str, ids: Sequence[str]) -> dict[str, Vectors]:
        """The vectors there are among `ids`; those that are missing are to be made again.

        Calls of others come between the batches, so a great owner holds up nobody for long.
        """
        found: dict[str, Vectors] = {}
        for batch in _batches(ids, READ):
            found |= await self._do(partial(_get, owner, batch))
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
        for batch in _batches(telling, self._place.written):
            await self._change(partial(_put, batch))

    async def drop(self, ids: Sequence[str]) -> None:
        """Remove these, whoever owns them: the caller knows from the database."""
        for batch in _batches(ids, DROPPED):
            await self._change(partial(_drop, batch, self._place))

    async def compact(self) -> None:
        """After much was removed: leave no trace of it in the files."""
        await self._do(lambda _: self._place.compact())

    async def ids(self, start: int) -> list[str]:
        """A page of all ids there are, from the one at `start` on; an empty one ends them."""
        return await self._do(partial(_ids, start))

    async def check(self, expected: int) -> Health:
        """Open them, and count: a missing or emptied file is opened as if it were new.

        Damaged files are put aside. `expected` is how many texts the database holds.
        """
        stored = await self._do(_count)
        if stored < expected:
            log.warning("There are %d vectors for %d memories.", stored, expected)
        return Health(stored, expected)

    async def tidy(self, prefix: str = "") -> None:
        """Once these are complete: remove what was damaged, and other collections named alike.

        Those that begin with `prefix` are ours; all are, where Chroma is embedded.
        """
        await self._do(partial(self._drop_others, prefix))

    async def close(self) -> None:
        """Nothing can be read or written after this."""
        await asyncio.get_running_loop().run_in_executor(None, self._close)

    async def _change(self, work: Callable[[Any], object]) -> None:
        try:
            await self._do(work)
        except VectorsUnusable:
            self.incomplete.set()
            raise

    async def _do(self, work: Callable[[Any], T]) -> T:
        # Chroma imports httpx. openai looks at that module whenever a request is made, and fails while
        # another thread has imported half of it: so it is imported here, on the loop.
        import httpx  # noqa: F401

        losses = self._losses
        try:
            doing = asyncio.get_running_loop().run_in_executor(self._thread, self._guarded, work)
        except RuntimeError:
            raise VectorsUnusable("The vectors are closed.") from None
        try:
            return await doing
        finally:
            if self._losses > losses:
                self.incomplete.set()

    def _guarded(self, work: Callable[[Any], T]) -> T:
        """Do `work`; if the collection turns out to be lost, begin a new one and do it on that."""
        for again in (True, False):
            try:
                done = work(self._opened())
                self._place.sweep()
            except BaseException as error:  # a panic of Chroma's is no Exception
                verdict = self._verdict(error)
                if verdict == "bug":
                    raise
                self._collection = None
                self.trouble = self._place.words(error)
                if verdict == "lost":
                    self._losses += 1
                    log.warning("Vectors are lost and will be made again: %s", self.trouble)
                if verdict == "trouble" or not again:
                    raise VectorsUnusable(self.trouble) from error
            else:
                self.trouble = ""
                return done
        raise AssertionError("the second time always ends")

    def _opened(self) -> Any:
        if self._collection is None:
            client = self._place.open()
            # Vectors are always brought along: Chroma's own embedding would download a model.
            self._collection = client.get_or_create_collection(self._name, embedding_function=None)
        return self._collection

    def _verdict(self, error: BaseException) -> Verdict:
        if self._collection is not None and _ANOTHER_WIDTH in str(error):
            # The model behind the name is another now: what it made before is of no use.
            self._place.open().delete_collection(self._name)
            return "lost"
        return self._place.verdict(error)

    def _drop_others(self, prefix: str, _collection: Any) -> None:
        client = self._place.open()
        for other in client.list_collections():
            if other.name != self._name and other.name.startswith(prefix):
                client.delete_collection(other.name)
        self._place.tidy()

    def _close(self) -> None:
        with contextlib.suppress(RuntimeError):  # closed before
            self._thread.submit(self._place.close).result()
        self._thread.shutdown()


def collection_name(embedding: str, prefix: str = "") -> str:
    """A name that Chroma takes: 3 to 512 of a few characters, a letter or digit at each end.

    `prefix` tells this Parley's collections on a server from those of others.
    """
    plain = re.sub(r"[^A-Za-z0-9._-]+", "-", embedding).strip("._-")[:200]
    if plain != embedding:
        plain = (
            f"{plain or 'model'}-{hashlib.blake2b(embedding.encode(), digest_size=4).hexdigest()}"
        )
    return f"{prefix}{plain}"


def _batches(every: Sequence[T], at_once: int) -> Iterator[list[T]]:
    for start in range(0, len(every), at_once):
        yield list(every[start : start + at_once])


def _owned_by(owner: str) -> dict[str, str]:
    """What stands beside a vector."""
    return {"owner": owner}


def _get(owner: str, ids: Sequence[str], collection: Any) -> dict[str, Vectors]:
    # With `where` beside the ids this takes 3 ms an id; so the owner is compared here.
    rows = collection.get(ids=list(ids), include=["embeddings", "metadatas"])
    about = zip(rows["ids"], rows["embeddings"], rows["metadatas"], strict=True)
    return {key: vector for key, vector, whose in about if whose == _owned_by(owner)}


def _put(rows: Sequence[tuple[str, str, Vectors]], collection: Any) -> None:
    """Each row an owner, an id and its vector."""
    owners, ids, vectors = zip(*rows, strict=True)
    # `add` silently ignores an id that is there.
    collection.upsert(
        ids=list(ids), embeddings=list(vectors), metadatas=list(map(_owned_by, owners))
    )


def _drop(ids: Sequence[str], place: Place, collection: Any) -> None:
    found = collection.get(ids=list(ids), include=["embeddings"])["embeddings"]
    collection.delete(ids=list(ids))
    place.forget(ids, {np.asarray(row, dtype=np.float32).tobytes() for row in found})


def _ids(start: int, collection: Any) -> list[str]:
    return list(collection.get(limit=LISTED, offset=start, include=[])["ids"])


def _count(collection: Any) -> int:
    return int(collection.count())
