"""Memory as a page reaches it: the panel over its line, the orders, the file taken along."""

import json
from collections.abc import Callable

import pytest

from memories import MAX_IMPORT
from tests.components.conftest import Frame, Line, Visitor
from tests.components.test_live import TALK, ended
from tests.scripted_server import ScriptedServer

OTHER = "d" * 32


async def told(visitor: Visitor, line: Line, *sayings: str) -> None:
    """Said in TALK, one after the other, each answered and remembered."""
    for words in sayings:
        await visitor.say(words, TALK)
        await line.until(ended)


async def shown(line: Line, words: str) -> str:
    await line.shows("remembering", words)
    return line.panes["remembering"]


async def stored(line: Line) -> Frame:
    """The talk as it is opened once its last reply is stored."""
    while 'data-status="running"' in json.dumps(frame := await line.follow(TALK)).replace("\\", ""):
        pass
    return frame


def id_of(html: str, words: str) -> str:
    """The id of the memory with these words."""
    entry = next(part for part in html.split('data-memory="')[1:] if words in part)
    return entry.split('"')[0]


async def test_the_panel_lists_searches_and_follows_what_changes(
    visitor: Visitor, model: ScriptedServer
) -> None:
    async with visitor.line() as line:
        await line.follow(TALK)
        await told(visitor, line, "The boat leaves at nine.", "The garden wants water.")
        await line.say({"remembering": {}})
        await shown(line, "The garden wants water.")
        assert "The boat leaves at nine." in line.panes["remembering"]
        await line.say({"remembering": {"query": "boat"}})
        await line.until(lambda _: "garden" not in line.panes["remembering"])
        assert "The boat leaves at nine." in line.panes["remembering"]
        await told(visitor, line, "A second boat leaves at ten.")
        await shown(line, "A second boat leaves at ten.")


async def test_the_panel_shows_one_chat_one_kind_and_one_time_when_asked_to(
    visitor: Visitor, model: ScriptedServer
) -> None:
    async with visitor.line() as line:
        await line.follow(TALK)
        await told(visitor, line, "The boat leaves at nine.")
        await line.follow(OTHER)
        for narrow in ({"here": True}, {"kind": "passage"}):
            await line.say({"remembering": narrow})
            await shown(line, "Nothing of this kind")
        await line.say({"remembering": {"here": True, "chat": TALK}})
        await shown(line, "The boat leaves at nine.")
        await line.say({"remembering": {"days": 1}})
        await shown(line, "The boat leaves at nine.")


async def test_a_panel_that_was_closed_is_no_longer_sent(
    visitor: Visitor, model: ScriptedServer
) -> None:
    async with visitor.line() as line:
        await line.follow(TALK)
        await line.say({"remembering": {}})
        await shown(line, "Nothing is remembered yet")
        await line.say({"remembering": None})
        line.panes.clear()
        await told(visitor, line, "The boat leaves at nine.")
        await line.shows("memory", "2 things")
        assert "remembering" not in line.panes


async def test_a_memory_is_edited_pinned_and_forgotten(
    visitor: Visitor, model: ScriptedServer
) -> None:
    async with visitor.line() as line:
        await line.follow(TALK)
        await told(visitor, line, "The boat leaves at nine.")
        await line.say({"remembering": {}})
        memory = id_of(await shown(line, "The boat leaves at nine."), "The boat leaves at nine.")
        await visitor.order({"do": "edit-memory", "memory": memory, "text": "It leaves at <ten>."})
        await shown(line, "It leaves at &lt;ten&gt;.")
        await visitor.order({"do": "pin-memory", "memory": memory, "pinned": True})
        await shown(line, '<span class="badge">Always sent</span>')
        await visitor.order({"do": "forget", "memory": memory})
        await line.until(lambda _: memory not in line.panes["remembering"])


async def test_what_was_said_in_a_chat_is_forgotten_and_the_chat_stays(
    visitor: Visitor, model: ScriptedServer
) -> None:
    async with visitor.line() as line:
        await line.follow(TALK)
        await told(visitor, line, "The boat leaves at nine.")
        await line.shows("memory", "2 things")
        await visitor.order({"do": "forget-conversation", "conversation": TALK})
        await line.shows("memory", "Nothing remembered")
        assert "boat" in json.dumps(await line.follow(TALK))


async def test_a_pause_is_kept_for_one_chat_or_for_all_and_by_a_model_for_new_chats(
    visitor: Visitor, model: ScriptedServer
) -> None:
    async with visitor.line() as line:
        await line.follow(TALK)
        pause = {"do": "pause-memory", "conversation": TALK, "paused": True}
        await visitor.order(pause)
        await line.shows("memory", "Paused in this chat")
        await told(visitor, line, "The boat leaves at nine.")
        await line.shows("memory", "Nothing remembered")
        await line.follow(OTHER)
        await line.until(lambda _: "Paused" not in line.panes["memory"])
        await visitor.order({**pause, "conversation": OTHER, "everywhere": True})
        await line.shows("memory", "Paused<")
        await visitor.order(
            {"do": "choose", "conversation": OTHER, "provider": "", "model": "", "always": True}
        )
        async with visitor.line() as another:
            await another.follow("e" * 32)
            await another.shows("memory", "Paused<")


async def test_a_message_is_pinned_and_stays_so(visitor: Visitor, model: ScriptedServer) -> None:
    async with visitor.line() as line:
        await line.follow(TALK)
        await told(visitor, line, "The code is 4711.")
        said = (await line.follow(TALK))["messages"][0]
        assert 'aria-pressed="false"' in said["article"]
        order = {"do": "pin-message", "conversation": TALK, "message": said["id"], "pinned": True}
        assert (await visitor.order(order))["ok"] is True
        said = (await line.follow(TALK))["messages"][0]
        assert 'data-do="pin-message" aria-pressed="true"' in said["article"]
        order = {**order, "message": "f" * 32}
        assert (await visitor.order(order))["message"] == "This is not here any more."


async def test_everything_is_erased_only_with_the_word(
    visitor: Visitor, model: ScriptedServer
) -> None:
    async with visitor.line() as line:
        await line.follow(TALK)
        await told(visitor, line, "The boat leaves at nine.")
        assert (await visitor.order({"do": "erase"}))["ok"] is False
        await line.shows("conversations", "The boat")
        assert (await visitor.order({"do": "erase", "word": "erase"}))["ok"] is True
        await line.shows("conversations", "is listed here")
        await line.shows("memory", "Nothing remembered")


async def test_memories_are_taken_along_and_brought_back(
    visitor: Visitor, stranger: Visitor, model: ScriptedServer
) -> None:
    async with visitor.line() as line:
        await line.follow(TALK)
        await told(visitor, line, "The boat leaves at nine.")
        await line.shows("memory", "2 things")
        file = await visitor.get("/parley/memories.json")
        assert file.headers["content-disposition"].startswith("attachment")
        assert file.headers["cache-control"] == "no-store"
        assert "The boat leaves at nine." in file.text
        assert "boat" not in (await stranger.get("/parley/memories.json")).text
        await visitor.order({"do": "erase", "word": "erase"})
        await line.shows("memory", "Nothing remembered")
        assert (await visitor.post("/parley/memories", content=file.content)).json() == {"added": 2}
        await line.shows("memory", "2 things")


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: b"GIF89a", "no file of memories"),
        (lambda: b"[]", "no file of memories"),
        (lambda: b" " * (MAX_IMPORT + 2), "larger than 25 MB"),
    ],
    ids=["picture", "list", "large"],
)
async def test_what_is_no_file_of_memories_is_refused_in_words(
    visitor: Visitor, make: Callable[[], bytes], words: str
) -> None:
    answer = await visitor.post("/parley/memories", content=make())
    assert answer.status_code == 422
    assert words in answer.json()["message"]


@pytest.mark.parametrize(
    "order",
    [
        {"do": "edit-memory", "memory": "m", "text": "x" * 8001},
        {"do": "edit-memory", "memory": "", "text": "x"},
        {"do": "pin-memory", "memory": "m", "pinned": "perhaps"},
        {"do": "wrong", "conversation": "../x", "reply": "r", "memory": "m"},
        {"do": "pause-memory", "conversation": TALK},
        {"do": "keep-document", "conversation": TALK, "sha256": "/etc/passwd"},
        {"do": "summarise", "conversation": TALK.upper()},
        {"do": "send-whole", "conversation": TALK, "whole": "a lot"},
        {"do": "pin-message", "conversation": TALK, "message": "x" * 65, "pinned": True},
        {"do": "erase", "word": "please"},
    ],
    ids=lambda order: str(order["do"]),
)
async def test_an_order_to_memory_that_makes_no_sense_is_refused(
    visitor: Visitor, order: Frame
) -> None:
    assert "does not know" in (await visitor.order(order))["message"]


async def test_what_was_changed_since_a_turn_is_not_taken_back_by_its_events(
    visitor: Visitor, model: ScriptedServer
) -> None:
    async with visitor.line() as line:
        await line.follow(TALK)
        await told(visitor, line, "Remember that my cat is called Minka.")
        opened = (await stored(line))["messages"]
        noted = id_of(opened[1]["article"], "Minka")
        pin = {"do": "pin-message", "conversation": TALK, "message": opened[0]["id"]}
        await visitor.order({**pin, "pinned": True})
        await visitor.order({"do": "forget", "memory": noted})
    async with visitor.line() as line:
        said, reply = (await line.follow(TALK))["messages"]
        assert 'aria-pressed="true"' in said["article"]
        assert "Minka" not in reply["article"]
        await visitor.order({"do": "rename", "conversation": TALK, "title": "The cat"})
        frames = await line.until(lambda _: "The cat" in line.panes.get("conversations", ""))
        assert "turn" not in {frame["kind"] for frame in frames}
