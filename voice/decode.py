"""Any recording as samples, or as an MP3: by ffmpeg, in a process of its own that trusts nothing.

Its input is a file without a name, which nothing can be left of, and on Linux is in memory; it may
open no other (an ffconcat text named .webm reads its neighbours), knows no playlists, writes no file,
and has little memory: a 32 KB WAV that declares 1 Hz takes 4 GB elsewhere.
"""

import asyncio
import os
import re
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import IO

MAX_SECONDS = 600
LONGEST_S = MAX_SECONDS + 2
"""What is decoded at most: enough to see that it is too long."""
RATE = 16_000
MP3_BYTES_A_SECOND = 8_000
WITHIN_S = 90.0
MAX_MEMORY = 768 << 20

IN_MEMORY = hasattr(os, "memfd_create")
"""Whether the recording is on no disk meanwhile."""

_LIMITED = Path(__file__).with_name("limited.py")
_FORMATS = "wav,mp3,aac,flac,ogg,mov,matroska"
_CODECS = (
    "aac,aac_latm,alac,flac,mp1,mp1float,mp2,mp2float,mp3,mp3float,opus,libopus,vorbis,libvorbis,"
    "pcm_u8,pcm_s16le,pcm_s16be,pcm_s24le,pcm_s24be,pcm_s32le,pcm_s32be,pcm_f32le,pcm_f32be,"
    "pcm_f64le,pcm_f64be,pcm_alaw,pcm_mulaw,adpcm_ms,adpcm_ima_wav"
)
_PCM = ("-ar", str(RATE), "-c:a", "pcm_s16le", "-f", "s16le")
# A constant bitrate without a header of its own: its length is its size.
_MP3 = ("-ar", "24000", "-c:a", "libmp3lame", "-b:a", "64k", "-write_xing", "0",
        "-id3v2_version", "0", "-f", "mp3")  # fmt: skip
_DURATION = re.compile(r"^  Duration: (\d+):(\d\d):(\d\d\.\d+)", re.MULTILINE)
_MUCH_SAID = 64_000


class Undecodable(Exception):
    """`message` says why this is no recording, `advice` what to do."""

    def __init__(self, message: str, advice: str) -> None:
        super().__init__(message)
        self.message = message
        self.advice = advice


@dataclass(frozen=True, slots=True)
class Decoded:
    """`declared_s` is the length that the file claims, None where it claims none."""

    data: bytes
    seconds: float
    declared_s: float | None


async def pcm(data: bytes) -> Decoded:
    """16-bit mono samples at 16 kHz, of LONGEST_S at most. Raises Undecodable."""
    return await _converted(data, _PCM, 2 * RATE, WITHIN_S)


async def mp3(data: bytes, within_s: float = WITHIN_S) -> Decoded:
    """A mono MP3 of 64 kbit/s, without a word of what else was in the file. Raises Undecodable."""
    return await _converted(data, _MP3, MP3_BYTES_A_SECOND, within_s)


async def _converted(
    data: bytes, form: tuple[str, ...], bytes_a_second: int, within_s: float
) -> Decoded:
    with _nameless() as source:
        await asyncio.to_thread(_fill, source, data)
        made, said = await _run(source, form, (LONGEST_S + 1) * bytes_a_second, within_s)
    if not made:
        raise _reason(said)
    found = _DURATION.search(said)
    hours, minutes, seconds = found.groups() if found else ("0", "0", "0")
    declared = int(hours) * 3600 + int(minutes) * 60 + float(seconds) if found else None
    return Decoded(made, len(made) / bytes_a_second, declared)


def _nameless() -> IO[bytes]:
    """A file, because some containers are read from their end."""
    if IN_MEMORY:
        return os.fdopen(os.memfd_create("recording"), "w+b")
    return tempfile.TemporaryFile()


def _fill(source: IO[bytes], data: bytes) -> None:
    source.write(data)
    source.seek(0)


async def _run(
    source: IO[bytes], form: tuple[str, ...], most_bytes: int, within_s: float
) -> tuple[bytes, str]:
    """What ffmpeg made, and what it said."""
    from imageio_ffmpeg import get_ffmpeg_exe

    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-I", "-S", str(_LIMITED), str(MAX_MEMORY), str(round(within_s) + 5)),
        *(get_ffmpeg_exe(), "-nostdin", "-hide_banner", "-nostats", "-threads", "1"),
        *("-protocol_whitelist", "fd,pipe", "-format_whitelist", _FORMATS),
        *("-codec_whitelist", _CODECS, "-max_streams", "64", "-t", str(LONGEST_S), "-i", "fd:"),
        *("-map", "0:a:0", "-vn", "-sn", "-dn", "-map_metadata", "-1", "-fflags", "+bitexact"),
        *("-ac", "1", "-t", str(LONGEST_S), *form, "pipe:1"),
        stdin=source,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    try:
        async with asyncio.timeout(within_s):
            made, said = await asyncio.gather(
                _at_most(process.stdout, most_bytes), _at_most(process.stderr, _MUCH_SAID)
            )
            await process.wait()
    except TimeoutError:
        raise Undecodable(
            "Reading this recording takes too long.", "Attach a part of it."
        ) from None
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return made, said.decode(errors="replace")


async def _at_most(pipe: asyncio.StreamReader, most: int) -> bytes:
    """The beginning of what comes; the rest is read and dropped, so that nobody waits."""
    kept = bytearray()
    while piece := await pipe.read(1 << 16):
        kept += piece[: most - len(kept)]
    return bytes(kept)


def _reason(said: str) -> Undecodable:
    if "matches no streams" in said:
        return Undecodable("There is no sound in this file.", "Attach a recording.")
    if "Output file is empty" in said or "Output #0" in said:
        return Undecodable("The recording is empty.", "Record again.")
    return Undecodable(
        "This recording cannot be read: it is damaged, or of a kind that is not known here.",
        "Save it as WAV, MP3, M4A, FLAC, Ogg or WebM, and attach it again.",
    )
