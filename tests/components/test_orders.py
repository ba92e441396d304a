"""What the page asks for is checked before it is done, and answered either way."""

import json
from pathlib import Path

import pytest

from assistant import Refused
from components.orders import obey
from tests.components.canned import Canned

TALK = "c" * 32


async def told(assistant: Canned, slip: object) -> dict[str, object]:
    text = slip if isinstance(slip, str) else json.dumps(slip)
    answer: dict[str, object] = json.loads(await obey(assistant, "me", text, lambda _: None))
    return answer


@pytest.fixture
def assistant(tmp_path: Path) -> Canned:
    return Canned(tmp_path, lambda _: [])


async def test_a_message_is_sent_with_its_attachments(assistant: Canned) -> None:
    kept = await assistant.attach("me", b"\x89PNG\r\n\x1a\n" + b"\0" * 20, "a.png")
    slip = {
        "do": "send",
        "number": 3,
        "conversation": TALK,
        "text": "Look",
        "media": [kept.media.sha256],
        "speak": True,
    }
    assert await told(assistant, slip) == {"number": 3, "ok": True, "message": "", "advice": ""}
    assert assistant.orders == [("send", "Look", (kept.media.sha256,), True)]


async def test_a_refusal_is_told_in_its_own_words(assistant: Canned) -> None:
    assistant.refuse = Refused("Today's requests are spent.", "They return at midnight.")
    answer = await told(assistant, {"do": "send", "number": 1, "conversation": TALK, "text": "x"})
    assert answer == {
        "number": 1,
        "ok": False,
        "message": "Today's requests are spent.",
        "advice": "They return at midnight.",
    }


async def test_those_who_list_are_told_of_what_was_done_and_only_of_that(assistant: Canned) -> None:
    heard: list[str] = []
    await assistant.send("me", TALK, "x", (), speak=False)
    for title in ("A name", "   "):
        slip = {"do": "rename", "conversation": TALK, "title": title}
        await obey(assistant, "me", json.dumps(slip), heard.append)
    assert heard == ["me"]


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
        {"do": "forget", "memory": ""},
        "[" * 100_000,
    ],
)
async def test_an_order_that_makes_no_sense_does_nothing(assistant: Canned, slip: object) -> None:
    answer = await told(assistant, slip)
    assert answer["ok"] is False
    assert assistant.orders == []
