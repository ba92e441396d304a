"""How often a visitor, and a network, may ask: enough for any page of ours, too little for a flood."""

from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from gate.bodies import MOST_FILE
from gate.throttle import Pace

_READS = frozenset({"GET", "HEAD"})
_ORDER = "/gradio_api/run/predict"
_FILES = ("/parley/media", "/parley/memories", "/parley/conversations")
_SLOWER = {"message": "That is faster than Parley can take it.", "advice": "Wait a few seconds."}
_FULL = {
    "message": "Your network has sent as many files as it may.",
    "advice": "Send more tomorrow.",
}


class Pacing:
    """Middleware. It counts what changes something, and WebSockets; it wants `who` and `came` in
    `scope["state"]`. Who sits at the machine itself is counted as a visitor, not as a network.

    Of files it counts the bytes, before they are read: 500 MB of a network at once and 1 GB a day,
    whatever cookies it throws away; ten times that of all strangers together.

    Orders are counted here by network only: one too many of a visitor is answered by the page
    (components/page.py), in its own words.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._of_network = Pace(each_s=20, burst=200)
        self._of_visitor = Pace(each_s=2, burst=40)
        self._bytes_of_network = Pace(each_s=12_000, burst=500_000_000)
        self._bytes_of_all = Pace(each_s=120_000, burst=5_000_000_000)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        counted = scope["type"] == "websocket" or (
            scope["type"] == "http" and scope["method"] not in _READS
        )
        told = None if not counted else self._told(scope)
        if told is None:
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1013, "reason": "too fast"})
        else:
            headers = {"retry-after": "5", "connection": "close"}
            await JSONResponse(told, 429, headers=headers)(scope, receive, send)

    def _told(self, scope: Scope) -> dict[str, str] | None:
        """What it is refused with, if it is."""
        if not self._takes(scope):
            return _SLOWER
        return None if self._takes_files(scope) else _FULL

    def _takes(self, scope: Scope) -> bool:
        state = scope["state"]
        if state["came"].network and not self._of_network.takes(state["came"].network):
            return False
        return scope["path"] == _ORDER or self._of_visitor.takes(state["owner"])

    def _takes_files(self, scope: Scope) -> bool:
        pool = scope["state"]["pool"]
        if not pool or not scope["path"].startswith(_FILES):
            return True
        # The length is what it says it is, or the most that is read of it (gate/bodies.py).
        said = Headers(scope=scope).get("content-length", "")
        size = int(said) if said.isdecimal() else MOST_FILE
        return self._bytes_of_network.takes(pool, size) and self._bytes_of_all.takes("", size)
