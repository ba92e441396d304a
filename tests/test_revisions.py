"""Editing, versions, going on, branches and ratings through the whole house."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from events import TurnEnded
from house import House
from memories import Sought
from messages import Choices, Message, Text, Wishes, new_id
from refusals import NotFound, Refused
from steps.resuming import ASK
from tests.conftest import OWNER
from tests.pictures import png
from tests.scripted_server import ScriptedServer

Settled = Callable[[], Awaitable[list[Message]]]
HERE = "d" * 32
WISHES = Wishes()


@pytest.fixture
def settled(house: House) -> Settled:
    """Waits until no reply runs and the last is remembered; what is shown then."""
    told: list[str] = []
    house.assistant.listen(told.append)

    async def wait() -> list[Message]:
        async with asyncio.timeout(40):
            while len(told) % 2:  # each turn tells that it begins, and that it is remembered
                await asyncio.sleep(0.02)
        return list((await house.assistant.open(OWNER, HERE)).messages)

    return wait


async def say(house: House, words: str, *media: str) -> None:
    await house.assistant.send(OWNER, HERE, words, media, speak=False)


async def test_an_edited_question_is_answered_with_its_attachments(
    model: ScriptedServer, house: House, settled: Settled
) -> None:
    picture = await house.assistant.attach(OWNER, png("EXIT"), "sign.png")
    model.says("A sign.").says("It says EXIT.").says("Green.")
    await say(house, "What is this?", picture.media.sha256)
    question, _ = await settled()
    await say(house, "Thanks")
    await settled()
    await house.assistant.revisions.edit(OWNER, HERE, question.id, " What does it say? ", WISHES)
    edited, answer = await settled()
    assert (edited.text, answer.text) == ("What does it say?", "Green.")
    assert edited.parts[0] == question.parts[0]
    assert edited.versions == (question.id, edited.id)
    sent = model.requests[-1]["messages"]
    assert [row["role"] for row in sent] == ["system", "user"]
    assert [part["type"] for part in sent[1]["content"]] == ["image_url", "text"]
    await house.assistant.revisions.select(OWNER, HERE, question.id)
    assert [m.text for m in await settled()][1:] == ["A sign.", "Thanks", "It says EXIT."]


async def test_what_the_model_is_told_is_the_branch_that_is_shown(
    model: ScriptedServer, house: House, settled: Settled
) -> None:
    model.says("One.").says("Uno.").says("Three.")
    await say(house, "First")
    first = (await settled())[1]
    await house.assistant.retry(OWNER, HERE, first.id, speak=False)
    second = (await settled())[1]
    assert second.versions == (first.id, second.id)
    await house.assistant.revisions.select(OWNER, HERE, first.id)
    await say(house, "Next")
    await settled()
    assert [row["content"] for row in model.requests[-1]["messages"][1:]] == [
        "First", "One.", "Next",
    ]  # fmt: skip


async def test_a_reply_that_broke_off_is_gone_on_with_in_one_request(
    model: ScriptedServer, house: House, settled: Settled
) -> None:
    model.begins("It was the ", "best of ti").hangs(0.1)
    await say(house, "Quote it")
    shown = await settled()
    assert (shown[1].status, shown[1].broke_off) == ("interrupted", True)
    model.says("It was the best of ", "times.")
    await house.assistant.revisions.resume(OWNER, HERE, shown[1].id, WISHES)
    again = await settled()
    assert again[1].text == "It was the best of times."
    assert (again[1].id, again[1].status, again[1].at) == (shown[1].id, "done", shown[1].at)
    about, before = again[1].provenance, shown[1].provenance
    assert about is not None
    assert before is not None
    assert len(about.requests) == len(before.requests) + 1
    assert about.seconds > before.seconds
    assert about.fault is None
    assert [(row["role"], row["content"]) for row in model.requests[-1]["messages"][1:]] == [
        ("user", "Quote it"), ("assistant", "It was the best of "), ("user", ASK),
    ]  # fmt: skip
    assert len(model.requests) == len(about.requests)
    with pytest.raises(NotFound):
        await house.assistant.revisions.resume(OWNER, HERE, again[1].id, WISHES)


async def test_a_reply_goes_on_after_its_tools_and_may_call_more(
    model: ScriptedServer, house: House, settled: Settled
) -> None:
    model.calls("calculate", expression="2+2").begins("So it is fo").hangs(0.1)
    await say(house, "Reckon")
    broken = (await settled())[1]
    model.begins("four, and ").calls("calculate", expression="3*3").says("nine.")
    await house.assistant.revisions.resume(OWNER, HERE, broken.id, WISHES)
    whole = (await settled())[1]
    assert [type(part).__name__ for part in whole.parts] == [
        "ToolCall", "ToolResult", "Text", "ToolCall", "ToolResult", "Text",
    ]  # fmt: skip
    assert [p.text for p in whole.parts if isinstance(p, Text)] == ["So it is four, and ", "nine."]
    assert [row["role"] for row in model.requests[-2]["messages"]] == [
        "system", "user", "assistant", "tool", "assistant", "user",
    ]  # fmt: skip


async def test_a_reply_that_reached_its_longest_can_go_on(
    model: ScriptedServer, house: House, settled: Settled
) -> None:
    model.says("One, two, ", finish="length").says("three.")
    await say(house, "Count")
    cut = (await settled())[1]
    assert (cut.status, cut.broke_off) == ("done", True)
    await house.assistant.revisions.resume(OWNER, HERE, cut.id, WISHES)
    assert (await settled())[1].text == "One, two, three."


async def test_a_reply_cannot_go_on_twice_at_once_nor_after_something_was_said(
    model: ScriptedServer, house: House, settled: Settled
) -> None:
    model.begins("Half ").hangs(0.1)
    await say(house, "Begin")
    broken = (await settled())[1]
    model.says("of it.", delay_s=0.3)
    begun = [house.assistant.revisions.resume(OWNER, HERE, broken.id, WISHES) for _ in range(3)]
    outcomes = await asyncio.gather(*begun, return_exceptions=True)
    assert sorted(type(o).__name__ for o in outcomes) == ["NoneType", "Refused", "Refused"]
    assert (await settled())[1].text == "Half of it."
    model.begins("Quarter ").hangs(0.1)
    await say(house, "Again")
    quarter = (await settled())[3]
    model.says("Fine.")
    await say(house, "Never mind")
    await settled()
    with pytest.raises(NotFound):
        await house.assistant.revisions.resume(OWNER, HERE, quarter.id, WISHES)


async def test_memories_of_a_branch_go_when_it_is_left_and_come_back_with_it(
    model: ScriptedServer, house: House, settled: Settled
) -> None:
    async def remembered() -> set[str]:
        found = await house.assistant.memory.search(OWNER, Sought())
        return {memory.text for memory in found}

    model.says("Noted: Lima.").says("Noted: Oslo.").says("Oh, Bergen.")
    await say(house, "I live in Lima.")
    question, _ = await settled()
    before = await remembered()
    assert {"I live in Lima.", "Noted: Lima."} <= before
    await house.assistant.revisions.edit(OWNER, HERE, question.id, "I live in Oslo.", WISHES)
    edited, answer = await settled()
    assert not {text for text in await remembered() if "Lima" in text}
    await house.assistant.retry(OWNER, HERE, answer.id, speak=False)
    await settled()
    assert "Noted: Oslo." not in await remembered()
    await house.assistant.revisions.select(OWNER, HERE, question.id)
    assert await remembered() == before
    await house.assistant.revisions.select(OWNER, HERE, edited.id)
    assert not {text for text in await remembered() if "Lima" in text}


async def test_what_was_forgotten_does_not_come_back_with_its_branch(
    model: ScriptedServer, house: House, settled: Settled
) -> None:
    model.says("One.").says("Two.")
    await say(house, "My locker code is 4711.")
    question, answer = await settled()
    await house.assistant.forget(OWNER, question.id)
    await house.assistant.revisions.edit(OWNER, HERE, question.id, "Hello", WISHES)
    await settled()
    await house.assistant.revisions.select(OWNER, HERE, question.id)
    found = await house.assistant.memory.search(OWNER, Sought())
    assert {memory.id for memory in found} == {answer.id}


async def test_a_branch_takes_its_choices_along_and_goes_its_own_way(
    model: ScriptedServer, house: House, settled: Settled
) -> None:
    there = new_id()
    model.says("{}").says("{}").default("{}")
    await house.assistant.choose(OWNER, HERE, Choices(json=True))
    await say(house, "First")
    answer = (await settled())[1]
    await house.assistant.revisions.branch(OWNER, HERE, answer.id, there)
    assert (await house.assistant.choices(OWNER, there)).json
    await house.assistant.send(OWNER, there, "Elsewhere", (), speak=False)
    async with asyncio.timeout(40):
        async for batch in house.turns.follow(OWNER, there):
            if isinstance(batch[-1], TurnEnded):
                break
    rows = model.requests[-1]["messages"][1:]
    assert [row["content"] for row in rows] == ["First", "{}", "Elsewhere"]
    assert len(await settled()) == 2


async def test_refusals_are_in_words_for_the_reader(
    model: ScriptedServer, house: House, settled: Settled
) -> None:
    revisions = house.assistant.revisions
    model.says("One.").says("Two.", delay_s=0.5)
    await say(house, "First")
    question, answer = await settled()
    with pytest.raises(Refused, match="nothing to send"):
        await revisions.edit(OWNER, HERE, question.id, "  ", WISHES)
    for attempt in (
        revisions.edit(OWNER, HERE, answer.id, "x", WISHES),
        revisions.edit("another", HERE, question.id, "x", WISHES),
        revisions.rate(OWNER, HERE, question.id, 1),
        revisions.rate("another", HERE, answer.id, 1),
        revisions.select(OWNER, HERE, new_id()),
        revisions.branch("another", HERE, answer.id, new_id()),
    ):
        with pytest.raises(NotFound):
            await attempt
    await say(house, "Second")
    for attempt in (
        revisions.edit(OWNER, HERE, question.id, "x", WISHES),
        revisions.select(OWNER, HERE, question.id),
        house.assistant.retry(OWNER, HERE, answer.id, speak=False),
    ):
        with pytest.raises(Refused, match="still being written"):
            await attempt
    await revisions.rate(OWNER, HERE, answer.id, -1)
    assert (await settled())[1].rating == -1
