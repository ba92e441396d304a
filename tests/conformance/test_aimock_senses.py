"""Speech, hearing, pictures and vectors by aimock, and a whole spoken turn with its requests."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from events import Spoken, ToolReturned, Transcribed, TurnEnded
from handler import run_turn
from house import House, open_house
from inference.backend import Errand, KeyRejected, Speech
from inference.connection import Connection
from inference.transport import Deadlines, open_client
from messages import Audio, Wishes, new_id
from settings import Settings
from steps.course import Turn
from tests.conformance.aimock_answers import HEARD
from tests.conformance.conftest import ERRAND, KEY, Open, at, entries, journal
from tests.conformance.serving import Serving
from tests.conftest import OWNER, said
from tests.scripted_server import tone
from tests.speech import speech, wav


async def test_a_recording_is_heard(aimock: Serving, backend: Open, engine: AsyncEngine) -> None:
    heard = await backend(aimock, "custom").transcribe(
        Speech(tone(), "audio/wav"), "whisper-1", ERRAND
    )
    assert heard == HEARD
    assert await entries(engine) == [("done", 0, 0)]


async def test_a_text_is_spoken_as_the_sound_that_it_is(aimock: Serving, backend: Open) -> None:
    speech = await backend(aimock, "custom").speak("Good day.", "tts-1", "alloy", ERRAND)
    assert speech.mime == "audio/wav"
    assert speech.data == tone(0.5)


async def test_sound_needs_the_right_key_too(aimock: Serving, backend: Open) -> None:
    stranger = backend(aimock, "custom", key="some-other-key")
    with pytest.raises(KeyRejected):
        await stranger.speak("Good day.", "tts-1", "alloy", ERRAND)
    with pytest.raises(KeyRejected):
        await stranger.transcribe(Speech(tone(), "audio/wav"), "whisper-1", ERRAND)


async def test_texts_become_vectors_in_their_order(
    aimock: Serving, backend: Open, engine: AsyncEngine
) -> None:
    errand = Errand("ann", "c1", "t1", "embedding")
    vectors = await backend(aimock, "custom").embed(["a llama"], "text-embedding-3-small", errand)
    assert vectors == [[0.5, -0.5, 0.25]]
    first, second = await backend(aimock, "custom").embed(
        ["one thing", "and another"], "text-embedding-3-small", errand
    )
    assert first != second
    assert len(await entries(engine)) == 2


async def test_pictures_come_through_our_client(aimock: Serving) -> None:
    client = open_client(aimock.base_url, KEY, Deadlines())
    try:
        pictures = await client.images.generate(model="gpt-image-1", prompt="a llama")
    finally:
        await client.close()
    assert pictures.data
    assert pictures.data[0].b64_json


@pytest.fixture
async def house(aimock: Serving, tmp_path: Path) -> AsyncIterator[House]:
    chosen = Settings(
        base_url=aimock.base_url,
        model="gpt-4o",
        transcribe_model="whisper-1",
        speech_model="tts-1",
        voice="alloy",
        data_dir=tmp_path,
    )
    async with open_house(chosen, Connection(at(aimock, "custom"), KEY)) as opened:
        yield opened


async def test_a_spoken_question_with_a_tool_and_a_spoken_answer_costs_four_requests(
    house: House, aimock: Serving
) -> None:
    before = len(journal(aimock))
    question = wav(speech("What is it?"))
    media = await house.layers.media.put(OWNER, question, "audio/wav", "question.wav")
    turn = Turn(OWNER, new_id(), said(Audio(media, 1.0)), new_id(), (), Wishes(speak=True))
    events = [event async for event in run_turn(turn, house.layers)]
    ended = events[-1]
    assert isinstance(ended, TurnEnded)
    assert (ended.reason, ended.fault) == ("done", None)
    assert [e.audio.transcript for e in events if isinstance(e, Transcribed)] == [HEARD]
    assert [e.result.text for e in events if isinstance(e, ToolReturned)] == ["144"]
    (spoken,) = [e for e in events if isinstance(e, Spoken)]
    assert spoken.media.mime == "audio/wav"
    sent = [hit["path"].partition("?")[0] for hit in journal(aimock)[before:]]
    assert sent == [
        "/v1/audio/transcriptions",
        "/v1/chat/completions",
        "/v1/chat/completions",
        "/v1/audio/speech",
    ]
    assert sum((await house.ledger.by_purpose("custom", OWNER)).values()) == len(sent)
