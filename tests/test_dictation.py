"""Recordings that are written down before they are sent: paid for once, read before they go."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from assistant import Draft, Take
from house import House, open_house
from inference.connection import Connection, connect
from inference.provider import Plan, load_providers
from messages import Message
from refusals import NotFound, Refused
from settings import Settings
from tests.conftest import OWNER
from tests.scripted_server import ScriptedServer, tone
from tests.speech import speech, wav
from tests.voice.sounds import encoded
from voice.recording import as_wav

TALK = "c" * 32
HEARD = ["/v1/audio/transcriptions"]
ANSWERED = ["/v1/chat/completions"]


@pytest.fixture
def said() -> bytes:
    return as_wav(speech("What is the capital of France?"))


@pytest.fixture
async def offline(tmp_path: Path) -> AsyncIterator[House]:
    """A house where nobody hears but this machine."""
    providers = load_providers()
    async with open_house(
        Settings(data_dir=tmp_path), Connection(providers["offline"], "")
    ) as house:
        yield house


async def kept(house: House, sound: bytes) -> str:
    return (await house.assistant.attach(OWNER, sound, "recording.wav")).media.sha256


async def draft(house: House, sha256: str) -> Draft:
    return await house.assistant.dictation.transcribe(OWNER, TALK, sha256)


async def exchange(house: House) -> tuple[Message, Message]:
    """The last message and its reply, once that is whole."""
    async with asyncio.timeout(15):
        while True:
            shown = (await house.assistant.open(OWNER, TALK)).messages
            if shown and shown[-1].status != "running":
                return shown[-2], shown[-1]
            await asyncio.sleep(0.02)


def paths(model: ScriptedServer) -> list[str]:
    return [hit.path for hit in model.hits]


async def test_a_draft_is_paid_for_once_and_its_reply_says_so(
    house: House, model: ScriptedServer, said: bytes
) -> None:
    model.hears(" What is the capital of France? ").says("Paris.")
    sha256 = await kept(house, said)
    for _ in range(2):
        assert await draft(house, sha256) == Draft("What is the capital of France?")
    assert await house.ledger.used_today("custom") == 1
    await house.assistant.send(OWNER, TALK, "", [sha256], speak=False)
    message, reply = await exchange(house)
    assert message.text == "What is the capital of France?"
    assert paths(model) == HEARD + ANSWERED
    assert reply.provenance
    assert [request.purpose for request in reply.provenance.requests] == ["transcription", "answer"]
    model.says("Still Paris.")
    await house.assistant.retry(OWNER, TALK, reply.id, speak=False)
    _, again = await exchange(house)
    assert again.provenance
    assert [request.purpose for request in again.provenance.requests] == ["answer"]


async def test_two_who_ask_at_once_pay_once(
    house: House, model: ScriptedServer, said: bytes
) -> None:
    model.hears("hello").hears("hello again")
    sha256 = await kept(house, said)
    assert await asyncio.gather(*(draft(house, sha256) for _ in range(3))) == [Draft("hello")] * 3
    assert paths(model) == HEARD


async def test_edited_words_are_what_is_sent(
    house: House, model: ScriptedServer, said: bytes
) -> None:
    model.hears("Wha is the capital of frans").says("Paris.")
    sha256 = await kept(house, said)
    await draft(house, sha256)
    take = Take(sha256, "What is the capital of France?")
    await house.assistant.send(OWNER, TALK, "", [take], speak=False)
    message, _ = await exchange(house)
    assert message.text == "What is the capital of France?"
    assert "capital of France?" in str(model.requests[0]["messages"][-1])
    assert paths(model) == HEARD + ANSWERED


@pytest.mark.parametrize("sound", [bytes(64_000), tone(2.0)[44:]], ids=["silence", "a tone"])
async def test_a_take_without_speech_is_thrown_away_unpaid(
    house: House, model: ScriptedServer, sound: bytes
) -> None:
    sha256 = await kept(house, as_wav(sound))
    assert await draft(house, sha256) == Draft("", silent=True)
    assert model.hits == []
    with pytest.raises(NotFound):
        await house.assistant.media(OWNER, sha256)


async def test_a_ghost_is_no_draft(house: House, model: ScriptedServer) -> None:
    model.hears("Thanks for watching!")
    sha256 = await kept(house, as_wav(speech("Hum hum hum")))
    assert await draft(house, sha256) == Draft("")


async def test_a_failed_draft_keeps_the_recording_and_may_be_tried_again(
    house: House, model: ScriptedServer, said: bytes
) -> None:
    model.fails(400, {"error": {"message": "cannot do that"}}, on="transcription").hears("hello")
    sha256 = await kept(house, said)
    with pytest.raises(Refused, match="cannot do that"):
        await draft(house, sha256)
    assert paths(model) == HEARD  # nothing is asked again by itself
    assert await draft(house, sha256) == Draft("hello")


async def test_what_was_written_down_goes_with_its_recording(
    house: House, model: ScriptedServer, said: bytes
) -> None:
    model.hears("a secret").hears("asked anew")
    sha256 = await kept(house, said)
    await draft(house, sha256)
    await house.assistant.dictation.discard(OWNER, [sha256])
    with pytest.raises(NotFound):
        await draft(house, sha256)
    assert await draft(house, await kept(house, said)) == Draft("asked anew")
    with pytest.raises(NotFound):
        await house.assistant.dictation.transcribe("a-stranger", TALK, sha256)


async def test_what_only_this_machine_understood_is_never_sent_unread(offline: House) -> None:
    sha256 = await kept(offline, encoded("m4a", wav(speech("go forward ten meters"))))
    assert await offline.assistant.dictation.is_rough(OWNER, TALK)
    with pytest.raises(Refused, match="roughly"):
        await offline.assistant.send(OWNER, TALK, "", [sha256], speak=False)
    rough = await draft(offline, sha256)
    assert rough.rough
    assert rough.text
    with pytest.raises(Refused, match="roughly"):
        await offline.assistant.send(OWNER, TALK, "", [sha256], speak=False)
    take = Take(sha256, "Go forward ten meters")
    await offline.assistant.send(OWNER, TALK, "", [take], speak=False)
    message, reply = await exchange(offline)
    assert message.text == "Go forward ten meters"
    assert reply.status == "done"


async def test_the_last_request_of_the_day_is_kept_for_the_answer(
    model: ScriptedServer, tmp_path: Path
) -> None:
    chosen = Settings(
        base_url=model.base_url, model="big", transcribe_model="hearing", data_dir=tmp_path
    )
    connection = connect(load_providers(), model.base_url, "k-1", {})
    provider = replace(connection.provider, plans={"": Plan(requests_per_day=2)})
    async with open_house(chosen, replace(connection, provider=provider)) as house:
        assert not await house.assistant.dictation.is_rough(OWNER, TALK)
        model.hears("hello")
        first = await kept(house, as_wav(speech("Hello there")))
        assert not (await draft(house, first)).rough
        assert await house.assistant.dictation.is_rough(OWNER, TALK)
        assert await draft(house, first) == Draft("hello")  # it was paid for
        second = await kept(house, as_wav(speech("go forward ten meters")))
        assert (await draft(house, second)).rough
        assert paths(model) == HEARD
