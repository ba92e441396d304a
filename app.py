"""Parley's composition root: settings → layers → page → server. It decides nothing itself."""

import argparse
import asyncio
import logging
import os
import secrets
import socket
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import settings as environment
from assistant import Answering, Assistant, Rooms
from handler import Layers, Models, run_turn
from inference import ledger
from inference.connection import Connection, connect
from inference.ledger import Ledger
from inference.openai_backend import OpenAIBackend
from inference.provider import load_providers
from memory import schema
from memory.conversations import Conversations
from memory.database import DatabaseRefused, claim, open_database
from memory.embedding import LocalEmbedding
from memory.media import MediaStore
from memory.recall import Recall
from settings import BadSetting, Settings
from tools.router import Router, discover
from turns import Turns

VERSION = "0.1.0"
OFFLINE_ADVICE = (
    "Set OXLO_API_KEY (or another provider's key), or PARLEY_BASE_URL for any "
    "OpenAI-compatible server, and start Parley again."
)
log = logging.getLogger("parley")


@dataclass(frozen=True, slots=True)
class House:
    """Everything of a running Parley but its page."""

    assistant: Assistant
    layers: Layers
    turns: Turns
    ledger: Ledger


@asynccontextmanager
async def open_house(chosen: Settings, connection: Connection) -> AsyncIterator[House]:
    """The four layers on the data of `chosen`. Leaving it ends turns, workers and connections."""
    async with AsyncExitStack() as stack:
        data = chosen.data_path
        stack.callback(claim(data).release)
        engine = await open_database(
            f"sqlite+aiosqlite:///{data / 'parley.db'}", [*schema.MIGRATIONS, *ledger.MIGRATIONS]
        )
        stack.push_async_callback(engine.dispose)
        if connection.provider.offline:
            connection = await _offline(connection, stack)
        book = Ledger(engine, limits=connection.limits)
        backend = OpenAIBackend(connection.provider, connection.key, book)
        stack.push_async_callback(backend.aclose)
        conversations = Conversations(engine)
        media = MediaStore(data / "media", engine)
        recall = Recall(engine, data / "chroma", LocalEmbedding())
        stack.push_async_callback(recall.close)
        layers = Layers(
            backend, connection.provider, _models(chosen), recall, media, Router(discover())
        )
        turns = Turns(conversations, partial(run_turn, layers=layers))
        stack.push_async_callback(turns.close)
        await conversations.interrupt_running()
        await book.settle_open()
        rooms = Rooms(
            turns, conversations, media, recall, book, connection.provider, _answering(layers)
        )
        yield House(Assistant(rooms), layers, turns, book)


async def _offline(connection: Connection, stack: AsyncExitStack) -> Connection:
    from inference.offline.engine import OfflineEngine

    engine = OfflineEngine()
    await engine.start()
    stack.push_async_callback(engine.stop)
    provider = replace(connection.provider, base_url=engine.base_url)
    return replace(connection, provider=provider, key=engine.key)


def _models(chosen: Settings) -> Models:
    return Models(
        chosen.model,
        chosen.vision_model,
        chosen.transcribe_model,
        chosen.speech_model,
        chosen.voice,
    )


def _answering(layers: Layers) -> Answering:
    provider = layers.provider
    return Answering(
        provider=provider.label,
        model=layers.models.chat or provider.chat,
        offline=provider.offline,
        advice=OFFLINE_ADVICE if provider.offline else "",
    )


def main() -> int:
    arguments = _arguments()
    logging.basicConfig(
        level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
    for chatty in ("httpx", "httpx2", "chromadb", "alembic", "uvicorn.error"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    # Before Gradio is imported: it would otherwise report its start to its makers.
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
    try:
        with asyncio.Runner(loop_factory=loop_factory()) as runner:
            return runner.run(_serve(arguments))
    except (BadSetting, DatabaseRefused) as error:
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
            await _serve_page(house.assistant, chosen, listener)
    return 0


async def _serve_page(assistant: Assistant, chosen: Settings, listener: socket.socket) -> None:
    import uvicorn
    from fastapi import FastAPI

    from components.mount import mount

    bare = FastAPI(openapi_url=None)
    app = mount(bare, assistant, sign_key=_sign_key(chosen.data_path), version=VERSION)
    server = uvicorn.Server(
        uvicorn.Config(app, log_config=None, access_log=False, timeout_graceful_shutdown=2)
    )
    address, port = listener.getsockname()[:2]
    log.info("Parley %s: http://%s:%s", VERSION, address, port)
    sharing = asyncio.create_task(_share(port)) if chosen.share else None
    await server.serve(sockets=[listener])
    if sharing:
        sharing.cancel()


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
