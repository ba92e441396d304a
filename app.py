"""Parley's composition root: settings → layers → page → server. It decides nothing itself."""

import argparse
import asyncio
import gc
import logging
import os
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack, contextmanager, suppress
from dataclasses import fields, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import logs
from assistant import Assistant
from gate.wiping import wipe_environment
from house import House, connected, look_around, open_house
from inference.budget import usual_reserve
from inference.connection import Connection
from memory.database import DatabaseRefused
from memory.embedding import EmbeddingRefused
from metrics import in_front
from settings import BadSetting, Settings

if TYPE_CHECKING:
    from starlette.types import ASGIApp

VERSION = "0.1.0"
log = logging.getLogger("parley")


async def _get_ready(house: House, alone: bool) -> None:
    """While the page is already up: find local servers, and load what a first turn would wait for."""
    if not alone:
        await look_around(house)
    house.rebuild.start()
    house.mcp.start()
    await house.layers.recall.warm()
    for line in house.lines.lines():
        await line.backend.warm()
    gc.freeze()


def main() -> int:
    arguments = _arguments()
    logs.begin()
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
        return 130 if arguments.ask is not None else 0
    except asyncio.CancelledError:
        return 143


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
    parser.add_argument(
        "--ask", metavar="QUESTION", help="answer here, and end; - reads it from standard input"
    )
    parser.add_argument(
        "--attach", metavar="FILE", type=Path, action="append", help="goes along with --ask"
    )
    parser.add_argument(
        "--backup",
        metavar="FILE",
        type=Path,
        help="write all that is kept to FILE (.tar.gz), and end",
    )
    parser.add_argument(
        "--restore", metavar="FILE", type=Path, help="put a backup back into an empty --data-dir"
    )
    parser.add_argument(
        "--add-user", metavar="NAME", help="let NAME log in (PARLEY_USERS), and end"
    )
    parser.add_argument("--version", action="version", version=f"Parley {VERSION}")
    return parser.parse_args()


def _given(arguments: argparse.Namespace) -> dict[str, Any]:
    """The settings among the arguments."""
    names = {field.name for field in fields(Settings)}
    given = {k: v for k, v in vars(arguments).items() if v is not None and k in names}
    if "data_dir" in given:
        given["data_dir"] = given["data_dir"].expanduser().resolve()
    return given


async def _serve(arguments: argparse.Namespace) -> int:
    chosen, connection = connected(os.environ, **_given(arguments))
    wipe_environment(os.environ)
    logs.begin(chosen.logs)
    if chosen.is_public and not chosen.reserve:
        chosen = replace(
            chosen, reserve=usual_reserve(connection.provider, chosen.requests_per_day)
        )
    if arguments.backup or arguments.restore:
        return _kept(arguments, chosen)
    if arguments.add_user:
        from gate.adding import add

        return add(chosen, arguments.add_user)
    if arguments.ask is not None:
        return await _ask(arguments, chosen, connection)
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
            await _serve_page(house, chosen, listener)
            getting_ready.cancel()
    return 0


def _kept(arguments: argparse.Namespace, chosen: Settings) -> int:
    from memory.backup import back_up, restore

    if arguments.backup:
        size = back_up(chosen.data_path, arguments.backup)
        sys.stdout.write(f"{arguments.backup}: {size:,} bytes\n")
    else:
        count = restore(arguments.restore, chosen.data_path)
        sys.stdout.write(f"{count} files are back in {chosen.data_path}\n")
    return 0


async def _ask(arguments: argparse.Namespace, chosen: Settings, connection: Connection) -> int:
    from shell import NoFile, ask

    logging.getLogger().setLevel(logging.ERROR)
    question = sys.stdin.read() if arguments.ask == "-" else arguments.ask
    if asking := asyncio.current_task():
        with suppress(NotImplementedError):  # Windows has no such signal
            asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, asking.cancel)
    async with open_house(chosen, connection) as house:
        house.rebuild.start()
        house.mcp.start()
        try:
            return await ask(
                house.assistant, question, arguments.attach or (), sys.stdout, sys.stderr
            )
        except NoFile as error:
            sys.stderr.write(f"parley: {error}\n")
            return 2


@contextmanager
def _loading() -> Iterator[None]:
    """What is loaded meanwhile stays: to look through it for garbage takes long now, and in every reply."""
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


async def _serve_page(house: House, chosen: Settings, listener: socket.socket) -> None:
    # Gradio's own place, /tmp/gradio, belongs to whoever of this machine was first to run Gradio.
    os.environ.setdefault("GRADIO_TEMP_DIR", str(chosen.data_path / "gradio"))
    with _loading():
        import uvicorn
        from fastapi import FastAPI

        from components.mount import mount
        from components.sharing import Link
        from gate.opening import access_to, sign_key
        from serving import Server

        link = Link() if chosen.share else None
        access = access_to(chosen, link.port if link else 0)
        bare = FastAPI(openapi_url=None)
        page = mount(bare, house.assistant, sign_key(chosen), VERSION, access)
    address, port = listener.getsockname()[:2]
    async with AsyncExitStack() as stack:
        app = await _with_door(stack, page, house.assistant, chosen) if chosen.mcp else page
        if chosen.metrics_token:
            left = partial(house.ledger.left, house.lines.lines()[0].provider.name)
            app = in_front(app, house.metrics, chosen.metrics_token, left)
        # What proxies say is read by gate/arrival.py, of those alone that the operator named.
        config = uvicorn.Config(
            app, log_config=None, access_log=False, proxy_headers=False, timeout_graceful_shutdown=2
        )
        log.info("Parley %s: http://%s:%s", VERSION, address, port)
        if link:
            stack.callback(link.close)
            await stack.enter_async_context(link.opened(access))
        await Server(config).serve(sockets=[listener, *([link.listener] if link else [])])


async def _with_door(
    stack: AsyncExitStack, page: "ASGIApp", assistant: Assistant, chosen: Settings
) -> "ASGIApp":
    """Parley as an MCP server, beside its page."""
    from mcp_door import PATH, kept_token, open_door, with_token

    kept = chosen.data_path / "mcp.token"
    token = chosen.mcp_token or kept_token(kept)
    log.info("MCP at %s; its token: %s", PATH, "PARLEY_MCP_TOKEN" if chosen.mcp_token else kept)
    bound = [] if chosen.address == "0.0.0.0" else [chosen.address]  # noqa: S104
    names = [*chosen.mcp_names, *chosen.host_names, *bound]
    return await stack.enter_async_context(open_door(page, assistant, with_token(token), names))


if __name__ == "__main__":
    sys.exit(main())
