"""Temporary chats, as a page has them: all works, nothing of it becomes a file, and they end."""

import asyncio
import io
import re
import sqlite3
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing
from pathlib import Path

import httpx
import pytest
from PIL import Image

from components.files import STATIC
from house import House
from messages import new_id
from temporary import MARK
from tests.components.conftest import Line, Visitor
from tests.components.test_call import calling
from tests.pictures import encoded, png
from tests.scripted_server import ScriptedServer
from tests.speech import silence, speech
from tests.voice.sounds import encoded as sound
from voice.recording import as_wav

PURPOSES = ["answer", "speech", "tool round"]
SECRET, ANSWER = "xylophone-7391", "zeppelin-2846"


def temporary_id() -> str:
    return MARK + new_id()[len(MARK) :]


async def talked(
    line: Line,
    visitor: Visitor,
    model: ScriptedServer,
    here: str,
    words: str = "Hi",
    reply: str = "Hello.",
) -> None:
    """A turn in this chat, seen on this page."""
    await line.follow(here)
    model.says(reply)
    await visitor.say(words, here)
    await line.until(lambda frame: reply in str(frame))


def left_in(folder: Path, sought: str | bytes) -> Iterator[Path]:
    """Files that hold the words, or the middle of what is longer."""
    data = sought.encode() if isinstance(sought, str) else sought
    piece = data[len(data) // 2 :][:64] if len(data) > 200 else data
    for path in folder.rglob("*"):
        if path.is_file() and piece in path.read_bytes():
            yield path


def grain() -> Image.Image:
    """What no two pictures share."""
    return Image.effect_noise((300, 200), 60).convert("RGB")


async def attached(visitor: Visitor, conversation: str, data: bytes) -> httpx.Response:
    return await visitor.post(
        "/parley/media", content=data, headers={"x-conversation": conversation}
    )


@pytest.fixture
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """All that is written here: the data of the house, and what goes to files that last a moment."""
    (tmp_path / "aside").mkdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path / "aside"))
    monkeypatch.setattr(tempfile, "tempdir", None)
    return tmp_path


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
            await asyncio.sleep(0.25)


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
        await talked(line, visitor, model, here)
    async with visitor.line() as again:
        assert len((await again.follow(here))["messages"]) == 2
        await again.follow(new_id())
        await ended(visitor, here)


async def test_the_one_that_is_left_ends_and_another_stays(
    model: ScriptedServer, house: House, visitor: Visitor
) -> None:
    one, other = temporary_id(), temporary_id()
    async with visitor.line() as here, visitor.line() as there:
        for line, conversation in ((here, one), (there, other)):
            await line.follow(conversation)
            model.says("Hello.")
            await visitor.say("Hi", conversation)
            await line.until(lambda frame: "Hello." in str(frame))
        await here.follow(new_id())
        await ended(visitor, one)
        assert len((await there.follow(other))["messages"]) == 2


async def test_it_ends_some_time_after_its_last_page_is_gone(
    model: ScriptedServer, house: House, visitor: Visitor, stranger: Visitor
) -> None:
    house.assistant.visits.patience_s = 0.5
    here = temporary_id()
    async with visitor.line() as line:
        await talked(line, visitor, model, here)
        await asyncio.sleep(0.7)
        async with visitor.line() as another, stranger.line() as theirs:
            assert (await another.follow(here))["messages"]
            assert not (await theirs.follow(here))["messages"]
    await asyncio.sleep(1.0)
    async with visitor.line() as line:
        assert not (await line.follow(here))["messages"]


async def test_files_of_it_stand_in_memory_alone(
    model: ScriptedServer, house: House, visitor: Visitor, stranger: Visitor, folders: Path
) -> None:
    here, paper = temporary_id(), f"The {SECRET} grows by the pond.".encode()
    given = [encoded(grain()), paper, as_wav(speech("Hello there")), sound("m4a")]
    files = [(await attached(visitor, here, one)).json() for one in given]
    assert [one["kind"] for one in files] == ["image", "document", "audio", "audio"]
    kept = [(await visitor.get(one["url"])).content for one in files]
    assert kept[1:3] == given[1:3]
    part = await visitor.get(files[2]["url"], headers={"range": "bytes=100-199"})
    assert (part.status_code, part.content) == (206, kept[2][100:200])
    assert {(await stranger.get(one["url"])).status_code for one in files} == {404}

    async with visitor.line() as line:
        await line.follow(here)
        model.hears(f"a {ANSWER} flies").hears("what is the capital of France").says("Paris.")
        order = {"do": "send", "conversation": here, "text": "", "speak": False}
        sent = await visitor.order({**order, "media": [one["sha256"] for one in files]})
        assert sent["ok"], sent
        await line.until(lambda frame: "Paris." in str(frame))
        told = str(model.requests[0]["messages"])
        assert "data:image/" in told and SECRET in told and ANSWER in told
        async with asyncio.timeout(10):  # who wants to keep it, may, once it is stored
            while ANSWER not in (await visitor.get(f"/parley/conversations/{here}.json")).text:
                await asyncio.sleep(0.05)
        for one in (*given, *kept, ANSWER.encode()):
            assert not list(left_in(folders, one)), one[:40]
        # The same in a chat that is kept is found by the same search.
        await attached(visitor, new_id(), given[0])
        assert list(left_in(folders, kept[0]))
        never_sent = (await attached(visitor, here, png("Never sent"))).json()
        await line.follow(new_id())
        async with asyncio.timeout(10):
            for one in (*files[1:], never_sent):
                while (await visitor.get(one["url"])).status_code != 404:
                    await asyncio.sleep(0.05)


async def test_pictures_and_papers_come_in_where_no_file_can_be_written_at_all(
    visitor: Visitor, full_disk: Callable[[], AbstractContextManager[None]]
) -> None:
    with full_disk():
        here = [await attached(visitor, temporary_id(), one) for one in (png("Hi"), b"A note.")]
        there = await attached(visitor, new_id(), png("Hi"))
    assert [one.status_code for one in here] == [201, 201]
    assert there.status_code >= 400


async def test_what_would_keep_something_of_it_is_refused_in_words(visitor: Visitor) -> None:
    here = temporary_id()
    for order in (
        {"do": "share", "conversation": here, "shared": True},
        {"do": "rename", "conversation": here, "title": "A title"},
        {"do": "pin", "conversation": here, "pinned": True},
        {"do": "put", "conversation": here, "folder": "Plans"},
        {"do": "keep-document", "conversation": here, "sha256": "0" * 64},
        {"do": "branch", "conversation": here, "reply": new_id(), "into": new_id()},
        {"do": "branch", "conversation": new_id(), "reply": new_id(), "into": here},
    ):
        answer = await visitor.order(order)
        assert answer["message"] == "Nothing of a temporary chat is kept."


async def test_what_lists_finds_and_takes_along_knows_nothing_of_it(
    model: ScriptedServer, house: House, visitor: Visitor
) -> None:
    here = temporary_id()
    async with visitor.line() as line:
        await talked(line, visitor, model, here, f"What is a {SECRET}?", f"The {ANSWER}.")
        # Memory cannot be put on there either.
        await visitor.order({"do": "pause-memory", "conversation": here, "paused": False})
        await line.say({"remembering": {"query": SECRET}})
        await line.shows("remembering", "This chat is temporary.")
    found = await visitor.post("/parley/search", content=SECRET)
    everything = await visitor.get("/parley/conversations.zip")
    with zipfile.ZipFile(io.BytesIO(everything.content)) as archive:
        assert archive.namelist() == []
    memories = await visitor.get("/parley/memories.json")
    for told in (found.text, memories.text, line.panes["remembering"]):
        assert f"a {SECRET}" not in told and ANSWER not in told
    for owner in ("operator", "anybody"):  # by MCP
        assert await house.assistant.conversations(owner) == []
        assert (await house.assistant.open(owner, here)).conversation is None


async def test_erasing_everything_ends_it_at_once(
    model: ScriptedServer, house: House, visitor: Visitor
) -> None:
    here = temporary_id()
    picture = (await attached(visitor, here, png("Mine"))).json()
    async with visitor.line() as line:
        await line.follow(here)
        model.says("Hello.")
        order = {"do": "send", "conversation": here, "text": "Hi", "media": [picture["sha256"]]}
        assert (await visitor.order(order))["ok"]
        await line.until(lambda frame: "Hello." in str(frame))
        assert (await visitor.order({"do": "erase", "word": "erase"}))["ok"]
        assert not (await line.follow(here))["messages"]
    assert (await visitor.get(picture["url"])).status_code == 404


async def test_a_call_goes_through_there(
    model: ScriptedServer, house: House, visitor: Visitor, folders: Path
) -> None:
    here = temporary_id()
    model.hears(f"what is a {SECRET}").says(f"A {ANSWER}.")
    async with calling(visitor, here) as caller:
        pcm = speech("What is the capital of France?")
        await caller.speak(silence(0.3), pcm, silence(0.8))
        assert (await caller.kind("heard"))["text"] == f"what is a {SECRET}"
        assert (await caller.kind("over"))["spoken"]
    async with visitor.line() as line:
        assert ANSWER in str(await line.follow(here))
        assert not list(left_in(folders, SECRET)) and not list(left_in(folders, pcm))


async def test_what_was_decided_for_all_chats_holds_there_and_what_is_decided_there_ends(
    model: ScriptedServer, house: House, visitor: Visitor
) -> None:
    here = temporary_id()
    style = {"do": "style", "conversation": here, "instructions": "Be brief.", "everywhere": True}
    assert (await visitor.order(style))["ok"]
    assert (await visitor.order({"do": "permit", "tool": "calculate", "permission": "off"}))["ok"]
    async with visitor.line() as line:
        await talked(line, visitor, model, here)
    assert "calculate" not in {tool["function"]["name"] for tool in model.requests[0]["tools"]}
    assert "Be brief." in str(model.requests[0]["messages"])


def test_the_page_knows_them_by_the_same_mark() -> None:
    assert f'"{MARK}"' in (STATIC / "temporary.js").read_text()
