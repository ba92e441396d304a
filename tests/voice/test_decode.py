"""ffmpeg in a process of its own: it ends when it is late, or when nobody waits."""

import asyncio
import os
from contextlib import suppress
from pathlib import Path

import pytest

from tests.scripted_server import tone
from tests.voice.sounds import encoded
from voice.decode import IN_MEMORY, Undecodable, mp3, pcm


async def test_samples_are_those_that_were_encoded() -> None:
    found = await pcm(encoded("flac", tone(1.0)))
    assert found.data == tone(1.0)[44:]
    assert (found.seconds, found.declared_s) == (1.0, 1.0)


@pytest.mark.skipif(not IN_MEMORY, reason="this system has no files in memory")
async def test_a_recording_stands_on_no_disk_while_it_is_read() -> None:
    reading = asyncio.create_task(mp3(encoded("mp3", tone(9.0)) * 1_200))
    async with asyncio.timeout(20):
        while "/memfd:recording (deleted)" not in inputs_of_children():
            await asyncio.sleep(0.01)
    reading.cancel()
    await asyncio.wait((reading,))


def inputs_of_children() -> list[str]:
    """What the standard input of each process is that this one has started."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            if int(stat.read_text().rpartition(")")[2].split()[1]) == os.getpid():
                found.append(str((stat.parent / "fd/0").readlink()))
    return found


async def test_what_takes_too_long_is_given_up() -> None:
    with pytest.raises(Undecodable, match="too long"):
        await mp3(encoded("mp3", tone(9.0)) * 1_200, within_s=0.05)


async def test_a_reader_that_nobody_waits_for_ends() -> None:
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await mp3(encoded("mp3", tone(9.0)) * 1_200)
    # Its process has ended: another one is not held up.
    assert (await pcm(tone(0.5, rate=8_000))).seconds == pytest.approx(0.5, abs=0.01)
