"""Parley's composition root: settings → layers → page → server. It decides nothing itself."""

import argparse
import asyncio
import logging
import os
import secrets
import socket
import sys
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy.ext.asyncio import AsyncEngine

import settings as environment
from assistant import Assistant, Rooms
from handler import run_turn, summarise
from inference import ledger, local_servers
from inference.budget import Limits, limits_of
from inference.connection import LOCAL_KEY, Connection, connect
from inference.discovery import Catalogue
from inference.ledger import Ledger
from inference.openai_backend import OpenAIBackend
from inference.own_keys import OwnKeys
from inference.provider import Provider, load_providers
from inference.switchboard import Switchboard, Task
from inference.transport import Deadlines
from memory import schema
from memory.calibration import Calibrations
from memory.choices import ConversationChoices
from memory.conversations import Conversations
from memory.database import DatabaseRefused, claim, open_database
from memory.documents import Documents
from memory.embedding import Embedding, EmbeddingRefused, LocalEmbedding
from memory.erasing import erase_owner
from memory.media import MediaStore
from memory.opening import open_long_term
from memory.permissions import Permissions
from memory.rebuild import Rebuild
from memory.recall import Recall
from memory.summaries import Summaries
from settings import BadSetting, Settings
from steps.confirmations import Confirmations
from steps.course import Layers, Models
from steps.tooling import Tooling
from tools.mcp.config import read_servers
from tools.mcp.servers import McpServers
from tools.offered import offered
from tools.router import Router
from turns import Turns

if TYPE_CHECKING:
    from starlette.types import ASGIApp

VERSION = "0.1.0"
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
        engine = await open_database(
            f"sqlite+aiosqlite:///{data / 'parley.db'}", [*schema.MIGRATIONS, *ledger.MIGRATIONS]
        )
        stack.push_async_callback(engine.dispose)
        book = Ledger(engine, limits=_limits(chosen, connection))
        deadlines = Deadlines(total=chosen.deadline_s or None)
        own_keys = OwnKeys(providers or load_providers(), book, deadlines)
        stack.push_async_callback(own_keys.aclose)
        lines = await _lines(stack, chosen, connection, book, own_keys)
        conversations = Conversations(engine)
        long_term = await stack.enter_async_context(
            open_long_term(
                engine,
                data,
                _embedding(chosen, lines, book),
                chroma_url=chosen.chroma_url,
                again=_embedding(chosen, lines, book, background=True),
            )
        )
        mcp = McpServers(read_servers(chosen.mcp_path, os.environ), data / "mcp-approved.json")
        stack.push_async_callback(mcp.close)
        tools = Router(offered(chosen.searxng_url), [mcp.tools])
        layers = _layers(chosen, engine, book, lines, long_term.recall, tools)
        turns = Turns(conversations, partial(run_turn, layers=layers))
        stack.push_async_callback(turns.close)
        await conversations.interrupt_running()
        await book.settle_open()
        rooms = Rooms(
            turns=turns,
            conversations=conversations,
            choices=ConversationChoices(engine),
            media=layers.media,
            documents=layers.documents,
            recall=layers.recall,
            rebuild=long_term.rebuild,
            ledger=book,
            lines=layers.lines,
            catalogue=Catalogue(book),
            tooling=layers.tooling,
            summaries=layers.summaries,
            summarise=partial(summarise, layers=layers),
            own_keys=own_keys,
            erase_rest=partial(erase_owner, engine, layers.media),
        )
        yield House(Assistant(rooms), layers, turns, book, lines, long_term.rebuild, mcp)


async def _lines(
    stack: AsyncExitStack,
    chosen: Settings,
    connection: Connection,
    book: Ledger,
    own_keys: OwnKeys,
) -> Switchboard:
    """Everybody who can answer, hear or speak: the operator's choice first, the offline engine last."""
    deadlines = Deadlines(total=chosen.deadline_s or None)
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
        media=MediaStore(chosen.data_path / "media", engine),
        documents=Documents(engine),
        summaries=Summaries(engine),
        calibrations=Calibrations(engine),
        tooling=Tooling(tools, Permissions(engine), Confirmations()),
    )


def _limits(chosen: Settings, connection: Connection) -> dict[str, Limits]:
    """The plan's, and before them the operator's own numbers."""
    own = limits_of(
        connection.provider, chosen.requests_per_day, chosen.requests_per_minute, chosen.reserve
    )
    return {connection.provider.name: own}


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
    hears = replace(chosen, speech_model="", voice="")
    speaks = replace(chosen, transcribe_model="")
    lent: tuple[tuple[Task, str, str, Settings], ...] = (
        ("transcription", chosen.hearing_base_url, chosen.hearing_api_key, hears),
        ("speech", chosen.speech_base_url, chosen.speech_api_key, speaks),
    )
    for task, base_url, key, models in lent:
        if base_url:
            connection = connect(load_providers(), base_url, key, {})
            provider = _as_chosen(connection.provider, replace(models, model="", vision_model=""))
            # A name of its own: a second server of a kind must not replace the first.
            named = replace(provider, name=f"{provider.name}@{task}")
            line = await lines.add(replace(connection, provider=named))
            lines.use(task, line.provider.name)


def _as_chosen(provider: Provider, chosen: Settings) -> Provider:
    """The operator's models take the place of the file's."""
    return replace(
        provider,
        chat=chosen.model or provider.chat,
        vision=chosen.vision_model or provider.vision,
        transcription=chosen.transcribe_model or provider.transcription,
        speech=chosen.speech_model or provider.speech,
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


async def _get_ready(house: House, alone: bool) -> None:
    """While the page is already up: find local servers, and load what a first turn would wait for."""
    if not alone:
        await look_around(house)
    house.rebuild.start()
    house.mcp.on_change = house.assistant.offers_changed
    house.mcp.start()
    await house.layers.recall.warm()
    for line in house.lines.lines():
        await line.backend.warm()


def main() -> int:
    arguments = _arguments()
    logging.basicConfig(
        level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
    for chatty in ("httpx", "httpx2", "chromadb", "alembic", "mcp", "uvicorn.error"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    # What Chroma and others write is for this user alone, like what we write.
    os.umask(0o077)
    # Before Gradio is imported: it would otherwise report its start to its makers.
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
    try:
        with asyncio.Runner(loop_factory=loop_factory()) as runner:
            return runner.run(_serve(arguments))
    except (BadSetting, DatabaseRefused, EmbeddingRefused) as error:
        sys.stderr.write(f"parley: {error}\n")
        return 2
    except KeyboardInterrupt:
        return 0


def loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """uvloop where it is to be had (not on Windows): a third less CPU a streamed token."""
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.new_event_loop


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="app.py", description="Parley: a multimodal chat that counts its requests."
    )
    parser.add_argument("--host", help="address to listen on (PARLEY_HOST)")
    parser.add_argument("--port", type=int, help="port to listen on, 0 for any (PARLEY_PORT)")
    parser.add_argument("--data-dir", type=Path, help="where data are kept (PARLEY_DATA_DIR)")
    parser.add_argument(
        "--share", action="store_true", default=None, help="open a public link (PARLEY_SHARE)"
    )
    parser.add_argument("--version", action="version", version=f"Parley {VERSION}")
    return parser.parse_args()


def _configured(arguments: argparse.Namespace, chosen: Settings) -> Settings:
    """The command line has the last word."""
    given = {name: value for name, value in vars(arguments).items() if value is not None}
    if "data_dir" in given:
        given["data_dir"] = given["data_dir"].expanduser().resolve()
    return replace(chosen, **given)


async def _serve(arguments: argparse.Namespace) -> int:
    providers = load_providers()
    variables = [p.key_variable for p in providers.values() if p.key_variable]
    chosen, keys = environment.read(os.environ, variables)
    chosen = _configured(arguments, chosen)
    connection = connect(providers, chosen.base_url, chosen.api_key, keys)
    try:
        listener = socket.create_server((chosen.address, chosen.port), backlog=512)
    except OSError as error:
        sys.stderr.write(
            f"parley: cannot listen on {chosen.address}:{chosen.port} ({os.strerror(error.errno or 0)}). "
            "Choose another port with --port.\n"
        )
        return 1
    with listener:
        async with open_house(chosen, connection) as house:
            getting_ready = asyncio.create_task(_get_ready(house, alone=bool(chosen.space)))
            await _serve_page(house.assistant, chosen, listener)
            getting_ready.cancel()
    return 0


async def _serve_page(assistant: Assistant, chosen: Settings, listener: socket.socket) -> None:
    import uvicorn
    from fastapi import FastAPI

    from components.mount import mount

    bare = FastAPI(openapi_url=None)
    page = mount(bare, assistant, sign_key=_sign_key(chosen.data_path), version=VERSION)
    address, port = listener.getsockname()[:2]
    async with AsyncExitStack() as stack:
        app = await _with_door(stack, page, assistant, chosen) if chosen.mcp else page
        server = uvicorn.Server(
            uvicorn.Config(app, log_config=None, access_log=False, timeout_graceful_shutdown=2)
        )
        log.info("Parley %s: http://%s:%s", VERSION, address, port)
        sharing = asyncio.create_task(_share(port)) if chosen.share else None
        await server.serve(sockets=[listener])
        if sharing:
            sharing.cancel()


async def _with_door(
    stack: AsyncExitStack, page: "ASGIApp", assistant: Assistant, chosen: Settings
) -> "ASGIApp":
    """Parley as an MCP server, beside its page."""
    from mcp_door import PATH, kept_token, open_door, with_token

    kept = chosen.data_path / "mcp.token"
    token = chosen.mcp_token or kept_token(kept)
    log.info("MCP at %s; its token: %s", PATH, "PARLEY_MCP_TOKEN" if chosen.mcp_token else kept)
    names = [*chosen.mcp_names, *([chosen.address] if chosen.address != "0.0.0.0" else [])]  # noqa: S104
    return await stack.enter_async_context(open_door(page, assistant, with_token(token), names))


def _sign_key(data: Path) -> bytes:
    """The key that signs visitors' cookies: random, made once, readable by the operator alone."""
    path = data / "cookie.key"
    if not path.exists():
        descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(secrets.token_bytes(32))
    return path.read_bytes()


async def _share(port: int) -> None:
    from gradio.networking import setup_tunnel

    try:
        link = await asyncio.to_thread(
            setup_tunnel, "127.0.0.1", port, secrets.token_urlsafe(32), None, None
        )
    except Exception as error:
        log.warning("No public link could be opened: %s", error)
    else:
        log.info("Public link while Parley runs: %s", link)


if __name__ == "__main__":
    sys.exit(main())
