"""All servers of mcp.json: started and ended together, none of them waited for.

Whoever needs no server does without the SDK, which takes a while to import.
"""

import asyncio
import importlib
import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from tools.mcp.config import Server
from tools.mcp.naming import server_names
from tools.mcp.pins import Pins
from tools.mcp.status import Pace, ServerStatus
from tools.router import Tool

if TYPE_CHECKING:
    from tools.mcp.server import McpServer

END_S = 3.0
NORMAL = Pace()


class Outdated(Exception):
    """What was to be approved is no longer what the server says."""


class McpServers:
    """`on_change` is called when a server's status is another, or its tools are.

    `pins` is the file that keeps what the operator let in.
    """

    def __init__(self, servers: Sequence[Server], pins: Path, pace: Pace = NORMAL) -> None:
        self._configured = servers
        self._pins_path = pins
        self._pace = pace
        self._servers: dict[str, McpServer] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self.on_change: Callable[[], None] = _nobody_listens

    def start(self) -> None:
        """Begin to connect; returns at once."""
        if self._configured and not self._tasks:
            self._tasks.append(asyncio.create_task(self._begin()))

    async def close(self) -> None:
        """End every server and all that it started, within seconds whatever it does."""
        for _ in range(2):  # the second time it is not asked politely
            running = [task for task in self._tasks if not task.done()]
            for task in running:
                task.cancel()
            if running:
                await asyncio.wait(running, timeout=END_S)
        self._tasks.clear()
        self._servers.clear()

    def tools(self) -> list[Tool]:
        """What is offered just now: a source for the Router."""
        return [tool for server in self._servers.values() for tool in server.tools]

    def status(self) -> list[ServerStatus]:
        """In the order of mcp.json."""
        started = self._servers
        return [
            started[s.name].status if s.name in started else ServerStatus(s.name, "connecting")
            for s in self._configured
        ]

    def approve(self, server: str, seen: str) -> None:
        """Offer what a changed server now says of its tools; `seen` comes from its status.

        Raises KeyError where there is no such server, Outdated where it says something else by now.
        """
        if not self._servers[server].approve(seen):
            raise Outdated(f"{server} has changed again, or has nothing that waits.")

    def restart(self, server: str) -> None:
        """Connect anew without waiting any longer. Raises KeyError."""
        self._servers[server].restart()

    async def _begin(self) -> None:
        server = await asyncio.to_thread(importlib.import_module, "tools.mcp.server")
        # It logs with tracebacks what servers do wrong; their status says it.
        for name in ("client", "mcp.client", "mcp.shared"):  # "client" is the SDK's too
            logging.getLogger(name).setLevel(logging.CRITICAL)
        pins = Pins(self._pins_path)
        prefixes = server_names([one.name for one in self._configured])
        for one, prefix in zip(self._configured, prefixes, strict=True):
            made = server.McpServer(one, prefix, pins, self._pace, lambda: self.on_change())
            self._servers[one.name] = made
        self._tasks += [asyncio.create_task(made.run()) for made in self._servers.values()]


def _nobody_listens() -> None:
    pass
