"""What somebody had before they logged in becomes theirs: all of it, once, and only when nothing runs."""

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from assistant import Refused
from house import House
from memories import Sought
from messages import new_id
from tests.scripted_server import ScriptedServer

BEFORE, PERSON = "the-cookie-of-a-browser", "user:ann"
TALK, THEIRS = "c" * 32, "d" * 32
PAGE = b"The harbour opens at six.\n" * 5


async def said(house: House, owner: str, words: str, talk: str = TALK, *media: str) -> None:
    """Said there, answered and remembered."""
    count = (await house.assistant.memory.state(owner, "")).count
    await house.assistant.send(owner, talk, words, media, speak=False)
    async with asyncio.timeout(20):
        while True:
            reply = (await house.assistant.open(owner, talk)).messages[-1]
            remembered = (await house.assistant.memory.state(owner, "")).count
            if reply.status == "done" and remembered >= count + 2:
                return
            await asyncio.sleep(0.02)


@pytest.fixture
async def furnished(house: House, model: ScriptedServer) -> House:
    """Both have said something, and both have one and the same file."""
    assistant = house.assistant
    model.says("Noted.").says("Noted as well.")
    for owner in (BEFORE, PERSON):
        kept = await assistant.attach(owner, PAGE, "harbour.txt")
    await said(house, BEFORE, "Read this.", TALK, kept.media.sha256)
    await said(house, BEFORE, "I live in Bergen. My boat is called Seewolf.")
    await assistant.archive.share(BEFORE, TALK)
    await assistant.archive.put(BEFORE, TALK, "Boats")
    for owner in (BEFORE, PERSON):
        await assistant.toolbox.permit(owner, "clock", "ask")
    return house


async def test_all_of_it_is_theirs_and_nothing_is_left_behind(
    furnished: House, model: ScriptedServer, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    assistant = furnished.assistant
    model.says("You told me.")
    await said(furnished, PERSON, "I live in Oslo.", THEIRS)
    before = await assistant.open(BEFORE, TALK)
    provider = furnished.lines.lines()[0].provider.name
    assert sum((await furnished.ledger.by_purpose(provider, PERSON)).values()) == 1
    await assistant.take_over(PERSON, BEFORE)

    assert (await assistant.open(PERSON, TALK)).messages == before.messages
    assert {one.id for one in await assistant.conversations(PERSON)} == {TALK, THEIRS}
    assert await assistant.archive.folders(PERSON) == ["Boats"]
    assert await assistant.archive.share_of(PERSON, TALK)
    (found,) = await assistant.archive.find(PERSON, "seewolf")
    assert found.conversation_id == TALK
    recalled = await furnished.layers.recall.recall(PERSON, "What is my boat called?", besides=None)
    assert "Seewolf" in recalled[0].text
    facts = await assistant.memory.search(PERSON, Sought(kind="fact"))
    assert [one.text for one in facts if not one.superseded_at and "live" in one.text] == [
        "I live in Oslo"
    ]
    assert (await assistant.media(PERSON, before.messages[0].parts[0].media.sha256))[1].is_file()  # type: ignore[union-attr]

    assert sum((await furnished.ledger.by_purpose(provider, PERSON)).values()) == 3

    assert await assistant.conversations(BEFORE) == []
    assert (await assistant.open(BEFORE, TALK)).messages == ()
    assert await furnished.layers.recall.recall(BEFORE, "My boat?", besides=None) == []
    if not request.config.getoption("--postgres"):
        assert left(tmp_path / "parley.db") == []


async def test_nothing_is_taken_while_a_reply_is_written(
    house: House, model: ScriptedServer
) -> None:
    model.says(*("word " for _ in range(100)), delay_s=0.05)
    await house.assistant.send(BEFORE, TALK, "Tell me a story.", (), speak=False)
    with pytest.raises(Refused, match="still being written"):
        await house.assistant.take_over(PERSON, BEFORE)
    assert await house.assistant.conversations(PERSON) == []
    await house.assistant.stop(BEFORE, TALK)
    await house.assistant.take_over(PERSON, BEFORE)
    await house.assistant.take_over(PERSON, BEFORE)  # pressed twice
    assert len(await house.assistant.conversations(PERSON)) == 1
    assert await house.assistant.conversations(new_id()) == []


def left(database: Path) -> list[str]:
    """The tables that name who they were before, of all that name an owner."""
    with closing(sqlite3.connect(database)) as db:
        tables = [
            name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type='table'")
        ]
        owned = [
            name
            for name in tables
            if "owner" in [row[1] for row in db.execute(f"PRAGMA table_info({name})")]
        ]
        assert len(owned) > 10
        asked = "SELECT count(*) FROM {} WHERE owner = ?"
        return [n for n in owned if db.execute(asked.format(n), (BEFORE,)).fetchone()[0]]
