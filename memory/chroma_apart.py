"""Embedded Chroma in a process of its own, so that what ends or holds up Chroma does so to nothing else.

Chroma 1.5.9 lets no other thread run while it writes, may wait for ever after a disk was full, and is
ended by some damaged files.
"""

import contextlib
import logging
import math
import pickle
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from memory.chroma_embedded import EmbeddedChroma
from memory.embedding import Vectors
from memory.vector_rows import ANSWER_S, Row, VectorsUnusable

log = logging.getLogger(__name__)

ROOT = Path(__file__).resolve().parents[1]
PAUSE_S, LONGEST_PAUSE_S = 0.5, 30.0
"""After a failure it is not started for so long, twice as long after the next, so that turns do not
wait for it one by one."""
END_S = 2.0


class ChromaApart:
    """`Rows` of the collection `name`, embedded in `directory`. Used by one thread at a time.

    Its process starts with the first call. One that ends by itself is started once more for the same
    call: each may be done twice.
    """

    written = EmbeddedChroma.written

    def __init__(self, directory: Path, name: str, answer_s: float = ANSWER_S) -> None:
        self.losses = 0
        self.trouble = ""
        self._directory = directory
        worker = [sys.executable, "-m", "memory.chroma_worker"]
        self._command = [*worker, str(directory), name, str(answer_s)]
        self._process: subprocess.Popen[bytes] | None = None
        self._lost_before = 0
        """In processes that have ended."""
        self._pause_s, self._rests_until = PAUSE_S, 0.0

    def get(self, owner: str, ids: Sequence[str]) -> dict[str, Vectors]:
        found: dict[str, Vectors] = self._ask("get", owner, ids)
        return found

    def put(self, rows: Sequence[Row]) -> None:
        self._ask("put", rows)

    def drop(self, ids: Sequence[str]) -> None:
        self._ask("drop", ids)

    def ids(self, start: int) -> list[str]:
        found: list[str] = self._ask("ids", start)
        return found

    def count(self) -> int:
        return int(self._ask("count"))

    def compact(self) -> None:
        self._ask("compact")

    def tidy(self, prefix: str) -> None:
        self._ask("tidy", prefix)

    def close(self) -> None:
        """Let it close its files; it is killed where that takes longer than END_S seconds."""
        process, self._process = self._process, None
        if process is None:
            return
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):  # unsent bytes to a process that has ended
                    pipe.close()
        try:
            process.wait(END_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def give_up(self) -> None:
        self._rests_until = math.inf
        if process := self._process:
            process.kill()

    def _ask(self, what: str, *arguments: object) -> Any:
        if time.monotonic() < self._rests_until:
            raise VectorsUnusable(self.trouble)
        answer = self._exchange(what, arguments)
        if answer is None:
            self.trouble = f"{self._directory}: Chroma {self._ending()}."
            self._rest()
            log.warning("Vectors cannot be used: %s", self.trouble)
            raise VectorsUnusable(self.trouble)
        outcome, value, losses, self.trouble, told = answer
        self.losses = self._lost_before + losses
        for name, level, message in told:
            logging.getLogger(name).log(level, "%s", message)
        if outcome == "unusable":
            self._rest()
            raise VectorsUnusable(value)
        if outcome == "bug":
            raise RuntimeError(f"Chroma's process: {value}")
        self._pause_s = PAUSE_S
        return value

    def _exchange(self, what: str, arguments: tuple[object, ...]) -> Any:
        """Its answer; None where there is no process, or it ended."""
        for _ in range(2):
            try:
                process = self._running()
                assert process.stdin is not None
                assert process.stdout is not None
                pickle.dump((what, arguments), process.stdin)
                process.stdin.flush()
                return pickle.load(process.stdout)  # noqa: S301 our own process
            except (OSError, EOFError, pickle.UnpicklingError):
                ended = self._process is not None and self._process.wait() < 0
                if not ended or self._rests_until == math.inf:
                    break  # it could not be started, gave up of itself, or is to end
        return None

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None or self._process.poll() is not None:
            self.close()
            self._lost_before = self.losses
            # Not multiprocessing: its spawn runs the main module again in every child.
            self._process = subprocess.Popen(
                self._command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                cwd=ROOT,
            )
        return self._process

    def _rest(self) -> None:
        """Not closed in order: a client that met a full disk may wait for ever, in its next call too."""
        if self._process is not None:
            self._process.kill()
        self.close()
        self._rests_until = max(self._rests_until, time.monotonic() + self._pause_s)
        self._pause_s = min(2 * self._pause_s, LONGEST_PAUSE_S)

    def _ending(self) -> str:
        """How its process ended, in words."""
        code = self._process.poll() if self._process else None
        if code is None:
            return "could not be started"
        return "did not answer and was ended" if code > 0 else f"was ended by signal {-code}"
