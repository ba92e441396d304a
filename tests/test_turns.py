"""Running turns: they outlive their followers, are stored as they go, stopped at once."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest

from events import Event, TextDelta, TurnEnded, TurnStarted
from house import House
from memory.conversations import Busy
from memory.storage_faults import StoreFailed
from messages import Message, new_id
from refusals import Refused
from tests.conftest import OWNER, kinds, said
from tests.scripted_server import ScriptedServer

LONG = [f"word{n} " for n in range(60)]


async def stored(house: House, conversation_id: str) -> tuple[Message, ...]:
    return (await house.assistant.open(OWNER, conversation_id)).messages


async def until_ended(house: House, conversation_id: str) -> list[Event]:
    events: list[Event] = []
    async with asyncio.timeout(15):
        async for batch in house.turns.follow(OWNER, conversation_id):
            events.extend(batch)
            if isinstance(events[-1], TurnEnded):
                return events
    raise AssertionError


async def until_text(house: House, conversation_id: str) -> None:
    async with asyncio.timeout(10):
        async for batch in house.turns.follow(OWNER, conversation_id):
            if any(isinstance(event, TextDelta) for event in batch):
                return


async def until_stored(house: House, conversation_id: str, status: str) -> Message:
    async with asyncio.timeout(5):
        while True:
            reply = (await stored(house, conversation_id))[-1]
            if reply.status == status:
                return reply
            await asyncio.sleep(0.02)


async def test_the_message_is_stored_before_the_provider_is_asked(
    model: ScriptedServer, house: House
) -> None:
    model.hangs(2)
    conversation = new_id()
    await house.turns.start(OWNER, conversation, said("Remember me"))
    messages = await stored(house, conversation)
    assert [m.role for m in messages] == ["user", "assistant"]
    assert messages[0].text == "Remember me"
    assert messages[1].status == "running"
    assert not model.hits
    await house.assistant.stop(OWNER, conversation)


async def test_a_turn_nobody_follows_is_finished_and_stored(
    model: ScriptedServer, house: House
) -> None:
    model.says(*LONG, delay_s=0.01)
    conversation = new_id()
    await house.turns.start(OWNER, conversation, said("Go on without me"))
    reply = await until_stored(house, conversation, "done")
    assert reply.text == "".join(LONG)


async def test_a_growing_reply_is_stored_within_a_second(
    model: ScriptedServer, house: House
) -> None:
    model.begins("What has arrived is kept. ").hangs(6)
    conversation = new_id()
    await house.turns.start(OWNER, conversation, said("Begin"))
    await until_text(house, conversation)
    await asyncio.sleep(1.1)
    reply = (await stored(house, conversation))[-1]
    assert reply.text == "What has arrived is kept. "
    assert reply.status == "running"
    await house.assistant.stop(OWNER, conversation)


async def test_stop_ends_the_turn_and_the_backend_call_at_once(
    model: ScriptedServer, house: House
) -> None:
    model.says(*LONG, delay_s=0.5)  # for half a minute
    conversation = new_id()
    await house.turns.start(OWNER, conversation, said("Count"))
    await until_text(house, conversation)
    async with asyncio.timeout(15):
        await house.assistant.stop(OWNER, conversation)
        while not model.disconnects:
            await asyncio.sleep(0.005)
    reply = (await stored(house, conversation))[-1]
    assert reply.status == "stopped"
    assert reply.text.startswith("word0 ")
    assert "word59" not in reply.text


async def test_stop_before_the_first_token_ends_the_backend_call(
    model: ScriptedServer, house: House
) -> None:
    model.hangs(10)
    conversation = new_id()
    await house.turns.start(OWNER, conversation, said("Never mind"))
    while not model.hits:
        await asyncio.sleep(0.01)
    await house.assistant.stop(OWNER, conversation)
    assert (await stored(house, conversation))[-1].status == "stopped"


async def test_a_conversation_has_one_running_turn(model: ScriptedServer, house: House) -> None:
    model.says(*LONG, delay_s=0.1)
    conversation = new_id()
    await house.turns.start(OWNER, conversation, said("First"))
    with pytest.raises(Busy):
        await house.turns.start(OWNER, conversation, said("Second"))
    await house.assistant.stop(OWNER, conversation)
    assert len(await stored(house, conversation)) == 2


async def test_two_followers_see_the_same_turn_and_a_late_one_sees_all_of_it(
    model: ScriptedServer, house: House
) -> None:
    model.says(*LONG, delay_s=0.01)
    conversation = new_id()
    early = asyncio.create_task(until_ended(house, conversation))
    await asyncio.sleep(0)
    await house.turns.start(OWNER, conversation, said("Twice"))
    await until_text(house, conversation)
    late = await until_ended(house, conversation)
    texts = [
        "".join(e.text for e in seen if isinstance(e, TextDelta)) for seen in (await early, late)
    ]
    assert texts == ["".join(LONG)] * 2
    assert isinstance(late[0], TurnStarted)


async def test_a_slow_follower_gets_few_large_batches(model: ScriptedServer, house: House) -> None:
    model.says(*LONG, delay_s=0.01)
    conversation = new_id()
    await house.turns.start(OWNER, conversation, said("Slowly"))
    batches = 0
    deltas = 0
    async for batch in house.turns.follow(OWNER, conversation):
        batches += 1
        deltas += sum(isinstance(e, TextDelta) for e in batch)
        if isinstance(batch[-1], TurnEnded):
            break
        await asyncio.sleep(0.2)
    assert deltas <= batches < 15


async def test_a_shutdown_stores_the_reply_as_interrupted(
    model: ScriptedServer, house: House
) -> None:
    model.says(*LONG, delay_s=0.1)
    conversation = new_id()
    await house.turns.start(OWNER, conversation, said("Long"))
    await until_text(house, conversation)
    await house.turns.close()
    reply = (await stored(house, conversation))[-1]
    assert reply.status == "interrupted"
    assert reply.provenance
    assert reply.provenance.fault
    assert "shut down" in reply.provenance.fault.message


async def test_a_retry_answers_the_same_message_in_place_of_the_failed_reply(
    model: ScriptedServer, house: House
) -> None:
    model.fails(503, {"error": {"message": "overloaded"}})
    model.fails(503, {"error": {"message": "overloaded"}}).says("Now it works.")
    conversation = new_id()
    failed = await house.turns.start(OWNER, conversation, said("Try"))
    await until_ended(house, conversation)
    await until_stored(house, conversation, "failed")
    await house.assistant.retry(OWNER, conversation, failed.reply.id, speak=False)
    await until_stored(house, conversation, "done")
    messages = await stored(house, conversation)
    assert [m.text for m in messages] == ["Try", "Now it works."]
    assert [m["role"] for m in model.requests[2]["messages"]] == ["system", "user"]


async def test_the_history_of_a_conversation_goes_along(
    model: ScriptedServer, house: House
) -> None:
    model.says("One.").says("Two.")
    conversation = new_id()
    for words in ("First", "Second"):
        await house.turns.start(OWNER, conversation, said(words))
        await until_stored(house, conversation, "done")
    asked = [m["content"] for m in model.requests[1]["messages"][1:]]
    assert asked == ["First", "One.", "Second"]


async def test_another_owner_neither_sees_nor_stops_a_turn(
    model: ScriptedServer, house: House
) -> None:
    model.says(*LONG, delay_s=0.05)
    conversation = new_id()
    await house.turns.start(OWNER, conversation, said("Mine"))
    await until_text(house, conversation)
    await house.assistant.stop("somebody-else", conversation)
    assert (await house.assistant.open("somebody-else", conversation)).messages == ()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.2):
            async for _ in house.turns.follow("somebody-else", conversation):
                pass
    assert (await stored(house, conversation))[-1].status == "running"
    await house.assistant.stop(OWNER, conversation)


async def test_the_grammar_holds_for_followers(model: ScriptedServer, house: House) -> None:
    model.calls("clock", zone="UTC")
    model.says("Now.")
    conversation = new_id()
    await house.turns.start(OWNER, conversation, said("When?"))
    seen = kinds(await until_ended(house, conversation))
    assert seen[0] == "turn_started"
    assert seen[-1] == "turn_ended"
    assert seen.count("tool_called") == seen.count("tool_returned") == 1


@pytest.mark.files
async def test_a_reply_that_finds_no_room_on_the_disk_is_stored_once_there_is(
    model: ScriptedServer,
    house: House,
    full_disk: Callable[[], AbstractContextManager[None]],
) -> None:
    model.says(*LONG, delay_s=0.01)
    conversation = new_id()
    await house.turns.start(OWNER, conversation, said("Keep this"))
    await until_text(house, conversation)
    with full_disk():
        await until_ended(house, conversation)
        await asyncio.sleep(0.2)
        assert (await stored(house, conversation))[-1].status == "running"
        with pytest.raises(StoreFailed):
            await house.turns.stop(OWNER, conversation)
    assert (await until_stored(house, conversation, "done")).text == "".join(LONG)


@pytest.mark.files
async def test_a_message_that_cannot_be_stored_is_refused_in_words_and_sends_nothing(
    model: ScriptedServer, house: House, full_disk: Callable[[], AbstractContextManager[None]]
) -> None:
    conversation = new_id()
    with full_disk(), pytest.raises(Refused, match="disk") as refused:
        await house.assistant.send(OWNER, conversation, "Too much", (), speak=False)
    assert refused.value.advice
    assert not model.hits
    assert await stored(house, conversation) == ()
    await house.assistant.send(OWNER, conversation, "Now", (), speak=False)
    await until_stored(house, conversation, "done")
