"""Chroma's index files, rid of what it never uses of them: pieces of its process's memory, with words.

Chroma 1.5.9 writes its arrays as they came from the heap: `data_level0.bin` as long as it may grow
while nothing is in it, and the whole of `length.bin`, because the distance that our collections use
(l2, Chroma's default) knows no lengths. Zeros in their place change nothing for it, and where writing
them is interrupted the rest waits for the next time.
"""

import contextlib
import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_HEADER = struct.Struct("<i6Q")
"""Of hnswlib, in the directory of each collection: version, where the elements begin, how many there
may be and are, the bytes of one, and where its label and its vector stand. Other numbers follow."""
_HEADER_BYTES, _VERSION, _LABEL_BYTES = 100, 1, 8
_AT_ONCE = 1 << 20


@dataclass(frozen=True, slots=True)
class Layout:
    """Of `data`: how many elements of how many bytes, and where in each its vector and label begin."""

    data: Path
    count: int
    element: int
    vector: int
    label: int


def wipe(directory: Path) -> None:
    """Do it in all collections below. Chroma must not be at work on them."""
    for header in directory.glob("*/header.bin"):
        found = layout(header)
        if found is not None:
            _zero(found.data, found.count * found.element)
            _zero(header.with_name("length.bin"), 0)


def written(directory: Path) -> dict[str, int]:
    """When the file that Chroma writes last was written, of each collection below."""
    times: dict[str, int] = {}
    for path in directory.iterdir() if directory.is_dir() else ():
        with contextlib.suppress(OSError):
            times[path.name] = (path / "length.bin").stat().st_mtime_ns
    return times


def layout(header: Path) -> Layout | None:
    """What a header says of the file beside it; None where it makes no sense."""
    data = header.with_name("data_level0.bin")
    try:
        told = header.read_bytes()
        size = data.stat().st_size
    except OSError:
        return None
    if len(told) != _HEADER_BYTES:
        return None
    version, start, most, count, each, label, vector = _HEADER.unpack_from(told)
    sound = version == _VERSION and not start and count <= most and label + _LABEL_BYTES == each
    if not sound or count * each > size or not 0 < vector <= label:
        return None
    return Layout(data, count, each, vector, label)


def _zero(path: Path, start: int) -> None:
    """From byte `start` on, where they are not zeros yet."""
    try:
        with path.open("r+b") as file:
            for at, size in _pieces(start, os.fstat(file.fileno()).st_size):
                file.seek(at)
                zeros = bytes(size)
                if file.read(size) != zeros:
                    file.seek(at)
                    file.write(zeros)
    except FileNotFoundError:
        return


def _pieces(start: int, end: int) -> Iterator[tuple[int, int]]:
    for at in range(start, end, _AT_ONCE):
        yield at, min(_AT_ONCE, end - at)
