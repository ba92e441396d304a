"""The bodies of requests: none larger, slower or more at once than a page of ours sends them."""

import asyncio
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass

from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

MOST_FILE = 25 * 1024 * 1024
MOST_IMPORT = 64_000_000
MOST_OTHER = 1_310_720
"""1.25 MB: the longest message, of 400,000 characters, where each takes three bytes."""
MOST_AT_ONCE, MOST_IN_ALL = 8, 64
"""Bodies on their way here from one network, and from all together; those of SMALL bytes, which a
hundred people in one office may send in the same moment, are counted by gate/pacing.py alone."""
SMALL = 64_000
_HEARD_OUT_BYTES, _HEARD_OUT_S = 4 * 1024 * 1024, 1.0
_FILES = ("/parley/media", "/parley/memories")
_IMPORT = "/parley/conversations"


@dataclass(frozen=True, slots=True)
class Patience:
    """No piece of a body may take longer than `quiet_s`, and the whole than `whole_s` and what it
    takes at `slowest` bytes a second."""

    quiet_s: float = 15.0
    whole_s: float = 30.0
    slowest: int = 20_000


class Body:
    """One request on its way to the app, which reads it as ever.

    One that is too large is answered with 413, one that comes too slowly with 408, whatever the app
    does; it is then told that nobody is there any more, and its own answer goes nowhere. `coming`
    counts by network the bodies that are on their way.
    """

    def __init__(self, scope: Scope, receive: Receive, send: Send, coming: Counter[str]) -> None:
        self._coming = coming
        self._scope = scope
        self._receive = receive
        self._send = send
        headers = Headers(scope=scope)
        kind = headers.get("content-type", "").partition(";")[0].strip().lower()
        path: str = scope["path"]
        large = path.startswith(_FILES) or (
            path.startswith("/parley/") and kind != "application/json"
        )
        self._most = MOST_FILE if large else MOST_OTHER
        if path == _IMPORT:
            self._most = MOST_IMPORT
        self._length = headers.get("content-length", "")
        self._has_one = bool(self._length.strip("0")) or "transfer-encoding" in headers
        self._read = 0
        self._began = time.monotonic()
        self._patience = Patience()
        self._answered = False
        self._started = False
        self._whole = not self._has_one
        self._counted = False

    async def through(self, app: ASGIApp, patience: Patience) -> None:
        self._patience = patience
        if not self._has_one:
            await app(self._scope, self._receive, self._send)
            return
        if (not self._length.isdecimal() and self._length) or int(self._length or 0) > self._most:
            await self._refuse(413)
            return
        if not self._length or int(self._length) > SMALL:
            network: str = self._scope["state"]["came"].network
            of_one = MOST_AT_ONCE if network else MOST_IN_ALL
            if self._coming[network] >= of_one or self._coming.total() >= MOST_IN_ALL:
                await self._refuse(503)
                return
            self._coming[network] += 1
            self._counted = True
        try:
            with suppress(ClientDisconnect):
                await app(self._scope, self._next, self._answer)
        finally:
            self._is_whole()

    def _is_whole(self) -> None:
        """Nothing more of it is waited for."""
        if self._whole:
            return
        self._whole = True
        if not self._counted:
            return
        network: str = self._scope["state"]["came"].network
        self._coming[network] -= 1
        if not self._coming[network]:
            del self._coming[network]

    async def _next(self) -> Message:
        if self._answered:
            return {"type": "http.disconnect"}
        if self._whole:
            return await self._receive()
        patience = self._patience
        until = self._began + patience.whole_s + self._read / patience.slowest
        try:
            async with asyncio.timeout(min(patience.quiet_s, until - time.monotonic())):
                message = await self._receive()
        except TimeoutError:
            return await self._refuse(408)
        self._read += len(message.get("body", b""))
        if self._read > self._most:
            await self._hear_out(message)
            return await self._refuse(413)
        if message["type"] != "http.request" or not message.get("more_body", False):
            self._is_whole()
        return message

    async def _hear_out(self, message: Message) -> None:
        """Read on a little: an answer to somebody who still talks is lost with their connection."""
        left = _HEARD_OUT_BYTES
        with suppress(TimeoutError):
            async with asyncio.timeout(_HEARD_OUT_S):
                while left > 0 and message["type"] == "http.request" and message.get("more_body"):
                    message = await self._receive()
                    left -= len(message.get("body", b""))

    async def _answer(self, message: Message) -> None:
        if not self._answered:
            self._started = True
            await self._send(message)

    async def _refuse(self, status: int) -> Message:
        self._answered = True
        if not self._started:
            message, advice = _TOO_LARGE[self._most] if status == 413 else _WORDS[status]
            told = {"message": message, "advice": advice}
            headers = {"connection": "close"}
            answer = JSONResponse(told, status_code=status, headers=headers)
            await answer(self._scope, self._receive, self._send)
        return {"type": "http.disconnect"}


_TOO_LARGE = {
    MOST_OTHER: ("This is too long to be sent at once.", "Send less of it."),
    MOST_FILE: ("This file is larger than 25 MB.", "Choose a smaller one."),
    MOST_IMPORT: (
        "This file is larger than 64 MB.",
        "Zip it, or take conversations.json alone out of the export.",
    ),
}
_WORDS = {
    408: ("This came too slowly to wait for it.", "Try again over a better connection."),
    503: ("Too much is being sent here at once.", "Try again in a moment."),
}
