"""Model servers of this machine: found on free ports that speak as the real ones do."""

import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from inference.local_servers import Found, find
from inference.models import Needs, choose
from inference.provider import load_providers
from tests.scripted_server import ScriptedServer

PROVIDERS = load_providers()
UNHURRIED = 5.0  # the tests' machine may be busy; only one test looks at the clock


class Machine:
    """Scripted servers on ports of their own."""

    def __init__(self, stack: ExitStack) -> None:
        self._stack = stack
        self.ports: list[int] = []
        self.servers: list[ScriptedServer] = []

    def runs(self, models: Any, **paths: Any) -> ScriptedServer:
        server = self._stack.enter_context(ScriptedServer())
        server.models(models)
        for path, body in paths.items():
            server.serves("/" + path.replace("__", "/"), body)
        self.servers.append(server)
        self.ports.append(int(server.base_url.rsplit(":", 1)[1].removesuffix("/v1")))
        return server

    def ollama(self, *names: str) -> ScriptedServer:
        """As it speaks: a null list of models where it has none."""
        rows = [{"id": name, "object": "model", "owned_by": "library"} for name in names]
        tags = [{"name": name, "model": name, "details": {"family": "llama"}} for name in names]
        able = ["completion", "tools", "vision"]
        return self.runs(
            {"object": "list", "data": rows or None},
            api__tags={"models": tags},
            api__ps={"models": []},
            api__show=lambda _: {
                "capabilities": able,
                "model_info": {"llama.context_length": 8192},
            },
        )

    async def found(self) -> list[Found]:
        return await find(PROVIDERS, self.ports, glance_s=UNHURRIED, look_s=UNHURRIED)


@pytest.fixture
def machine() -> Iterator[Machine]:
    with ExitStack() as stack:
        yield Machine(stack)


async def test_servers_are_told_apart_by_what_they_answer(machine: Machine) -> None:
    machine.ollama("gemma3:4b")
    machine.runs(
        [{"id": "google/gemma-3-4b", "object": "model", "owned_by": "organization_owner"}],
        api__tags={"error": "Unexpected endpoint or method. (GET /api/tags)"},
        api__v1__models={
            "models": [
                {
                    "type": "llm",
                    "key": "google/gemma-3-4b",
                    "max_context_length": 131072,
                    "loaded_instances": [{"config": {"context_length": 8192}}],
                    "capabilities": {"vision": True, "trained_for_tool_use": False},
                }
            ]
        },
    )
    llama = {"id": "tiny.gguf", "object": "model", "owned_by": "llamacpp", "meta": {"n_ctx": 512}}
    machine.runs(
        {"models": [{"name": "tiny.gguf", "model": "tiny.gguf"}], "data": [llama]},
        api__tags={"models": [{"name": "tiny.gguf", "model": "tiny.gguf"}]},
        props={"default_generation_settings": {"n_ctx": 512}, "modalities": {"vision": False}},
    )
    machine.runs([{"id": "Qwen/Qwen3-8B", "owned_by": "vllm", "max_model_len": 40960}])
    machine.runs([{"id": "a/whisper", "owned_by": "a", "task": "automatic-speech-recognition"}])
    machine.runs([{"id": "kokoro", "object": "model", "created": 1, "owned_by": "kokoro"}])
    machine.runs([{"id": "gpt-4", "object": "model"}])
    machine.runs([{"id": "some/thing", "object": "model", "created": 5}])
    found = await machine.found()
    assert [one.provider.name for one in found] == [
        "ollama", "lmstudio", "llamacpp", "vllm", "speaches", "kokoro", "localai",
        f"custom@{machine.ports[-1]}",
    ]  # fmt: skip
    assert [one.provider.chat for one in found] == [
        "gemma3:4b", "google/gemma-3-4b", "tiny.gguf", "Qwen/Qwen3-8B", "", "", "gpt-4",
        "some/thing",
    ]  # fmt: skip
    assert [one.models[0].window for one in found][:4] == [4096, 8192, 512, 40960]
    assert found[4].provider.transcription == "a/whisper"
    assert found[5].provider.speech == "kokoro"
    assert all(one.provider.billing == "free" for one in found)


async def test_what_was_found_can_be_talked_to_at_once(machine: Machine) -> None:
    server = machine.ollama("llama3.2:latest")
    (one,) = await machine.found()
    assert one.provider.base_url == server.base_url
    choice = choose(one.provider, Needs(), chat=None, vision=None, offered=one.models)
    assert (choice.model, choice.window + choice.max_output) == ("llama3.2:latest", 4096)


async def test_an_ollama_without_models_is_found_too(machine: Machine) -> None:
    machine.ollama()
    (one,) = await machine.found()
    assert (one.provider.name, one.models, one.provider.chat) == ("ollama", (), "")


async def test_two_of_a_kind_are_called_by_their_ports(machine: Machine) -> None:
    machine.ollama("a")
    machine.ollama("b")
    first, second = await machine.found()
    assert (first.provider.name, second.provider.name) == ("ollama", f"ollama@{machine.ports[1]}")
    assert second.provider.label == f"Ollama on port {machine.ports[1]}"
    assert second.models[0].sees, "it is asked in Ollama's own tongue"


async def test_what_is_no_model_server_is_passed_by(machine: Machine) -> None:
    machine.runs({"error": "no models here"})
    page = machine.runs([])
    page.raw(b"<html>A router's page</html>", content_type="text/html", on="models")
    machine.runs([]).fails(302, headers={"location": "http://example.org/v1/models"}, on="models")
    machine.runs([]).fails(401, {"error": "key?"}, on="models")
    with socket.create_server(("127.0.0.1", 0)) as silent:
        machine.ports.append(silent.getsockname()[1])
        assert await find(PROVIDERS, machine.ports, glance_s=1.0) == []


async def test_nobody_there_costs_no_more_than_a_glance() -> None:
    await find(PROVIDERS, [])  # what the first look imports
    with socket.create_server(("127.0.0.1", 0)) as silent:  # takes calls, never answers
        started = time.monotonic()
        assert await find(PROVIDERS, [silent.getsockname()[1], 9, 10]) == []
        assert time.monotonic() - started < 2.0


async def test_no_key_is_sent_to_whoever_is_found(machine: Machine) -> None:
    server = machine.ollama("a")
    await machine.found()
    assert server.hits
    assert not any("authorization" in hit.headers for hit in server.hits)
    assert {hit.headers["user-agent"] for hit in server.hits} == {"Parley"}
