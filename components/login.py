"""Logging in and out: a page of its own, which needs no script, and the routes behind it."""

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass
from html import escape
from urllib.parse import parse_qs

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from itsdangerous import BadData, URLSafeTimedSerializer

from components.icons import icon
from components.identity import LOGIN
from components.words import language, say, told, word
from gate.access import Access
from gate.arrival import Came
from gate.cookies import Cookies
from gate.hugging_face import NotSignedIn
from gate.sessions import LIFE_S, Sessions
from gate.throttle import Throttle

_STATE = "parley-signing-in"
_STATE_LIFE_S = 600
_LONGEST_FORM = 4096
_HERE = re.compile(r"/(?:\?[A-Za-z0-9_=&.~%-]{0,200})?")
_CSP = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; "
    "form-action 'self'; base-uri 'none'"
)
_WRONG = word("This name and password do not belong together.")
_WRONG_LINK = word("This is not the password of this link.")


@dataclass(frozen=True, slots=True)
class Looks:
    """Addresses of what the page is drawn with."""

    styles: tuple[str, ...]
    theme: str
    mark: str


class Desk:
    """Tries of all visitors at the passwords of users. What is waited for grows with each wrong one: by
    network, and by name (less, or anybody could lock anybody out).

    The password of a link is random and long enough for all guesses; its visitors cannot be told
    apart by network, so one who guesses would keep all others out.
    """

    def __init__(self) -> None:
        self._by_network = Throttle(free=5, longest_s=900)
        self._by_name = Throttle(free=10, longest_s=60)

    def wait_s(self, came: Came, name: str) -> float:
        return max(self._by_network.wait_s(came.network), self._by_name.wait_s(name))

    def tried(self, came: Came, name: str) -> None:
        # Before the answer is known: many tries at once are many tries.
        self._by_network.tried(came.network)
        self._by_name.tried(name)

    def passed(self, came: Came, name: str) -> None:
        self._by_network.passed(came.network)
        self._by_name.passed(name)


def login_routes(access: Access, sessions: Sessions, sign_key: bytes, looks: Looks) -> APIRouter:
    router = APIRouter()
    desk = Desk()
    cookies = Cookies(framed=bool(access.space))

    @router.get("/login", include_in_schema=False)
    async def ask(request: Request) -> Response:
        if access.users is None and not access.link_password:
            return RedirectResponse("/", 303)
        return _page(access, looks, _there(request.query_params.get("next", "")))

    @router.post("/login", include_in_schema=False)
    async def log_in(request: Request) -> Response:
        form = parse_qs((await request.body())[:_LONGEST_FORM].decode("utf-8", "replace"))
        name, password, there = (form.get(key, [""])[0] for key in ("name", "password", "next"))
        there, came = _there(there), request.state.came
        if wait_s := desk.wait_s(came, name) if access.users else 0:
            words = say("Too many tries. Wait {span}, then try again.", span=_span(wait_s))
            answer = _page(access, looks, there, words, status=429)
            answer.headers["retry-after"] = str(int(wait_s) + 1)
            return answer
        desk.tried(came, name)
        cookie, wrong = await _checked(access, sessions, name, password)
        if not cookie:
            return _page(access, looks, there, say(wrong), status=403)
        desk.passed(came, name)
        done = RedirectResponse(there, 303)
        done.headers.append("set-cookie", cookies.written(LOGIN, cookie, LIFE_S, https=came.https))
        return done

    @router.post("/logout", include_in_schema=False)
    async def log_out(request: Request) -> Response:
        came: Came = request.state.came
        if session := sessions.read(cookies.read(request.headers, LOGIN, https=came.https)):
            sessions.end(session)
        gone = RedirectResponse("/", 303)
        gone.headers.append("set-cookie", cookies.written(LOGIN, "", 0, https=came.https))
        # Nothing of theirs stays in this browser's cache either.
        gone.headers["clear-site-data"] = '"cache"'
        return gone

    if access.hugging_face is not None:
        _sign_in(router, access, sessions, sign_key)
    return router


def _sign_in(router: APIRouter, access: Access, sessions: Sessions, sign_key: bytes) -> None:
    """By a Hugging Face account."""
    cookies = Cookies(framed=bool(access.space))
    signer = URLSafeTimedSerializer(
        sign_key, salt="parley.oauth", signer_kwargs={"digest_method": hashlib.sha256}
    )
    provider = access.hugging_face
    assert provider is not None

    @router.get("/login/huggingface", include_in_schema=False)
    async def away(request: Request) -> Response:
        state, verifier = secrets.token_urlsafe(24), secrets.token_urlsafe(48)
        answer = RedirectResponse(provider.sends_to(state, verifier), 303)
        kept = str(signer.dumps([state, verifier]))
        https = request.state.came.https
        answer.headers.append(
            "set-cookie", cookies.written(_STATE, kept, _STATE_LIFE_S, https=https)
        )
        return answer

    @router.get("/login/callback", include_in_schema=False)
    async def back(request: Request) -> Response:
        https = request.state.came.https
        kept = cookies.read(request.headers, _STATE, https=https)
        given, code = (request.query_params.get(name, "") for name in ("state", "code"))
        try:
            state, verifier = signer.loads(kept, max_age=_STATE_LIFE_S)
            if not hmac.compare_digest(given.encode(), str(state).encode()) or not code:
                raise NotSignedIn(word("Signing in was not begun here, or took too long."))
            account = await provider.account(code, str(verifier))
        except (BadData, ValueError, TypeError, NotSignedIn) as error:
            words = told(str(error)) if isinstance(error, NotSignedIn) else say("It took too long.")
            return HTMLResponse(
                f'<p>{escape(words)} <a href="/">{say("Back to Parley")}</a></p>',
                403,
                {"content-security-policy": _CSP},
            )
        answer = RedirectResponse("/", 303)
        for name, value, life_s in (
            (LOGIN, sessions.of_account(account), LIFE_S),
            (_STATE, "", 0),
        ):
            cookie = cookies.written(name, value, life_s, https=https)
            answer.headers.append("set-cookie", cookie)
        return answer


async def _checked(access: Access, sessions: Sessions, name: str, password: str) -> tuple[str, str]:
    """A cookie, or why there is none."""
    if access.users is not None:
        if await access.users.are(name, password):
            return sessions.of_user(name), ""
        return "", _WRONG
    given, wanted = password.strip().encode(), access.link_password.encode()
    if wanted and hmac.compare_digest(given, wanted):
        return sessions.of_link(), ""
    return "", _WRONG_LINK


def _page(
    access: Access, looks: Looks, there: str, words: str = "", status: int = 200
) -> HTMLResponse:
    styles = "".join(f'<link rel="stylesheet" href="{escape(url)}">' for url in looks.styles)
    wrong = f'<p class="wrong" role="alert">{escape(words)}</p>' if words else ""
    asks_name = access.users is not None
    name = (
        f'<label>{say("Name")}<input name="name" autocomplete="username" autocapitalize="none" '
        'spellcheck="false" maxlength="64" required autofocus></label>'
    )
    about = (
        say("Log in to go on.") if asks_name else say("Whoever runs this Parley has the password.")
    )
    first = "" if asks_name else " autofocus"
    html = f"""<!doctype html><html lang="{language()}"><head><meta charset="utf-8">
<title>{say("Log in")} · Parley</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<link rel="icon" type="image/svg+xml" href="{escape(looks.mark)}">{styles}
<script src="{escape(looks.theme)}"></script></head>
<body class="login"><main><h1><span class="mark">{icon("mark")}</span>Parley</h1><p>{about}</p>{wrong}
<form method="post" action="/login"><input type="hidden" name="next" value="{escape(there)}">
{name if asks_name else ""}
<label>{say("Password")}<input type="password" name="password" autocomplete="current-password" maxlength="200"
 required{first}></label><button>{say("Log in")}</button></form></main></body></html>"""
    headers = {"content-security-policy": _CSP, "cache-control": "no-store"}
    return HTMLResponse(html, status, headers)


def _there(wanted: str) -> str:
    """Where to go on: a view of our own page, never another place."""
    return wanted if _HERE.fullmatch(wanted) else "/"


def _span(seconds: float) -> str:
    whole = int(seconds) + 1
    return say("{n} s", n=whole) if whole < 120 else say("{n} minutes", n=whole // 60)
