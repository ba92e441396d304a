"""ffmpeg in a process of its own: it ends when it is late, or when nobody waits."""

import asyncio

import pytest

from tests.scripted_server import tone
from tests.voice.sounds import encoded
from voice.decode import Undecodable, mp3, pcm


async def test_samples_are_those_that_were_encoded() -> None:
    found = await pcm(encoded("flac", tone(1.0)))
    assert found.data == tone(1.0)[44:]
    assert (found.seconds, found.declared_s) == (1.0, 1.0)


async def test_what_takes_too_long_is_given_up() -> None:
    with pytest.raises(Undecodable, match="too long"):
        await mp3(encoded("mp3", tone(9.0)) * 1_200, within_s=0.05)


async def test_a_reader_that_nobody_waits_for_ends() -> None:
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await mp3(encoded("mp3", tone(9.0)) * 1_200)
    # Its process has ended: another one is not held up.
    assert (await pcm(tone(0.5, rate=8_000))).seconds == pytest.approx(0.5, abs=0.01)
