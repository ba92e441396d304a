"""A visitor's own key on its way from the page to the server, and what the page says of it."""

import asyncio
import re
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from assistant import EVERYWHERE, Refused
from components import choice, own_key
from components.render import article
from house import House, look_around, open_house
from inference.connection import connect
from inference.own_keys import OwnKey
from inference.provider import load_providers
from messages import Choices, Fault, Message, Provenance
from settings import Settings
from tests.components.conftest import Frame, Visitor
from tests.scripted_server import ScriptedServer

TALK, OTHER = "c" * 32, "d" * 32
CANARY = "canary-in-the-coal-mine-1234"
BROUGHT = {"provider": "oxlo", "key": CANARY}


@pytest.fixture
def theirs() -> Iterator[ScriptedServer]:
    """Where Oxlo is, in these tests: the visitor has an account there."""
    with ScriptedServer() as server:
        yield server


@pytest.fixture
async def house(
    model: ScriptedServer, theirs: ScriptedServer, tmp_path: Path
) -> AsyncIterator[House]:
    """A house with one request a day, in which visitors may bring a key for Oxlo."""
    chosen = Settings(
        base_url=model.base_url, model="big", requests_per_day=1, data_dir=tmp_path / "data"
    )
    connection = connect(load_providers(), model.base_url, "the-operators-own-key", {})
    oxlo = replace(load_providers()["oxlo"], base_url=theirs.base_url)
    async with open_house(chosen, connection, {"oxlo": oxlo}) as opened:
        yield opened


def chats(server: ScriptedServer) -> list[str]:
    """The keys with which a server was asked for replies."""
    return [h.headers["authorization"] for h in server.hits if h.path.endswith("completions")]


async def answered(visitor: Visitor, words: str, talk: str = TALK) -> None:
    """The visitor has said so, and a reply to it is whole."""
    async with visitor.line() as line:
        before = {change["id"] for change in (await line.follow(talk))["messages"]}
        assert (await visitor.say(words, talk))["ok"]
        # The reply before is drawn anew, too: it is no longer the last.
        await line.until(lambda f: any(is_whole(c) for c in changes(f) if c["id"] not in before))


def changes(frame: Frame) -> list[Frame]:
    """What a turn changes, message by message."""
    return list(frame["messages"]) if frame["kind"] == "turn" else []


def is_whole(change: Frame) -> bool:
    """Whether it is of a reply that has ended. One that ended at once is not changed, but comes whole."""
    if "article" in change:
        head = change["article"].partition(">")[0]
        return 'data-role="assistant"' in head and 'data-status="running"' not in head
    return bool(change.get("status", "running") != "running")


async def test_a_key_that_is_brought_answers_its_visitor_and_the_operator_pays_nothing(
    house: House, visitor: Visitor, stranger: Visitor, model: ScriptedServer, theirs: ScriptedServer
) -> None:
    told = await visitor.post("/parley/key", json=BROUGHT)
    assert (told.status_code, told.json()["ok"]) == (200, True)
    assert told.headers["cache-control"] == "no-store"
    assert "Oxlo.ai offers 1 model" in told.json()["message"]
    await answered(visitor, "Hello")
    assert chats(theirs) == [f"Bearer {CANARY}"]
    assert await house.ledger.used_today("custom") == 0
    await answered(stranger, "Hello", OTHER)
    assert chats(theirs) == [f"Bearer {CANARY}"]
    assert chats(model) == ["Bearer the-operators-own-key"]
    assert await house.ledger.used_today("custom") == 1


async def test_the_page_says_whose_key_answers_and_the_key_goes_when_it_is_told_to(
    visitor: Visitor, stranger: Visitor, theirs: ScriptedServer
) -> None:
    async with visitor.line() as line, stranger.line() as other:
        for one in (line, other):
            await one.follow(TALK)
            await one.say({"choosing": True})
            await one.shows("choice", "Use your own key")
        assert 'type="password"' in line.panes["choice"]
        await visitor.post("/parley/key", json=BROUGHT)
        await line.shows("status", "Oxlo.ai (your key)")
        await line.shows("choice", "Disconnect")
        assert 'type="password"' not in line.panes["choice"]
        assert "requests today" in line.panes["usage"]
        gone = await visitor.delete("/parley/key")
        assert gone.json()["ok"] is True
        await line.shows("status", "Custom server")
        await line.shows("choice", 'type="password"')
        assert "your key)" not in "".join(other.panes.values())
        assert CANARY not in "".join(line.panes.values())


async def test_a_rejected_key_is_told_and_not_kept(
    visitor: Visitor, house: House, theirs: ScriptedServer
) -> None:
    theirs.fails(401, {"error": {"message": f"Incorrect API key: {CANARY}"}}, on="models")
    told = await visitor.post("/parley/key", json=BROUGHT)
    assert (told.status_code, told.json()["ok"]) == (422, False)
    assert "Oxlo.ai rejects the key" in told.json()["message"]
    assert "Nothing was kept" in told.json()["advice"]
    assert CANARY not in told.text
    await answered(visitor, "Hello")
    assert chats(theirs) == []


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b'{"provider": "oxlo", "key": "' + CANARY.encode() + b"x" * 5000 + b'"}', 413),
        (b'{"provider": "oxlo", "key": {"' + CANARY.encode() + b'": 1}}', 422),
        (b'{"provider": ["' + CANARY.encode() + b'"], "key": "x"}', 422),
        (b'{"provider": "http://127.0.0.1:9/v1", "key": "' + CANARY.encode() + b'"}', 422),
        (CANARY.encode(), 422),
        (b"", 422),
        (b"[" * 4000, 422),
        (b'{"provider": "oxlo", "key": "\xff\xfe"}', 422),
    ],
)
async def test_what_is_no_key_is_refused_without_being_said_again(
    visitor: Visitor, theirs: ScriptedServer, body: bytes, status: int
) -> None:
    told = await visitor.post("/parley/key", content=body)
    assert told.status_code == status
    assert told.json()["ok"] is False
    assert told.json()["message"]
    assert CANARY not in told.text
    assert theirs.hits == []


async def test_another_site_can_neither_bring_a_key_nor_take_it_away(
    visitor: Visitor, house: House, theirs: ScriptedServer
) -> None:
    evil = {"origin": "http://evil.example"}
    assert (await visitor.post("/parley/key", json=BROUGHT, headers=evil)).status_code == 403
    assert theirs.hits == []
    await visitor.post("/parley/key", json=BROUGHT)
    assert (await visitor.delete("/parley/key", headers=evil)).status_code == 403
    async with visitor.line() as line:
        await line.follow(TALK)
        await line.shows("status", "Oxlo.ai (your key)")


async def test_the_key_is_in_no_answer_and_no_file_of_the_server(
    visitor: Visitor, theirs: ScriptedServer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    theirs.says("Hello.").fails(401, {"error": {"message": f"{CANARY} was revoked"}})
    await visitor.post("/parley/key", json=BROUGHT)
    await answered(visitor, "Hello")
    await answered(visitor, "Again")
    pages = [await visitor.get(path) for path in ("/", "/config", "/gradio_api/info")]
    async with visitor.line() as line:
        frame = await line.follow(TALK)
        assert "rejects the key" in str(frame)
        assert "connect it anew" in str(frame)
        await line.say({"choosing": True})
        await line.shows("choice", "Disconnect")
        shown = str(frame) + "".join(line.panes.values())
    assert CANARY not in shown + "".join(page.text for page in pages)
    assert CANARY not in caplog.text
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert "parley.db" in {path.name for path in files}
    assert not [path for path in files if CANARY.encode() in path.read_bytes()]


async def test_a_model_of_the_own_provider_can_be_chosen_by_its_visitor_alone(
    visitor: Visitor, stranger: Visitor, theirs: ScriptedServer, house: House
) -> None:
    theirs.models([{"id": "rare-one"}])
    await visitor.post("/parley/key", json=BROUGHT)
    assert (await visitor.order({"do": "refresh"}))["ok"]
    async with visitor.line() as line:
        await line.follow(TALK)
        await line.say({"choosing": True})
        await line.shows("choice", "rare-one")
    provider = re.findall(
        r'data-provider="(oxlo@own-\w+)" data-model="rare-one"', line.panes["choice"]
    )
    pin = {"do": "choose", "conversation": TALK, "provider": provider[0], "model": "rare-one"}
    refused = await stranger.order(pin)
    assert refused["ok"] is False
    assert (await visitor.order(pin))["ok"]
    await answered(visitor, "Hello")
    assert theirs.requests[0]["model"] == "rare-one"


async def test_a_talk_that_was_given_to_the_own_key_says_so_when_it_is_gone(
    house: House, model: ScriptedServer
) -> None:
    ann = "ann"
    await house.assistant.connect_own_key(ann, "oxlo", CANARY)
    own = next(o.provider for o in house.assistant.offers(ann) if "your key" in o.label)
    await house.assistant.choose(ann, TALK, Choices(own, "deepseek-v3.2"))
    await house.assistant.disconnect_own_key(ann)
    shown = await house.assistant.answering(ann, TALK)
    assert (shown.model, shown.provider) == ("deepseek-v3.2", "not connected")
    assert (await house.assistant.answering(ann, EVERYWHERE)).provider == "Custom server"
    with pytest.raises(Refused, match="Your own key is not connected any more"):
        await house.assistant.choose(ann, TALK, Choices(own, "deepseek-v3.2"))
    await house.assistant.send(ann, TALK, "Hello", (), speak=False)
    async with asyncio.timeout(15):
        while (last := (await house.assistant.open(ann, TALK)).messages[-1]).status == "running":
            await asyncio.sleep(0.02)
    assert last.provenance
    assert last.provenance.fault == Fault(
        "Your own key is not connected any more.", "Enter it again, or choose another model."
    )
    assert model.hits == []


async def test_open_pages_hear_of_a_server_that_was_found_after_they_were_opened(
    house: House, visitor: Visitor, stranger: Visitor
) -> None:
    with ScriptedServer() as local:
        local.models([{"id": "Qwen/Qwen3-8B", "owned_by": "vllm"}])
        port = int(local.base_url.rsplit(":", 1)[1].removesuffix("/v1"))
        async with visitor.line() as one, stranger.line() as other:
            for line in (one, other):
                await line.follow(TALK)
                await line.say({"choosing": True})
                await line.shows("choice", "Parley chooses")
            await asyncio.sleep(1)  # nothing of their own makes them look again by now
            await look_around(house, [port])
            for line in (one, other):
                await line.shows("choice", "Qwen/Qwen3-8B")


def test_the_section_asks_for_a_key_or_says_whose_is_connected() -> None:
    asking = own_key.section(
        OwnKey({"oxlo": "Oxlo.ai", "x": "<b>"}, plans={"oxlo": ("free", "pro")})
    )
    assert '<option value="oxlo" data-plan="pro">Oxlo.ai, pro plan</option>' in asking
    assert '<option value="x" data-plan="">' in asking
    assert "&lt;b&gt;" in asking
    assert 'autocomplete="off"' in asking
    assert "for two hours after its last use, never stored" in asking
    connected = own_key.section(OwnKey({"oxlo": "Oxlo.ai"}, "Oxlo.ai (your key)"))
    assert "Oxlo.ai (your key)" in connected
    assert 'data-do="disconnect-key"' in connected
    assert "<input" not in connected
    assert own_key.section(OwnKey({})) == ""
    assert "choice-key" in choice.sheet([], Choices(), Choices(), OwnKey({"oxlo": "Oxlo.ai"}))


def test_a_failed_reply_has_the_ways_on_ready_for_when_nothing_is_left() -> None:
    about = Provenance(fault=Fault("All 60 requests of today are spent.", "They return."))
    failed = Message("1" * 32, "assistant", (), 0, "failed", about)
    assert 'data-do="own-key"' in article(failed)
    assert 'data-do="use-offline"' in article(failed)
    assert 'data-do="own-key"' not in article(replace(failed, status="stopped"))
