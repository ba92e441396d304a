"""Replies that are read out when that is asked for: paid for once, and kept."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path

import pytest

from house import House
from memory.edge import Missing
from messages import Message, Provenance
from refusals import NotFound, Refused
from tests.conftest import OWNER
from tests.scripted_server import ScriptedServer, tone
from tests.test_speaking import LONG, asked, opened

TALK = "c" * 32


@pytest.fixture
async def oxlo(model: ScriptedServer, tmp_path: Path) -> AsyncIterator[House]:
    """A house whose provider bills by the request."""
    async with opened(model, tmp_path) as house:
        yield house


async def last(house: House) -> Message:
    """The last reply, once it is whole."""
    async with asyncio.timeout(15):
        while True:
            found = (await house.assistant.open(OWNER, TALK)).messages
            if found and found[-1].status != "running":
                return found[-1]
            await asyncio.sleep(0.02)


async def replied(house: House, model: ScriptedServer, *words: str) -> Message:
    """A reply that nobody had spoken."""
    model.says(*words)
    await house.assistant.send(OWNER, TALK, "Tell me", (), False)
    return await last(house)


async def read_out(house: House, reply: Message) -> list[Message]:
    return [one async for one in house.assistant.recitals.follow(OWNER, TALK, reply.id)]


def about(reply: Message) -> Provenance:
    assert reply.provenance
    return reply.provenance


async def test_a_silent_reply_is_read_out_in_two_requests_and_never_paid_for_again(
    model: ScriptedServer, oxlo: House
) -> None:
    reply = await replied(oxlo, model, LONG, "**And** more of it. ", "It ends.")
    assert asked(model) == []
    model.speaks(tone(1.0)).speaks(tone(0.5))
    told = await read_out(oxlo, reply)
    # The first piece is there before the whole is.
    assert 1 in [len(about(one).pieces) for one in told if not about(one).spoken]
    assert [body["input"] for body in asked(model)] == [LONG.strip(), "And more of it. It ends."]
    kept = await last(oxlo)
    assert kept == told[-1]
    assert about(kept).spoken_s == pytest.approx(1.5, abs=0.05)
    assert [r.purpose for r in about(kept).requests] == ["answer", "speech", "speech"]
    assert (kept.text, kept.status) == (reply.text, "done")
    assert await read_out(oxlo, reply) == [kept]
    assert len(asked(model)) == 2


async def test_two_who_ask_at_once_pay_once(model: ScriptedServer, oxlo: House) -> None:
    reply = await replied(oxlo, model, "It is late.")
    model.speaks(tone(0.5))
    one, other = await asyncio.gather(read_out(oxlo, reply), read_out(oxlo, reply))
    assert one[-1] == other[-1] == await last(oxlo)
    assert len(asked(model)) == 1


async def test_who_goes_away_finds_it_read_out_later(model: ScriptedServer, oxlo: House) -> None:
    reply = await replied(oxlo, model, LONG, "It ends.")
    model.speaks(tone(1.0)).speaks(tone(0.5))
    async with aclosing(oxlo.assistant.recitals.follow(OWNER, TALK, reply.id)) as telling:  # type: ignore[type-var]
        await anext(telling)
    async with asyncio.timeout(15):
        while not about(await last(oxlo)).spoken:
            await asyncio.sleep(0.05)
    assert about(await last(oxlo)).spoken_s == pytest.approx(1.5, abs=0.05)


async def test_an_end_of_the_house_keeps_what_was_spoken(
    model: ScriptedServer, tmp_path: Path
) -> None:
    async with opened(model, tmp_path) as house:
        reply = await replied(house, model, LONG, "It ends.")
        model.speaks(tone(1.0)).hangs(20, on="speech")
        async with aclosing(house.assistant.recitals.follow(OWNER, TALK, reply.id)) as telling:  # type: ignore[type-var]
            async for one in telling:
                if about(one).pieces:
                    break
        while len(asked(model)) < 2:
            await asyncio.sleep(0.01)
    async with opened(model, tmp_path) as house:
        kept = about(await last(house))
    assert kept.spoken_s == pytest.approx(1.0, abs=0.05)
    assert [r.purpose for r in kept.requests] == ["answer", "speech", "speech"]


async def test_nothing_is_kept_of_a_reply_that_was_deleted_meanwhile(
    model: ScriptedServer, oxlo: House
) -> None:
    reply = await replied(oxlo, model, "It is late.")
    model.raw(tone(0.5), content_type="audio/wav", delay_s=1.0, on="speech")
    reading = asyncio.create_task(read_out(oxlo, reply))
    while not asked(model):
        await asyncio.sleep(0.01)
    await oxlo.assistant.delete(OWNER, TALK)
    sound = about((await reading)[-1]).spoken
    assert sound
    with pytest.raises(Missing):
        await oxlo.layers.media.path(OWNER, sound.sha256)


async def test_a_voice_that_fails_says_why_and_what_was_sent_is_counted(
    model: ScriptedServer, oxlo: House
) -> None:
    reply = await replied(oxlo, model, "It is late.")
    model.fails(500, {"error": {"message": "the voice is hoarse"}}, on="speech")
    with pytest.raises(Refused, match="could not be spoken") as told:
        await read_out(oxlo, reply)
    assert "hoarse" in told.value.message
    kept = about(await last(oxlo))
    assert (kept.spoken, len(kept.requests)) == (None, 2)
    model.speaks(tone(0.5))
    assert about((await read_out(oxlo, reply))[-1]).spoken  # and may be asked again


async def test_what_others_said_and_what_is_no_speech_is_refused(
    model: ScriptedServer, oxlo: House
) -> None:
    reply = await replied(oxlo, model, "It is late.")
    recitals = oxlo.assistant.recitals
    for owner, talk, message in (
        ("somebody-else", TALK, reply.id),
        (OWNER, "d" * 32, reply.id),
        (OWNER, TALK, "e" * 32),
    ):
        with pytest.raises(NotFound):
            [one async for one in recitals.follow(owner, talk, message)]
    empty = await replied(oxlo, model, "")
    with pytest.raises(Refused, match="nothing in this reply"):
        await read_out(oxlo, empty)
    assert asked(model) == []
