"""Conversations on a real file: what is acknowledged stays, and each owner has only what is theirs."""

import asyncio
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from memory.conversations import Begun, Busy, Conversations, Missing
from memory.database import open_database
from memory.migrations import MIGRATIONS
from messages import Audio, Image, Media, Message, Provenance, Text, ToolCall, ToolResult, new_id
from tests.memory.sayings import ANN, BOB, HOSTILE, message, reply, said

PICTURE = Media("a" * 64, "image/png", 10, "a.png")
RECORDING = Media("b" * 64, "audio/wav", 10)
SPEECH = Media("c" * 64, "audio/mpeg", 10)


async def finished_turn(
    conversations: Conversations, owner: str, conversation: str, text: str = "Hello there"
) -> tuple[Message, Message]:
    question, answer = said(text), reply()
    await conversations.begin_turn(owner, conversation, question, answer)
    answer = replace(answer, parts=(Text(f"About {text}"),), status="done")
    await conversations.save(owner, conversation, answer)
    return question, answer


async def test_a_turn_is_stored_whole_and_comes_back_equal(conversations: Conversations) -> None:
    here = new_id()
    question = replace(said("Look"), parts=(Text("Look"), Image(PICTURE, 3, 4)))
    answer = reply()
    await conversations.begin_turn(ANN, here, question, answer)
    assert await conversations.messages(ANN, here) == [question, answer]
    parts = (ToolCall("1", "clock", "{}"), ToolResult("1", "noon"), Text("It is noon. 😀"))
    answer = replace(
        answer, parts=parts, status="done", provenance=Provenance(model="m", seconds=1)
    )
    await conversations.save(ANN, here, answer)
    assert await conversations.messages(ANN, here) == [question, answer]


async def test_the_newest_activity_comes_first(conversations: Conversations) -> None:
    first, second = new_id(), new_id()
    await finished_turn(conversations, ANN, first, "One")
    await finished_turn(conversations, ANN, second, "Two")
    assert [c.title for c in await conversations.list(ANN)] == ["Two", "One"]
    await finished_turn(conversations, ANN, first, "Again")
    assert [c.title for c in await conversations.list(ANN)] == ["One", "Two"]
    assert [c.title for c in await conversations.list(ANN, limit=1)] == ["One"]


async def test_messages_come_in_pages_from_the_newest_back(conversations: Conversations) -> None:
    here = new_id()
    everything = [
        m for i in range(5) for m in await finished_turn(conversations, ANN, here, str(i))
    ]
    assert await conversations.messages(ANN, here) == everything
    assert await conversations.messages(ANN, here, limit=3) == everything[-3:]
    before = everything[-3].id
    assert await conversations.messages(ANN, here, limit=3, before=before) == everything[-6:-3]
    assert await conversations.messages(ANN, here, before=everything[0].id) == []
    with pytest.raises(Missing):
        await conversations.messages(ANN, here, before=new_id())


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("Plan a trip", "Plan a trip"),
        ("\n\n## **Plan** a `trip`\nwith details", "Plan a trip"),
        ("- [Rome](https://example.org) or *Milan*?", "Rome or Milan?"),
        ("```python\nprint(1)\n```", "print(1)"),
        (
            "What is the best way to get from the airport to the centre of Rome?",
            "What is the best way to get from the airport to…",
        ),
        ("x" * 90, "x" * 48 + "…"),
        ("bad \x00 and \ud800 and \u202etxt", "bad \ufffd and \ufffd and txt"),
    ],
)
async def test_the_title_is_the_first_line_said_in_plain_words(
    conversations: Conversations, text: str, title: str
) -> None:
    here = new_id()
    await conversations.begin_turn(ANN, here, said(text), reply())
    assert (await conversations.get(ANN, here)).title == title


async def test_a_picture_or_a_recording_alone_gives_its_kind_as_title(
    conversations: Conversations,
) -> None:
    for part, title in ((Image(PICTURE, 1, 1), "Picture"), (Audio(RECORDING, 1.0), "Recording")):
        here = new_id()
        await conversations.begin_turn(ANN, here, replace(said(), parts=(part,)), reply())
        assert (await conversations.get(ANN, here)).title == title


async def test_a_recording_gives_its_words_as_title_once_they_are_known(
    conversations: Conversations,
) -> None:
    here = new_id()
    spoken = replace(said(), parts=(Audio(RECORDING, 2.0),))
    await conversations.begin_turn(ANN, here, spoken, reply())
    heard = replace(spoken, parts=(Audio(RECORDING, 2.0, "What is the time in Tokyo"),))
    await conversations.save(ANN, here, heard)
    assert (await conversations.get(ANN, here)).title == "What is the time in Tokyo"
    await conversations.rename(ANN, here, "Clocks")
    await conversations.save(ANN, here, heard)
    assert (await conversations.get(ANN, here)).title == "Clocks"


async def test_a_second_turn_is_refused_while_a_reply_runs(conversations: Conversations) -> None:
    here = new_id()
    answer = reply()
    await conversations.begin_turn(ANN, here, said(), answer)
    with pytest.raises(Busy):
        await conversations.begin_turn(ANN, here, said(), reply())
    with pytest.raises(Busy):
        await conversations.begin_retry(ANN, here, answer.id, reply())
    assert len(await conversations.messages(ANN, here)) == 2
    await conversations.save(ANN, here, replace(answer, status="stopped"))
    await conversations.begin_turn(ANN, here, said(), reply())
    assert len(await conversations.messages(ANN, here)) == 4


async def test_of_turns_begun_at_once_exactly_one_wins(conversations: Conversations) -> None:
    here = new_id()
    turns = (conversations.begin_turn(ANN, here, said(), reply()) for _ in range(8))
    outcomes = await asyncio.gather(*turns, return_exceptions=True)
    assert [type(o) for o in outcomes if not isinstance(o, Begun)] == [Busy] * 7
    assert len(await conversations.messages(ANN, here)) == 2


async def test_a_deleted_conversation_is_gone_and_a_late_save_does_not_bring_it_back(
    conversations: Conversations,
) -> None:
    here = new_id()
    question = replace(said(), parts=(Text("Look"), Image(PICTURE, 1, 1), Audio(RECORDING, 1.0)))
    answer = reply()
    await conversations.begin_turn(ANN, here, question, answer)
    spoken = replace(answer, status="done", provenance=Provenance(spoken=SPEECH))
    await conversations.save(ANN, here, spoken)
    hashes = {PICTURE.sha256, RECORDING.sha256, SPEECH.sha256}
    assert await conversations.delete(ANN, here) == hashes
    await conversations.save(ANN, here, spoken)
    assert await conversations.messages(ANN, here) == []
    assert await conversations.list(ANN) == []
    with pytest.raises(Missing):
        await conversations.get(ANN, here)


@pytest.mark.files
async def test_deleted_words_stand_in_no_file(tmp_path: Path, conversations: Conversations) -> None:
    here = new_id()
    await finished_turn(conversations, ANN, here, "the quick zebra-canary jumps " * 500)
    await finished_turn(conversations, ANN, new_id(), "another")
    files = [p for p in tmp_path.rglob("*") if p.is_file()]
    assert any(b"zebra-canary" in p.read_bytes() for p in files)
    await conversations.delete(ANN, here)
    files = [p for p in tmp_path.rglob("*") if p.is_file()]
    assert not any(b"zebra-canary" in p.read_bytes() for p in files)


async def test_owners_see_nothing_of_each_other(conversations: Conversations) -> None:
    here = new_id()
    question, answer = await finished_turn(conversations, ANN, here, "Secret")
    for stranger in (BOB, "ANN", *HOSTILE):
        if stranger.isprintable() and stranger:
            assert await conversations.list(stranger) == []
        for attempt in (
            conversations.get(stranger, here),
            conversations.messages(stranger, here),
            conversations.messages(stranger, here, before=answer.id),
            conversations.begin_turn(stranger, here, said("Mine"), reply()),
            conversations.begin_retry(stranger, here, answer.id, reply()),
            conversations.rename(stranger, here, "Mine"),
            conversations.delete(stranger, here),
        ):
            with pytest.raises(Missing):
                await attempt
        if stranger.isprintable() and stranger:
            await conversations.save(stranger, here, replace(answer, parts=(Text("Forged"),)))
    assert await conversations.messages(ANN, here) == [question, answer]
    assert (await conversations.get(ANN, here)).title == "Secret"


@pytest.mark.parametrize("hostile", HOSTILE, ids=range(len(HOSTILE)))
async def test_a_hostile_conversation_id_finds_nothing(
    conversations: Conversations, hostile: str
) -> None:
    await finished_turn(conversations, ANN, new_id())
    for attempt in (
        conversations.get(ANN, hostile),
        conversations.messages(ANN, hostile),
        conversations.begin_turn(ANN, hostile, said(), reply()),
        conversations.rename(ANN, hostile, "x"),
        conversations.delete(ANN, hostile),
    ):
        with pytest.raises(Missing):
            await attempt


async def test_a_conversation_that_is_not_there_yet_is_empty(conversations: Conversations) -> None:
    assert await conversations.messages(ANN, new_id()) == []


async def test_texts_no_database_takes_are_stored_with_a_mark_in_their_place(
    conversations: Conversations,
) -> None:
    here = new_id()
    question = said(
        "half \ud83d, whole \ud83d\ude00, nul \x00, rtl \u202e, long " + "y" * 1_000_000
    )
    answer = reply()
    await conversations.begin_turn(ANN, here, question, answer)
    call = ToolCall("1", "search", '{"q": "\udfff"}')
    await conversations.save(ANN, here, replace(answer, parts=(call,), status="done"))
    stored = await conversations.messages(ANN, here)
    assert stored[0].text.startswith("half \ufffd, whole 😀, nul \ufffd, rtl \u202e, long yyy")
    assert len(stored[0].text) > 1_000_000
    assert stored[1].parts == (replace(call, arguments='{"q": "\ufffd"}'),)


async def test_rename_keeps_one_plain_line_and_ignores_an_empty_title(
    conversations: Conversations,
) -> None:
    here = new_id()
    await finished_turn(conversations, ANN, here, "One")
    await conversations.rename(ANN, here, "  Summer\nplans \ud800" + "z" * 1000)
    title = (await conversations.get(ANN, here)).title
    assert title.startswith("Summer plans \ufffdzzz")
    assert len(title) == 200
    await conversations.rename(ANN, here, " \n ")
    assert (await conversations.get(ANN, here)).title == title


async def test_what_was_running_is_kept_as_interrupted_with_its_calls_answered(
    conversations: Conversations,
) -> None:
    here, there = new_id(), new_id()
    answer = replace(reply("Half of an"), provenance=Provenance(model="m"))
    answer = replace(answer, parts=(*answer.parts, ToolCall("7", "clock", "{}")))
    await conversations.begin_turn(ANN, here, said(), answer)
    done = await finished_turn(conversations, BOB, there)
    assert await conversations.interrupt_running() == 1
    assert await conversations.interrupt_running() == 0
    kept = (await conversations.messages(ANN, here))[1]
    assert kept.status == "interrupted"
    assert kept.text == "Half of an"
    assert isinstance(kept.parts[-1], ToolResult)
    assert (kept.parts[-1].call_id, kept.parts[-1].ok) == ("7", False)
    assert kept.provenance is not None
    assert kept.provenance.model == "m"
    assert kept.provenance.fault is not None
    assert "in the middle of this reply" in kept.provenance.fault.message
    assert await conversations.messages(BOB, there) == list(done)
    await conversations.begin_retry(ANN, here, kept.id, reply())


async def test_what_another_parley_that_lives_is_saying_is_left_alone(
    conversations: Conversations, engine: AsyncEngine
) -> None:
    here, there = new_id(), new_id()
    await Conversations(engine, 7).begin_turn(ANN, there, said(), reply("Half of"))
    await Conversations(engine, 8).begin_turn(ANN, here, said(), reply("Half an"))
    assert await conversations.interrupt_running({7, 8}) == 0
    assert await conversations.interrupt_running({8}) == 1
    assert (await conversations.messages(ANN, there))[1].status == "interrupted"
    assert (await conversations.messages(ANN, here))[1].status == "running"


WRITER = """
import asyncio, sys
from memory.conversations import Conversations
from memory.database import open_database
from memory.migrations import MIGRATIONS
from tests.memory.sayings import ANN, reply, said
from dataclasses import replace
from messages import Text, new_id

async def main():
    conversations = Conversations(await open_database(sys.argv[1], MIGRATIONS))
    here = new_id()
    print(here, flush=True)
    while True:
        question, answer = said("question " * 20), reply()
        await conversations.begin_turn(ANN, here, question, answer)
        print(question.id, flush=True)
        answer = replace(answer, parts=(Text("answer " * 200),), status="done")
        await conversations.save(ANN, here, answer)
        print(answer.id, flush=True)

asyncio.run(main())
"""


async def test_a_kill_in_the_middle_of_writes_loses_nothing_acknowledged(tmp_path: Path) -> None:
    place = f"sqlite+aiosqlite:///{tmp_path}/data/parley.db"
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", WRITER, place, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout
    here = (await process.stdout.readline()).decode().strip()
    acknowledged = [await process.stdout.readline() for _ in range(120)]
    process.kill()
    acknowledged += (await process.stdout.read()).splitlines(keepends=True)
    await process.wait()
    engine = await open_database(place, MIGRATIONS)
    conversations = Conversations(engine)
    await conversations.interrupt_running()
    stored = {m.id: m for m in await conversations.messages(ANN, here)}
    ids = [line.decode().strip() for line in acknowledged if line.endswith(b"\n")]
    assert len(ids) >= 120
    assert [i for i in ids if i not in stored] == []
    assert all(stored[i].text for i in ids)
    assert {m.status for m in stored.values()} <= {"done", "interrupted"}
    assert len(stored) % 2 == 0
    await engine.dispose()


async def test_a_message_of_another_conversation_is_not_saved_here(
    conversations: Conversations, engine: AsyncEngine
) -> None:
    here, there = new_id(), new_id()
    _, answer = await finished_turn(conversations, ANN, here, "One")
    await finished_turn(conversations, ANN, there, "Two")
    await conversations.save(ANN, there, replace(answer, parts=(Text("Moved"),)))
    assert (await conversations.messages(ANN, here))[1] == answer
    await conversations.save(ANN, there, message("assistant", "Never begun"))
    assert len(await conversations.messages(ANN, there)) == 2
