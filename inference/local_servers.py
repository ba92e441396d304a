"""Model servers that run on this machine, found on their usual ports and told apart by their answers."""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from inference.backend import BackendError, BadReply, ProviderDown
from inference.discovery import offered
from inference.event_lines import parsed
from inference.model_rows import rows
from inference.models import ModelFacts, learnt
from inference.provider import Provider

if TYPE_CHECKING:
    import httpx2

USUAL_PORTS = (11434, 1234, 8080, 8000, 8880)
"""Ollama; LM Studio; llama.cpp, LocalAI; vLLM, speaches; Kokoro-FastAPI."""
GLANCE_S = 0.3
LOOK_S = 2.0
"""How long a server that was found may take to tell of its models."""

_PATHS = ("/v1/models", "/api/tags", "/api/v1/models")


@dataclass(frozen=True, slots=True)
class Found:
    """A server of this machine. `provider` has its address, and its own models as defaults."""

    provider: Provider
    models: tuple[ModelFacts, ...]


async def find(
    providers: Mapping[str, Provider],
    ports: Sequence[int] = USUAL_PORTS,
    *,
    glance_s: float = GLANCE_S,
    look_s: float = LOOK_S,
) -> list[Found]:
    """Look on all `ports` of this machine at once, in their order; needs no key and sends none.

    Where nothing answers within `glance_s`, or nothing we know, there is nothing. Of several servers
    of one kind the later ones are called by their port: `ollama@11435`.
    """
    # Imported in a thread, before the clock runs: this takes a while the first time.
    client = await asyncio.to_thread(_open_client)
    async with aclosing(client):
        kinds = await asyncio.gather(*(_glance(client, port, glance_s) for port in ports))
        there = _named(providers, [(k, p) for k, p in zip(kinds, ports, strict=True) if k])
        return list(await asyncio.gather(*(_look(client, one, look_s) for one in there)))


def told_apart(answers: Sequence[object]) -> str:
    """Which server gives these bodies at _PATHS; the name of its file of facts, "" for none.

    llama.cpp also answers as Ollama does, and LM Studio answers any path, so they are asked for
    first by what no other says.
    """
    models, tags, native = answers
    listed = rows(models)
    signs = {str(row.get("owned_by")) for row in listed}
    if any("key" in row and "max_context_length" in row for row in rows(native)):
        return "lmstudio"
    if "llamacpp" in signs:
        return "llamacpp"
    if isinstance(tags, Mapping) and isinstance(tags.get("models"), list):
        return "ollama"
    for sign, kind in (("organization_owner", "lmstudio"), ("vllm", "vllm"), ("kokoro", "kokoro")):
        if sign in signs:
            return kind
    if any(isinstance(row.get("task"), str) for row in listed):
        return "speaches"
    if listed and all(set(row) <= {"id", "object"} for row in listed):
        return "localai"
    return "custom" if listed else ""


async def _glance(client: "httpx2.AsyncClient", port: int, glance_s: float) -> str:
    async def answer(path: str) -> object:
        try:
            return await _ask(client, f"http://127.0.0.1:{port}{path}", None)
        except BackendError:
            return None

    try:
        async with asyncio.timeout(glance_s):
            return told_apart(await asyncio.gather(*map(answer, _PATHS)))
    except TimeoutError:
        return ""


def _named(providers: Mapping[str, Provider], there: Sequence[tuple[str, int]]) -> list[Provider]:
    """The facts of each kind at its address, under a name and a label of its own."""
    named: dict[str, Provider] = {}
    for kind, port in there:
        facts = providers[kind]
        name, label = kind, facts.label
        if kind == "custom":
            name, label = f"custom@{port}", f"Server on port {port}"
        elif kind in named:
            name, label = f"{kind}@{port}", f"{label} on port {port}"
        named[name] = replace(
            facts, name=name, label=label, base_url=f"http://127.0.0.1:{port}/v1", billing="free"
        )
    return list(named.values())


async def _look(client: "httpx2.AsyncClient", provider: Provider, look_s: float) -> Found:
    async def ask(url: str, body: Mapping[str, Any] | None) -> object:
        return await _ask(client, url, body)

    try:
        async with asyncio.timeout(look_s):
            models = await offered(ask, provider)
    except (BackendError, TimeoutError):
        models = ()
    return Found(learnt(provider, models), models)


async def _ask(client: "httpx2.AsyncClient", url: str, body: Mapping[str, Any] | None) -> object:
    """An Ask without a key."""
    import httpx2

    try:
        response = await (client.get(url) if body is None else client.post(url, json=body))
    except httpx2.HTTPError as error:
        raise ProviderDown(f"Nothing answers at {url}: {type(error).__name__}.") from None
    if response.status_code != 200:
        raise ProviderDown(f"{url} answers {response.status_code}.")
    try:
        return parsed(response.content)
    except ValueError:
        raise BadReply(f"{url} gives no JSON.") from None


def _open_client() -> "httpx2.AsyncClient":
    """Goes to this machine alone: through no proxy, after no redirect."""
    import httpx2

    return httpx2.AsyncClient(
        trust_env=False, follow_redirects=False, timeout=LOOK_S, headers={"user-agent": "Parley"}
    )
