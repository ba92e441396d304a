"""The program as it is started with PARLEY_MCP=1, asked by the official client from outside."""

import asyncio
import re
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import httpx2
import pytest
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

from tests.scripted_server import ScriptedServer
from tests.test_app import free_port, start

START_S = 90.0


@dataclass(frozen=True)
class Program:
    """A Parley that runs; `told` is what it wrote until it was up."""

    data: Path
    address: str
    token: str
    told: str

    @asynccontextmanager
    async def client(self) -> AsyncIterator[Client]:
        headers = {"Authorization": f"Bearer {self.token}"}
        async with (
            httpx2.AsyncClient(headers=headers, timeout=60, trust_env=False) as http,
            Client(streamable_http_client(f"{self.address}/mcp", http_client=http)) as client,
        ):
            yield client


async def asked(client: Client, tool: str, **arguments: Any) -> Any:
    result = await client.call_tool(tool, arguments)
    assert not result.is_error, result.content
    return result.structured_content


@pytest.fixture(scope="module")
def provider() -> Iterator[ScriptedServer]:
    with ScriptedServer() as server:
        yield server


@pytest.fixture(scope="module")
def program(
    provider: ScriptedServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Program]:
    data, port = tmp_path_factory.mktemp("mcp") / "kept", free_port()
    process = start(
        data,
        port,
        PARLEY_MCP="1",
        PARLEY_MCP_HOSTS="chat.example.org",
        PARLEY_BASE_URL=provider.base_url,
        PARLEY_API_KEY="a-key-of-the-operator",
        PARLEY_MODEL="big",
    )
    try:
        told = "".join(_until_up(process))
        token = (data / "mcp.token").read_text().strip()
        yield Program(data, f"http://127.0.0.1:{port}", token, told)
    finally:
        process.terminate()
        process.communicate(timeout=30)


def _until_up(process: "subprocess.Popen[str]") -> Iterator[str]:
    """The log, line by line, until the page listens: it does before it says so."""
    assert process.stdout
    for line in process.stdout:
        yield line
        if re.search(r"Parley [\d.]+: http://", line):
            return
    raise AssertionError("Parley ended before it was up")


async def test_a_program_asks_searches_lists_and_reads(
    program: Program, provider: ScriptedServer
) -> None:
    provider.says("Albatross ", "is a fine name.")
    async with program.client() as client:
        tools = {tool.name for tool in (await client.list_tools()).tools}
        assert tools == {"ask", "search_memory", "list_conversations", "read_conversation"}
        answer = await asked(client, "ask", text="My sailing boat is called Albatross.")
        here = answer["conversation"]
        assert (answer["reply"], answer["status"]) == ("Albatross is a fine name.", "done")
        (listed,) = (await asked(client, "list_conversations"))["conversations"]
        assert listed["conversation"] == here
        read = await asked(client, "read_conversation", conversation=here)
        assert [(m["role"], m["text"]) for m in read["messages"]] == [
            ("user", "My sailing boat is called Albatross."),
            ("assistant", "Albatross is a fine name."),
        ]
        async with asyncio.timeout(60):
            while not (found := (await asked(client, "search_memory", query="boat"))["memories"]):
                await asyncio.sleep(0.1)
        assert ("Albatross" in found[0]["text"], found[0]["conversation"]) == (True, here)
    assert len(provider.requests) == 1
    assert provider.hits[-1].headers["authorization"] == "Bearer a-key-of-the-operator"


async def test_without_its_token_or_by_a_foreign_name_nobody_gets_in(program: Program) -> None:
    right = {
        "Authorization": f"Bearer {program.token}",
        "Accept": "application/json, text/event-stream",
    }
    hello = {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "initialize",
        "params": {
            "protocolVersion": "2025-06-18",
            "capabilities": {},
            "clientInfo": {"name": "t", "version": "1"},
        },
    }
    cases: tuple[tuple[dict[str, str], int], ...] = (
        ({}, 200),
        ({"Host": "chat.example.org"}, 200),
        ({"Authorization": "Bearer wrong"}, 401),
        ({"Authorization": ""}, 401),
        ({"Host": "evil.example"}, 421),
        ({"Origin": "https://evil.example"}, 403),
    )
    async with httpx.AsyncClient(trust_env=False, timeout=60) as http:
        for headers, status in cases:
            answer = await http.post(f"{program.address}/mcp", json=hello, headers=right | headers)
            assert answer.status_code == status, headers
            assert "set-cookie" not in answer.headers
        page = await http.get(program.address)
    assert page.status_code == 200


def test_the_log_says_where_the_token_is_and_never_what_it_is(program: Program) -> None:
    assert f"MCP at /mcp; its token: {program.data / 'mcp.token'}" in program.told
    assert program.token not in program.told
    assert (program.data / "mcp.token").stat().st_mode & 0o777 == 0o600
