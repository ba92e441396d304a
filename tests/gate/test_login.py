"""Where a login is asked for, nobody else sees anything, and guessing does not pay."""

import asyncio
import base64
import hashlib
import json
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import itsdangerous
import pytest
from websockets.exceptions import ConnectionClosed

from gate.users import Users
from tests.attacker import ORDER, A, Attacker, from_network, opened, shown
from tests.browser.conftest import ROOT, RunningParley
from tests.scripted_server import ScriptedServer

ANN, BOB, CARL = ("ann", "the first of them"), ("bob", "the second one"), ("carl", "not for long")
LOGGED_OUT = 4401


def add(file: Path, name: str, password: str) -> None:
    done = subprocess.run(
        [sys.executable, "app.py", "--add-user", name],
        input=password + "\n",
        env={"PATH": os.environ["PATH"], "PARLEY_USERS": str(file)},
        cwd=ROOT,
        text=True,
        capture_output=True,
        check=True,
    )
    assert password not in done.stdout + done.stderr


@pytest.fixture(scope="module")
def users(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("users") / "users"
    for name, password in (ANN, BOB, CARL):
        add(file, name, password)
    return file


@pytest.fixture(scope="module")
def provider() -> Iterator[ScriptedServer]:
    with ScriptedServer() as server:
        yield server


@pytest.fixture(scope="module")
def parley(
    provider: ScriptedServer, users: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningParley]:
    running = RunningParley(
        tmp_path_factory.mktemp("data"),
        {
            "PARLEY_BASE_URL": provider.base_url,
            "PARLEY_MODEL": "big",
            "PARLEY_USERS": str(users),
            "PARLEY_PROXIES": "127.0.0.1",
            "PARLEY_HOSTS": "chat.example.org",
        },
    )
    running.start()
    yield running
    running.end()


@pytest.fixture
async def stranger(parley: RunningParley) -> AsyncIterator[Attacker]:
    async with from_network(parley, 1) as client:
        yield client


async def logged_in(client: Attacker, who: tuple[str, str]) -> httpx.Response:
    return await client.post("/login", data={"name": who[0], "password": who[1]})


async def test_who_is_not_logged_in_sees_the_page_to_log_in_and_nothing_else(
    stranger: Attacker,
) -> None:
    page = await stranger.get("/")
    assert (page.status_code, page.headers["location"]) == (303, "/login")
    assert 'name="password"' in (await stranger.get("/login")).text
    for path in (
        *("/parley/me", "/parley/memories.json", f"/parley/pictures/{A}", "/theme.css?x=1#/parley"),
        *("/parley/media/" + "0" * 64, "/parley/static/../me", "/login/../parley/me", "/parley/"),
    ):
        url = httpx.URL(stranger.base_url).copy_with(raw_path=path.partition("#")[0].encode())
        answer = await stranger.get(url)
        assert answer.status_code in (401, 404) or path.startswith("/theme.css"), path
        assert "ann" not in answer.text
    for path in (ORDER, "/parley/media", "/parley/memories", "/parley/key"):
        assert (await stranger.post(path, json={})).status_code == 401
    assert (await stranger.delete("/parley/key")).status_code == 401
    for path in ("/parley/live", "/parley/call"):
        with pytest.raises(ConnectionClosed) as closed:
            async with stranger.listen(path) as socket:
                await socket.recv()
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == LOGGED_OUT


async def test_a_user_logs_in_and_is_who_they_were_from_any_browser(
    parley: RunningParley, provider: ScriptedServer
) -> None:
    provider.reset()
    provider.says("For Ann alone.")
    async with from_network(parley, 2) as desk, from_network(parley, 3) as phone:
        assert (await logged_in(desk, ANN)).headers["location"] == "/"
        told = (await desk.get("/parley/me")).json()
        assert (told["name"], told["operator"], told["guest"]) == ("ann", True, False)
        assert (await desk.order("Mine", A))["ok"]
        await shown(desk, A, "For Ann alone.")
        await logged_in(phone, ANN)
        await shown(phone, A, "For Ann alone.")
    async with from_network(parley, 2) as other:
        await logged_in(other, BOB)
        assert not (await other.get("/parley/me")).json()["operator"]
        async with other.listen() as socket:
            assert (await opened(socket, A))["messages"] == []
        refused = await other.does({"do": "approve-server", "server": "x", "seen": "y"})
        assert "for who runs this Parley" in refused["message"]


async def test_the_cookie_of_a_login_is_kept_from_scripts_other_sites_and_open_lines(
    parley: RunningParley,
) -> None:
    async with from_network(parley, 4) as client:
        plain = (await logged_in(client, BOB)).headers["set-cookie"]
        by_https = await client.post(
            "/login",
            data={"name": BOB[0], "password": BOB[1]},
            headers={"x-forwarded-proto": "https"},
        )
    assert "parley-login=" in plain
    assert "HttpOnly; SameSite=Lax" in plain
    assert "Domain" not in plain
    cookie = by_https.headers["set-cookie"]
    assert cookie.startswith("__Host-parley-login=")
    assert cookie.endswith("HttpOnly; SameSite=Lax; Secure")


async def test_five_hundred_guesses_are_a_handful(parley: RunningParley) -> None:
    """Gradio's own login takes 500 in 2.2 s, and goes on."""
    async with from_network(parley, 50) as guesser:
        began = time.monotonic()
        told = [await logged_in(guesser, ("bob", f"guess {n}")) for n in range(12)]
        rest = [
            guesser.post("/login", data={"name": "bob", "password": str(n)}) for n in range(488)
        ]
        told += await asyncio.gather(*rest)
        took_s = time.monotonic() - began
        checked = [answer for answer in told if answer.status_code == 403]
        assert len(checked) <= 5 + took_s, f"{len(checked)} were checked in {took_s:.1f} s"
        assert {answer.status_code for answer in told} == {403, 429}
        assert int(told[-1].headers["retry-after"]) >= 1
        assert "Too many tries" in told[11].text
        assert (await logged_in(guesser, BOB)).status_code == 429  # nor does the right one, now


async def test_who_guesses_from_many_networks_waits_too_and_locks_nobody_out_for_long(
    parley: RunningParley,
) -> None:
    told = []
    for network in range(60, 75):
        async with from_network(parley, network) as guesser:
            told.append(await logged_in(guesser, ("dora", "a guess")))
    assert [answer.status_code for answer in told[:10]] == [403] * 10
    late = [answer for answer in told[10:] if answer.status_code == 429]
    assert late
    assert all(int(answer.headers["retry-after"]) <= 61 for answer in late)


async def test_a_name_that_nobody_has_cannot_be_told_from_a_wrong_password(users: Path) -> None:
    async def took_s(name: str) -> float:
        began = time.perf_counter()
        assert not await known.are(name, "a wrong password")
        return time.perf_counter() - began

    known = Users(users)
    there = min([await took_s("ann") for _ in range(3)])
    nobody = min([await took_s("nobody") for _ in range(3)])
    assert 0.5 < nobody / there < 2


@pytest.mark.parametrize(
    "there",
    [
        "//evil.example",
        "https://evil.example/",
        "/\\evil.example",
        "/parley/me",
        "javascript:1",
        "/?a=\r\nx: y",
    ],
)
async def test_after_the_login_it_goes_on_here(parley: RunningParley, there: str) -> None:
    async with from_network(parley, 5) as client:
        form = {"name": BOB[0], "password": BOB[1], "next": there}
        assert (await client.post("/login", data=form)).headers["location"] == "/"
        form["next"] = "/?chat=1"
        assert (await client.post("/login", data=form)).headers["location"] == "/?chat=1"
        shown_again = await client.get("/login", params={"next": '/?"><script>'})
        assert "<script>alert" not in shown_again.text
        assert 'value="/"' in shown_again.text


async def test_a_login_that_was_given_back_is_good_for_nothing(
    parley: RunningParley, provider: ScriptedServer
) -> None:
    """Whoever copied the cookie before has it no longer; neither has an open page."""
    async with from_network(parley, 6) as client, from_network(parley, 6) as thief:
        await logged_in(client, BOB)
        thief.cookies = client.cookies
        kept = dict(client.cookies)
        async with client.listen() as socket:
            await opened(socket, A)
            gone = await client.post("/logout")
            assert gone.headers["clear-site-data"] == '"cache"'
            thief.cookies.update(kept)
            assert (await thief.get("/parley/me")).status_code == 401
            with pytest.raises(ConnectionClosed) as closed:
                await opened(socket, A)
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code in (LOGGED_OUT, 1000)


async def test_who_is_taken_out_of_the_file_is_out_at_once(
    parley: RunningParley, users: Path
) -> None:
    async with from_network(parley, 7) as client:
        await logged_in(client, CARL)
        async with client.listen() as socket:
            await opened(socket, A)
            lines = users.read_text().splitlines(keepends=True)
            users.write_text("".join(line for line in lines if not line.startswith("carl:")))
            with pytest.raises(ConnectionClosed):
                await opened(socket, A)
        assert (await client.get("/parley/me")).status_code == 401
        assert (await client.post(ORDER, json={})).status_code == 401
        assert (await logged_in(client, CARL)).status_code == 403
        # Let in again by another password, the cookie of the old one stays what it was: nothing.
        add(users, "carl", "another password")
        assert (await client.get("/parley/me")).status_code == 401
        assert (await logged_in(client, ("carl", "another password"))).status_code == 303


async def test_a_session_signed_with_the_secret_everybody_knows_is_nobodys(
    stranger: Attacker,
) -> None:
    """Gradio signs its own outside of Spaces with sha256("-v4")."""
    secret = hashlib.sha256(b"-v4").hexdigest()
    told = {"oauth_info": {"userinfo": {"sub": "1", "preferred_username": "ann"}}}
    body = base64.b64encode(json.dumps(told).encode())
    forged = itsdangerous.TimestampSigner(secret).sign(body).decode()
    serializer = itsdangerous.URLSafeTimedSerializer(secret, salt="parley.login")
    for name, value in (
        ("session", forged),
        ("parley-login", forged),
        ("parley-login", serializer.dumps(["user", "ann", "ann", "", "0"])),
        ("access-token", "ann"),
    ):
        stranger.cookies.clear()
        stranger.cookies.set(name, value)
        assert (await stranger.get("/parley/me")).status_code == 401


def test_the_file_of_users_is_for_the_operator_alone_and_holds_no_password(users: Path) -> None:
    assert users.stat().st_mode & 0o077 == 0
    assert BOB[1] not in users.read_text()
