"""What is kept of a spoken reply: one sound of all its pieces, small enough to be sent again."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from voice import decode
from voice.join import Joined, join, wav_of

_LARGE = 1_000_000
"""Bytes from which a WAV is kept as an MP3: 20 seconds."""


@dataclass(frozen=True, slots=True)
class Whole:
    """At `starts`, in seconds, the pieces begin."""

    data: bytes
    mime: str
    seconds: float
    starts: tuple[float, ...]


async def put_together(pieces: Sequence[bytes]) -> Whole | None:
    """All pieces, of whatever kind, as one WAV or MP3; None where one of them cannot be read."""
    try:
        wavs = [data if data[:4] == b"RIFF" else await _as_wav(data) for data in pieces]
        joined = await asyncio.to_thread(join, wavs)
    except (ValueError, decode.Undecodable):
        return None
    return await _small(joined)


async def _as_wav(data: bytes) -> bytes:
    return wav_of((await decode.pcm(data)).data, decode.RATE)


async def _small(joined: Joined) -> Whole:
    if len(joined.wav) > _LARGE:
        try:
            mp3 = await decode.mp3(joined.wav)
        except decode.Undecodable:
            pass
        else:
            if mp3.seconds > joined.seconds - 0.5:
                return Whole(mp3.data, "audio/mpeg", joined.seconds, joined.starts)
    return Whole(joined.wav, "audio/wav", joined.seconds, joined.starts)
