"""The way back from the scripted server to one client, and how its hang-up is noticed."""

import asyncio
import json
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from contextlib import asynccontextmanager, suppress
from typing import Any

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]


class ClientGone(Exception):
    """The client closed the connection before its answer was complete."""


class Line:
    """The way back to one client; every step raises ClientGone once it has hung up."""

    def __init__(self, send: Send, gone: asyncio.Event, stopping: threading.Event) -> None:
        self._send = send
        self._gone = gone
        self._stopping = stopping

    async def start(self, status: int, content_type: str, headers: dict[str, str]) -> None:
        rows = [(b"content-type", content_type.encode())]
        rows += [(k.lower().encode(), v.encode()) for k, v in headers.items()]
        await self._send({"type": "http.response.start", "status": status, "headers": rows})

    async def wait(self, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0 and not self._stopping.is_set():
            with suppress(TimeoutError):
                await asyncio.wait_for(self._gone.wait(), min(left, 0.05))
            if self._gone.is_set():
                raise ClientGone

    async def write(self, data: bytes) -> None:
        await asyncio.sleep(0)  # so that a hang-up is noticed between two pieces
        if self._gone.is_set():
            raise ClientGone
        await self._send({"type": "http.response.body", "body": data, "more_body": True})

    async def event(self, value: dict[str, Any]) -> None:
        await self.write(b"data: " + json.dumps(value).encode() + b"\n\n")

    async def end(self) -> None:
        await self._send({"type": "http.response.body", "body": b"", "more_body": False})


@asynccontextmanager
async def watched(receive: Receive) -> AsyncIterator[asyncio.Event]:
    """An event that is set once the client has hung up."""
    gone = asyncio.Event()

    async def watch() -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        gone.set()

    task = asyncio.create_task(watch())
    try:
        yield gone
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
