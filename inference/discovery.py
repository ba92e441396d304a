"""What a provider offers: its server is asked on demand, and what it said is kept for an hour."""

import asyncio
import hashlib
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from inference.backend import BackendError, BadReply, Errand
from inference.connection import Connection
from inference.event_lines import parsed
from inference.ledger import DONE, UNREACHED, Ledger
from inference.model_rows import Row, count, name_of, read, rows
from inference.models import ModelFacts, filled, of_file
from inference.provider import Provider
from inference.server_errors import Asked, from_page
from inference.transport import Deadlines, Unreached, errors_sorted, open_client

Ask = Callable[[str, Mapping[str, Any] | None], Awaitable[object]]
"""Gives the JSON at a URL: got without a body, posted with one. Raises BackendError."""

MAX_AGE_S = 3600.0
DEADLINE_S = 5.0
MAX_SHOWN = 60
"""Of so many models an Ollama is asked one by one."""
OLLAMA_WINDOW = 4096
"""How Ollama runs a model that says nothing else, until it has been loaded."""

_OWNERS = {"library": "ollama", "organization_owner": "lmstudio", "llamacpp": "llamacpp"}
"""How local servers sign the rows of /v1/models."""


async def offered(ask: Ask, provider: Provider) -> tuple[ModelFacts, ...]:
    """What the server at the provider's base URL says it has, completed by the provider's file.

    One request; local servers are also asked in their own tongue, which tells more. Raises
    BackendError where the server gives no list.
    """
    body = await ask(f"{provider.base_url.rstrip('/')}/models", None)
    if isinstance(body, Mapping) and not {"data", "models"} & body.keys():
        body = ""
    if not isinstance(body, list | Mapping | None):
        raise BadReply(f"{provider.label} gave no list of its models.", "Check the base URL.")
    found, kind = read(body), kind_of(provider)
    if kind == "custom":
        signs = (str(row.get("owned_by")) for row in rows(body))
        kind = next((_OWNERS[sign] for sign in signs if sign in _OWNERS), kind)
    if kind == "ollama":
        found = await _of_ollama(ask, root(provider), found)
    elif kind == "lmstudio":
        found = await _of_lm_studio(ask, root(provider)) or found
    elif kind == "llamacpp" and len(found) == 1:
        found = (await _of_llama_cpp(ask, root(provider), found[0]),)
    return filled(provider, found)


def kind_of(provider: Provider) -> str:
    """The name of its file: a second server of a kind is called `ollama@11435`."""
    return provider.name.partition("@")[0]


def root(provider: Provider) -> str:
    """The address of the server itself, above its /v1."""
    return provider.base_url.rstrip("/").removesuffix("/v1")


class Catalogue:
    """What the providers offer. Nothing is asked before somebody wants to know.

    Each asking is written to the ledger for the purpose "models", which spends nothing of a day.
    """

    def __init__(
        self,
        ledger: Ledger,
        clock: Callable[[], float] = time.monotonic,
        deadline_s: float = DEADLINE_S,
    ) -> None:
        self._ledger = ledger
        self._clock = clock
        self._deadline_s = deadline_s
        self._kept: dict[str, _Kept] = {}
        self._locks: dict[str, asyncio.Lock] = {}

    def known(self, connection: Connection) -> tuple[ModelFacts, ...]:
        """What was last heard, or else what the provider's file says. Asks nobody."""
        kept = self._kept.get(_place(connection))
        return kept.models if kept else of_file(connection.provider)

    def age_s(self, connection: Connection) -> float | None:
        """How long ago its server said so; None where it was not asked."""
        kept = self._kept.get(_place(connection))
        return None if kept is None else self._clock() - kept.at

    async def offered(
        self, connection: Connection, owner: str, *, fresh: bool = False
    ) -> tuple[ModelFacts, ...]:
        """What the provider offers, asked again where that is older than an hour, or if `fresh`.

        `owner` is on whose behalf. Many who want to know at once ask once. Raises BackendError; but
        where a server that answered before is silent now, what it said then still counts.
        """
        if connection.provider.offline:
            return of_file(connection.provider)
        place, wanted_at = _place(connection), self._clock()
        async with self._locks.setdefault(place, asyncio.Lock()):
            kept = self._kept.get(place)
            # Whoever asked while we waited asked for us too.
            if kept and (kept.at > wanted_at or (not fresh and self._is_young(kept))):
                return kept.models
            try:
                models = await self._ask(connection, owner)
            except BackendError:
                if kept is None or fresh:
                    raise
                return kept.models
            self._kept[place] = _Kept(models, self._clock())
            return models

    def keep(self, connection: Connection, models: tuple[ModelFacts, ...]) -> None:
        """Note what a server was heard to offer without being asked here."""
        self._kept[_place(connection)] = _Kept(models, self._clock())

    def _is_young(self, kept: "_Kept") -> bool:
        return self._clock() - kept.at < MAX_AGE_S

    async def _ask(self, connection: Connection, owner: str) -> tuple[ModelFacts, ...]:
        provider, errand = connection.provider, Errand(owner, "", "", "models")
        asking = await Asking.open(connection, self._deadline_s)
        try:
            entry = await self._ledger.open(errand, provider.name, "")
            started, outcome = time.monotonic(), "failed"
            try:
                models = await offered(asking, provider)
                outcome = DONE
                return models
            except asyncio.CancelledError:
                outcome = "stopped"
                raise
            except BackendError as error:
                outcome = UNREACHED if isinstance(error, Unreached) else type(error).__name__
                raise
            finally:
                seconds = time.monotonic() - started
                await asyncio.shield(self._ledger.close(entry, outcome, seconds))
        finally:
            await asking.aclose()


@dataclass(frozen=True, slots=True)
class _Kept:
    models: tuple[ModelFacts, ...]
    at: float


class Asking:
    """An Ask by the client that chats go through: its headers, its key and its caution."""

    def __init__(self, connection: Connection, client: Any, deadline_s: float) -> None:
        self._asked = Asked(connection.provider, "", connection.key)
        self._client = client
        self._until = asyncio.get_running_loop().time() + deadline_s

    @classmethod
    async def open(cls, connection: Connection, deadline_s: float) -> "Asking":
        """`deadline_s` is for all that will be asked together, from now on."""
        deadlines = Deadlines(connect=deadline_s, first_token=deadline_s, silence=deadline_s)
        client = await asyncio.to_thread(
            open_client, connection.provider.base_url, connection.key, deadlines
        )
        return cls(connection, client, deadline_s)

    async def __call__(self, url: str, body: Mapping[str, Any] | None) -> object:
        import httpx2

        async with errors_sorted(self._asked), asyncio.timeout_at(self._until):
            if body is None:
                response = await self._client.get(url, cast_to=httpx2.Response)
            else:
                response = await self._client.post(url, body=body, cast_to=httpx2.Response)
        try:
            return parsed(response.content)
        except ValueError:
            page = response.content[:20_000].decode(errors="replace")
            raise from_page(self._asked, page) from None

    async def aclose(self) -> None:
        await self._client.close()


async def _of_ollama(ask: Ask, base: str, listed: tuple[ModelFacts, ...]) -> tuple[ModelFacts, ...]:
    """Each model's abilities by /api/show, and its window as loaded (/api/ps) or as configured.

    What the model was trained for is no help: Ollama cuts what is longer than num_ctx, silently.
    """
    running = {
        name: size
        for row in rows(await _perhaps(ask, f"{base}/api/ps"))
        if (size := count(row.get("context_length"))) and (name := name_of(row))
    }
    gate = asyncio.Semaphore(4)

    async def shown(facts: ModelFacts) -> ModelFacts | None:
        async with gate:
            said = await _perhaps(ask, f"{base}/api/show", {"model": facts.id})
        return _shown(facts, said if isinstance(said, Mapping) else {}, running.get(facts.id))

    told = await asyncio.gather(*map(shown, listed[:MAX_SHOWN]))
    return (*(facts for facts in told if facts), *listed[MAX_SHOWN:])


def _shown(facts: ModelFacts, said: Row, running: int | None) -> ModelFacts | None:
    """What /api/show says of a model of the list."""
    able, about = said.get("capabilities"), said.get("model_info")
    sizes = about.items() if isinstance(about, Mapping) else ()
    trained = next((count(v) for k, v in sizes if str(k).endswith(".context_length")), None)
    configured = None
    for line in str(said.get("parameters") or "").splitlines():
        name, _, value = line.strip().partition(" ")
        configured = count(value.strip()) if name == "num_ctx" else configured
    window = running or min(configured or OLLAMA_WINDOW, trained or OLLAMA_WINDOW * 64)
    if not isinstance(able, list):
        return replace(facts, window=window)
    if "completion" not in able:
        return replace(facts, sense="embedding") if "embedding" in able else None
    return replace(
        facts,
        sense="chat",
        sees="vision" in able,
        tools="tools" in able,
        reasons="thinking" in able,
        window=window,
    )


async def _of_lm_studio(ask: Ask, base: str) -> tuple[ModelFacts, ...]:
    """LM Studio's own list, of version 0.4 or else of 0.3; empty where it has neither."""
    for path in ("/api/v1/models", "/api/v0/models"):
        if found := read(await _perhaps(ask, base + path)):
            return found
    return ()


async def _of_llama_cpp(ask: Ask, base: str, facts: ModelFacts) -> ModelFacts:
    """Senses, abilities and the window of one slot, by /props."""
    said = await _perhaps(ask, f"{base}/props")
    props: Row = said if isinstance(said, Mapping) else {}
    senses, able = _inner(props, "modalities"), _inner(props, "chat_template_caps")
    tools = [able[name] for name in ("supports_tools", "supports_tool_calls") if name in able]
    slot = count(_inner(props, "default_generation_settings").get("n_ctx"))
    return replace(
        facts,
        sees=senses["vision"] is True if "vision" in senses else facts.sees,
        hears=senses["audio"] is True if "audio" in senses else facts.hears,
        tools=all(value is True for value in tools) if tools else facts.tools,
        json=True,  # its grammar forces a schema upon any model
        window=slot or facts.window,
    )


async def _perhaps(ask: Ask, url: str, body: Mapping[str, Any] | None = None) -> object:
    """What may be missing: an older server, another one, or one that is slow to tell."""
    try:
        return await ask(url, body)
    except BackendError:
        return None


def _inner(row: Row, name: str) -> Row:
    value = row.get(name)
    return value if isinstance(value, Mapping) else {}


def _place(connection: Connection) -> str:
    """One server as one key sees it; the key itself is not kept."""
    seen = f"{connection.provider.name}\n{connection.provider.base_url}\n{connection.key}"
    return hashlib.sha256(seen.encode()).hexdigest()
