"""Temporary chats, as a page has them: all works, nothing is kept, and they end."""

import asyncio
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from components.files import STATIC
from house import House
from messages import new_id
from temporary import MARK
from tests.components.conftest import Visitor
from tests.pictures import png
from tests.scripted_server import ScriptedServer

PURPOSES = ["answer", "speech", "tool round"]
SECRET, ANSWER = "xylophone-7391", "zeppelin-2846"


def temporary_id() -> str:
    return MARK + new_id()[len(MARK) :]


def left_in(folder: Path, words: str) -> Iterator[Path]:
    """Files whose bytes hold the words."""
    for path in folder.rglob("*"):
        if path.is_file() and words.encode() in path.read_bytes():
            yield path


async def counted(database: Path, conversation: str) -> list[str]:
    """What the requests of a conversation were for, as the ledger has it."""
    with closing(sqlite3.connect(f"{database.as_uri()}?mode=ro", uri=True)) as ledger:
        rows = ledger.execute(
            "SELECT DISTINCT purpose FROM ledger_entries WHERE conversation_id = ? ORDER BY purpose",
            (conversation,),
        )
        return [purpose for (purpose,) in rows]


async def ended(visitor: Visitor, conversation: str) -> None:
    """Wait until nothing of it is there: asked for by another page, as long as that takes."""
    async with asyncio.timeout(10):
        while True:
            async with visitor.line() as line:
                if not (await line.follow(conversation))["messages"]:
                    return
            await asyncio.sleep(0.05)


async def test_nothing_of_a_temporary_chat_reaches_the_disk_but_the_count_of_its_requests(
    model: ScriptedServer, house: House, visitor: Visitor, tmp_path: Path
) -> None:
    here, kept = temporary_id(), new_id()
    async with visitor.line() as line:
        await line.follow(here)
        model.calls("calculate", expression="6*7")
        model.says(f"It is the {ANSWER}.")
        order = {"do": "send", "conversation": here, "text": f"Remember that my {SECRET} is blue.",
                 "speak": True}  # fmt: skip
        assert (await visitor.order(order))["ok"]
        spoken = str((await line.until(lambda frame: "data-whole=" in str(frame)))[-1])
        sound = re.search(r"/parley/media/[0-9a-f]{64}", spoken)
        heard = await visitor.get(sound[0]) if sound else None
        assert heard and heard.status_code == 200 and heard.headers["cache-control"] == "no-store"
        async with asyncio.timeout(10):
            while await counted(tmp_path / "parley.db", here) != PURPOSES:
                await asyncio.sleep(0.05)
        shown = await line.follow(here)  # as after a reload
        assert SECRET in str(shown) and ANSWER in str(shown)
        assert SECRET not in line.panes["conversations"].partition("<span hidden")[0]
        tools = {tool["function"]["name"] for tool in model.requests[0]["tools"]}
        assert "calculate" in tools and not tools & {"remember", "search_memory", "forget"}
        assert list(left_in(tmp_path, SECRET)) == list(left_in(tmp_path, ANSWER)) == []
        assert not list(tmp_path.glob("**/media/*/*/*"))

        # A chat that is kept recalls nothing of it, and is found on the disk by the same search.
        await line.follow(kept)
        model.says("I do not know.")
        await visitor.say(f"What colour is my {ANSWER}?", kept)
        await line.until(lambda frame: "I do not know." in str(frame))
    assert SECRET not in str(model.requests[-1])
    async with asyncio.timeout(10):
        while not list(left_in(tmp_path, ANSWER)):
            await asyncio.sleep(0.05)
    assert not list(left_in(tmp_path, SECRET))


async def test_it_ends_when_another_chat_is_opened_and_outlives_a_reload(
    model: ScriptedServer, house: House, visitor: Visitor
) -> None:
    here = temporary_id()
    async with visitor.line() as line:
        await line.follow(here)
        model.says("Hello.")
        await visitor.say("Hi", here)
        await line.until(lambda frame: "Hello." in str(frame))
    async with visitor.line() as again:
        assert len((await again.follow(here))["messages"]) == 2
        await again.follow(new_id())
        await ended(visitor, here)


async def test_it_ends_some_time_after_its_last_page_is_gone(
    model: ScriptedServer, house: House, visitor: Visitor, stranger: Visitor
) -> None:
    house.assistant.visits.patience_s = 0.5
    here = temporary_id()
    async with visitor.line() as line:
        await line.follow(here)
        model.says("Hello.")
        await visitor.say("Hi", here)
        await line.until(lambda frame: "Hello." in str(frame))
        await asyncio.sleep(0.7)
        async with visitor.line() as another, stranger.line() as theirs:
            assert (await another.follow(here))["messages"]
            assert not (await theirs.follow(here))["messages"]
    await asyncio.sleep(1.0)
    async with visitor.line() as line:
        assert not (await line.follow(here))["messages"]


async def test_what_would_keep_something_of_it_is_refused_in_words(visitor: Visitor) -> None:
    here = temporary_id()
    upload = await visitor.post(
        "/parley/media", content=png("Hi"), headers={"x-conversation": here}
    )
    assert upload.status_code == 422
    assert "takes words alone" in upload.json()["message"]
    for order in (
        {"do": "share", "conversation": here, "shared": True},
        {"do": "rename", "conversation": here, "title": "A title"},
        {"do": "branch", "conversation": here, "reply": new_id(), "into": new_id()},
        {"do": "branch", "conversation": new_id(), "reply": new_id(), "into": here},
    ):
        answer = await visitor.order(order)
        assert answer["message"] == "Nothing of a temporary chat is kept."


async def test_what_was_decided_for_all_chats_holds_there_and_what_is_decided_there_ends(
    model: ScriptedServer, house: House, visitor: Visitor
) -> None:
    here = temporary_id()
    style = {"do": "style", "conversation": here, "instructions": "Be brief.", "everywhere": True}
    assert (await visitor.order(style))["ok"]
    assert (await visitor.order({"do": "permit", "tool": "calculate", "permission": "off"}))["ok"]
    async with visitor.line() as line:
        await line.follow(here)
        model.says("Yes.")
        await visitor.say("Hi", here)
        await line.until(lambda frame: "Yes." in str(frame))
    assert "calculate" not in {tool["function"]["name"] for tool in model.requests[0]["tools"]}
    assert "Be brief." in str(model.requests[0]["messages"])


def test_the_page_knows_them_by_the_same_mark() -> None:
    assert f'"{MARK}"' in (STATIC / "temporary.js").read_text()
