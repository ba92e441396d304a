"""On a Hugging Face Space: in a frame of another site, for strangers, some of whom sign in there."""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from tests.attacker import A, Attacker, B, C, from_network, keeps, opened, shown
from tests.browser.conftest import RunningParley
from tests.gate.open_id import CLIENT, SECRET, OpenId
from tests.scripted_server import ScriptedServer

D = "d" * 32
HOST = "me-parley.hf.space"
COOKIE, LOGIN = "__Host-parley", "__Host-parley-login"
PER_DAY = 36
SHARED = PER_DAY - PER_DAY // 3
"""What is left for strangers where the operator said nothing."""


@pytest.fixture(scope="module")
def provider() -> Iterator[ScriptedServer]:
    with ScriptedServer() as server:
        yield server


@pytest.fixture(scope="module")
def hub() -> Iterator[OpenId]:
    with OpenId() as provider:
        yield provider


def environ(provider: ScriptedServer, hub: OpenId) -> dict[str, str]:
    return {
        "PARLEY_BASE_URL": provider.base_url,
        "PARLEY_MODEL": "big",
        "PARLEY_REQUESTS_PER_DAY": str(PER_DAY),
        "OAUTH_CLIENT_ID": CLIENT,
        "OAUTH_CLIENT_SECRET": SECRET,
        "OPENID_PROVIDER_URL": hub.url,
        "PARLEY_PROXIES": "127.0.0.1",
        "PARLEY_HOST": "127.0.0.1",
    }


@pytest.fixture(scope="module")
def space(
    provider: ScriptedServer, hub: OpenId, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningParley]:
    as_space = {"SPACE_ID": "me/parley", "SPACE_HOST": HOST}
    running = RunningParley(
        tmp_path_factory.mktemp("space"), {**environ(provider, hub), **as_space}
    )
    running.start()
    yield running
    running.end()


def visitor(space: RunningParley, network: int) -> Attacker:
    """Somebody's browser, which the Space's proxy lets in."""
    client = from_network(space, network)
    client.headers.update({"host": HOST, "x-forwarded-proto": "https"})
    return client


@pytest.fixture
async def somebody(space: RunningParley) -> AsyncIterator[Attacker]:
    async with visitor(space, 1) as client:
        yield client


# ── cookies and frames ──────────────────────────────────────────────────────────────────────────


async def test_its_cookie_works_in_the_frame_and_for_that_frame_alone(somebody: Attacker) -> None:
    page = await somebody.get("/")
    (cookie,) = page.headers.get_list("set-cookie")
    assert cookie.startswith(f"{COOKIE}=")
    assert cookie.endswith("; Path=/; HttpOnly; SameSite=None; Secure; Partitioned")
    policy = page.headers["content-security-policy"]
    assert "frame-ancestors 'self' https://huggingface.co https://*.hf.space" in policy
    assert "x-frame-options" not in page.headers
    keeps(somebody, page)
    assert "set-cookie" not in (await somebody.get("/")).headers


async def test_another_page_that_frames_a_space_can_change_nothing(somebody: Attacker) -> None:
    """SameSite=None lets the cookie come along from anywhere; so the origin is asked for."""
    keeps(somebody, await somebody.get("/"))
    for origin in ("https://evil.hf.space", "https://huggingface.co", "https://evil.example"):
        body: dict[str, Any] = {"data": ["{}"], "fn_index": 0}
        told = await somebody.post("/gradio_api/run/predict", json=body, headers={"origin": origin})
        assert told.status_code == 403
        assert not [name for name in told.headers if name.startswith("access-control-")]


async def test_nobody_there_is_the_operator(somebody: Attacker) -> None:
    page = await somebody.get("/", headers={"x-forwarded-for": "127.0.0.1"})
    keeps(somebody, page)
    assert (await somebody.get("/parley/me")).json()["operator"] is False


# ── signing in ──────────────────────────────────────────────────────────────────────────────────


async def signed_in(client: Attacker, hub: OpenId) -> httpx.Response:
    """All the way, as a browser goes it; gives the last answer."""
    away = await client.get("/login/huggingface")
    keeps(client, away)
    async with httpx.AsyncClient() as browser:
        back = (await browser.get(away.headers["location"])).headers["location"]
    assert back.startswith(f"https://{HOST}/login/callback?")
    there = urlsplit(back)
    answer = await client.get(f"{there.path}?{there.query}")
    keeps(client, answer)
    return answer


async def test_who_signs_in_is_the_same_everywhere(
    space: RunningParley, hub: OpenId, provider: ScriptedServer
) -> None:
    provider.reset()
    provider.says("For Ann alone.")
    async with visitor(space, 2) as desk, visitor(space, 3) as phone, visitor(space, 4) as other:
        assert (await signed_in(desk, hub)).headers["location"] == "/"
        told = (await desk.get("/parley/me")).json()
        assert (told["name"], told["session"], told["operator"]) == ("ann", True, False)
        assert (await desk.order("Mine", A))["ok"]
        await shown(desk, A, "For Ann alone.")
        await signed_in(phone, hub)
        await shown(phone, A, "For Ann alone.")
        hub.person = {"sub": "2", "preferred_username": "ann"}  # the name was given up, and taken
        await signed_in(other, hub)
        async with other.listen() as socket:
            assert (await opened(socket, A))["messages"] == []
        kept = dict(desk.cookies)
        await desk.post("/logout")
        assert (await phone.get("/parley/me")).json()["session"]
        desk.cookies.clear()
        desk.cookies.update({LOGIN: kept[LOGIN]})
        assert not (await desk.get("/parley/me")).json()["session"]


async def test_what_was_said_before_signing_in_comes_along_when_that_is_asked_for(
    space: RunningParley, hub: OpenId, provider: ScriptedServer
) -> None:
    """What the signed cookie of this very browser had, and nobody else's."""
    provider.reset()
    provider.says("Noted.")
    hub.person = {"sub": "3", "preferred_username": "ann"}
    async with visitor(space, 41) as client, visitor(space, 42) as other:
        keeps(client, await client.get("/"))
        assert (await client.get("/parley/me")).json()["before"] == 0
        assert (await client.order("My boat is called Seewolf.", D))["ok"]
        await shown(client, D, "Noted.")
        cookie = client.cookies[COOKIE]
        await signed_in(client, hub)
        hub.person = {"sub": "4", "preferred_username": "eve"}
        await signed_in(other, hub)
        for forged in ("", cookie[:-3] + "xyz"):
            other.cookies.update({COOKIE: forged})
            assert (await other.get("/parley/me")).json()["before"] == 0
            assert (await other.post("/parley/me/before")).status_code == 200
        assert (await client.get("/parley/me")).json()["before"] == 1
        async with client.listen() as socket:
            assert (await opened(socket, D))["messages"] == []
        evil = {"origin": "https://evil.example"}
        assert (await client.post("/parley/me/before", headers=evil)).status_code == 403
        assert (await client.post("/parley/me/before")).status_code == 200
        assert (await client.get("/parley/me")).json()["before"] == 0
        await shown(client, D, "Noted.")
        client.cookies.clear()
        client.cookies.update({COOKIE: cookie})  # logged out: it is theirs, not the browser's
        async with client.listen() as socket:
            assert (await opened(socket, D))["messages"] == []


async def test_a_signing_in_that_was_not_begun_here_is_none(
    space: RunningParley, hub: OpenId
) -> None:
    """Else anybody could log a victim in as themselves, and read what the victim writes."""
    async with visitor(space, 5) as thief, visitor(space, 6) as victim:
        away = await thief.get("/login/huggingface")
        state = parse_qs(urlsplit(away.headers["location"]).query)["state"][0]
        async with httpx.AsyncClient() as browser:
            back = urlsplit((await browser.get(away.headers["location"])).headers["location"])
        keeps(victim, await victim.get("/login/huggingface"))
        before = list(hub.asked)
        for query in (back.query, f"code=x&state={state}", "code=x", "", "state=&code=x"):
            answer = await victim.get(f"/login/callback?{query}")
            assert answer.status_code == 403
            assert "set-cookie" not in answer.headers or LOGIN not in answer.headers["set-cookie"]
        assert hub.asked == before  # nothing was asked with the thief's code


async def test_what_a_browser_says_of_its_account_is_not_believed(
    space: RunningParley, hub: OpenId
) -> None:
    """Gradio takes an `oauth_token` from the body of any request, and forged profiles."""
    async with visitor(space, 7) as client:
        keeps(client, await client.get("/"))
        away = await client.get("/login/huggingface")
        keeps(client, away)
        state = parse_qs(urlsplit(away.headers["location"]).query)["state"][0]
        for lie in ({"oauth_token": "t"}, {"username": "ann"}, {"request": {"username": "hf:1"}}):
            await client.order("Hello", B, **lie)
        for headers in ({"x-oauth-user": "ann"}, {"authorization": "Bearer hf_x"}):
            assert not (await client.get("/parley/me", headers=headers)).json()["session"]
        answer = await client.get(f"/login/callback?code=made-up&state={state}")
        assert answer.status_code == 403
        assert not (await client.get("/parley/me")).json()["session"]


async def test_elsewhere_than_on_a_space_nobody_signs_in_so(
    provider: ScriptedServer, hub: OpenId, tmp_path: Path
) -> None:
    """With the very same settings: outside, nothing says whose client it is."""
    outside = RunningParley(tmp_path, environ(provider, hub))
    outside.start()
    try:
        async with Attacker(base_url=outside.url) as client:
            for path in ("/login/huggingface", "/login/callback?code=x&state=y"):
                assert (await client.get(path)).status_code == 404
            assert '"account": true' not in (await client.get("/")).text
    finally:
        outside.end()


async def test_the_secret_of_the_space_is_nowhere(space: RunningParley, somebody: Attacker) -> None:
    page = await somebody.get("/")
    assert SECRET not in page.text + str(page.headers)
    held = [p for p in space.data.rglob("*") if p.is_file() and SECRET.encode() in p.read_bytes()]
    assert not held


# ── guests: no cookie comes back ────────────────────────────────────────────────────────────────


async def guest(space: RunningParley, network: int) -> Attacker:
    """A browser that blocks cookies in frames: it has the ticket of its page, and nothing else."""
    client = visitor(space, network)
    page = await client.get("/")
    (ticket,) = re.findall(r'guest;desc="([^"]+)"', page.headers["server-timing"])
    client.cookies.clear()
    client.headers["x-parley-guest"] = ticket
    return client


async def test_a_guest_chats_without_memory_and_files_and_leaves_nothing_behind(
    space: RunningParley, provider: ScriptedServer
) -> None:
    provider.reset()
    provider.says("Hello, guest.")
    provider.says("Still here.")
    client, other = await guest(space, 8), await guest(space, 8)
    try:
        assert (await client.get("/parley/me")).json()["guest"]
        assert (await client.order("Remember that my canary is Kiwi.", C))["ok"]
        await shown(client, C, "Hello, guest.")
        assert (await client.get("/parley/memories.json")).json()["memories"] == []
        refused = await client.post("/parley/media", content=b"words of a file")
        assert (refused.status_code, "tab" in refused.json()["advice"]) == (403, True)
        # The first reply's words are there before its end is stored.
        async with asyncio.timeout(30):
            while "still being written" in (again := await client.order("Again", C))["message"]:
                await asyncio.sleep(0.02)
        assert again["ok"]
        await shown(client, C, "Still here.")
        async with other.listen() as socket:
            assert (await opened(socket, C))["messages"] == []
    finally:
        await client.aclose()
        await other.aclose()


async def test_a_guests_ticket_is_no_cookie_and_a_forged_one_is_nobodys(
    space: RunningParley,
) -> None:
    client = await guest(space, 9)
    ticket = client.headers.pop("x-parley-guest")
    client.cookies.set(COOKIE, ticket)
    assert "cannot tell who you are" in (await client.order("x", C))["message"]
    for forged in ("x", ticket[:-9] + "x" * 9, ticket.partition(".")[0]):
        client.cookies.clear()
        client.headers["x-parley-guest"] = forged
        assert "cannot tell who you are" in (await client.order("x", C))["message"]
    await client.aclose()


async def test_all_guests_together_may_spend_what_one_visitor_may(
    space: RunningParley, provider: ScriptedServer
) -> None:
    """However many tickets, from however many networks."""
    before = len(provider.requests)
    for number in range(8):
        client = await guest(space, 20 + number)
        assert (await client.order("Hello", f"{number:032x}"))["ok"]
        if number == 7:
            await shown(client, f"{number:032x}", "has used its share")
        await client.aclose()
    spent = len(provider.requests) - before
    assert spent + 2 <= SHARED // 8 + 1, "two were spent by the guest before"


async def test_a_hundred_fresh_cookies_from_a_hundred_networks_leave_the_operator_its_reserve(
    space: RunningParley, provider: ScriptedServer
) -> None:
    """The last of these tests: after it nothing is left of the day for strangers."""
    sent = len(provider.requests)
    for number in range(100):
        async with visitor(space, 100 + number) as client:
            keeps(client, await client.get("/"))
            assert (await client.order("Hello", f"{number + 500:032x}"))["ok"]
            if number == 99:
                last = await shown(client, f"{number + 500:032x}", "requests for visitors")
    assert sent <= len(provider.requests) <= SHARED
    assert "are spent" in last
    assert json.loads((await _healthy(space)).text)["status"] == "ok"


async def _healthy(space: RunningParley) -> httpx.Response:
    async with httpx.AsyncClient() as client:
        return await client.get(f"{space.url}healthz")
