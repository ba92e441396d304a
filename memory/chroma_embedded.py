"""Chroma inside this process, in files of its own: looked at before use, put aside when damaged.

The process is `memory/chroma_worker.py`.
"""

import contextlib
import json
import logging
import re
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import Any, Literal

from filelock import FileLock

from memory import chroma_traces
from memory.chroma_tails import wipe, written

log = logging.getLogger(__name__)

SEAL = "closed.json"
"""Written when the files are closed: the size and time of each."""

PROBE_S = 120.0
LOCK_S = 30.0
"""To wait for a process that a killed owner left behind: it closes these files yet."""

_NOT_THE_FILES = {5, 6, 8, 10, 13, 14}
"""SQLite's codes for locked, read-only, I/O error, full, cannot open: new files would not help."""
_THE_FILES_AFTER_ALL = {522, 1032}
"""Of those: the file ends too early; the file was moved away."""
_UNREADABLE_LOG = "log store"
"""Chroma takes a damaged log for a mistake in what it was asked."""


class EmbeddedChroma:
    """A `Place` in `directory`, for one process at a time.

    Damaged files can end the process that opens them (of Chroma 1.5.9's own, `header.bin` and
    `data_level0.bin`). So files that are not as they were when they were last closed, after a
    crash or by somebody's hand, are first opened by another process.
    """

    written = 500

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._chroma: Any = None
        self._lock = FileLock(directory.with_name(f"{directory.name}.lock"), timeout=LOCK_S)
        self._swept: dict[str, int] = {}
        """The times of what Chroma writes last of an index, when that was last wiped."""

    def open(self) -> Any:
        if self._chroma is None:
            import chromadb
            from chromadb.config import Settings

            self._make_directory()
            self._lock.acquire()
            if self._in_ruins():
                self._put_aside()
            self._make_directory()  # if it was put aside, here or by who held the lock
            (self._directory / SEAL).unlink(missing_ok=True)
            self._wipe()
            self._chroma = chromadb.PersistentClient(
                path=str(self._directory), settings=Settings(anonymized_telemetry=False)
            )
        return self._chroma

    def close(self) -> None:
        chroma, self._chroma = self._chroma, None
        if chroma is not None:
            # A client of damaged files may fail to close as well; it is given up either way.
            with contextlib.suppress(Exception):
                chroma.close()
                self._wipe()
                (self._directory / SEAL).write_text(json.dumps(self._files()))
        self._lock.release(force=True)

    def verdict(self, error: BaseException) -> Literal["lost", "trouble", "bug"]:
        from chromadb.errors import ChromaError, InternalError, InvalidArgumentError, NotFoundError

        text = str(error)
        if isinstance(error, NotFoundError):
            return "lost"
        damaged = isinstance(error, InternalError) and not _elsewhere(text)
        unreadable = isinstance(error, InvalidArgumentError) and _UNREADABLE_LOG in text
        if damaged or unreadable or type(error).__name__ == "PanicException":
            self._put_aside()
            return "lost"
        return "trouble" if isinstance(error, ChromaError | OSError | ValueError) else "bug"

    def words(self, error: BaseException) -> str:
        return f"{self._directory}: {type(error).__name__}: {error}"

    def sweep(self) -> None:
        # Chroma writes at once or not at all, and nobody else calls it meanwhile.
        if written(self._directory) != self._swept:
            self._wipe()

    def forget(self, ids: Sequence[str], vectors: Collection[bytes]) -> None:
        with self._left_undone():
            chroma_traces.forget(self._directory, ids, vectors)

    def compact(self) -> None:
        with self._left_undone():
            chroma_traces.compact(self._directory)

    def tidy(self) -> None:
        for path in self._directory.parent.glob(f"{self._directory.name}.damaged-*"):
            shutil.rmtree(path, ignore_errors=True)

    def _make_directory(self) -> None:
        self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)

    def _in_ruins(self) -> bool:
        """Whether there are files that must not be opened here."""
        files = self._files()
        if not files or files == self._sealed():
            return False
        if not files.get("chroma.sqlite3", [0])[0]:
            return True
        probe = [sys.executable, "-P", str(Path(__file__).with_name("chroma_probe.py"))]
        try:
            done = subprocess.run(
                [*probe, str(self._directory)], capture_output=True, timeout=PROBE_S, check=False
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            log.warning("%s could not be looked at: %s", self._directory, error)
            return False
        said = done.stderr.decode(errors="replace").strip() or "it crashed"
        if not done.returncode or _elsewhere(said):
            return False
        log.warning("%s is damaged: %s", self._directory, said.splitlines()[-1])
        return True

    def _files(self) -> dict[str, list[int]]:
        """Size and time of each file there is."""
        found: dict[str, list[int]] = {}
        for path in sorted(self._directory.rglob("*")) if self._directory.is_dir() else ():
            if path.is_file() and path.name != SEAL:
                about = path.stat()
                found[str(path.relative_to(self._directory))] = [about.st_size, about.st_mtime_ns]
        return found

    def _wipe(self) -> None:
        with contextlib.suppress(OSError):
            wipe(self._directory)
            chroma_traces.blank(self._directory)
        self._swept = written(self._directory)

    @contextlib.contextmanager
    def _left_undone(self) -> Iterator[None]:
        """Numbers without words stay behind where it cannot be done; nothing reads them."""
        try:
            yield
        except (OSError, sqlite3.Error) as error:
            log.warning("Traces of deleted vectors stay in %s: %s", self._directory, error)

    def _sealed(self) -> dict[str, list[int]] | None:
        try:
            held: dict[str, list[int]] = json.loads((self._directory / SEAL).read_bytes())
        except (OSError, ValueError):
            return None
        return held

    def _put_aside(self) -> None:
        chroma, self._chroma = self._chroma, None
        if chroma is not None:
            with contextlib.suppress(Exception):
                chroma.close()
        # Chroma keeps what it failed to start under the path's name and would hand it out again.
        from chromadb.api.shared_system_client import SharedSystemClient

        SharedSystemClient._identifier_to_system.pop(str(self._directory), None)
        if self._directory.exists():
            aside = f"{self._directory.name}.damaged-{time.strftime('%Y%m%d-%H%M%S')}"
            aside = f"{aside}-{time.monotonic_ns()}"
            log.warning("%s is put aside as %s.", self._directory, aside)
            self._directory.rename(self._directory.with_name(aside))


def _elsewhere(text: str) -> bool:
    """Whether what went wrong, in Chroma's words, would go wrong with new files too."""
    found = re.search(r"code: (\d+)", text)
    code = int(found[1]) if found else 0
    return code % 256 in _NOT_THE_FILES and code not in _THE_FILES_AFTER_ALL
