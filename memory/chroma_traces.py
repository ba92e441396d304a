"""What Chroma keeps of vectors that it was told to delete, taken out of its files.

Chroma 1.5.9 only marks them: in its index, where their numbers stay until others take their place,
and in its log of changes, where they stand beside their owner until the next thousand. Its database
does not overwrite what it frees. All of that is known from its files alone; Chroma, which must not be
at work on them meanwhile, has the same in memory and may write it again: `blank` is for after that.
"""

import contextlib
import sqlite3
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

import numpy as np

from memory.chroma_tails import layout

_DATABASE = "chroma.sqlite3"
_DELETE = 3
"""The operation in the log that names an id alone; the others bring its vector and its owner."""
_MARKED, _MARK = 2, 1
"""Of an element in hnswlib: the byte in which it is marked as deleted, and the bit."""
_BUSY_S = 5.0


def forget(directory: Path, ids: Sequence[str], vectors: Collection[bytes]) -> None:
    """Take what was said of these ids out of the log, and these vectors out of the index's files."""
    with _database(directory) as database:
        places = ",".join("?" * len(ids))
        database.execute(
            f"DELETE FROM embeddings_queue WHERE operation <> {_DELETE} AND id IN ({places})",
            list(ids),
        )
    blank(directory, vectors)


def compact(directory: Path) -> None:
    """Write the database anew, without what it has freed. Takes 1 s for some 100 MB."""
    with _database(directory) as database:
        database.execute("VACUUM")


def blank(directory: Path, vectors: Collection[bytes] = ()) -> None:
    """Zeros in the place of what is marked as deleted, and of `vectors`, in the index's files."""
    known = set(vectors)
    for header in directory.glob("*/header.bin"):
        if (found := layout(header)) is None or not found.count:
            continue
        shape = (found.count, found.element)
        elements = np.memmap(found.data, dtype=np.uint8, mode="r+", shape=shape)
        numbers = elements[:, found.vector : found.label]
        gone = (elements[:, _MARKED] & _MARK).astype(bool)
        if known:
            gone |= np.fromiter((row.tobytes() in known for row in numbers), bool, found.count)
        gone[gone] = numbers[gone].any(axis=1)
        if gone.any():
            numbers[gone] = 0
            elements.flush()


@contextlib.contextmanager
def _database(directory: Path) -> Iterator[sqlite3.Connection]:
    path = directory / _DATABASE
    database = sqlite3.connect(
        f"{path.as_uri()}?mode=rw", uri=True, timeout=_BUSY_S, isolation_level=None
    )
    with contextlib.closing(database):
        database.execute("PRAGMA secure_delete=ON")
        yield database
