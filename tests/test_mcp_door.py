"""Parley's own door, asked by the official client while the page is served beside it."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import httpx2
import pytest
import uvicorn
from fastapi import FastAPI
from mcp import Client, MCPError
from mcp.client.streamable_http import streamable_http_client
from mcp_types import CallToolResult

from components.mount import mount
from house import House
from inference.offline.prompt_server import PromptServer
from mcp_door import kept_token, open_door, with_token
from messages import new_id
from tests.conftest import OWNER
from tests.scripted_server import ScriptedServer

TOKEN = "a token of the tests, long enough"
VISITOR = OWNER


@dataclass(frozen=True)
class Served:
    house: House
    address: str

    @asynccontextmanager
    async def program(self, token: str = TOKEN, mode: str = "auto") -> AsyncIterator[Client]:
        """Another program, by the official client."""
        headers = {"Authorization": f"Bearer {token}"}
        async with (
            httpx2.AsyncClient(headers=headers, timeout=20) as http,
            Client(streamable_http_client(f"{self.address}/mcp", http_client=http), mode=mode) as c,
        ):
            yield c


@pytest.fixture
async def served(house: House) -> AsyncIterator[Served]:
    page = mount(FastAPI(), house.assistant, b"a signing key of the tests, 32 b", "1.2.3")
    async with open_door(page, house.assistant, with_token(TOKEN), ["chat.example.org"]) as door:
        config = uvicorn.Config(
            door, log_config=None, access_log=False, timeout_graceful_shutdown=1
        )
        server = PromptServer(config)
        with socket.create_server(("127.0.0.1", 0)) as listener:
            serving = asyncio.create_task(server.serve(sockets=[listener]))
            while not server.started:
                await asyncio.sleep(0.01)
            yield Served(house, f"http://127.0.0.1:{listener.getsockname()[1]}")
            server.end()
            await serving


async def called(served: Served, tool: str, **arguments: Any) -> CallToolResult:
    async with served.program() as program:
        return await program.call_tool(tool, arguments)


async def asked(served: Served, tool: str, **arguments: Any) -> dict[str, Any]:
    result = await called(served, tool, **arguments)
    assert not result.is_error, result.content
    told: dict[str, Any] = result.structured_content
    return told


def words(result: CallToolResult) -> str:
    return "".join(getattr(part, "text", "") for part in result.content)


@pytest.mark.parametrize("mode", ["legacy", "auto"])
async def test_a_program_asks_and_goes_on_in_the_same_conversation(
    served: Served, model: ScriptedServer, mode: str
) -> None:
    model.says("Lisbon ", "is sunny.")
    model.says("Porto too.")
    async with served.program(mode=mode) as program:
        first = (await program.call_tool("ask", {"text": "How is Lisbon?"})).structured_content
        here = first["conversation"]
        again = {"text": "And Porto?", "conversation": here}
        second = (await program.call_tool("ask", again)).structured_content
        listed = (await program.call_tool("list_conversations")).structured_content
        read = (
            await program.call_tool("read_conversation", {"conversation": here})
        ).structured_content
    assert (first["reply"], first["status"]) == ("Lisbon is sunny.", "done")
    assert (second["reply"], second["conversation"]) == ("Porto too.", here)
    assert [row["conversation"] for row in listed["conversations"]] == [here]
    assert [(m["role"], m["text"]) for m in read["messages"]] == [
        ("user", "How is Lisbon?"),
        ("assistant", "Lisbon is sunny."),
        ("user", "And Porto?"),
        ("assistant", "Porto too."),
    ]
    assert model.requests[1]["messages"][1]["content"] == "How is Lisbon?"


async def test_the_tools_say_what_they_do(served: Served) -> None:
    async with served.program() as program:
        tools = {tool.name: tool for tool in (await program.list_tools()).tools}
    assert sorted(tools) == ["ask", "list_conversations", "read_conversation", "search_memory"]
    assert tools["ask"].input_schema["required"] == ["text"]
    reading = [name for name, t in tools.items() if t.annotations and t.annotations.read_only_hint]
    assert sorted(reading) == ["list_conversations", "read_conversation", "search_memory"]


async def test_a_long_conversation_is_read_in_parts(served: Served, model: ScriptedServer) -> None:
    model.default("Yes.")
    here = (await asked(served, "ask", text="One?"))["conversation"]
    await asked(served, "ask", text="Two?", conversation=here)
    last = await asked(served, "read_conversation", conversation=here, limit=2)
    assert (last["earlier"], last["messages"][0]["text"]) == (True, "Two?")
    before = last["messages"][0]["id"]
    first = await asked(served, "read_conversation", conversation=here, before=before)
    assert (first["earlier"], first["messages"][0]["text"]) == (False, "One?")


async def test_memory_is_searched(served: Served, model: ScriptedServer) -> None:
    model.says("A fine name.")
    here = (await asked(served, "ask", text="My sailing boat is called Albatross."))["conversation"]
    async with asyncio.timeout(20):
        while not (found := (await asked(served, "search_memory", query="boat"))["memories"]):
            await asyncio.sleep(0.05)
    assert "Albatross" in found[0]["text"]
    assert (found[0]["said_by"], found[0]["conversation"]) == ("user", here)


async def test_nothing_of_a_visitor_comes_through_the_door(
    served: Served, model: ScriptedServer
) -> None:
    model.says("I will keep it.")
    theirs = new_id()
    await served.house.assistant.send(VISITOR, theirs, "My safe opens with 7391.", (), False)
    async with asyncio.timeout(20):
        while not await served.house.layers.recall.count(VISITOR):
            await asyncio.sleep(0.05)
    assert (await asked(served, "list_conversations"))["conversations"] == []
    assert (await asked(served, "search_memory", query="safe"))["memories"] == []
    for tool, more in (("read_conversation", {}), ("ask", {"text": "What did I say?"})):
        refused = await called(served, tool, conversation=theirs, **more)
        assert refused.is_error
        assert "There is no such conversation." in words(refused)
    assert len(model.requests) == 1


@pytest.mark.parametrize(
    "header", ["", "Bearer", "Bearer wrong", f"Basic {TOKEN}", f"Bearer {TOKEN}x"]
)
async def test_without_the_token_the_door_is_shut(served: Served, header: str) -> None:
    async with httpx.AsyncClient(base_url=served.address) as http:
        await http.get("/")
        assert http.cookies  # a visitor, with a cookie of the page: that is no token
        headers = {"Accept": "application/json, text/event-stream"}
        if header:
            headers["Authorization"] = header
        for method in ("GET", "POST", "DELETE"):
            answer = await http.request(method, "/mcp", headers=headers)
            assert answer.status_code == 401
            assert answer.headers["www-authenticate"] == "Bearer"
            assert "set-cookie" not in answer.headers


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Host": "evil.example"}, 421),
        ({"Host": "127.0.0.1.evil.example:80"}, 421),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Host": "chat.example.org"}, 200),
        ({"Host": "chat.example.org", "Origin": "https://chat.example.org"}, 200),
        ({"Host": "localhost:7860"}, 200),
        ({}, 200),
    ],
)
async def test_only_pages_and_names_of_its_own_reach_it(
    served: Served, headers: dict[str, str], status: int
) -> None:
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
    always = {
        "Accept": "application/json, text/event-stream",
        "Authorization": f"Bearer {TOKEN}",
    }
    async with httpx.AsyncClient() as http:
        answer = await http.post(f"{served.address}/mcp", json=hello, headers={**always, **headers})
    assert answer.status_code == status
    assert "set-cookie" not in answer.headers


async def test_the_page_stands_beside_the_door(served: Served) -> None:
    async with httpx.AsyncClient(base_url=served.address) as http:
        assert (await http.get("/healthz")).json()["status"] == "ok"
        page = await http.get("/", headers={"Authorization": f"Bearer {TOKEN}"})
    assert "parley=" in page.headers["set-cookie"]


async def test_a_tool_that_asks_first_is_not_run(served: Served, model: ScriptedServer) -> None:
    await served.house.assistant.toolbox.permit("operator", "calculate", "ask")
    model.calls("calculate", expression="6*7")
    model.says("I could not calculate it.")
    answer = await asked(served, "ask", text="What is 6*7?")
    assert answer["reply"] == "I could not calculate it."
    assert model.requests[1]["messages"][-1]["content"] == "Rejected by the user."


async def test_a_failure_is_told_in_our_own_words(served: Served, model: ScriptedServer) -> None:
    model.fails(401)
    failed = await called(served, "ask", text="Hello?")
    assert failed.is_error
    assert "key" in words(failed)
    empty = await called(served, "ask", text="  ")
    assert words(empty).endswith("There is nothing to send yet. Write, attach or record something.")


async def test_a_program_that_leaves_finds_the_reply_later(
    served: Served, model: ScriptedServer
) -> None:
    model.says("It ", "came ", "late.", delay_s=0.5)
    async with served.program() as program:
        with pytest.raises(MCPError, match="timed out"):
            await program.call_tool("ask", {"text": "Hurry!"}, read_timeout_seconds=0.3)
    async with asyncio.timeout(20):
        listed = await asked(served, "list_conversations")
        here = listed["conversations"][0]["conversation"]
        busy = await called(served, "ask", text="Well?", conversation=here)
        assert "A reply is still being written here." in words(busy)
        while True:
            read = await asked(served, "read_conversation", conversation=here)
            if read["messages"][-1]["status"] == "done":
                break
            await asyncio.sleep(0.05)
    assert read["messages"][-1]["text"] == "It came late."


def test_the_token_is_made_once_and_for_the_operator_alone(tmp_path: Path) -> None:
    path = tmp_path / "mcp.token"
    token = kept_token(path)
    assert len(token) == 43
    assert path.stat().st_mode & 0o777 == 0o600
    assert kept_token(path) == token
    assert with_token(token)(token) == "operator"
    assert with_token(token)(token[:-1]) is None
    assert with_token(token)("") is None
