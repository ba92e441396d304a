"""The one way from the page into Gradio, made as narrow as it is meant: one slip, one text.

Gradio reads far more out of a request than that. A value that looks like a file is fetched, from any
address and of any size, whichever component it is meant for; a session hash of the sender's choice gets
a memory of its own, for whoever knows it. So what is passed on is written anew.
"""

import json
from collections.abc import Container

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

PATH = "/gradio_api/run/predict"
_SESSION = "parley"
"""Gradio's memory of a page, one for all: nothing of ours is in it. Without a name each order would be
given one of its own, which takes 2.5 ms of its 6.8."""

_UNKNOWN = {"message": "The page asked for something Parley does not know.", "advice": "Reload it."}


class Slips:
    """Middleware. `events` are the numbers of those that take a slip."""

    def __init__(self, app: ASGIApp, events: Container[int]) -> None:
        self._app = app
        self._events = events

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] != PATH:
            await self._app(scope, receive, send)
            return
        body = self._written_anew(await Request(scope, receive).body())
        if body is None:
            await JSONResponse(_UNKNOWN, 400)(scope, receive, send)
            return
        length = (b"content-length", str(len(body)).encode())
        dropped = (b"content-length", b"content-type", b"transfer-encoding")
        headers = [(name, value) for name, value in scope["headers"] if name not in dropped]
        headers += [length, (b"content-type", b"application/json")]
        whole: Message | None = {"type": "http.request", "body": body, "more_body": False}

        async def receive_anew() -> Message:
            nonlocal whole
            message, whole = whole, None
            return message if message is not None else await receive()

        # Nothing of the page's address matters either.
        await self._app({**scope, "headers": headers, "query_string": b""}, receive_anew, send)

    def _written_anew(self, body: bytes) -> bytes | None:
        """The slip and its event; None where it is anything else."""
        try:
            match json.loads(body):
                case {"data": [str(slip)], "fn_index": int(event)} if event in self._events:
                    return json.dumps(
                        {"data": [slip], "fn_index": event, "session_hash": _SESSION}
                    ).encode()
        except (ValueError, RecursionError):
            pass
        return None
