"""What a sound's bytes are, read from the bytes themselves: servers often send another type."""

import re
import struct

_EXTENSIONS = {
    "audio/wav": "wav",
    "audio/mpeg": "mp3",
    "audio/ogg": "ogg",
    "audio/flac": "flac",
    "audio/webm": "webm",
    "audio/mp4": "m4a",
    "audio/aac": "aac",
}
PCM_RATE = 24_000
"""Samples a second of headerless speech, as OpenAI's and its followers' "pcm" is."""


def sniff(data: bytes) -> str:
    """The MIME type, or "" where no known sound begins like this."""
    if data[:4] == b"RIFF" and data[8:12] == b"WAVE":
        return "audio/wav"
    if data[:4] == b"OggS":
        return "audio/ogg"
    if data[:4] == b"fLaC":
        return "audio/flac"
    if data[:4] == b"\x1a\x45\xdf\xa3":
        return "audio/webm"
    if data[4:8] == b"ftyp":
        return "audio/mp4"
    if data[:3] == b"ID3":
        return "audio/mpeg"
    if len(data) > 2 and data[0] == 0xFF and data[1] & 0xF6 == 0xF0:
        return "audio/aac"
    if len(data) > 2 and data[0] == 0xFF and data[1] & 0xE6 in (0xE2, 0xE4, 0xE6):
        return "audio/mpeg"
    return ""


def file_name(mime: str) -> str:
    """A name whose extension fits: transcription servers go by it."""
    return f"recording.{_EXTENSIONS.get(mime, 'wav')}"


def pcm_rate(content_type: str) -> int:
    """The rate in a type such as `audio/pcm;rate=16000`, else PCM_RATE."""
    found = re.search(r"rate=(\d{4,6})", content_type)
    return int(found.group(1)) if found else PCM_RATE


def as_wav(pcm: bytes, rate: int = PCM_RATE) -> bytes:
    """Headerless 16-bit mono samples as a WAV file."""
    pcm = pcm[: len(pcm) // 2 * 2]
    form = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 1, rate, rate * 2, 2, 16)
    return struct.pack("<4sI4s", b"RIFF", 36 + len(pcm), b"WAVE") + form + _chunk(b"data", pcm)


def mended(wav: bytes) -> bytes:
    """A WAV file with its true sizes: servers that stream one do not know them and write 2^32-1."""
    place = 12
    while place + 8 <= len(wav):
        name, size = struct.unpack_from("<4sI", wav, place)
        if name == b"data":
            rest = len(wav) - place - 8
            if size <= rest:
                return wav
            body = wav[12:place] + _chunk(b"data", wav[place + 8 :])
            return struct.pack("<4sI4s", b"RIFF", 4 + len(body), b"WAVE") + body
        place += 8 + size + size % 2
    return wav


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack("<4sI", name, len(data)) + data
