"""In front of Gradio and of ourselves: what is not asked for by Parley's own page is not there.

Gradio serves far more than this page uses: files, uploads, proxies, recorders, monitoring, its events
by name. The page needs a handful of its addresses; all others answer 404.
"""

from collections import Counter
from dataclasses import dataclass

from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from gate.bodies import Body, Patience
from gate.names import Names

_READS = frozenset({"GET", "HEAD"})
_FILES = ("/assets/", "/static/")
_SINGLE = frozenset(
    {"/", "/theme.css", "/favicon.ico", "/robots.txt", "/manifest.json", "/healthz"}
)
_ORDER = "/gradio_api/run/predict"
_OUR_OWN = ("/parley/", "/login", "/logout")
_HEALTH = "/healthz"


@dataclass(frozen=True, slots=True)
class _Refusal:
    status: int
    message: str
    advice: str


_NOWHERE = _Refusal(404, "There is nothing here.", "Open Parley itself.")
_NAME = _Refusal(
    421,
    "Parley does not know that it is reached by this name.",
    "Whoever runs it can add the name to PARLEY_HOSTS.",
)
_FOREIGN = _Refusal(403, "This request came from another site.", "Open Parley itself.")


class Guard:
    """Middleware. It wants `scope["state"]["came"]` from gate/arrival.py to stand outside of it."""

    def __init__(self, app: ASGIApp, names: Names, patience: Patience | None = None) -> None:
        self._app = app
        self._patience = patience or Patience()
        self._names = names
        self._coming: Counter[str] = Counter()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        if (refusal := self._refusal(scope)) is not None:
            await _refuse(refusal, scope, receive, send)
        elif scope["type"] == "websocket":
            await self._app(scope, receive, send)
        else:
            await Body(scope, receive, send, self._coming).through(self._app, self._patience)

    def _refusal(self, scope: Scope) -> _Refusal | None:
        headers = Headers(scope=scope)
        hosts = headers.getlist("host")
        if scope["path"] != _HEALTH and not (len(hosts) == 1 and self._names.knows(hosts[0])):
            return _NAME
        if not _served(scope):
            return _NOWHERE
        if scope["type"] == "websocket" or scope["method"] not in _READS:
            origin = headers.get("origin")
            if origin is None:
                # Browsers name the page on every POST and every WebSocket: what comes without is
                # no browser, and brings nobody's cookie along.
                ours = headers.get("sec-fetch-site", "none") in ("none", "same-origin")
            else:
                ours = self._names.is_page_of_ours(origin, hosts[0])
            if not ours:
                return _FOREIGN
        return None


def _served(scope: Scope) -> bool:
    path: str = scope["path"]
    if scope["type"] == "websocket":
        return path.startswith("/parley/")
    if path.startswith(_OUR_OWN):
        return scope["method"] in {*_READS, "POST", "PUT", "DELETE"}
    if path == _ORDER:
        return bool(scope["method"] == "POST")
    return scope["method"] in _READS and (path in _SINGLE or path.startswith(_FILES))


async def _refuse(refusal: _Refusal, scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 1008, "reason": refusal.message})
        return
    told = {"message": refusal.message, "advice": refusal.advice}
    # What it still sends is not read: the connection ends with the answer.
    ends = {"connection": "close"} if scope["method"] not in _READS else {}
    answer = JSONResponse(told, status_code=refusal.status, headers=ends)
    await answer(scope, receive, send)
