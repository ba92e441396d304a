"""What makes a real Parley's calls to its machine fail: see failing.c, which this compiles and commands."""

import errno
import mmap
import os
import shutil
import struct
import subprocess
from enum import IntFlag
from pathlib import Path
from typing import NamedTuple

import pytest

SOURCE = Path(__file__).with_name("failing.c")
NO_COMPILER = "no C compiler here: what fails the machine's own calls cannot be made"
_FIELDS = struct.Struct("=iiiiii")
_SKEW, _BELOW = struct.Struct("=q"), struct.Struct("512s")
_SIZE = _FIELDS.size + _SKEW.size + _BELOW.size


class Call(IntFlag):
    """Kinds of calls, as failing.c counts them."""

    WRITE = 1
    SYNC = 2
    OPEN = 4
    RENAME = 8
    REMOVE = 16
    READ = 32
    START = 64  # of another program
    OPEN_TO_WRITE = 128


READ_ONLY = Call.WRITE | Call.RENAME | Call.REMOVE | Call.OPEN_TO_WRITE
"""What fails on a disk that is read-only, with EROFS."""


class Seen(NamedTuple):
    """Calls of the kind that was to fail, and how many did."""

    calls: int
    failed: int


class Failing:
    """The standing order: which call fails, and how far the clock is off."""

    def __init__(self, library: Path, order: Path) -> None:
        order.write_bytes(bytes(_SIZE))
        self.environment = {"LD_PRELOAD": str(library), "FAILING_ORDER": str(order)}
        with order.open("r+b") as file:
            self._order = mmap.mmap(file.fileno(), _SIZE)

    def fail(
        self, kind: Call, below: Path, nth: int = 1, many: int = 0, error: int = errno.ENOSPC
    ) -> None:
        """From the `nth` call on files whose path begins with `below`, `many` fail; 0: all."""
        self.stop()
        _BELOW.pack_into(self._order, _FIELDS.size + _SKEW.size, os.fsencode(below))
        _FIELDS.pack_into(self._order, 0, 0, nth, many, error, 0, 0)
        _FIELDS.pack_into(self._order, 0, kind, nth, many, error, 0, 0)

    def seen(self) -> Seen:
        return Seen(*_FIELDS.unpack_from(self._order)[4:])

    def stop(self) -> Seen:
        """Nothing fails any more; what had happened until now."""
        seen = self.seen()
        self._order[:4] = bytes(4)
        return seen

    def set_clock_off(self, seconds: int) -> None:
        _SKEW.pack_into(self._order, _FIELDS.size, seconds)


def compiled(folder: Path) -> Path:
    """The library; skips the test where there is nothing to make it with."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None or os.uname().sysname != "Linux":
        pytest.skip(NO_COMPILER)
    library = folder / "failing.so"
    made = subprocess.run(
        [compiler, "-shared", "-fPIC", "-O2", "-o", str(library), str(SOURCE), "-ldl"],
        capture_output=True,
        text=True,
        check=False,
    )
    if made.returncode:
        pytest.skip(f"{NO_COMPILER}: {made.stderr.strip()[-200:]}")
    return library
