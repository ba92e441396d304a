"""Puts the page on a FastAPI app: identity and headers around, own routes first, Gradio last."""

import html
import json

import gradio as gr
from fastapi import FastAPI, Request, WebSocket

from assistant import Assistant
from components.files import StaticFiles, media_routes, static_routes
from components.icons import all_icons
from components.identity import Identity
from components.live import Live
from components.memory_file import memory_routes
from components.own_key import key_routes
from components.page import build
from components.sealing import Sealing
from components.theme import DARK, LIGHT, ParleyTheme

_STYLES = (
    "tokens.css",
    "layout.css",
    "chat.css",
    "markdown.css",
    "composer.css",
    "usage.css",
    "choice.css",
    "memory.css",
)
_MAX_FILE_SIZE = "25mb"


def mount(app: FastAPI, assistant: Assistant, sign_key: bytes, version: str) -> FastAPI:
    """Add Parley's page at "/" and its own routes; the caller serves the app.

    `sign_key` signs the visitors' cookies: whoever knows it can be anybody.
    """
    live = Live(assistant)
    assistant.listen(live.notify, live.notify_all)
    static = StaticFiles()
    app.add_middleware(Identity, sign_key=sign_key)
    app.add_middleware(Sealing)

    @app.get("/healthz", include_in_schema=False)
    async def healthz() -> dict[str, str]:
        return {"status": "ok", "version": version}

    @app.websocket("/parley/live")
    async def follow(socket: WebSocket) -> None:
        await live.serve(socket)

    app.include_router(static_routes(static))
    app.include_router(media_routes(assistant))
    app.include_router(memory_routes(assistant, live.notify))
    app.include_router(key_routes(assistant))
    page = build(assistant, live.notify)
    # Gradio looks into its queue a thousand times a second (5 % of a core, idle); ours is always
    # empty, since every order is answered at once.
    page._queue.sleep_when_free = 0.5
    return gr.mount_gradio_app(  # type: ignore[no-any-return]
        app,
        page,
        path="/",
        ssr_mode=False,
        run_history=False,
        show_error=False,
        enable_monitoring=False,
        footer_links=[],
        max_file_size=_MAX_FILE_SIZE,
        theme=ParleyTheme(),
        head=_head(static),
        auth_dependency=_owner,
    )


def _owner(request: Request) -> str:
    owner: str = request.state.owner
    return owner


def _head(static: StaticFiles) -> str:
    """Styles and scripts of the page; the theme is chosen before anything is painted."""
    styles = "".join(f'<link rel="stylesheet" href="{static.url(name)}">' for name in _STYLES)
    icons = json.dumps(all_icons()).replace("</", "<\\/")
    early = static.files["early.js"].decode()
    icon = html.escape(static.url("mark.svg"))
    return f"""<meta name="theme-color" content="{LIGHT}" media="(prefers-color-scheme: light)">
<meta name="theme-color" content="{DARK}" media="(prefers-color-scheme: dark)">
<link rel="icon" type="image/svg+xml" href="{icon}">{styles}
<script>{early}</script><script>window.parleyIcons = {icons};</script>
<script type="module" src="{static.url("main.js")}"></script>"""
