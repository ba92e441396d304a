"""The owner's side of a worker: started when needed, killed when late, then started anew."""

import asyncio
import contextlib
import importlib.util
import logging
import subprocess
import sys
from pathlib import Path
from typing import Any

from inference.offline.errors import ApiError, sense_missing
from inference.offline.senses.framing import receive, send

log = logging.getLogger(__name__)
ROOT = Path(__file__).resolve().parents[2]
IDLE_S = 300.0


class WorkerProcess:
    """One sense, one request at a time.

    A request that takes longer than `limit_s` seconds, or that nobody waits for any more, ends
    the process; the next request starts another. After IDLE_S seconds without work the process
    ends by itself, to give its memory back.
    """

    def __init__(self, sense: str, packages: tuple[str, ...], limit_s: float) -> None:
        self.sense = sense
        self._packages = packages
        self._limit_s = limit_s
        self._process: subprocess.Popen[bytes] | None = None
        self._one_at_a_time = asyncio.Lock()
        self._retirement: asyncio.TimerHandle | None = None

    @property
    def pid(self) -> int | None:
        """The running process, if there is one."""
        running = self._process is not None and self._process.poll() is None
        return self._process.pid if running and self._process else None

    @property
    def missing(self) -> str | None:
        """The first package this sense needs and does not find."""
        return next((p for p in self._packages if importlib.util.find_spec(p) is None), None)

    async def ask(self, header: dict[str, Any], body: bytes = b"") -> tuple[dict[str, Any], bytes]:
        """The sense's answer. Raises ApiError: not installed, refused, too slow, broken."""
        if package := self.missing:
            raise sense_missing(self.sense, package)
        async with self._one_at_a_time:
            if self._retirement:
                self._retirement.cancel()
            try:
                async with asyncio.timeout(self._limit_s):
                    reply = await asyncio.to_thread(self._exchange, header, body)
            except TimeoutError:
                self.kill()
                message = f"Offline {self.sense} took longer than {self._limit_s:.0f} s."
                raise ApiError(504, message, code="too_slow") from None
            except OSError:
                log.exception("Offline %s could not be started", self.sense)
                reply = None
            except asyncio.CancelledError:
                self.kill()
                raise
            self._retirement = asyncio.get_running_loop().call_later(IDLE_S, self.kill)
        return self._checked(reply)

    def kill(self) -> None:
        """End the process, whatever it does. A blocked exchange then returns."""
        if self._retirement:
            self._retirement.cancel()
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()
            for pipe in (process.stdin, process.stdout):
                if pipe is not None:
                    with contextlib.suppress(OSError, ValueError):
                        pipe.close()

    def _exchange(self, header: dict[str, Any], body: bytes) -> tuple[dict[str, Any], bytes] | None:
        """Blocking. None where the worker died; one that was there before us is replaced once.

        One that was just killed takes what is written to it for a while yet: only that it never
        answers shows that it is dead.
        """
        while True:
            before, process = self._process, self._running()
            assert process.stdin is not None
            assert process.stdout is not None
            try:
                send(process.stdin, header, body)
                reply = receive(process.stdout)
            except (OSError, ValueError):
                reply = None
            if reply is not None or process is not before or self._process is not process:
                return reply  # the last: it was ended from outside while we waited
            process.kill()
            process.wait()

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None or self._process.poll() is not None:
            # Not multiprocessing: its spawn runs the main module again in every child.
            self._process = subprocess.Popen(
                [sys.executable, "-m", "inference.offline.worker", self.sense],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                cwd=ROOT,
            )
        return self._process

    def _checked(self, reply: tuple[dict[str, Any], bytes] | None) -> tuple[dict[str, Any], bytes]:
        if reply is None:
            self.kill()
            raise ApiError(500, f"Offline {self.sense} stopped unexpectedly; please try again.")
        header, _ = reply
        if "refused" in header:
            raise ApiError(header["status"], header["refused"])
        if "missing" in header:
            raise sense_missing(self.sense, header["missing"])
        if "failed" in header:
            log.error("Offline %s failed:\n%s", self.sense, header["failed"])
            raise ApiError(500, f"Offline {self.sense} failed on this input.")
        return reply
