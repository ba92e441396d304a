"""The WebSocket of a page, over a whole Parley."""

import asyncio
import json
import re
from contextlib import AsyncExitStack

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus

from messages import new_id
from tests.components.conftest import Frame, Visitor
from tests.components.test_patch import Page
from tests.scripted_server import ScriptedServer

TALK = "c" * 32
WHOLE = re.compile(r'data-role="assistant" [^>]*data-status="done"')
WORDS = ["In Tokyo ", "it is ", "**06:31**", *(f" n{n}" for n in range(20))]


def ended(frame: Frame) -> bool:
    """A reply is whole: it became so, or came so."""
    return frame["kind"] == "turn" and any(
        m.get("status") == "done" or WHOLE.search(m.get("article", "")) for m in frame["messages"]
    )


async def test_a_turn_reaches_the_page_piece_by_piece(
    visitor: Visitor, model: ScriptedServer
) -> None:
    model.calls("clock", zone="Asia/Tokyo").says(*WORDS, delay_s=0.02)
    async with visitor.line() as line:
        assert (await line.follow(TALK))["messages"] == []
        told = await visitor.say("Hello", TALK)
        assert told == {"number": 7, "ok": True, "message": "", "advice": ""}
        frames = [f for f in await line.until(ended) if f["kind"] == "turn"]
    page = Page()
    for frame in frames:
        for message in frame["messages"]:
            page.apply(message)
    shown = "".join("".join(pieces.values()) for pieces in page.pieces.values())
    assert "<strong>06:31</strong>" in shown
    assert "Asia/Tokyo" in shown
    assert "2 requests: 1 answer + 1 tool round" in shown
    assert [frame["fresh"] for frame in frames] == [True] + [False] * (len(frames) - 1)
    assert 3 < len(frames) < 20


async def test_a_page_that_comes_later_sees_the_whole_turn(
    visitor: Visitor, model: ScriptedServer
) -> None:
    model.says("It is ", "**06:31**.")
    async with visitor.line() as line:
        await line.follow(TALK)
        await visitor.say("Hello", TALK)
        await line.shows("memory", "2 things")  # said when the turn is stored
    async with visitor.line() as line:
        frame = await line.follow(TALK)
    assert [("user" in m["article"], "06:31" in m["article"]) for m in frame["messages"]] == [
        (True, False),
        (False, True),
    ]


async def test_a_page_that_comes_in_the_middle_sees_the_reply_going_on(
    visitor: Visitor, model: ScriptedServer
) -> None:
    model.says(*WORDS, delay_s=0.03)
    await visitor.say("Hello", TALK)
    async with visitor.line() as line:
        await line.follow(TALK)
        frames = await line.until(ended)
    page = Page()
    for frame in frames:
        for message in frame.get("messages", ()):
            page.apply(message)
    assert "n0 n1" in str(page.pieces)
    assert "n19" in str(page.pieces)


async def test_two_pages_see_the_same_turn(visitor: Visitor) -> None:
    async with visitor.line() as one, visitor.line() as two:
        await one.follow(TALK)
        await two.follow(TALK)
        await visitor.say("Hello", TALK)
        for line in (one, two):
            assert ended((await line.until(ended))[-1])


async def test_the_list_follows_in_every_page_of_the_same_visitor(visitor: Visitor) -> None:
    async with visitor.line() as elsewhere:
        await elsewhere.follow("d" * 32)
        await visitor.say("A new talk", TALK)
        await elsewhere.shows("conversations", "A new talk")
        await visitor.order({"do": "rename", "conversation": TALK, "title": "Another name"})
        await elsewhere.shows("conversations", "Another name")
        await visitor.order({"do": "delete", "conversation": TALK, "memories": True})
        await elsewhere.shows("conversations", "is listed here")


async def test_a_page_elsewhere_learns_that_a_turn_ended_which_no_page_follows(
    visitor: Visitor, model: ScriptedServer
) -> None:
    model.calls("clock", zone="Asia/Tokyo").says("Late.", delay_s=0.8)
    async with visitor.line() as elsewhere:
        await elsewhere.follow("d" * 32)
        await elsewhere.shows("usage", "<b>0</b> requests today")
        await visitor.say("What time is it in Tokyo?", TALK)
        await elsewhere.shows("memory", "2 things")
        assert "<b>2</b> requests today" in elsewhere.panes["usage"]


async def test_what_was_forgotten_is_no_longer_counted(
    visitor: Visitor, model: ScriptedServer
) -> None:
    model.says("Noted.")
    async with visitor.line() as line:
        await line.follow(TALK)
        await line.shows("memory", "Nothing remembered")
        await visitor.say("The peanuts were roasted yesterday.", TALK)
        await line.shows("memory", "2 things")
        await visitor.order({"do": "forget-conversation", "conversation": TALK})
        await line.shows("memory", "Nothing remembered")


async def test_a_stranger_sees_nothing_of_it(visitor: Visitor, stranger: Visitor) -> None:
    await visitor.say("My private words", TALK)
    async with stranger.line() as line:
        await line.say({"follow": TALK})
        seen: dict[str, Frame] = {}
        while seen.keys() != {"open", "panes"}:
            frame = (await line.until(lambda _: True))[0]
            seen[frame["kind"]] = frame
    assert seen["open"]["messages"] == []
    assert "private" not in json.dumps(seen["panes"])


async def test_earlier_messages_come_when_asked_for(
    visitor: Visitor, model: ScriptedServer
) -> None:
    async with visitor.line() as line:
        await line.follow(TALK)
        for number in range(26):
            await visitor.say(f"number {number}", TALK)
            await line.until(ended)
    async with visitor.line() as line:
        frame = await line.follow(TALK)
        assert (len(frame["messages"]), frame["earlier"]) == (40, True)
        await line.say({"follow": TALK, "before": frame["messages"][0]["id"]})
        more = (await line.until(lambda f: f["kind"] == "earlier"))[-1]
    assert (len(more["messages"]), more["earlier"]) == (12, False)
    assert "number 0" in more["messages"][0]["article"]


@pytest.mark.parametrize(
    "junk",
    ["", "x", "[]", "null", "{}", '{"follow": 1}', '{"follow": "../x"}', "[" * 4000, "a" * 100_000],
    ids=lambda junk: junk[:16] or "nothing",
)
async def test_junk_is_passed_over(visitor: Visitor, junk: str) -> None:
    async with visitor.line() as line:
        await line.say(junk)
        assert (await line.follow(TALK))["kind"] == "open"


async def test_bytes_end_the_line_and_nothing_else(visitor: Visitor) -> None:
    async with visitor.line() as line:
        await line.say(b"\0\1")
        with pytest.raises(ConnectionClosed):
            await line.until(lambda _: False)
    async with visitor.line() as line:
        assert (await line.follow(TALK))["kind"] == "open"


async def test_another_site_cannot_listen(visitor: Visitor) -> None:
    with pytest.raises(InvalidStatus) as refused:
        async with visitor.line(origin="http://evil.example"):
            pass
    assert refused.value.response.status_code == 403


async def test_a_visitor_cannot_open_pages_without_end(visitor: Visitor) -> None:
    async with AsyncExitStack() as stack:
        lines = [await stack.enter_async_context(visitor.line()) for _ in range(24)]
        with pytest.raises(InvalidStatus):
            async with visitor.line():
                pass
        for line in lines:
            await line.socket.close()
    async with asyncio.timeout(5):
        while True:  # a closed line is noticed a moment later
            try:
                async with visitor.line() as line:
                    assert (await line.follow(TALK))["kind"] == "open"
                break
            except InvalidStatus:
                await asyncio.sleep(0.02)


async def test_a_page_that_goes_away_in_the_middle_harms_nobody(
    visitor: Visitor, model: ScriptedServer
) -> None:
    model.says(*WORDS, delay_s=0.02)
    async with visitor.line() as stays:
        await stays.follow(TALK)
        async with visitor.line() as goes:
            await goes.follow(TALK)
            await visitor.say("Hello", TALK)
            await goes.until(lambda frame: frame["kind"] == "turn")
            goes.socket.transport.abort()
        assert ended((await stays.until(ended))[-1])
    assert (await visitor.say("Again", new_id()))["ok"]
