"""The line to the provider: what it keeps to itself, and which failures say that nothing was sent."""

import asyncio
import gzip
import re
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager, suppress
from urllib.parse import urlsplit

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from inference.backend import Interrupted, ProviderDown
from inference.ledger import Ledger
from inference.transport import Deadlines
from tests.inference.asking import ask, ask_and_fail, outcomes, retries, text
from tests.inference.conftest import Open
from tests.scripted_server import ScriptedServer

WHOLE = b'{"choices": [{"message": {"content": "Yes."}, "finish_reason": "stop"}]}'


@asynccontextmanager
async def hanging_up(answer: bytes, *, reset: bool) -> AsyncIterator[str]:
    """A server that reads a request, sends `answer`, and leaves."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        await reader.read(10_000)
        writer.write(answer)
        await writer.drain()
        if reset:
            linger = struct.pack("ii", 1, 0)
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"


@pytest.mark.parametrize("reset", [False, True], ids=["closed", "reset"])
@pytest.mark.parametrize(
    "answer", [b"", b"HTTP/1.1 200 OK\r\n", b"no HTTP\r\n\r\n"], ids=["none", "half", "odd"]
)
async def test_who_hangs_up_after_the_request_may_be_paid_for_it(
    backend: Open, engine: AsyncEngine, answer: bytes, reset: bool
) -> None:
    async with hanging_up(answer, reset=reset) as address:
        chunks, error = await ask_and_fail(backend(base_url=address))
    assert type(error) is Interrupted
    assert chunks == []
    assert await outcomes(engine) == ["Interrupted"]
    assert await Ledger(engine).used_today("custom") == 1


async def test_a_line_that_was_idle_for_seconds_is_not_used_again(backend: Open) -> None:
    """Many servers close it after five: what is sent in that moment is lost, and perhaps paid for."""
    lines: list[asyncio.StreamWriter] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        lines.append(writer)
        with suppress(asyncio.IncompleteReadError):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = int(re.search(rb"content-length: (\d+)", head.lower())[1])  # type: ignore[index]
                await reader.readexactly(length)
                size = f"content-length: {len(WHOLE)}\r\n\r\n".encode()
                writer.write(
                    b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n" + size + WHOLE
                )

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        opened = backend(base_url=f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1")
        await ask(opened)
        await ask(opened)
        assert len(lines) == 1  # rounds of tools share one
        await asyncio.sleep(3)
        assert text(await ask(opened)) == "Yes."
        assert len(lines) == 2
        for line in lines:
            line.close()


async def test_who_lets_nobody_in_gets_nothing_and_costs_nothing(
    backend: Open, engine: AsyncEngine
) -> None:
    with ExitStack() as stack:
        full = stack.enter_context(socket.socket())
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        for _ in range(4):  # the queue at its door is full: no more are let in
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(full.getsockname())
        address = f"http://127.0.0.1:{full.getsockname()[1]}/v1"
        opened = backend(base_url=address, deadlines=Deadlines(connect=0.3))
        chunks, error = await ask_and_fail(opened)
    assert isinstance(error, ProviderDown)
    assert "Nobody answers" in error.message
    assert len(retries(chunks)) == 1
    assert await outcomes(engine) == ["unreached", "unreached"]
    assert await Ledger(engine).used_today("custom") == 0


async def test_a_name_that_leads_nowhere_costs_nothing(backend: Open, engine: AsyncEngine) -> None:
    _, error = await ask_and_fail(backend(base_url="http://nowhere.invalid/v1"))
    assert "Nobody answers for Custom server at nowhere.invalid" in error.message
    assert set(await outcomes(engine)) == {"unreached"}


async def test_cookies_are_not_kept(model: ScriptedServer, backend: Open) -> None:
    model.raw(
        WHOLE, content_type="application/json", headers={"Set-Cookie": "visit=1; Path=/"}
    ).says("Again.")
    opened = backend(base_url=model.base_url.replace("127.0.0.1", "localhost"))
    assert text(await ask(opened)) == "Yes."
    assert text(await ask(opened)) == "Again."
    assert [hit.headers.get("cookie") for hit in model.hits] == [None, None]


async def test_a_packed_answer_is_unpacked(model: ScriptedServer, backend: Open) -> None:
    model.raw(
        gzip.compress(WHOLE),
        content_type="application/json",
        headers={"Content-Encoding": "gzip"},
    )
    assert text(await ask(backend())) == "Yes."


async def test_a_proxy_is_asked_for_other_hosts_and_never_for_this_machine(
    model: ScriptedServer, backend: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    with ScriptedServer() as proxy:
        monkeypatch.setenv("HTTP_PROXY", f"http://{urlsplit(proxy.base_url).netloc}")
        proxy.says("By the proxy.")
        assert text(await ask(backend(base_url="http://far.example/v1"))) == "By the proxy."
        assert [hit.headers["host"] for hit in proxy.hits] == ["far.example"]
        model.says("Straight.")
        assert text(await ask(backend())) == "Straight."
        assert len(proxy.hits) == 1


async def test_connections_are_used_again(backend: Open) -> None:
    ports: set[int] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        ports.add(writer.get_extra_info("peername")[1])
        with suppress(asyncio.IncompleteReadError):
            while head := await reader.readuntil(b"\r\n\r\n"):
                length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
                await reader.readexactly(length)
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(WHOLE) + WHOLE)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        address = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
        opened = backend(base_url=address)
        for _ in range(3):
            assert text(await ask(opened)) == "Yes."
        await opened.aclose()
    assert len(ports) == 1
