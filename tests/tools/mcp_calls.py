"""Servers of an mcp.json of one's own, and calling their tools as a model does."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from messages import ToolCall, ToolResult
from tools.around import Around
from tools.mcp.config import read_servers
from tools.mcp.servers import McpServers
from tools.mcp.status import Pace, ServerStatus
from tools.router import Router

HERE = Path(__file__).parent / "mcp_servers"
BRISK = Pace(start_s=20, first_s=0.05, most_s=0.2, settle_s=0, relist_s=0.05)

Entry = dict[str, Any]


def hostile(*how: str, **more: Any) -> Entry:
    return {"command": sys.executable, "args": [str(HERE / "hostile.py"), *how], **more}


def written(folder: Path, servers: Mapping[str, Any]) -> Path:
    folder.mkdir(exist_ok=True)
    path = folder / "mcp.json"
    path.write_text(json.dumps({"mcpServers": servers}))
    return path


@asynccontextmanager
async def running(
    folder: Path, servers: Mapping[str, Any], pace: Pace = BRISK, **environ: str
) -> AsyncIterator[McpServers]:
    """Started from a file in `folder`, which also keeps what was let in; ended with the block."""
    path = written(folder, servers)
    found = McpServers(read_servers(path, {**os.environ, **environ}), folder / "pins.json", pace)
    found.start()
    try:
        yield found
    finally:
        await found.close()


async def until(true: Callable[[], Any], seconds: float = 30) -> None:
    async with asyncio.timeout(seconds):
        while not true():
            await asyncio.sleep(0.01)


def status(servers: McpServers, name: str) -> ServerStatus:
    return next(s for s in servers.status() if s.name == name)


async def settled(servers: McpServers, name: str, state: str = "ready") -> ServerStatus:
    await until(lambda: status(servers, name).state == state)
    return status(servers, name)


async def call(
    servers: McpServers, name: str, around: Around | None = None, /, **arguments: Any
) -> ToolResult:
    """Through a router that has no tools but theirs."""
    router = Router([], [servers.tools])
    asked = ToolCall("c1", name, json.dumps(arguments))
    [result] = [r async for r in router.run([asked], around)]
    return result


class Lag:
    """The longest the loop kept everybody waiting, in seconds, while the block ran."""

    def __init__(self) -> None:
        self.worst = 0.0

    async def __aenter__(self) -> "Lag":
        self._ticking = asyncio.create_task(self._tick())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._ticking.cancel()

    async def _tick(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            before = loop.time()
            await asyncio.sleep(0.005)
            self.worst = max(self.worst, loop.time() - before - 0.005)


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().split()[2] != "Z"
    except OSError:
        return False
