"""The owner's side: start, ask, wait, and end it when nobody waits any more."""

import asyncio
import json
import logging
import sys
from asyncio.subprocess import PIPE
from contextlib import suppress
from pathlib import Path
from typing import Any

from tools.router import ToolError

log = logging.getLogger(__name__)

ROOT = Path(__file__).resolve().parents[2]


class Apart:
    """Runs `tools/apart/<task>.py` for one question; at most `at_once` processes live."""

    def __init__(self, at_once: int = 2) -> None:
        self._places = asyncio.Semaphore(at_once)

    async def ask(
        self, task: str, asked: dict[str, Any], data: bytes = b"", limit_s: float = 8.0
    ) -> tuple[dict[str, Any], bytes]:
        """What the task answers. Raises ToolError: it would not, was late, or broke."""
        async with self._places:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "tools.apart", task),
                stdin=PIPE,
                stdout=PIPE,
                stderr=PIPE,
                cwd=ROOT,
            )
            try:
                async with asyncio.timeout(limit_s):
                    out, err = await process.communicate(json.dumps(asked).encode() + b"\n" + data)
            except TimeoutError:
                raise ToolError(f"It took longer than {limit_s:g} s and was given up.") from None
            finally:
                if process.returncode is None:
                    with suppress(ProcessLookupError):
                        process.kill()
                    await process.wait()
        line, _, made = out.partition(b"\n")
        if process.returncode or not line:
            log.error("tools.apart %s failed: %s", task, err[-2_000:].decode(errors="replace"))
            raise ToolError("It could not be read or made.")
        told: dict[str, Any] = json.loads(line)
        if "refused" in told:
            raise ToolError(told["refused"])
        return told, made
