"""Ids, vectors and owners in a collection of Chroma's, begun anew when it is lost.

Used by one thread at a time.
"""

import contextlib
import hashlib
import logging
import re
from collections.abc import Callable, Collection, Sequence
from contextlib import AbstractContextManager
from functools import partial
from typing import Any, Literal, Protocol, TypeVar

import numpy as np

from memory.embedding import Vectors

log = logging.getLogger(__name__)

LISTED = 20_000
"""Ids in one page of all there are: each page starts counting from the first row."""

OPENING_S, ANSWER_S, COMPACTING_S = 180.0, 20.0, 600.0
"""What opening, a call and writing a database anew may take; a call takes some ms."""

_ANOTHER_WIDTH = "expecting embedding with dimension"

T = TypeVar("T")
Row = tuple[str, str, Vectors]
"""An owner, an id and its vector."""

Verdict = Literal["lost", "trouble", "bug"]
"""What an error of Chroma means: the collection is lost and can be begun anew; it cannot be used
now; or it is a mistake of ours."""


class VectorsUnusable(Exception):
    """The vectors can be neither read nor written now; words must do. The text says why."""


class Place(Protocol):
    """Where Chroma is: embedded in this process, or a server.

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


class Rows(Protocol):
    """What can be done with vectors. All but `close` raise VectorsUnusable."""

    written: int
    losses: int
    """How often the collection was lost."""
    trouble: str
    """Why it cannot be used, as it was when last tried; empty while it can."""

    def get(self, owner: str, ids: Sequence[str]) -> dict[str, Vectors]: ...

    def put(self, rows: Sequence[Row]) -> None: ...

    def drop(self, ids: Sequence[str]) -> None: ...

    def ids(self, start: int) -> list[str]: ...

    def count(self) -> int: ...

    def compact(self) -> None: ...

    def tidy(self, prefix: str) -> None: ...

    def close(self) -> None: ...

    def give_up(self) -> None:
        """From another thread: end what is being done, if it can be ended; what follows fails."""
        ...


class VectorRows:
    """`Rows` of the collection `name` in `place`; each call is made `within` so many seconds."""

    def __init__(
        self,
        place: Place,
        name: str,
        within: Callable[[float], AbstractContextManager[object]] = contextlib.nullcontext,
        answer_s: float = ANSWER_S,
    ) -> None:
        self.written = place.written
        self.losses = 0
        self.trouble = ""
        self._place, self._name = place, name
        self._within, self._answer_s = within, answer_s
        self._collection: Any = None

    def get(self, owner: str, ids: Sequence[str]) -> dict[str, Vectors]:
        """Those there are."""
        return self._do(partial(_get, owner, ids))

    def put(self, rows: Sequence[Row]) -> None:
        self._do(partial(_put, rows))

    def drop(self, ids: Sequence[str]) -> None:
        self._do(partial(_drop, ids, self._place))

    def ids(self, start: int) -> list[str]:
        """Some of them, from the one at `start` on."""
        return self._do(partial(_ids, start))

    def count(self) -> int:
        return self._do(_count)

    def compact(self) -> None:
        self._do(lambda _: self._place.compact(), COMPACTING_S)

    def tidy(self, prefix: str) -> None:
        """Remove the other collections that begin with `prefix`, and what was put aside."""
        self._do(partial(self._drop_others, prefix))

    def close(self) -> None:
        with self._within(OPENING_S):
            self._place.close()

    def give_up(self) -> None:
        """A server's client has time limits of its own."""

    def _do(self, work: Callable[[Any], T], limit_s: float | None = None) -> T:
        """Do `work`; if the collection turns out to be lost, begin a new one and do it on that."""
        for again in (True, False):
            try:
                with self._within(OPENING_S):
                    collection = self._opened()
                with self._within(limit_s or self._answer_s):
                    done = work(collection)
                    self._place.sweep()
            except BaseException as error:  # a panic of Chroma's is no Exception
                with self._within(OPENING_S):
                    verdict = self._verdict(error)
                if verdict == "bug":
                    raise
                self._collection = None
                self.trouble = self._place.words(error)
                if verdict == "lost":
                    self.losses += 1
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


def _owned_by(owner: str) -> dict[str, str]:
    """What stands beside a vector."""
    return {"owner": owner}


def _get(owner: str, ids: Sequence[str], collection: Any) -> dict[str, Vectors]:
    # With `where` beside the ids this takes 3 ms an id; so the owner is compared here.
    rows = collection.get(ids=list(ids), include=["embeddings", "metadatas"])
    about = zip(rows["ids"], rows["embeddings"], rows["metadatas"], strict=True)
    return {key: vector for key, vector, whose in about if whose == _owned_by(owner)}


def _put(rows: Sequence[Row], collection: Any) -> None:
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
