"""What a recording may be, told by its content, and the form in which it is kept."""

import io
import struct
import wave
from contextlib import suppress
from dataclasses import dataclass

from voice.decode import (
    IN_MEMORY,
    MAX_SECONDS,
    MP3_BYTES_A_SECOND,
    RATE,
    Decoded,
    Undecodable,
    mp3,
    pcm,
)

KEPT_AS_IT_IS_S = 120
"""A longer WAV is kept as an MP3: 0.5 MB a minute in place of 1.9."""

_PLAYLISTS = (b"#EXTM3U", b"ffconcat version", b"[playlist]")
_PICTURE_BRANDS = (
    b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1", b"avif", b"avis",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Recording:
    """What every browser plays and every transcription server takes: a PCM WAV or an MP3."""

    data: bytes
    mime: str
    seconds: float


def passes_through_a_file(data: bytes) -> bool:
    """Whether it would stand on the disk for a moment, without a name, to be kept by `recorded`."""
    seconds = _plain_seconds(data)
    is_plain = seconds is not None and seconds <= KEPT_AS_IT_IS_S
    return is_sound(data) and not is_plain and not IN_MEMORY


def is_sound(data: bytes) -> bool:
    """Whether this begins like a recording, or like a list of them."""
    if data[:4] == b"RIFF":
        return data[8:12] == b"WAVE"
    if data[4:8] == b"ftyp":
        return data[8:12] not in _PICTURE_BRANDS
    if data.startswith((b"OggS", b"fLaC", b"\x1a\x45\xdf\xa3", b"ID3", *_PLAYLISTS)):
        return True
    # The first frame of an MP3 or AAC; a text in UTF-16 begins with FF FE.
    return len(data) > 2 and data[0] == 0xFF and data[1] & 0xE0 == 0xE0 and data[1] < 0xFE


async def recorded(data: bytes) -> Recording:
    """The recording as it is kept, with nothing else that was in the file. Raises Undecodable."""
    if data.startswith(_PLAYLISTS):
        raise Undecodable("This is a list of recordings.", "Attach the recording itself.")
    seconds = _plain_seconds(data)
    if seconds is not None and 0 < seconds <= KEPT_AS_IT_IS_S:
        return Recording(data, "audio/wav", seconds)
    made = await mp3(data)
    _check_length(made)
    return Recording(made.data, "audio/mpeg", made.seconds)


def seconds_of(recording: bytes) -> float:
    """The length of one that is kept."""
    if (seconds := _plain_seconds(recording)) is not None:
        return seconds
    if recording[:4] == b"RIFF":  # kept as it came, before there were MP3s
        with (
            suppress(wave.Error, EOFError, ZeroDivisionError),
            wave.open(io.BytesIO(recording)) as sound,
        ):
            return float(sound.getnframes() / sound.getframerate())
    return len(recording) / MP3_BYTES_A_SECOND


async def samples(recording: bytes) -> bytes:
    """16-bit mono samples at 16 kHz of a recording that is kept. Raises Undecodable."""
    if _plain_seconds(recording) is not None:
        return recording[_HEADER.size :]
    return (await pcm(recording)).data


def as_wav(pcm: bytes) -> bytes:
    """16-bit mono samples at 16 kHz as a WAV file, as the page's recorder makes them."""
    return _HEADER.pack(*_header(len(pcm))) + pcm


_HEADER = struct.Struct("<4sI4s4sIHHIIHH4sI")


def _header(size: int) -> tuple[bytes | int, ...]:
    form = (b"fmt ", 16, 1, 1, RATE, 2 * RATE, 2, 16)
    return (b"RIFF", 36 + size, b"WAVE", *form, b"data", size)


def _plain_seconds(data: bytes) -> float | None:
    """The length of a WAV exactly as our recorder makes it; None of anything else."""
    size = len(data) - _HEADER.size
    if size < 0 or size % 2 or _HEADER.unpack_from(data) != _header(size):
        return None
    return size / 2 / RATE


def _check_length(made: Decoded) -> None:
    declared = made.declared_s
    most = MAX_SECONDS + 1  # a recorder that stops at the most may be late by a moment
    if made.seconds > most or (declared or 0) > most:
        # What was made ends soon after the most: only the file knows how long it is.
        length = f"{_clock(declared)} long" if declared and declared > most else "longer"
        raise Undecodable(
            f"The recording is {length}; 10 minutes are the most.", "Attach a part of it."
        )
    if declared and made.seconds < 0.9 * declared - 1:
        raise Undecodable(
            f"The recording is cut off after {_clock(made.seconds)} of {_clock(declared)}.",
            "Attach the whole of it.",
        )


def _clock(seconds: float) -> str:
    """Such as 0:07, 12:30 or 3:00:00."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"
