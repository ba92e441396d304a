"""Servers behind a URL, good and hostile, each in a process of its own."""

import asyncio
import json
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.tools.mcp_calls import BRISK, HERE, Lag, call, running, settled, status, until
from tools.mcp.status import Pace


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    command = [sys.executable, str(HERE / "hostile_http.py")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        yield f"http://127.0.0.1:{int(process.stdout.readline())}"
        process.kill()


@pytest.mark.parametrize("path", ["/well", "/json"])
async def test_a_server_is_asked_with_the_headers_of_the_file(
    tmp_path: Path, address: str, path: str
) -> None:
    entry = {"url": address + path, "headers": {"Authorization": "Bearer ${TOKEN}"}}
    async with running(tmp_path, {"far": entry}, TOKEN="open-sesame") as servers:
        await settled(servers, "far")
        assert (await call(servers, "far__echo")).text == "echo ran"
        seen = json.loads((await call(servers, "far__seen")).text)
    assert seen["Authorization"] == "Bearer open-sesame"
    assert "cookie" not in {name.lower() for name in seen}


@pytest.mark.parametrize("path", ["/well", "/json"])
async def test_fifty_megabytes_are_refused_and_the_connection_stays(
    tmp_path: Path, address: str, path: str
) -> None:
    async with running(tmp_path, {"far": {"url": address + path}}) as servers:
        await settled(servers, "far")
        async with Lag() as lag:
            result = await call(servers, "far__huge")
        assert (result.ok, result.text) == (False, "The answer of far is longer than is read here.")
        assert lag.worst < 0.25
        assert (await call(servers, "far__echo")).text == "echo ran"
        assert status(servers, "far").state == "ready"


async def test_a_flood_of_events_ends_the_call(tmp_path: Path, address: str) -> None:
    async with running(tmp_path, {"far": {"url": address + "/well"}}) as servers:
        await settled(servers, "far")
        async with Lag() as lag:
            assert not (await call(servers, "far__flood")).ok
        assert lag.worst < 0.25
        assert (await call(servers, "far__echo")).ok


async def test_a_call_that_hangs_holds_up_no_other(tmp_path: Path, address: str) -> None:
    entry = {"url": address + "/well", "timeout_s": 0.5}
    async with running(tmp_path, {"far": entry}) as servers:
        await settled(servers, "far")
        hanging = asyncio.create_task(call(servers, "far__wait"))
        assert (await call(servers, "far__echo")).ok
        assert (await hanging).text == "far took longer than 0.5 s."


async def test_a_server_that_forgot_the_session_is_greeted_again(
    tmp_path: Path, address: str
) -> None:
    async with running(tmp_path, {"far": {"url": address + "/well"}}) as servers:
        await settled(servers, "far")
        await call(servers, "far__forget")
        result = await call(servers, "far__echo")
        assert result.text == "far has forgotten the session; call again in a moment."
        await until(lambda: status(servers, "far").state != "ready")
        await settled(servers, "far")
        assert (await call(servers, "far__echo")).ok


@pytest.mark.parametrize(
    ("path", "error"),
    [
        (
            "/redirect",
            "It redirects, which is not followed: write the address it leads to into mcp.json.",
        ),
        ("/refuse", "It wants other credentials (401): see the headers in mcp.json."),
        ("/bomb", "It packs its answers, though it was asked not to."),
    ],
)
async def test_what_keeps_it_from_being_used_is_said(
    tmp_path: Path, address: str, path: str, error: str
) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    async with running(tmp_path, {"far": {"url": address + path}}, Pace(first_s=60)) as servers:
        assert (await settled(servers, "far", "failed")).error == error
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000


async def test_no_token_follows_a_redirect(tmp_path: Path, address: str) -> None:
    entries = {
        "well": {"url": address + "/well"},
        "far": {"url": address + "/redirect", "headers": {"Authorization": "Bearer open-sesame"}},
    }
    async with running(tmp_path, entries, Pace(first_s=60)) as servers:
        await settled(servers, "far", "failed")
        await settled(servers, "well")
        assert "sesame" not in (await call(servers, "well__seen")).text


async def test_a_mute_server_and_one_that_is_not_there_end_in_time(
    tmp_path: Path, address: str
) -> None:
    entries = {"mute": {"url": address + "/mute"}, "none": {"url": "http://127.0.0.1:9/mcp"}}
    async with running(tmp_path, entries, Pace(start_s=1, first_s=60)) as servers:
        mute = await settled(servers, "mute", "failed")
        none = await settled(servers, "none", "failed")
        began = time.monotonic()
    assert time.monotonic() - began < 1
    assert mute.error == "It did not tell its tools within 1 s."
    assert none.error == "It cannot be reached."


def test_modern_servers_are_spoken_with_too_and_heard_when_their_tools_change(
    tmp_path: Path, free_port: int
) -> None:
    asyncio.run(_modern(tmp_path, {"command": sys.executable, "args": [str(HERE / "modern.py")]}))
    with subprocess.Popen([sys.executable, str(HERE / "modern.py"), str(free_port)]) as process:
        entry = {"url": f"http://127.0.0.1:{free_port}/mcp"}
        asyncio.run(_modern(tmp_path / "http", entry))
        process.kill()


async def _modern(folder: Path, entry: dict[str, Any]) -> None:
    async with running(folder, {"new": entry}, BRISK) as servers:
        await settled(servers, "new")
        assert (await call(servers, "new__add", a=2, b=3)).text == "5"
        wrong = await call(servers, "new__add", a=2)
        assert wrong.text == "The arguments do not fit. b: missing."
        await call(servers, "new__grow")
        changed = await settled(servers, "new", "changed")
        assert [(c.tool, c.kind) for c in changed.changes] == [("late", "new")]


@pytest.fixture
def free_port() -> int:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])
