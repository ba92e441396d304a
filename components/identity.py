"""Who is there: a login, or else a signed cookie for each visitor."""

import hashlib
import secrets
import time
from dataclasses import dataclass
from urllib.parse import parse_qs, quote

from itsdangerous import BadSignature, TimestampSigner
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import HTTPConnection
from starlette.responses import JSONResponse, RedirectResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gate.access import Access
from gate.arrival import Came
from gate.cookies import Cookies
from gate.sessions import Session, Sessions

COOKIE, LOGIN = "parley", "parley-login"
GUEST_HEADER, GUEST_QUERY = "x-parley-guest", "guest"
GUESTS = "guests"
LOGGED_OUT = 4401
"""How a WebSocket ends that is no longer anybody's who may come in."""
LIFE_S = 365 * 24 * 3600
_RENEW_AFTER_S = 30 * 24 * 3600
_GUEST_LIFE_S = 24 * 3600
_FOR_ALL = (
    "/parley/static/",
    "/parley/shared/",
    "/healthz",
    "/assets/",
    "/static/",
    "/theme.css",
    "/favicon.ico",
)
"""Answers that are the same for everybody, and may be cached: no login is asked and no cookie given."""
_OPEN = (*_FOR_ALL, "/login", "/logout", "/robots.txt", "/manifest.json")


@dataclass(frozen=True, slots=True)
class Who:
    """`pool`: the network a visitor comes from, whose budget they share; "" for the operator and for
    users. `guest`: their browser sends no cookie back. `known`: it is not their first request. `before`:
    who they were in this browser until they logged in, "" if nobody.
    """

    owner: str
    pool: str = ""
    operator: bool = False
    guest: bool = False
    known: bool = True
    session: Session | None = None
    before: str = ""


def who(connection: HTTPConnection) -> Who:
    """Who sent this: what a route and a WebSocket ask."""
    found: Who = connection.state.who
    return found


class Identity:
    """Middleware: `scope["state"]` gets `who`, and of it `owner`, `operator` and `pool`.

    A missing, forged or expired cookie is a new visitor, 144 random bits in 36 hexadecimal digits.
    Where a login is asked for, whoever has none sees nothing but the page to log in. It wants
    `scope["state"]["came"]` from gate/arrival.py to stand outside of it.
    """

    def __init__(self, app: ASGIApp, sign_key: bytes, access: Access, sessions: Sessions) -> None:
        self._app = app
        self._access = access
        self._sessions = sessions
        self._cookies = Cookies(framed=bool(access.space))
        self._signer = TimestampSigner(sign_key, salt="parley.owner", digest_method=_sha256)
        self._guests = TimestampSigner(sign_key, salt="parley.guest", digest_method=_sha256)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        came: Came = scope["state"]["came"]
        headers = Headers(scope=scope)
        path: str = scope["path"]
        session = self._sessions.read(self._cookies.read(headers, LOGIN, https=came.https))
        if session is None and self._access.is_closed_to(came) and not path.startswith(_OPEN):
            await _ask_to_log_in(scope, receive, send)
            return
        found, renew = self._who(scope, headers, came, session)
        told = {"who": found, "owner": found.owner, "operator": found.operator, "pool": found.pool}
        scope = {**scope, "state": {**scope["state"], **told}}
        if session is not None and scope["type"] == "websocket":
            receive, send = self._while_good(session, receive, send)
        if renew and not path.startswith(_FOR_ALL):
            send = self._with_cookie(found, came, send, page=path == "/")
        await self._app(scope, receive, send)

    def _who(
        self, scope: Scope, headers: Headers, came: Came, session: Session | None
    ) -> tuple[Who, bool]:
        """Who it is, and whether they get a cookie that says so from now on."""
        by_login = self._access.users is not None
        operator = bool(session and session.operator) if by_login else came.local
        value = self._cookies.read(headers, COOKIE, https=came.https)
        owner, signed_at = _signed(self._signer, value, LIFE_S)
        if session is not None and session.owner:
            pool = "" if session.kind == "user" else came.network
            return Who(session.owner, pool, operator, session=session, before=owner), False
        if owner and not (scope["path"] == "/" and self._sessions.is_erased(owner)):
            renew = time.time() - signed_at > _RENEW_AFTER_S
            return Who(owner, came.network, operator, session=session), renew
        query = parse_qs(scope.get("query_string", b"").decode("latin-1"))
        ticket = headers.get(GUEST_HEADER) or query.get(GUEST_QUERY, [""])[-1]
        guest, _ = _signed(self._guests, ticket, _GUEST_LIFE_S)
        if guest:
            return Who(f"guest:{guest}", GUESTS, operator, guest=True, session=session), False
        new = secrets.token_hex(18)
        return Who(new, came.network, operator, known=False, session=session), True

    def _with_cookie(self, found: Who, came: Came, send: Send, *, page: bool) -> Send:
        value = self._signer.sign(found.owner).decode("ascii")
        cookie = self._cookies.written(COOKIE, value, LIFE_S, https=came.https)
        ticket = self._guests.sign(found.owner).decode("ascii")

        async def send_with_cookie(message: Message) -> None:
            if message["type"] in ("http.response.start", "websocket.accept"):
                message.setdefault("headers", [])
                headers = MutableHeaders(scope=message)
                headers.append("set-cookie", cookie)
                if page and not found.known:
                    # Should the cookie not come back (a frame of another site, where such are
                    # blocked), the page names itself by this, for as long as it is open: it is the
                    # only header of a page that its own scripts can read (static/guest.js).
                    headers.append("server-timing", f'guest;desc="{ticket}"')
                    headers["cache-control"] = "no-store"
            await send(message)

        return send_with_cookie

    def _while_good(self, session: Session, receive: Receive, send: Send) -> tuple[Receive, Send]:
        """A WebSocket that ends with its login: nothing is said or heard after that."""

        async def receive_while_good() -> Message:
            message = await receive()
            if message["type"] == "websocket.receive" and not self._sessions.is_good(session):
                return {"type": "websocket.disconnect", "code": LOGGED_OUT}
            return message

        async def send_while_good(message: Message) -> None:
            if message["type"] == "websocket.send" and not self._sessions.is_good(session):
                message = {"type": "websocket.close", "code": LOGGED_OUT}
            await send(message)

        return receive_while_good, send_while_good


async def _ask_to_log_in(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "websocket":
        await receive()
        # Accepted first: a browser does not tell a script why a WebSocket was refused.
        await send({"type": "websocket.accept"})
        await send({"type": "websocket.close", "code": LOGGED_OUT, "reason": "log in first"})
        return
    if scope["path"] == "/" and scope["method"] in ("GET", "HEAD"):
        query = scope.get("query_string", b"").decode("latin-1")
        there = f"?next={quote('/?' + query, safe='')}" if query else ""
        await RedirectResponse(f"/login{there}", 303)(scope, receive, send)
        return
    told = {"message": "You are not logged in.", "advice": "Reload the page to log in."}
    await JSONResponse(told, 401, headers={"cache-control": "no-store"})(scope, receive, send)


def _signed(signer: TimestampSigner, value: str, life_s: int) -> tuple[str, float]:
    """What was signed and when, in seconds since 1970; "" where it is not ours or too old."""
    try:
        owner, signed = signer.unsign(value, return_timestamp=True)
    except BadSignature:
        return "", 0.0
    # Not by `max_age`, which refuses what was signed before a clock was set back.
    if time.time() - signed.timestamp() > life_s:
        return "", 0.0
    return owner.decode("ascii"), signed.timestamp()


def _sha256(data: bytes = b"") -> "hashlib._Hash":
    return hashlib.sha256(data)
