"""At zero requests left a visitor brings a key of their own, as a person does it."""

import asyncio
import socket
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import uvicorn
from fastapi import FastAPI
from playwright.sync_api import BrowserContext, expect

from components.mount import mount
from house import open_house
from inference.connection import connect
from inference.offline.prompt_server import PromptServer
from inference.provider import load_providers
from settings import Settings
from tests.browser.conftest import finished, opened, ready, say
from tests.scripted_server import ScriptedServer

pytestmark = pytest.mark.browser

CANARY = "canary-in-the-coal-mine-1234"


@pytest.fixture
def theirs() -> Iterator[ScriptedServer]:
    """Where Oxlo is, in this test: the visitor has an account there."""
    with ScriptedServer() as server:
        yield server


@pytest.fixture
def address(model: ScriptedServer, theirs: ScriptedServer, tmp_path: Path) -> Iterator[str]:
    """A Parley of this process: an address of Oxlo's that is none can only be given as an argument."""
    listener = socket.create_server(("127.0.0.1", 0))
    started, server = threading.Event(), None

    async def serve() -> None:
        nonlocal server
        chosen = Settings(
            base_url=model.base_url, model="big", requests_per_day=1, data_dir=tmp_path / "data"
        )
        connection = connect(load_providers(), model.base_url, "the-operators-own-key", {})
        oxlo = replace(load_providers()["oxlo"], base_url=theirs.base_url)
        async with open_house(chosen, connection, {"oxlo": oxlo}) as house:
            app = mount(FastAPI(), house.assistant, b"a signing key of the tests, 32 b", "1.2.3")
            config = uvicorn.Config(
                app, log_config=None, access_log=False, timeout_graceful_shutdown=1
            )
            server = PromptServer(config)
            started.set()
            await server.serve(sockets=[listener])

    serving = threading.Thread(target=lambda: asyncio.run(serve()))
    serving.start()
    assert started.wait(30)
    yield f"http://127.0.0.1:{listener.getsockname()[1]}/"
    assert server
    server.end()
    serving.join(20)
    listener.close()


def chats(server: ScriptedServer) -> list[str]:
    """The keys with which a server was asked for replies."""
    return [h.headers["authorization"] for h in server.hits if h.path.endswith("completions")]


def test_where_nothing_is_left_a_key_of_ones_own_answers_on(
    address: str,
    model: ScriptedServer,
    theirs: ScriptedServer,
    visitor: BrowserContext,
    tmp_path: Path,
) -> None:
    model.says("From the house.")
    page, watch = opened(visitor, address)
    say(page, "First")
    expect(finished(page)).to_contain_text("From the house.")
    composer = page.locator("#parley-forecast")
    expect(composer).to_contain_text("None left until")
    composer.get_by_role("button", name="Use your own key").click()
    sheet = page.get_by_role("dialog", name="Who answers here")
    field = sheet.get_by_label("Your key", exact=True)
    expect(field).to_be_focused()
    # Only its inside is scrolled to the field: the head, with the way out, stays.
    expect(sheet.get_by_role("button", name="Close")).to_be_in_viewport(ratio=1)
    assert page.evaluate("document.querySelector('dialog[open]').scrollTop") == 0
    expect(sheet).to_contain_text("Kept in this server's memory for two hours after its last use")
    page.keyboard.press("Escape")

    say(page, "Second")
    failed = finished(page, 2)
    expect(failed).to_contain_text("All 1 requests of today")
    expect(failed.get_by_role("button", name="Use the offline engine")).to_be_visible()
    failed.get_by_role("button", name="Use your own key").click()
    expect(field).to_be_focused()

    theirs.fails(401, {"error": {"message": "no such key"}}, on="models")
    page.keyboard.type("a-wrong-key")
    page.keyboard.press("Enter")
    expect(sheet.locator(".key-told")).to_contain_text("Oxlo.ai rejects the key")
    expect(field).to_have_value("")
    expect(field).to_be_focused()

    page.keyboard.type(CANARY)
    theirs.models([{"id": "gpt-oss-20b"}])  # the smallest plan has none of it
    sheet.get_by_label("Whose key it is").select_option(label="Oxlo.ai, pro plan")
    sheet.get_by_role("button", name="Connect").click()
    expect(sheet.locator(".key-told")).to_contain_text("Connected: Oxlo.ai offers 1 model")
    expect(sheet.get_by_role("button", name="Disconnect")).to_be_visible()
    expect(sheet.get_by_role("radio", name="gpt-oss-20b")).to_be_visible()
    expect(page.locator("#parley-status")).to_contain_text("Oxlo.ai (your key)")
    page.keyboard.press("Escape")
    expect(page.locator("#parley-input textarea")).to_be_focused()
    expect(composer).not_to_contain_text("None left")

    theirs.says("From the visitor's own.")
    failed.get_by_role("button", name="Retry").click()
    expect(finished(page, 2)).to_contain_text("From the visitor's own.")
    assert chats(theirs) == [f"Bearer {CANARY}"]
    assert chats(model) == ["Bearer the-operators-own-key"]
    page.reload()
    ready(page)
    expect(page.locator("#parley-status")).to_contain_text("Oxlo.ai (your key)")

    kept = (
        "JSON.stringify([{...localStorage}, {...sessionStorage}, location.href, document.cookie])"
    )
    assert CANARY not in page.evaluate(kept) + page.content()
    assert not [
        path
        for path in tmp_path.rglob("*")
        if path.is_file() and CANARY.encode() in path.read_bytes()
    ]
    page.locator("#parley-status button").click()
    sheet.get_by_role("button", name="Disconnect").click()
    expect(sheet.locator(".key-told")).to_contain_text("Your key is forgotten")
    expect(field).to_be_focused()
    expect(page.locator("#parley-status")).to_contain_text("Custom server")
    rejected = [complaint for complaint in watch.complaints if "422" in complaint]
    assert (watch.complaints, watch.strangers) == (rejected, [])
    assert len(rejected) == 1
