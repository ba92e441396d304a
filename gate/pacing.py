"""How often a visitor, and a network, may ask: enough for any page of ours, too little for a flood."""

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from gate.throttle import Pace

_READS = frozenset({"GET", "HEAD"})
_ORDER = "/gradio_api/run/predict"
_SLOWER = {"message": "That is faster than Parley can take it.", "advice": "Wait a few seconds."}


class Pacing:
    """Middleware. It counts what changes something, and WebSockets; it wants `who` and `came` in
    `scope["state"]`. Who sits at the machine itself is counted as a visitor, not as a network.

    Orders are counted here by network only: one too many of a visitor is answered by the page
    (components/page.py), in its own words.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._of_network = Pace(each_s=20, burst=200)
        self._of_visitor = Pace(each_s=2, burst=40)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        counted = scope["type"] == "websocket" or (
            scope["type"] == "http" and scope["method"] not in _READS
        )
        if not counted or self._takes(scope):
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1013, "reason": "too fast"})
        else:
            headers = {"retry-after": "5", "connection": "close"}
            await JSONResponse(_SLOWER, 429, headers=headers)(scope, receive, send)

    def _takes(self, scope: Scope) -> bool:
        state = scope["state"]
        if state["came"].network and not self._of_network.takes(state["came"].network):
            return False
        return scope["path"] == _ORDER or self._of_visitor.takes(state["owner"])
