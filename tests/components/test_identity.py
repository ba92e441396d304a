"""The signed cookie that says who is there, and what other sites may not do."""

import time

import pytest
from itsdangerous import TimestampSigner
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route, WebSocketRoute
from starlette.testclient import TestClient
from starlette.websockets import WebSocket, WebSocketDisconnect

from components.identity import COOKIE, Identity
from gate.access import Access
from gate.arrival import Arrival
from gate.guard import Guard
from gate.names import Names
from gate.sessions import Sessions

KEY = b"k" * 32


async def who(request: Request) -> PlainTextResponse:
    return PlainTextResponse(request.state.owner)


async def greet(socket: WebSocket) -> None:
    await socket.accept()
    await socket.send_text(socket.state.owner)
    await socket.close()


def browser(host: str = "http://testserver", key: bytes = KEY) -> TestClient:
    routes = [
        Route("/", who),
        Route("/parley/media", who, methods=["POST"]),
        Route("/parley/static/1/a.css", who),
        WebSocketRoute("/parley/live", greet),
    ]
    access = Access(names=Names(["testserver"]))
    door = [
        Middleware(Arrival),
        Middleware(Guard, names=access.names),
        Middleware(Identity, sign_key=key, access=access, sessions=Sessions(access, key)),
    ]
    return TestClient(Starlette(routes=routes, middleware=door), base_url=host)


def test_a_visitor_stays_the_same() -> None:
    client = browser()
    first = client.get("/").text
    assert len(first) == 36
    assert client.get("/").text == first
    with client.websocket_connect("/parley/live") as line:
        assert line.receive_text() == first


def test_two_visitors_are_two() -> None:
    assert browser().get("/").text != browser().get("/").text


def test_the_cookie_cannot_be_read_by_scripts_and_lasts_a_year() -> None:
    cookie = browser().get("/").headers["set-cookie"]
    assert "HttpOnly; SameSite=Lax" in cookie
    assert "Max-Age=31536000" in cookie
    assert "Secure" not in cookie
    assert "Secure" in browser("https://testserver").get("/").headers["set-cookie"]


def test_a_known_visitor_gets_no_new_cookie() -> None:
    client = browser()
    client.get("/")
    assert "set-cookie" not in client.get("/").headers


@pytest.mark.parametrize("forge", ["", "x", "a" * 36, "{owner}", "{owner}.x.y", "{value}x", "é"])
def test_a_forged_cookie_is_a_stranger(forge: str) -> None:
    client = browser()
    owner = client.get("/").text
    value = client.cookies[COOKIE]
    forged = f"{COOKIE}={forge.format(owner=owner, value=value)}".encode()
    answer = browser().get("/", headers={b"cookie": forged})
    assert answer.text != owner
    assert len(answer.text) == 36


def test_a_cookie_signed_with_another_key_is_a_stranger() -> None:
    other = browser(key=b"x" * 32)
    owner = other.get("/").text
    cookie = f"{COOKIE}={other.cookies[COOKIE]}"
    assert browser().get("/", headers={"cookie": cookie}).text != owner


def test_an_old_cookie_is_signed_again_and_a_very_old_one_is_nobodys() -> None:
    for age_days, same in ((40, True), (400, False)):
        signer = _SignerOfThePast(age_days)
        cookie = f"{COOKIE}={signer.sign('o' * 36).decode()}"
        answer = browser().get("/", headers={"cookie": cookie})
        assert (answer.text == "o" * 36) == same
        assert "set-cookie" in answer.headers


class _SignerOfThePast(TimestampSigner):
    def __init__(self, age_days: int) -> None:
        import hashlib

        super().__init__(KEY, salt="parley.owner", digest_method=hashlib.sha256)
        self._age_days = age_days

    def get_timestamp(self) -> int:
        return int(time.time()) - self._age_days * 86400


def test_who_got_a_cookie_before_the_clock_was_set_back_is_still_known() -> None:
    cookie = f"{COOKIE}={_SignerOfThePast(age_days=-2).sign('o' * 36).decode()}"
    assert browser().get("/", headers={"cookie": cookie}).text == "o" * 36


def test_what_is_the_same_for_everybody_carries_no_cookie() -> None:
    assert "set-cookie" not in browser().get("/parley/static/1/a.css").headers


@pytest.mark.parametrize(
    "origin",
    ["http://evil.example", "http://testserver.evil.example", "null", "testserver", "http://"],
)
def test_another_site_can_neither_post_nor_listen(origin: str) -> None:
    client = browser()
    assert client.post("/parley/media", headers={"origin": origin}).status_code == 403
    with (
        pytest.raises(WebSocketDisconnect),
        client.websocket_connect("/parley/live", headers={"origin": origin}),
    ):
        pass


def test_our_own_page_can_post_and_listen() -> None:
    client = browser()
    headers = {"origin": "http://testserver"}
    assert client.post("/parley/media", headers=headers).status_code == 200
    with client.websocket_connect("/parley/live", headers=headers) as line:
        assert line.receive_text()


def test_a_cross_site_post_without_an_origin_is_refused_too() -> None:
    assert (
        browser().post("/parley/media", headers={"sec-fetch-site": "cross-site"}).status_code == 403
    )
