"""What streaming a reply costs the server, however long the conversation is.

Prints CPU seconds of the whole Parley process for a 1,000-token reply with 0, 200 and 1,000 earlier
messages and one page following, beside a raw `openai` loop over the same scripted server in the
same run. `python -m bench.stream`
"""

import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

from app import loop_factory

ROOT = Path(__file__).parents[1]
TOKENS = 1_000
PER_SECOND = 100
EARLIER = (0, 200, 1_000)


def main() -> None:
    from tests.scripted_server import ScriptedServer

    pieces = ["word " if n % 40 else "\n\nA paragraph. " for n in range(TOKENS)]
    with ScriptedServer() as provider:
        provider.default(*pieces, delay_s=1 / PER_SECOND)
        floor = _raw_loop(provider.base_url)
        print(f"raw openai loop: {floor:.2f} CPU s per {TOKENS:,} tokens")
        for earlier in EARLIER:
            spent, updates = asyncio.run(_parley(provider.base_url, earlier))
            print(
                f"Parley, {earlier:5,} earlier messages: {spent:.2f} CPU s, "
                f"{spent / floor:.2f} × the raw loop, {updates} updates of one page"
            )


def _raw_loop(base_url: str) -> float:
    run = subprocess.run(
        [sys.executable, "-m", "bench.stream", "raw", base_url],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return float(run.stdout)


async def _raw(base_url: str) -> None:
    import openai

    client = openai.AsyncOpenAI(base_url=base_url, api_key="none", max_retries=0)
    for _ in range(2):  # the first warms up
        started = time.process_time()
        stream = await client.chat.completions.create(
            model="big", messages=[{"role": "user", "content": "Go"}], stream=True
        )
        async for _chunk in stream:
            pass
    print(time.process_time() - started)


async def _parley(base_url: str, earlier: int) -> tuple[float, int]:
    """CPU seconds of the server process, and the updates its one page received."""
    with tempfile.TemporaryDirectory() as data:
        child = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "bench.stream", "serve", base_url, data,
            cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )  # fmt: skip
        try:
            return await _measured(child, earlier)
        finally:
            child.terminate()
            await child.wait()


async def _measured(child: asyncio.subprocess.Process, earlier: int) -> tuple[float, int]:
    import websockets

    assert child.stdout
    assert child.stdin
    port = int(await child.stdout.readline())
    cookie = await asyncio.to_thread(_cookie, port)
    owner = cookie.partition("=")[2].partition(".")[0]
    conversation = os.urandom(16).hex()
    spent, updates = 0.0, 0
    headers = {"Cookie": cookie, "Origin": f"http://127.0.0.1:{port}"}
    address = f"ws://127.0.0.1:{port}/parley/live"
    async with websockets.connect(address, additional_headers=headers, max_size=None) as page:
        await page.send(json.dumps({"follow": conversation}))
        for messages in (earlier, 0):  # the first turn fills the history and warms up
            order = {"owner": owner, "conversation": conversation, "earlier": messages}
            child.stdin.write(json.dumps(order).encode() + b"\n")
            done = asyncio.create_task(child.stdout.readline())
            updates = 0
            while not done.done():
                with_timeout = asyncio.wait_for(page.recv(), 0.2)
                try:
                    updates += '"kind":"turn"' in str(await with_timeout)
                except TimeoutError:
                    continue
            spent = float(done.result())
    return spent, updates


def _cookie(port: int) -> str:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/") as page:
        return str(page.headers["set-cookie"]).partition(";")[0]


async def _serve(base_url: str, data: str) -> None:
    """The server process: takes orders from stdin, answers with the CPU seconds of the turn."""
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
    import socket

    import uvicorn
    from fastapi import FastAPI

    from components.mount import mount
    from house import open_house
    from inference.connection import connect
    from inference.provider import load_providers
    from settings import Settings

    chosen = Settings(base_url=base_url, model="big", data_dir=Path(data))
    async with open_house(chosen, connect(load_providers(), base_url, "none", {})) as house:
        app = mount(FastAPI(), house.assistant, sign_key=b"bench", version="0")
        listener = socket.create_server(("127.0.0.1", 0))
        server = uvicorn.Server(uvicorn.Config(app, log_level="warning"))
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        while not server.started:
            await asyncio.sleep(0.05)
        print(listener.getsockname()[1], flush=True)
        while line := await asyncio.to_thread(sys.stdin.readline):
            order = json.loads(line)
            await _fill(house, order)
            started = time.process_time()
            await house.assistant.send(order["owner"], order["conversation"], "Go", [], speak=False)
            while not await _ended(house, order):
                await asyncio.sleep(0.25)
            print(time.process_time() - started, flush=True)
        server.should_exit = True
        await serving


async def _fill(house, order) -> None:  # type: ignore[no-untyped-def]
    """Earlier messages, stored as turns store them."""
    from messages import Message, Text, new_id

    store = house.turns._conversations
    for number in range(order["earlier"] // 2):
        said = Message(new_id(), "user", (Text(f"Question {number}?"),), time.time())
        reply = Message(new_id(), "assistant", (Text(f"Answer {number}."),), time.time())
        await store.begin_turn(order["owner"], order["conversation"], said, reply)


async def _ended(house, order) -> bool:  # type: ignore[no-untyped-def]
    found = await house.assistant.open(order["owner"], order["conversation"], limit=1)
    return bool(found.messages[-1].status != "running")


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["raw", url]:
            asyncio.run(_raw(url))
        case ["serve", url, folder]:
            with asyncio.Runner(loop_factory=loop_factory()) as runner:
                runner.run(_serve(url, folder))
        case _:
            main()
