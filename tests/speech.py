"""Speech for the tests, said by the offline voice: real enough for a detector of speech."""

import asyncio
import io
import wave
from concurrent.futures import ThreadPoolExecutor
from functools import cache

import numpy as np
from numpy.typing import NDArray

from inference.offline.faculties import Faculties

RATE_HZ = 16_000


@cache
def speech(words: str) -> bytes:
    """Samples: 16 kHz, mono, 16 bits."""
    with ThreadPoolExecutor(1) as aside:  # the test may have a loop of its own
        return aside.submit(asyncio.run, _said(words)).result()


def silence(seconds: float) -> bytes:
    return bytes(2 * int(RATE_HZ * seconds))


def noise(seconds: float) -> bytes:
    """White, about as loud as speech, the same each time."""
    samples = np.random.default_rng(1).standard_normal(int(RATE_HZ * seconds)) * 3000
    return samples.astype("<i2").tobytes()


def wav(pcm: bytes, rate_hz: int = RATE_HZ) -> bytes:
    """As a file, at another rate where a fake microphone wants it."""
    samples = _resampled(np.frombuffer(pcm, "<i2"), RATE_HZ, rate_hz)
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setnchannels(1)
        writer.setsampwidth(2)
        writer.setframerate(rate_hz)
        writer.writeframes(samples.astype("<i2").tobytes())
    return file.getvalue()


async def _said(words: str) -> bytes:
    faculties = Faculties()
    try:
        sound = await faculties.speak(words, "en-us", 1.0)
    finally:
        faculties.end()
    with wave.open(io.BytesIO(sound)) as reader:
        samples = np.frombuffer(reader.readframes(reader.getnframes()), "<i2")
        return _resampled(samples, reader.getframerate(), RATE_HZ).astype("<i2").tobytes()


def _resampled(samples: NDArray[np.int16], from_hz: int, to_hz: int) -> NDArray[np.float64]:
    places = np.arange(len(samples) * to_hz // from_hz) * (from_hz / to_hz)
    found: NDArray[np.float64] = np.interp(places, np.arange(len(samples)), samples)
    return found
