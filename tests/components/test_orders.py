"""What the page asks for is checked before it is done, and answered either way."""

import asyncio
import base64
import json

import pytest

from assistant import Assistant
from components.orders import Visitor, obey
from house import House
from tests.conftest import OWNER
from tests.pictures import png
from tests.scripted_server import ScriptedServer

TALK = "c" * 32


async def told(assistant: Assistant, slip: object) -> dict[str, object]:
    text = slip if isinstance(slip, str) else json.dumps(slip)
    answer: dict[str, object] = json.loads(
        await obey(assistant, Visitor(OWNER), text, lambda _: None)
    )
    return answer


async def ended(house: House) -> None:
    """The turn that runs is over, and its reply stored."""
    async with asyncio.timeout(15):
        while (await house.assistant.open(OWNER, TALK)).messages[-1].status == "running":
            await asyncio.sleep(0.02)


async def test_a_message_is_sent_with_its_attachments_and_spoken(
    house: House, model: ScriptedServer
) -> None:
    kept = await house.assistant.attach(OWNER, png("A sign"), "a.png")
    slip = {
        "do": "send",
        "number": 3,
        "conversation": TALK,
        "text": "Look",
        "media": [kept.media.sha256],
        "speak": True,
    }
    answer = await told(house.assistant, slip)
    assert answer == {"number": 3, "ok": True, "message": "", "advice": ""}
    await ended(house)
    assert [hit.path for hit in model.hits] == ["/v1/chat/completions", "/v1/audio/speech"]
    _, path = await house.assistant.media(OWNER, kept.media.sha256)
    sent = json.dumps(model.requests[0]["messages"])
    assert "Look" in sent
    assert base64.b64encode(path.read_bytes()).decode() in sent


async def test_a_refusal_is_told_in_its_own_words(house: House, model: ScriptedServer) -> None:
    model.hangs(10)
    slip = {"do": "send", "number": 1, "conversation": TALK, "text": "x"}
    await told(house.assistant, slip)
    assert await told(house.assistant, {**slip, "number": 2}) == {
        "number": 2,
        "ok": False,
        "message": "A reply is still being written here.",
        "advice": "Wait for it, or press Stop.",
    }
    stopped = await told(house.assistant, {"do": "stop", "number": 3, "conversation": TALK})
    assert stopped["ok"] is True
    found = await house.assistant.open(OWNER, TALK)
    assert [m.status for m in found.messages] == ["done", "stopped"]


async def test_a_reply_is_asked_for_again(house: House, model: ScriptedServer) -> None:
    model.says("First.").says("Second.")
    await told(house.assistant, {"do": "send", "conversation": TALK, "text": "x"})
    await ended(house)
    first = (await house.assistant.open(OWNER, TALK)).messages[-1]
    again = {"do": "retry", "conversation": TALK, "reply": first.id}
    assert (await told(house.assistant, again))["ok"] is True
    await ended(house)
    found = await house.assistant.open(OWNER, TALK)
    assert [m.text for m in found.messages] == ["x", "Second."]


async def test_those_who_list_are_told_of_what_was_done_and_only_of_that(house: House) -> None:
    heard: list[str] = []
    await told(house.assistant, {"do": "send", "conversation": TALK, "text": "x"})
    for title in ("A name", "   "):
        slip = {"do": "rename", "conversation": TALK, "title": title}
        await obey(house.assistant, Visitor(OWNER), json.dumps(slip), heard.append)
    assert heard == [OWNER]
    assert [talk.title for talk in await house.assistant.conversations(OWNER)] == ["A name"]


@pytest.mark.parametrize(
    "slip",
    [
        "",
        "null",
        "[]",
        "{",
        {"do": "format", "number": 1},
        {"do": "send", "conversation": "../../x", "text": "x"},
        {"do": "send", "conversation": TALK, "text": {"a": 1}},
        {"do": "send", "conversation": TALK, "text": "x" * 400_001},
        {"do": "send", "conversation": TALK, "text": "x", "media": ["/etc/passwd"]},
        {"do": "send", "conversation": TALK, "text": "x", "media": ["a" * 64] * 17},
        {"do": "delete", "conversation": TALK.upper()},
        {"do": "delete", "conversation": "d" * 33},
        {"do": "forget", "memory": ""},
        "[" * 100_000,
    ],
    ids=lambda slip: str(slip)[:48],
)
async def test_an_order_that_makes_no_sense_does_nothing(
    house: House, model: ScriptedServer, slip: object
) -> None:
    heard: list[str] = []
    text = slip if isinstance(slip, str) else json.dumps(slip)
    answer = json.loads(await obey(house.assistant, Visitor(OWNER), text, heard.append))
    assert answer["ok"] is False
    assert "does not know" in answer["message"]
    assert (heard, model.hits, await house.assistant.conversations(OWNER)) == ([], [], [])
