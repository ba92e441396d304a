"""Who is there: a signed cookie for each visitor, and no orders from other people's pages."""

import hashlib
import secrets
import time
from urllib.parse import urlsplit

from itsdangerous import BadSignature, TimestampSigner
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import cookie_parser
from starlette.types import ASGIApp, Message, Receive, Scope, Send

COOKIE = "parley"
_LIFE_S = 365 * 24 * 3600
_RENEW_AFTER_S = 30 * 24 * 3600
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_FOR_ALL = ("/parley/static/", "/healthz", "/assets/", "/static/", "/theme.css", "/favicon")
"""Answers that are the same for everybody, and may be cached, never carry a cookie."""


class Identity:
    """Middleware: `scope["state"]["owner"]` is the visitor, 144 random bits in 36 hexadecimal digits.

    A missing, forged or expired cookie is a new visitor. A request that changes something, and a
    WebSocket, must come from a page of the same host where the browser says which page it was:
    anything else is refused with 403.
    """

    def __init__(self, app: ASGIApp, sign_key: bytes) -> None:
        self._app = app
        self._signer = TimestampSigner(sign_key, salt="parley.owner", digest_method=_sha256)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        changes = scope["type"] == "websocket" or scope["method"] not in _SAFE
        if changes and not same_origin(headers):
            await _refuse(scope, send)
            return
        owner, signed_at = self._read(headers)
        known = owner is not None and time.time() - signed_at < _RENEW_AFTER_S
        owner = owner or secrets.token_hex(18)
        inner = {**scope, "state": {**scope.get("state", {}), "owner": owner}}
        if known or scope["path"].startswith(_FOR_ALL):
            await self._app(inner, receive, send)
            return
        cookie = self._cookie(owner, secure=scope["scheme"] in ("https", "wss"))

        async def send_with_cookie(message: Message) -> None:
            if message["type"] in ("http.response.start", "websocket.accept"):
                message.setdefault("headers", [])
                MutableHeaders(scope=message).append("set-cookie", cookie)
            await send(message)

        await self._app(inner, receive, send_with_cookie)

    def _read(self, headers: Headers) -> tuple[str | None, float]:
        """The owner and when it was signed, in seconds since 1970; None where there is no valid one."""
        value = cookie_parser(headers.get("cookie", "")).get(COOKIE, "")
        try:
            owner, signed = self._signer.unsign(value, max_age=_LIFE_S, return_timestamp=True)
        except BadSignature:
            return None, 0
        return owner.decode("ascii"), signed.timestamp()

    def _cookie(self, owner: str, secure: bool) -> str:
        value = self._signer.sign(owner).decode("ascii")
        tail = "; Secure" if secure else ""
        return f"{COOKIE}={value}; Max-Age={_LIFE_S}; Path=/; HttpOnly; SameSite=Lax{tail}"


def same_origin(headers: Headers) -> bool:
    """Whether a browser sent this from a page of our own host.

    Browsers name the page in Origin on every POST and every WebSocket; what comes without it is no
    browser and brings nobody's cookie along.
    """
    origin = headers.get("origin")
    if origin is None:
        return headers.get("sec-fetch-site", "none") in ("none", "same-origin")
    page = urlsplit(origin)
    host = headers.get("host", "").lower()
    standard = {"http": ":80", "https": ":443"}.get(page.scheme, "")
    return bool(standard and page.netloc) and page.netloc.lower() in (
        host,
        host.removesuffix(standard),
    )


async def _refuse(scope: Scope, send: Send) -> None:
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 1008, "reason": "foreign origin"})
        return
    body = b'{"message": "This request came from another site.", "advice": "Open Parley itself."}'
    start = {"type": "http.response.start", "status": 403}
    await send({**start, "headers": [(b"content-type", b"application/json")]})
    await send({"type": "http.response.body", "body": body})


def _sha256(data: bytes = b"") -> "hashlib._Hash":
    return hashlib.sha256(data)
