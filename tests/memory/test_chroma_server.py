"""A Chroma server by its URL: reached in any form, never waited for, found again by itself."""

import asyncio
import base64
import contextlib
import http.server
import socket
import threading
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from memory.chroma_server import HEARTBEAT_S, ChromaServer
from memory.vector_rows import VectorsUnusable
from memory.vectors import VectorStore
from messages import new_id
from tests.memory.chroma_process import ChromaProcess, free_port
from tests.memory.sayings import ANN

PAUSE_S = 0.3
ONE = {"v": np.ones(8, np.float32)}


class Proxy(http.server.BaseHTTPRequestHandler):
    """Hands on what comes under /vectors/ with the right password, and refuses all else."""

    protocol_version = "HTTP/1.1"
    behind = ""
    password = ""

    def _hand_on(self) -> None:
        right = f"Basic {base64.b64encode(self.password.encode()).decode()}"
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.headers.get("Authorization") != right:
            self._answer(401, b"Who are you?")
        elif not self.path.startswith("/vectors/"):
            self._answer(404, b"<html>Nothing here</html>")
        else:
            asked = urllib.request.Request(
                self.behind + self.path.removeprefix("/vectors"), body or None, method=self.command
            )
            asked.add_header("Content-Type", "application/json")
            with urllib.request.urlopen(asked) as answer:
                self._answer(answer.status, answer.read())

    do_GET = do_POST = do_DELETE = _hand_on  # noqa: N815

    def _answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments: object) -> None:
        pass


@pytest.fixture
def proxy(chroma_url: str) -> Iterator[int]:
    """The port of a proxy before the Chroma server."""
    known = type("Known", (Proxy,), {"behind": chroma_url, "password": "ann:s3cret/!"})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), known) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("http://localhost:8000", "http://localhost:8000"),
        ("http://chroma", "http://chroma:80"),
        ("https://chroma.example/", "https://chroma.example:443"),
        ("https://chroma.example:8443/vectors/", "https://chroma.example:8443/vectors"),
        ("http://[::1]:8000", "http://[::1]:8000"),
        ("https://ann:s3cret@chroma.example", "https://chroma.example:443"),
    ],
)
def test_a_url_of_any_form_is_understood(url: str, address: str) -> None:
    assert ChromaServer(url).address == address


@pytest.mark.parametrize(
    "url", ["", "localhost:8000", "file:///etc/passwd", "http://", "http://host:port", "chroma"]
)
def test_what_is_no_url_is_refused(url: str) -> None:
    with pytest.raises(ValueError):
        ChromaServer(url)


async def test_a_server_behind_a_path_and_a_password_is_reached(proxy: int) -> None:
    url = f"http://ann:s3cret%2F%21@127.0.0.1:{proxy}/vectors/"
    store = VectorStore(ChromaServer(url), f"test-{new_id()}")
    await store.put(ANN, ONE)
    assert list(await store.get(ANN, ["v"])) == ["v"]
    await store.close()


@pytest.mark.parametrize(
    ("path", "why"), [("ann:wrong@127.0.0.1:{}/vectors", "401"), ("127.0.0.1:{}", "401")]
)
async def test_a_refusal_is_told_without_the_password(proxy: int, path: str, why: str) -> None:
    store = VectorStore(ChromaServer("http://" + path.format(proxy)), "abc")
    with pytest.raises(VectorsUnusable, match=why) as told:
        await store.put(ANN, ONE)
    assert "wrong" not in str(told.value)
    assert "cannot be used" in store.trouble
    await store.close()


async def test_another_program_at_that_address_is_told(proxy: int) -> None:
    url = f"http://ann:s3cret%2F%21@127.0.0.1:{proxy}/elsewhere"
    store = VectorStore(ChromaServer(url), "abc")
    with pytest.raises(VectorsUnusable, match="404"):
        await store.get(ANN, ["v"])
    await store.close()


async def test_a_server_that_is_away_is_told_and_found_again_by_itself(tmp_path: Path) -> None:
    server = ChromaProcess(tmp_path / "server")
    store = VectorStore(ChromaServer(server.url, pause_s=PAUSE_S), "abc")
    with pytest.raises(VectorsUnusable, match=r"cannot be used: .*refused"):
        await store.put(ANN, ONE)
    assert store.incomplete.is_set()
    with server:
        await asyncio.sleep(PAUSE_S)
        await store.put(ANN, ONE)
        assert store.trouble == ""
        server.stop()
        with pytest.raises(VectorsUnusable):
            await store.get(ANN, ["v"])
        server.start()
        await asyncio.sleep(PAUSE_S)
        assert list(await store.get(ANN, ["v"])) == ["v"]
    await store.close()


async def test_a_server_that_lost_its_disk_is_empty_and_used_on(tmp_path: Path) -> None:
    with ChromaProcess(tmp_path / "server") as server:
        store = VectorStore(ChromaServer(server.url, pause_s=PAUSE_S), "abc")
        await store.put(ANN, ONE)
        server.wipe()
        with contextlib.suppress(VectorsUnusable):  # the line that broke
            await store.get(ANN, ["v"])
        await asyncio.sleep(PAUSE_S)
        assert await store.get(ANN, ["v"]) == {}
        assert store.incomplete.is_set()
        assert await store.check(1) == 0
        await store.put(ANN, ONE)
        assert list(await store.get(ANN, ["v"])) == ["v"]
        await store.close()


async def test_a_server_that_never_answers_is_waited_for_but_once() -> None:
    with socket.create_server(("127.0.0.1", free_port())) as silent:
        store = VectorStore(ChromaServer(f"http://127.0.0.1:{silent.getsockname()[1]}"), "abc")
        started = time.monotonic()
        for _ in range(20):
            with pytest.raises(VectorsUnusable, match="timed out"):
                await store.get(ANN, ["v"])
        assert time.monotonic() - started < HEARTBEAT_S + 1
        await store.close()


async def test_a_server_that_falls_silent_in_the_middle_is_given_up(tmp_path: Path) -> None:
    with ChromaProcess(tmp_path / "server") as server:
        store = VectorStore(ChromaServer(server.url, answer_s=0.5), "abc")
        await store.put(ANN, ONE)
        server.freeze()
        started = time.monotonic()
        with pytest.raises(VectorsUnusable, match="ReadTimeout"):
            await store.get(ANN, ["v"])
        with pytest.raises(VectorsUnusable):
            await store.get(ANN, ["v"])
        assert time.monotonic() - started < 2
        await store.close()
