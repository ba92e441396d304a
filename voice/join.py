"""Makes one sound of the pieces in which a reply was spoken."""

import io
import warnings
import wave
from collections.abc import Sequence
from dataclasses import dataclass

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # it misses an ffmpeg on the PATH, which nothing here needs
    from pydub import AudioSegment
    from pydub.silence import detect_leading_silence

RATE = 24_000
"""Samples a second of what is kept; voices make 22,050 or 24,000."""
_SILENT_DB = -50.0
"""Below full scale."""
_KEPT_BEFORE_MS, _KEPT_AFTER_MS = 40, 160
"""Silence that stays around a piece: a breath between two sentences."""
_FADE_MS = 4
"""At each end, so that no cut clicks."""
_LOUDNESS_DB = -20.0
_MOST_GAIN_DB = 12.0
_PEAK_DB = -1.0


@dataclass(frozen=True, slots=True)
class Joined:
    """A WAV, 16 bits, mono. `starts` says at which second of it each piece begins."""

    wav: bytes
    seconds: float
    starts: tuple[float, ...]


def join(pieces: Sequence[bytes]) -> Joined:
    """The pieces (16-bit WAVs) one after the other: trimmed, levelled, without a gap or a click.

    Raises ValueError for what is no such WAV. It takes about a millisecond a second of sound.
    """
    whole = AudioSegment.silent(0, RATE).set_channels(1).set_sample_width(2)
    parts: list[bytes] = []
    starts: list[float] = []
    frames = 0
    for piece in pieces:
        sound = _levelled(_trimmed(_opened(piece)))
        starts.append(frames / RATE)
        parts.append(sound.raw_data)
        frames += len(sound.raw_data) // 2
    whole = whole._spawn(b"".join(parts))
    return Joined(wav_of(whole.raw_data, RATE), frames / RATE, tuple(starts))


def _opened(piece: bytes) -> AudioSegment:
    try:
        with wave.open(io.BytesIO(piece)) as wav:
            if wav.getsampwidth() != 2:
                raise ValueError("not 16 bits a sample")
            sound = AudioSegment(
                data=wav.readframes(wav.getnframes()),
                sample_width=2,
                frame_rate=wav.getframerate(),
                channels=wav.getnchannels(),
            )
    except (wave.Error, EOFError) as error:
        raise ValueError(str(error)) from None
    return sound.set_channels(1).set_frame_rate(RATE)


def _trimmed(sound: AudioSegment) -> AudioSegment:
    before = detect_leading_silence(sound, _SILENT_DB, 10)
    if before >= len(sound):
        return sound[:0]
    after = detect_leading_silence(sound.reverse(), _SILENT_DB, 10)
    start = max(0, before - _KEPT_BEFORE_MS)
    end = min(len(sound), len(sound) - after + _KEPT_AFTER_MS)
    return sound[start:end].fade_in(_FADE_MS).fade_out(_FADE_MS)


def _levelled(sound: AudioSegment) -> AudioSegment:
    """To one loudness, as far as no peak is cut and no whisper blown up."""
    if not len(sound) or sound.max == 0:
        return sound
    gain = min(_LOUDNESS_DB - sound.dBFS, _PEAK_DB - sound.max_dBFS, _MOST_GAIN_DB)
    return sound.apply_gain(gain)


def wav_of(samples: bytes, rate: int) -> bytes:
    """16-bit mono samples as a WAV file."""
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setnchannels(1)
        writer.setsampwidth(2)
        writer.setframerate(rate)
        writer.writeframes(samples)
    return file.getvalue()
