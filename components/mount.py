"""Puts the page on a FastAPI app: identity and headers around, own routes first, Gradio last."""

import html
import json

import gradio as gr
from fastapi import FastAPI, Request, WebSocket
from fastapi.responses import JSONResponse

from assistant import Assistant, StoreFailed
from components.account import account_routes
from components.aloud import aloud_routes
from components.call import Calls
from components.conversation_files import conversation_routes, shared_routes
from components.files import StaticFiles, media_routes, static_routes
from components.gallery import gallery_routes
from components.icons import all_icons
from components.identity import Identity
from components.installable import install_routes
from components.live import Live
from components.login import Looks, login_routes
from components.memory_file import memory_routes
from components.own_key import key_routes
from components.page import build, frame
from components.sealing import Sealing
from components.settings_panel import settings_routes
from components.slips import Slips
from components.theme import DARK, LIGHT, ParleyTheme
from components.tongues import tongues
from components.words import Tongue, explained
from gate.access import Access
from gate.arrival import Arrival
from gate.guard import Guard
from gate.pacing import Pacing
from gate.sessions import Sessions

_STYLES = (
    "tokens.css",
    "layout.css",
    "conversations.css",
    "chat.css",
    "revisions.css",
    "markdown.css",
    "composer.css",
    "gallery.css",
    "usage.css",
    "choice.css",
    "memory.css",
    "tools.css",
    "voice.css",
    "call.css",
    "settings.css",
    "temporary.css",
    "login.css",
)
_MAX_FILE_SIZE = "25mb"


def mount(
    app: FastAPI,
    assistant: Assistant,
    sign_key: bytes,
    version: str,
    access: Access | None = None,
) -> FastAPI:
    """Add Parley's page at "/" and its own routes; the caller serves the app.

    `sign_key` signs the visitors' cookies: whoever knows it can be anybody. Without `access` everybody
    who reaches this machine by one of its own names may come in.
    """
    access = access or Access()
    sessions = Sessions(access, sign_key)
    live = Live(assistant)
    assistant.listen(live.changed, live.notify_all, live.forgotten, live.moved)
    assistant.elsewhere.on_change = live.look_again
    static = StaticFiles()

    @app.get("/healthz", include_in_schema=False)
    async def healthz() -> dict[str, str]:
        return {"status": "ok", "version": version}

    app.add_exception_handler(StoreFailed, _store_failed)

    _add_sockets(app, live, Calls(assistant))
    _add_routes(app, assistant, static, live)
    app.include_router(account_routes(assistant, live.changed))
    app.include_router(settings_routes(assistant, version))
    styles = (static.url("tokens.css"), static.url("login.css"))
    looks = Looks(styles, static.url("early.js"), static.url("mark.svg"))
    app.include_router(login_routes(access, sessions, sign_key, looks))
    words = tongues(frame(access.forgets), static.scripts)
    page = build(assistant, live.changed, sessions.erased, words)
    # Gradio looks into its queue a thousand times a second (5 % of a core, idle); ours is always
    # empty, since every order is answered at once.
    page._queue.sleep_when_free = 0.5
    app.add_middleware(Slips, events=frozenset(n for n, event in page.fns.items() if event.fn))
    _stand_in_front(app, access, sessions, sign_key)
    return gr.mount_gradio_app(  # type: ignore[no-any-return]
        app,
        page,
        path="/",
        ssr_mode=False,
        run_history=False,
        i18n=words,
        show_error=False,
        enable_monitoring=False,
        footer_links=[],
        max_file_size=_MAX_FILE_SIZE,
        theme=ParleyTheme(),
        head=_head(static, access),
        auth_dependency=_owner,
    )


def _add_sockets(app: FastAPI, live: Live, calls: Calls) -> None:
    @app.websocket("/parley/live")
    async def follow(socket: WebSocket) -> None:
        await live.serve(socket)

    @app.websocket("/parley/call")
    async def talk(socket: WebSocket) -> None:
        await calls.serve(socket)


def _add_routes(app: FastAPI, assistant: Assistant, static: StaticFiles, live: Live) -> None:
    app.include_router(static_routes(static))
    app.include_router(install_routes(static))
    app.include_router(media_routes(assistant))
    app.include_router(gallery_routes(assistant))
    app.include_router(aloud_routes(assistant))
    app.include_router(conversation_routes(assistant, live.notify))
    app.include_router(shared_routes(assistant))
    app.include_router(memory_routes(assistant, live.changed))
    app.include_router(key_routes(assistant))


def _stand_in_front(app: FastAPI, access: Access, sessions: Sessions, sign_key: bytes) -> None:
    """What each request passes, the last to be named first."""
    app.add_middleware(Tongue)
    app.add_middleware(Pacing)
    app.add_middleware(Identity, sign_key=sign_key, access=access, sessions=sessions)
    app.add_middleware(Guard, names=access.names)
    app.add_middleware(Sealing, framed=bool(access.space))
    app.add_middleware(
        Arrival, proxies=access.proxies, share_port=access.share_port, known=access.known
    )


def _store_failed(_request: Request, failed: Exception) -> JSONResponse:
    assert isinstance(failed, StoreFailed)
    return JSONResponse(explained(failed.message, failed.advice), 503)


def _owner(request: Request) -> str:
    owner: str = request.state.owner
    return owner


def _head(static: StaticFiles, access: Access) -> str:
    """Styles and scripts of the page; the theme is chosen before anything is painted."""
    styles = "".join(f'<link rel="stylesheet" href="{static.url(name)}">' for name in _STYLES)
    icons = json.dumps(all_icons()).replace("</", "<\\/")
    early = static.files["early.js"].decode() + static.files["guest.js"].decode()
    asked = access.users is not None or bool(access.link_password)
    login = json.dumps({"asked": asked, "account": access.hugging_face is not None})
    icon, touch = (html.escape(static.url(name)) for name in ("mark.svg", "icon-apple.png"))
    return f"""<meta name="theme-color" content="{LIGHT}" media="(prefers-color-scheme: light)">
<meta name="theme-color" content="{DARK}" media="(prefers-color-scheme: dark)">
<link rel="icon" type="image/svg+xml" href="{icon}">
<link rel="apple-touch-icon" href="{touch}">{styles}
<script>{early}</script><script>window.parleyIcons = {icons}; window.parleyLogin = {login};</script>
<script type="module" src="{static.url("main.js")}"></script>
<script type="module" src="{static.url("account.js")}"></script>"""
