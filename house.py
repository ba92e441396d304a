"""The house behind the page: the four layers on a data directory, put together by the settings."""

import asyncio
import logging
import os
from collections.abc import AsyncIterator, Iterator, Mapping, MutableMapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from sqlalchemy.ext.asyncio import AsyncEngine

import logs
from assistant import Assistant, Rooms
from handler import run_turn, summarise
from inference import ledger, local_servers
from inference.budget import Limits, limits_of
from inference.connection import LOCAL_KEY, Connection, connect, same_server
from inference.discovery import Catalogue
from inference.ledger import Closed, Ledger
from inference.openai_backend import OpenAIBackend
from inference.own_keys import OwnKeys
from inference.provider import NoSuchPlan, Provider, load_providers
from inference.switchboard import Switchboard, Task
from inference.transport import Deadlines
from memory import migrations
from memory.calibration import Calibrations
from memory.choices import ConversationChoices
from memory.conversations import Conversations
from memory.database import claim, open_database
from memory.documents import Documents
from memory.embedding import Embedding, LocalEmbedding
from memory.erasing import erase_owner
from memory.handing_over import hand_over
from memory.in_memory import (
    ChoicesInMemory,
    MediaInMemory,
    PermissionsInMemory,
    database_in_memory,
    no_long_term,
)
from memory.media import MediaStore
from memory.opening import open_long_term
from memory.permissions import Permissions
from memory.rebuild import Rebuild
from memory.recall import Recall
from memory.replicas import Replicas
from memory.shelves import Shelves
from memory.summaries import Summaries
from memory.versions import Versions
from metrics import Metrics
from refusals import EVERYWHERE
from settings import BadSetting, Settings, read
from steps.confirmations import Confirmations
from steps.course import Layers, Models
from steps.tooling import Tooling
from temporary import MEMORY_TOOLS
from tools.mcp.config import read_servers
from tools.mcp.servers import McpServers
from tools.offered import offered
from tools.router import Router
from turn_queue import TurnQueue
from turns import Turns
from voice.activity import VoiceActivity

log = logging.getLogger("parley")


@dataclass(frozen=True, slots=True)
class House:
    """Everything of a running Parley but its page."""

    assistant: Assistant
    layers: Layers
    turns: Turns
    ledger: Ledger
    lines: Switchboard
    rebuild: Rebuild
    mcp: McpServers
    metrics: Metrics


def connected(environ: MutableMapping[str, str], **given: Any) -> tuple[Settings, Connection]:
    """What `environ` chooses, `given` having the last word, and who answers by it.

    Keys are removed from `environ`. Raises BadSetting.
    """
    providers = load_providers()
    variables = [p.key_variable for p in providers.values() if p.key_variable]
    chosen, keys = read(environ, variables)
    chosen = replace(chosen, **given)
    connection = connect(providers, chosen.base_url, chosen.api_key, keys)
    if connection.provider.offline:
        return chosen, connection
    try:
        provider = connection.provider.on_plan(chosen.plan.lower())
    except NoSuchPlan as error:
        raise BadSetting(f"PARLEY_PLAN is {chosen.plan!r}; {error}") from None
    return chosen, replace(connection, provider=provider)


@asynccontextmanager
async def open_house(
    chosen: Settings, connection: Connection, providers: Mapping[str, Provider] | None = None
) -> AsyncIterator[House]:
    """The four layers on the data of `chosen`. Leaving it ends turns, workers and connections.

    `providers` are those for which a visitor may bring a key; all that are known, if not given.
    """
    async with AsyncExitStack() as stack:
        data = chosen.data_path
        stack.callback(claim(data).release)
        engine = await _database(chosen)
        stack.push_async_callback(engine.dispose)
        replicas = Replicas(engine)
        book = Ledger(engine, _limits(chosen, connection), replica=replicas.number)
        conversations = Conversations(engine, replicas.number)
        replicas.on_look = partial(_clear_up, conversations, book)
        await stack.enter_async_context(replicas.joined())
        await book.drop_old_shares()
        own_keys = OwnKeys(providers or load_providers(), book, _deadlines(chosen))
        stack.push_async_callback(own_keys.aclose)
        lines = await _lines(stack, chosen, connection, book, own_keys)
        long_term = await stack.enter_async_context(
            open_long_term(
                engine,
                data,
                _embedding(chosen, lines, book),
                chroma_url=chosen.chroma_url,
                again=_embedding(chosen, lines, book, background=True),
            )
        )
        mcp, tools = _tools(stack, chosen)
        layers = _layers(chosen, engine, book, lines, long_term.recall, tools)
        if layers.activity:
            stack.push_async_callback(layers.activity.close)
        metrics = Metrics()
        book.on_close = partial(_closed, metrics)
        queue = TurnQueue()
        turns = _turns(stack, conversations, layers, metrics, queue)
        await asyncio.to_thread(layers.media.sweep)
        rooms = Rooms(
            layers=layers,
            turns=turns,
            conversations=conversations,
            versions=Versions(engine),
            shelves=Shelves.of(engine),
            choices=ConversationChoices(engine),
            rebuild=long_term.rebuild,
            catalogue=Catalogue(book),
            mcp=mcp,
            own_keys=own_keys,
            replicas=replicas,
            summarise=partial(summarise, layers=layers),
            erase_rest=partial(erase_owner, engine, layers.media),
            hand_over=partial(hand_over, engine),
        )
        beside = await _temporary(stack, rooms, tools, metrics, queue)
        assistant = await _opened(stack, replace(rooms, temporary=await _opened(stack, beside)))
        stack.push_async_callback(assistant.visits.close)
        yield House(assistant, layers, turns, book, lines, long_term.rebuild, mcp, metrics)


def _turns(
    stack: AsyncExitStack,
    conversations: Conversations,
    layers: Layers,
    metrics: Metrics,
    queue: TurnQueue,
) -> Turns:
    run = logs.watched(partial(run_turn, layers=layers))
    turns = Turns(conversations, metrics.watched(run), queue)
    stack.push_async_callback(turns.close)
    return turns


async def _opened(stack: AsyncExitStack, rooms: Rooms) -> Assistant:
    assistant = Assistant(rooms)
    stack.push_async_callback(assistant.recitals.close)
    await stack.enter_async_context(assistant.archive.emptied())
    return assistant


async def _temporary(
    stack: AsyncExitStack, kept: Rooms, tools: Router, metrics: Metrics, queue: TurnQueue
) -> Rooms:
    """The rooms of temporary chats: who answers, the ledger and the queue are those of all chats, and
    everything that holds words is in memory alone. Nothing is remembered, so no tool is for that."""
    engine = await stack.enter_async_context(database_in_memory(migrations.MIGRATIONS))
    long_term = await stack.enter_async_context(no_long_term(engine))
    permissions = PermissionsInMemory(engine, kept.layers.tooling.permissions)
    layers = replace(
        kept.layers,
        recall=long_term.recall,
        media=MediaInMemory(engine),
        documents=Documents(engine),
        summaries=Summaries(engine),
        calibrations=Calibrations(engine),
        tooling=Tooling(tools.without(MEMORY_TOOLS), permissions, Confirmations()),
    )
    replicas = Replicas(engine)
    conversations = Conversations(engine, replicas.number)
    return replace(
        kept,
        layers=layers,
        turns=_turns(stack, conversations, layers, metrics, queue),
        conversations=conversations,
        versions=Versions(engine),
        shelves=Shelves.of(engine),
        choices=ChoicesInMemory(engine, kept.choices, EVERYWHERE),
        rebuild=long_term.rebuild,
        replicas=replicas,
        summarise=partial(summarise, layers=layers),
        erase_rest=partial(erase_owner, engine, layers.media),
    )


async def _database(chosen: Settings) -> AsyncEngine:
    place = chosen.database_url or f"sqlite+aiosqlite:///{chosen.data_path / 'parley.db'}"
    return await open_database(place, [*migrations.MIGRATIONS, *ledger.MIGRATIONS])


def _tools(stack: AsyncExitStack, chosen: Settings) -> tuple[McpServers, Router]:
    servers = read_servers(chosen.mcp_path, os.environ)
    mcp = McpServers(servers, chosen.data_path / "mcp-approved.json")
    stack.push_async_callback(mcp.close)
    return mcp, Router(offered(chosen.searxng_url), [mcp.tools])


def _closed(metrics: Metrics, request: Closed) -> None:
    metrics.closed(request)
    logs.closed(request)


async def _clear_up(conversations: Conversations, book: Ledger, alive: set[int]) -> None:
    """What a Parley that is gone left running is kept as interrupted."""
    await conversations.interrupt_running(alive)
    await book.settle_open(alive)


async def _lines(
    stack: AsyncExitStack,
    chosen: Settings,
    connection: Connection,
    book: Ledger,
    own_keys: OwnKeys,
) -> Switchboard:
    """Everybody who can answer, hear or speak: the operator's choice first, the offline engine last."""
    deadlines = _deadlines(chosen)
    lines = Switchboard(
        lambda provider, key: OpenAIBackend(provider, key, book, deadlines), own_keys
    )
    stack.push_async_callback(lines.aclose)
    offline = await _offline(stack)
    if not connection.provider.offline:
        await lines.add(replace(connection, provider=_as_chosen(connection.provider, chosen)))
    await lines.add(offline)
    await _lend_senses(lines, chosen)
    return lines


def _layers(
    chosen: Settings,
    engine: AsyncEngine,
    book: Ledger,
    lines: Switchboard,
    recall: Recall,
    tools: Router,
) -> Layers:
    return Layers(
        lines=lines,
        models=Models(chosen.model, chosen.vision_model),
        ledger=book,
        recall=recall,
        media=MediaStore(chosen.shared_path / "media", engine),
        documents=Documents(engine),
        summaries=Summaries(engine),
        calibrations=Calibrations(engine),
        tooling=Tooling(tools, Permissions(engine), Confirmations()),
        activity=VoiceActivity(),
    )


def _deadlines(chosen: Settings) -> Deadlines:
    return Deadlines(total=chosen.deadline_s or None)


def _limits(chosen: Settings, connection: Connection) -> dict[str, Limits]:
    """The plan's, and before them the operator's own numbers."""
    own = limits_of(
        connection.provider, chosen.requests_per_day, chosen.requests_per_minute, chosen.reserve
    )
    lent = {one.provider.name: limits_of(one.provider) for _, one in _lent(chosen)}
    return {connection.provider.name: own, **lent}


async def _offline(stack: AsyncExitStack) -> Connection:
    """The embedded engine: it answers where there is no key, and stands in where a budget is spent."""
    from inference.offline.engine import OfflineEngine

    engine = OfflineEngine()
    await engine.start()
    stack.push_async_callback(engine.stop)
    provider = replace(load_providers()["offline"], base_url=engine.base_url)
    return Connection(provider, engine.key)


async def _lend_senses(lines: Switchboard, chosen: Settings) -> None:
    """Another provider hears or speaks, where the operator named one."""
    for task, connection in _lent(chosen):
        line = await lines.add(connection)
        lines.use(task, line.provider.name)


def _lent(chosen: Settings) -> Iterator[tuple[Task, Connection]]:
    """Who hears or speaks besides; one server that does both has the models of both."""
    both = same_server(chosen.hearing_base_url, chosen.speech_base_url)
    hears = chosen if both else replace(chosen, speech_model="", voice="")
    speaks = chosen if both else replace(chosen, transcribe_model="")
    lent: tuple[tuple[Task, str, str, Settings], ...] = (
        ("transcription", chosen.hearing_base_url, chosen.hearing_api_key, hears),
        ("speech", chosen.speech_base_url, chosen.speech_api_key, speaks),
    )
    for task, base_url, key, models in lent:
        if base_url:
            connection = connect(load_providers(), base_url, key, {})
            provider = _as_chosen(
                connection.provider, replace(models, model="", vision_model="", image_model="")
            )
            # A name of its own: a second server of a kind must not replace the first.
            named = replace(provider, name=f"{provider.name}@{task}")
            yield task, replace(connection, provider=named)


def _as_chosen(provider: Provider, chosen: Settings) -> Provider:
    """The operator's models take the place of the file's."""
    return replace(
        provider,
        chat=chosen.model or provider.chat,
        vision=chosen.vision_model or provider.vision,
        transcription=chosen.transcribe_model or provider.transcription,
        speech=chosen.speech_model or provider.speech,
        image=chosen.image_model or provider.image,
        voice=chosen.voice or provider.voice,
    )


def _embedding(
    chosen: Settings, lines: Switchboard, book: Ledger, *, background: bool = False
) -> Embedding:
    """What makes meanings comparable, as the operator chose; `background`: for all texts anew."""
    if chosen.embedding_model:
        from inference.embeddings import ProviderEmbedding

        backend = lines.lines()[0].backend
        model = chosen.embedding_model
        return ProviderEmbedding(lambda: backend, book, model, background=background)
    if chosen.embedding == "minilm":
        from memory.minilm import MiniLM

        return MiniLM()
    return LocalEmbedding()


async def look_around(house: House, ports: Sequence[int] = local_servers.USUAL_PORTS) -> None:
    """Offer the model servers that run on this machine: asked on loopback alone, for 300 ms."""
    for found in await local_servers.find(load_providers(), ports):
        connection = Connection(found.provider, LOCAL_KEY)
        await house.lines.add(connection, found.models)
        house.assistant.offers_changed()
        log.info("Found %s at %s", found.provider.label, found.provider.base_url)
