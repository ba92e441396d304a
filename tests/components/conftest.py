"""A whole Parley before the scripted provider, its page served on a port of its own."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
import uvicorn
from fastapi import FastAPI
from websockets.asyncio.client import ClientConnection, connect

from components.mount import mount
from house import House
from inference.offline.prompt_server import PromptServer

KEY = b"a signing key of the tests, 32 b"
Frame = dict[str, Any]


class Line:
    """The WebSocket of a page, from the page's side; `panes` is what stands around the chat."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self.panes: dict[str, str] = {}

    async def say(self, frame: Frame | str | bytes) -> None:
        await self.socket.send(json.dumps(frame) if isinstance(frame, dict) else frame)

    async def until(self, wanted: Callable[[Frame], bool]) -> list[Frame]:
        """All frames up to the one that is wanted."""
        frames: list[Frame] = []
        async with asyncio.timeout(30):
            while not frames or not wanted(frames[-1]):
                frames.append(json.loads(await self.socket.recv()))
                self.panes |= frames[-1].get("panes", {})
        return frames

    async def shows(self, pane: str, words: str) -> None:
        """Wait until the pane says so."""
        if words not in self.panes.get(pane, ""):
            await self.until(lambda _: words in self.panes.get(pane, ""))

    async def follow(self, conversation: str) -> Frame:
        """The conversation as it is when it is opened."""
        await self.say({"follow": conversation, "offset": 120})
        return (await self.until(lambda frame: frame["kind"] == "open"))[-1]


class Visitor(httpx.AsyncClient):
    """Somebody with a browser: keeps the cookie, gives orders, opens lines."""

    async def order(self, order: Frame) -> Frame:
        """An order, as Gradio's own event brings it."""
        slip = json.dumps({"number": 7, **order})
        body = {"data": [slip], "fn_index": 0, "session_hash": "s"}
        told = (await self.post("/gradio_api/run/predict", json=body)).json()
        # Too much at once is refused before the page itself hears of it.
        answer: Frame = json.loads(told["data"][0]) if "data" in told else {"ok": False, **told}
        return answer

    async def say(self, words: str, conversation: str) -> Frame:
        """Said again while the reply before, which ended just now, is still being stored."""
        order = {"do": "send", "conversation": conversation, "text": words}
        async with asyncio.timeout(30):
            while "still being written" in (answer := await self.order(order))["message"]:
                await asyncio.sleep(0.02)
        return answer

    @asynccontextmanager
    async def line(self, **headers: str) -> AsyncIterator[Line]:
        cookie = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        address = str(self.base_url.copy_with(scheme="ws")).rstrip("/") + "/parley/live"
        every = {"cookie": cookie, **headers}
        async with connect(address, additional_headers=every, close_timeout=2) as socket:
            yield Line(socket)


@pytest.fixture
async def address(house: House) -> AsyncIterator[str]:
    """Where the house's page is served."""
    app = mount(FastAPI(), house.assistant, KEY, "1.2.3")
    config = uvicorn.Config(app, log_config=None, access_log=False, timeout_graceful_shutdown=1)
    server = PromptServer(config)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        while not server.started:
            await asyncio.sleep(0.01)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        server.end()
        await serving


@pytest.fixture
async def visitor(address: str) -> AsyncIterator[Visitor]:
    """Somebody new who has opened the page, and so has a cookie."""
    async with Visitor(base_url=address, timeout=15) as client:
        await client.get("/")
        yield client


@pytest.fixture
async def stranger(address: str) -> AsyncIterator[Visitor]:
    """Somebody else."""
    async with Visitor(base_url=address, timeout=15) as client:
        await client.get("/")
        yield client
