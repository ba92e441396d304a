"""The detector of speech, in its own process: real speech, noise, and a process that is killed."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator

import pytest

from tests.scripted_server import tone
from tests.speech import noise, silence, speech
from voice.activity import VoiceActivity, stretches

QUESTION = "What is the capital of France?"


@pytest.fixture
async def activity() -> AsyncIterator[VoiceActivity]:
    opened = VoiceActivity()
    yield opened
    await opened.close()
    assert opened.pid is None


async def test_speech_is_found_where_it_is(activity: VoiceActivity) -> None:
    said = speech(QUESTION)
    (span,) = await activity.spans(silence(1) + said + silence(1))
    length = len(said) / 32_000
    assert list(span) == pytest.approx([1, 1 + length], abs=0.25)


async def test_two_sentences_with_a_pause_are_two_stretches(activity: VoiceActivity) -> None:
    assert len(await activity.spans(speech(QUESTION) + silence(0.8) + speech("No."))) == 2


@pytest.mark.parametrize("word", ["No", "Yes", "Stop", "Hi"])
async def test_one_word_is_enough(activity: VoiceActivity, word: str) -> None:
    assert await activity.spans(silence(0.3) + speech(word) + silence(0.3))


async def test_silence_noise_a_tone_and_nothing_are_no_speech(activity: VoiceActivity) -> None:
    for sound in (silence(3), noise(3), tone(3.0)[44:], b"", b"\1", silence(0.01)):
        assert await activity.spans(sound) == []


async def test_a_stream_is_judged_as_one_whole_whatever_its_pieces(activity: VoiceActivity) -> None:
    said = speech(QUESTION)
    said = said[: len(said) // 1024 * 1024]
    whole = await activity.probabilities("whole", said)
    pieces = [said[at : at + 1024] for at in range(0, len(said), 1024)]
    apart = [p for piece in pieces for p in await activity.probabilities("apart", piece)]
    assert apart == whole
    assert len(whole) == len(pieces)
    await activity.forget("apart")
    assert await activity.probabilities("apart", said) == whole


async def test_streams_do_not_disturb_each_other(activity: VoiceActivity) -> None:
    said = speech(QUESTION)[: 1024 * 40]
    alone = await activity.probabilities("alone", said)

    async def stream(name: str, sound: bytes) -> list[float]:
        found = []
        for at in range(0, len(sound), 2048):
            found += await activity.probabilities(name, sound[at : at + 2048])
        return found

    loud = [stream(f"n{n}", noise(1.024)) for n in range(4)]
    together, *_ = await asyncio.gather(stream("said", said), *loud)
    assert together == alone


async def test_what_was_judged_as_it_was_spoken_is_not_judged_again(
    activity: VoiceActivity,
) -> None:
    said = speech(QUESTION)
    activity.judged(said, [0.1] * 10 + [0.9] * 20 + [0.1] * 20)
    assert await activity.spans(said) == [pytest.approx((0.32, 0.96))]
    assert activity.pid is None
    assert await activity.spans(said + silence(1)) != await activity.spans(said)


async def test_half_a_frame_is_refused(activity: VoiceActivity) -> None:
    with pytest.raises(ValueError, match="whole"):
        await activity.probabilities("x", b"\0" * 1000)


async def test_a_killed_worker_is_replaced_in_the_middle_of_a_stream(
    activity: VoiceActivity,
) -> None:
    said = speech(QUESTION)[: 1024 * 40]
    await activity.probabilities("call", said)
    killed = activity.pid
    assert killed is not None
    os.kill(killed, signal.SIGKILL)
    assert max(await activity.probabilities("call", said)) > 0.9
    assert activity.pid not in (None, killed)
    waiting = asyncio.ensure_future(activity.spans(noise(10) + said))
    await asyncio.sleep(0)
    assert activity.pid is not None
    os.kill(activity.pid, signal.SIGKILL)
    assert await waiting


async def test_who_gives_up_waiting_disturbs_nobody(activity: VoiceActivity) -> None:
    said = speech(QUESTION)
    waiting = [asyncio.ensure_future(activity.spans(said)) for _ in range(6)]
    await asyncio.sleep(0.05)
    for one in waiting[::2]:
        one.cancel()
    assert all(await asyncio.gather(*waiting[1::2]))
    assert await activity.spans(said)


def test_clicks_are_passed_over_and_short_pauses_bridged() -> None:
    click, voice, pause = [0.9] * 3, [0.9] * 10, [0.1] * 20
    assert stretches([*pause, *click, *pause]) == []
    assert len(stretches([*voice, *[0.1] * 8, *voice, *pause, *voice])) == 2
