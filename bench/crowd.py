"""Many who talk at once, without a browser: the provider that answers them, and those who read.

Each reply is `TOKENS` pieces at `PER_SECOND`, five seconds of it. What the provider and the readers
cost is taken from the same cores as Parley, so it is counted too.
"""

import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from tests.attacker import Attacker

ROOT = Path(__file__).parents[1]
PER_SECOND, TOKENS = 50, 250


class Provider:
    """The scripted provider in a process of its own: its work is not Parley's."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "bench.crowd"],
            cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert self._process.stdout
        self.url = self._process.stdout.readline().strip()
        self.pid = self._process.pid

    def end(self) -> None:
        self._process.terminate()
        self._process.wait(10)


def serve() -> None:
    from tests.scripted_server import ScriptedServer

    with ScriptedServer() as server:
        pieces = [f"token{n} " for n in range(TOKENS - 1)]
        server.default(*pieces, "the-end", delay_s=1 / PER_SECOND)
        print(server.base_url, flush=True)
        sys.stdin.read()


async def twice(visitor: Attacker, after_s: float) -> tuple[tuple[float, float], ...]:
    await asyncio.sleep(after_s)
    return await listen(visitor), await listen(visitor)


async def raw(provider: str, streams: int) -> float:
    """Seconds until the last of so many replies is read, by sockets that do nothing else."""
    host, _, port = provider.removeprefix("http://").removesuffix("/v1").partition(":")
    body = json.dumps({"model": "big", "messages": [], "stream": True}).encode()
    head = f"POST /v1/chat/completions HTTP/1.1\r\nhost: {host}\r\ncontent-length: {len(body)}\r\n"

    async def read() -> None:
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(f"{head}content-type: application/json\r\n\r\n".encode() + body)
        while b"[DONE]" not in await reader.read(1 << 16):
            pass
        writer.close()

    started = time.monotonic()
    await asyncio.gather(*(read() for _ in range(streams)))
    return time.monotonic() - started


async def listen(visitor: Attacker) -> tuple[float, float]:
    """Seconds from the order to the first word, less the provider's own, and to the end."""
    conversation = os.urandom(16).hex()
    first = 0.0
    async with visitor.listen() as socket:
        await socket.send(json.dumps({"follow": conversation, "offset": 0}))
        started = time.monotonic()
        await visitor.order("Go", conversation)
        async with asyncio.timeout(120):
            while True:
                frame = str(await socket.recv())
                if not first and "token" in frame:
                    first = time.monotonic() - started
                if '"status":"done"' in frame or "the-end" in frame:
                    return first - 1 / PER_SECOND, time.monotonic() - started


def cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def p95(values: Sequence[float]) -> float:
    return float(sorted(values)[max(0, round(0.95 * len(values)) - 1)])


if __name__ == "__main__":
    serve()
