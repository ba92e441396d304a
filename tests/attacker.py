"""Somebody without a browser, before a Parley that really runs."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
from websockets.asyncio.client import ClientConnection, connect

from tests.browser.conftest import RunningParley

A, B, C = "a" * 32, "b" * 32, "c" * 32
ORDER = "/gradio_api/run/predict"
Frame = dict[str, Any]


class Attacker(httpx.AsyncClient):
    """Somebody without a browser: says what it likes, from where it likes."""

    async def order(self, text: str = "Hello", conversation: str = A, **more: Any) -> Frame:
        """Say something."""
        return await self.does({"do": "send", "conversation": conversation, "text": text}, **more)

    async def does(self, order: Frame, **more: Any) -> Frame:
        """Any order."""
        slip = json.dumps({"number": 1, **order})
        body = {"data": [slip], "fn_index": 0, "session_hash": "s", **more}
        told = await self.post(ORDER, json=body)
        assert told.status_code == 200, told.text
        answer: Frame = json.loads(told.json()["data"][0])
        return answer

    def listen(self, path: str = "/parley/live", **headers: str) -> connect:
        cookie = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        address = str(self.base_url.copy_with(scheme="ws")).rstrip("/") + path
        kept = {k: v for k, v in self.headers.items() if k.startswith("x-")}
        return connect(address, additional_headers={"cookie": cookie, **kept, **headers})


async def opened(socket: ClientConnection, conversation: str) -> Frame:
    """The conversation as its follower gets it."""
    await socket.send(json.dumps({"follow": conversation, "offset": 0}))
    async with asyncio.timeout(60):
        while True:
            frame: Frame = json.loads(await socket.recv())
            if frame["kind"] == "open":
                return frame


async def shown(attacker: Attacker, conversation: str, words: str) -> str:
    """Wait until the page of that conversation shows these words."""
    seen = ""
    async with attacker.listen() as socket:
        await socket.send(json.dumps({"follow": conversation, "offset": 0}))
        async with asyncio.timeout(60):
            while words not in seen:
                seen += str(await socket.recv())
    return seen


def from_network(parley: RunningParley, network: int) -> Attacker:
    came = {"x-forwarded-for": f"203.0.{network}.7"}
    return Attacker(base_url=parley.url, headers=came, timeout=30)


@asynccontextmanager
async def arrived(parley: RunningParley, network: int) -> AsyncIterator[Attacker]:
    """Somebody from there who has opened the page, and so has a cookie."""
    async with from_network(parley, network) as client:
        await client.get("/")
        yield client


def keeps(client: Attacker, answer: httpx.Response) -> dict[str, str]:
    """The cookies of an answer, as a browser keeps them by https."""
    kept = {cookie.name: cookie.value or "" for cookie in client.cookies.jar}
    for line in answer.headers.get_list("set-cookie"):
        name, _, value = line.partition(";")[0].partition("=")
        kept[name] = value
    client.cookies.clear()  # httpx itself does not send such a cookie without https
    client.cookies.update(kept)
    return kept
