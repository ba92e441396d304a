"""A public link: whoever comes by it gives its password first, and is nobody but a stranger."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import uvicorn
from fastapi import FastAPI
from websockets.exceptions import ConnectionClosed

from components.mount import mount
from components.sharing import Link
from gate.access import Access
from gate.opening import access_to
from house import House
from inference.offline.prompt_server import PromptServer
from settings import Settings
from tests.attacker import ORDER, A, Attacker, keeps, opened
from tests.scripted_server import ScriptedServer

NAME = "0123456789abcdef.gradio.live"
"""As Gradio's host calls the link; its tunnel hands on what comes there to a port of this machine."""
KEY = b"a signing key of the tests, 32 b"
LOGIN = "__Host-parley-login"


@dataclass
class Shared:
    """`here` is where who sits at the machine comes in, `link` where the tunnel ends."""

    access: Access
    here: str
    link: str

    def visitor(self) -> Attacker:
        """Somebody who has the link."""
        return Attacker(base_url=self.link, headers={"host": NAME}, timeout=30)


@pytest.fixture
async def shared(
    house: House, tmp_path: Path, request: pytest.FixtureRequest
) -> AsyncIterator[Shared]:
    """All of it is real but the tunnel, which leads over the internet."""
    link, own = Link(), Link()
    chosen = Settings(data_dir=tmp_path, share=True, open=request.param)
    access = access_to(chosen, link.port)
    access.names.add(NAME)
    app = mount(FastAPI(), house.assistant, KEY, "1.2.3", access)
    config = uvicorn.Config(
        app, log_config=None, access_log=False, proxy_headers=False, timeout_graceful_shutdown=1
    )
    server = PromptServer(config)
    serving = asyncio.create_task(server.serve(sockets=[own.listener, link.listener]))
    while not server.started:
        await asyncio.sleep(0.01)
    yield Shared(access, f"http://127.0.0.1:{own.port}", f"http://127.0.0.1:{link.port}")
    server.end()
    await serving
    link.close()
    own.close()


asked = pytest.mark.parametrize("shared", [False], indirect=True, ids=[""])


@asked
async def test_who_has_the_link_alone_sees_the_page_to_log_in_and_nothing_else(
    shared: Shared,
) -> None:
    assert len(shared.access.link_password) >= 16
    async with shared.visitor() as client:
        page = await client.get("/")
        assert (page.status_code, page.headers["location"]) == (303, "/login")
        form = (await client.get("/login")).text
        assert 'name="password"' in form
        assert 'name="name"' not in form
        assert shared.access.link_password not in form
        assert (await client.post(ORDER, json={})).status_code == 401
        assert (await client.get("/parley/me")).status_code == 401
        with pytest.raises(ConnectionClosed):
            async with client.listen() as socket:
                await socket.recv()
    async with Attacker(base_url=shared.here) as operator:
        assert (await operator.get("/")).status_code == 200
        assert (await operator.get("/parley/me")).json()["operator"]


@asked
async def test_whatever_it_says_of_itself_nothing_from_the_link_comes_from_this_machine(
    shared: Shared,
) -> None:
    for lie in ("localhost", "127.0.0.1"):
        headers = {"host": lie, "x-forwarded-for": "127.0.0.1", "x-forwarded-host": lie}
        async with Attacker(base_url=shared.link, headers=headers) as client:
            assert (await client.get("/")).status_code == 303
            assert (await client.get("/parley/me")).status_code == 401


@asked
async def test_the_password_lets_in_strangers_who_stay_strangers(
    shared: Shared, model: ScriptedServer
) -> None:
    model.says("For you alone.")
    password = shared.access.link_password
    async with shared.visitor() as one, shared.visitor() as two:
        for client in (one, two):
            answer = await client.post("/login", data={"password": password})
            assert (answer.status_code, answer.headers["location"]) == (303, "/")
            assert answer.headers["set-cookie"].startswith(f"{LOGIN}=")
            keeps(client, answer)
            keeps(client, await client.get("/"))
            told = (await client.get("/parley/me")).json()
            assert (told["operator"], told["session"], told["before"]) == (False, True, 0)
        assert (await one.order("Mine", A))["ok"]
        async with one.listen() as socket:
            assert len((await opened(socket, A))["messages"]) == 2
        async with two.listen() as socket:
            assert (await opened(socket, A))["messages"] == []
        refused = await one.does({"do": "approve-server", "server": "x", "seen": "y"})
        assert "for who runs this Parley" in refused["message"]


@asked
async def test_one_who_guesses_keeps_nobody_else_out(shared: Shared) -> None:
    """All come by the tunnel; so they cannot be told apart, and 96 random bits cannot be guessed."""
    password = shared.access.link_password
    async with shared.visitor() as guesser, shared.visitor() as client:
        for guess in ("", "guess", password[:-1], password + "x", password.swapcase()):
            for _ in range(3):
                told = await guesser.post("/login", data={"password": guess})
                assert told.status_code == 403
                assert LOGIN not in told.headers.get("set-cookie", "")
        assert (await client.post("/login", data={"password": password})).status_code == 303


@pytest.mark.parametrize("shared", [True], indirect=True, ids=[""])
async def test_a_link_that_was_opened_to_all_asks_for_nothing(shared: Shared) -> None:
    assert shared.access.link_password == ""
    async with shared.visitor() as client:
        keeps(client, await client.get("/"))
        told = (await client.get("/parley/me")).json()
        assert (told["operator"], told["session"]) == (False, False)
