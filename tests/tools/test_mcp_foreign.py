"""Servers that nobody here wrote: MCP's own of everything (npm), of time and of SQLite (PyPI)."""

import asyncio
import json
import shutil
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import PIL.Image
import pytest

from memory.media import MediaStore
from tests.tools.conftest import OWNER, Surroundings
from tests.tools.mcp_calls import call, running, settled, status
from tools.mcp.servers import McpServers

ROOT = Path(__file__).parents[2]
INSTALLED = ROOT / ".venv" / "mcp-servers"
EVERYTHING = INSTALLED / "node_modules" / "@modelcontextprotocol" / "server-everything" / "dist"
SQLITE = INSTALLED / "python" / "bin" / "mcp-server-sqlite"


@pytest.fixture(scope="module")
def node() -> str:
    found = shutil.which("node")
    if not found:
        pytest.skip("server-everything needs Node 20, and there is no node here")
    if not EVERYTHING.exists():
        pytest.skip("server-everything is not installed (make mcp)")
    return found


@pytest.fixture(scope="module")
def by_http(node: str) -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    command = [node, str(EVERYTHING / "index.js"), "streamableHttp"]
    environment = {"PORT": str(port), "PATH": str(Path(node).parent)}
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE) as process:
        assert process.stderr
        for line in process.stderr:
            if b"listening" in line:
                break
        yield f"http://127.0.0.1:{port}/mcp"
        process.kill()


@pytest.fixture(params=["stdio", "http"])
async def everything(
    request: pytest.FixtureRequest, node: str, by_http: str, tmp_path: Path
) -> AsyncIterator[McpServers]:
    stdio = {"command": node, "args": [str(EVERYTHING / "index.js"), "stdio"]}
    entry: dict[str, Any] = {"url": by_http} if request.param == "http" else stdio
    async with running(tmp_path, {"all": entry}) as servers:
        # It adds tools once it knows its client: those wait for approval, these do not.
        async with asyncio.timeout(30):
            while status(servers, "all").state not in ("ready", "changed"):
                await asyncio.sleep(0.01)
        yield servers


async def test_its_words_and_sums_come_back(everything: McpServers) -> None:
    assert (await call(everything, "all__echo", message="hello")).text == "Echo: hello"
    assert "42" in (await call(everything, "all__get-sum", a=40, b=2)).text
    missing = await call(everything, "all__get-sum", a=40)
    assert missing.text == "The arguments do not fit. b: missing."
    wrong = await call(everything, "all__get-sum", a="forty", b=2)
    assert not wrong.ok
    assert wrong.untrusted


async def test_its_pictures_are_shown(
    everything: McpServers, surroundings: Surroundings, media: MediaStore
) -> None:
    result = await call(everything, "all__get-tiny-image", surroundings.around())
    [picture] = result.pictures
    _, path = await media.path(OWNER, picture.sha256)
    assert PIL.Image.open(path).format == "PNG"
    assert "[A picture, shown to the user.]" in result.text


async def test_its_resources_are_read_or_named(everything: McpServers) -> None:
    read = await call(everything, "all__get-resource-reference", resourceType="Text", resourceId=1)
    assert "demo://resource/dynamic/text/1" in read.text
    assert "plaintext" in read.text
    named = await call(everything, "all__get-resource-reference", resourceType="Blob", resourceId=1)
    assert "a file, text/plain, not shown" in named.text
    links = await call(everything, "all__get-resource-links", count=2)
    assert links.text.count("demo://resource/") == 2


async def test_its_structured_answers_are_told(everything: McpServers) -> None:
    result = await call(everything, "all__get-structured-content", location="Chicago")
    assert json.loads(result.text)["temperature"] == 36


async def test_it_may_take_its_time_and_tell_of_its_progress(everything: McpServers) -> None:
    result = await call(everything, "all__trigger-long-running-operation", duration=1, steps=5)
    assert result.ok
    assert result.seconds >= 1


async def test_a_call_that_is_stopped_leaves_the_others_alone(everything: McpServers) -> None:
    long = asyncio.create_task(
        call(everything, "all__trigger-long-running-operation", duration=60, steps=60)
    )
    await asyncio.sleep(0.3)
    long.cancel()
    with pytest.raises(asyncio.CancelledError):
        await long
    assert (await call(everything, "all__echo", message="still here")).ok


async def test_many_calls_at_once_are_each_answered_with_their_own(everything: McpServers) -> None:
    found = await asyncio.gather(
        *(call(everything, "all__echo", message=f"n{number}") for number in range(40))
    )
    assert [result.text for result in found] == [f"Echo: n{number}" for number in range(40)]


async def test_what_must_run_as_a_task_is_not_offered(everything: McpServers) -> None:
    assert "all__simulate-research-query" not in [tool.name for tool in everything.tools()]


async def test_the_server_of_time_tells_it(tmp_path: Path) -> None:
    pytest.importorskip("mcp_server_time", reason="mcp-server-time is not installed")
    entry = {"command": sys.executable, "args": ["-m", "mcp_server_time"]}
    async with running(tmp_path, {"time": entry}) as servers:
        await settled(servers, "time")
        asked = {"source_timezone": "UTC", "time": "12:00", "target_timezone": "Asia/Tokyo"}
        result = await call(servers, "time__convert_time", **asked)
        assert "T21:00:00+09:00" in json.loads(result.text)["target"]["datetime"]
        wrong = await call(servers, "time__get_current_time", timezone="Nowhere/At all")
        assert (wrong.ok, wrong.untrusted) == (False, True)
        assert "Nowhere/At all" in wrong.text


async def test_the_server_of_sqlite_writes_and_reads(tmp_path: Path) -> None:
    import sqlite3

    if not SQLITE.exists():
        pytest.skip("mcp-server-sqlite is not installed (make mcp)")
    path = tmp_path / "notes.db"
    entry = {"command": str(SQLITE), "args": ["--db-path", str(path)]}
    async with running(tmp_path, {"db": entry}) as servers:
        await settled(servers, "db")
        await call(servers, "db__create_table", query="CREATE TABLE notes (words TEXT)")
        await call(servers, "db__write_query", query="INSERT INTO notes VALUES ('grüß dich')")
        read = await call(servers, "db__read_query", query="SELECT words FROM notes")
        assert "grüß dich" in read.text
        assert (
            not (await call(servers, "db__read_query", query="SELEKT")).ok
            or "error" in (await call(servers, "db__read_query", query="SELEKT")).text.lower()
        )
    with closing(sqlite3.connect(path)) as database:
        assert database.execute("SELECT words FROM notes").fetchall() == [("grüß dich",)]
