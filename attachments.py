"""What a visitor may attach: judged by content, never by name, and cleaned before it is kept."""

import asyncio
import io
import json
import sys
import wave
from dataclasses import dataclass
from pathlib import Path

import PIL.Image
from PIL import ImageOps

from messages import Audio, Image, Media

MAX_BYTES = 25 * 1024 * 1024
MAX_PIXELS = 40_000_000
MAX_SIDE = 12_000
LONGEST_SIDE = 1568  # beyond this vision models scale down themselves
MAX_SECONDS = 600
MAX_READING_S = 120.0
"""A document is given up after so long. TeX papers take 0.05 s a page, most others 0.01."""

_PICTURES = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF87a", b"GIF89a")
_HOUSE = Path(__file__).resolve().parent


class BadAttachment(Exception):
    """`message` says why it cannot be attached, `advice` what to do."""

    def __init__(self, message: str, advice: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.advice = advice


@dataclass(frozen=True, slots=True)
class Picture:
    """Upright, at most 1568 pixels a side, encoded anew: no metadata is left in it."""

    data: bytes
    mime: str
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Recording:
    """A PCM WAV file."""

    data: bytes
    mime: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Writing:
    """A document as it came, and its text by pages; where it shows pictures alone they are empty."""

    data: bytes
    mime: str
    pages: tuple[str, ...]


async def inspect(data: bytes, *, within_s: float = MAX_READING_S) -> Picture | Recording | Writing:
    """Decode what was attached. Raises BadAttachment, for documents after `within_s` at the latest."""
    if not data:
        raise BadAttachment("The file is empty.")
    if len(data) > MAX_BYTES:
        raise BadAttachment("The file is larger than 25 MB.", "Attach a smaller one.")
    if data[:4] == b"RIFF" and data[8:12] == b"WAVE":
        return await asyncio.to_thread(_recording, data)
    if data.startswith(_PICTURES) or (data[:4] == b"RIFF" and data[8:12] == b"WEBP"):
        return await asyncio.to_thread(_picture, data)
    return await _writing(data, within_s)


def described(media: Media, data: bytes) -> Image | Audio:
    """The part of a message that shows a picture or recording that `inspect` once let in; reads the
    header alone.
    """
    if media.mime.startswith("audio/"):
        return Audio(media, _seconds(data))
    with PIL.Image.open(io.BytesIO(data)) as picture:
        return Image(media, picture.width, picture.height)


def _seconds(data: bytes) -> float:
    try:
        with wave.open(io.BytesIO(data)) as sound:
            return sound.getnframes() / sound.getframerate() if sound.readframes(1) else 0.0
    except (wave.Error, EOFError, ZeroDivisionError):
        raise BadAttachment("This WAV file cannot be read.", "Record again.") from None


def _recording(data: bytes) -> Recording:
    seconds = _seconds(data)
    if not seconds:
        raise BadAttachment("The recording is empty.", "Record again.")
    if seconds > MAX_SECONDS:
        raise BadAttachment("The recording is longer than 10 minutes.", "Attach a shorter one.")
    return Recording(data, "audio/wav", seconds)


def _picture(data: bytes) -> Picture:
    try:
        with PIL.Image.open(io.BytesIO(data), formats=["PNG", "JPEG", "GIF", "WEBP"]) as opened:
            width, height = opened.size
            if width * height > MAX_PIXELS or max(width, height) > MAX_SIDE:
                raise BadAttachment(
                    f"The picture has {width} × {height} pixels; 40 million are the most.",
                    "Make it smaller and attach it again.",
                )
            opened.seek(0)
            kind = opened.format
            upright = ImageOps.exif_transpose(opened)
            upright.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
            return _encoded(upright, as_photo=kind == "JPEG")
    except (OSError, SyntaxError, ValueError, PIL.Image.DecompressionBombError):
        raise BadAttachment("The picture is damaged.", "Save it again and attach it.") from None


def _encoded(picture: PIL.Image.Image, *, as_photo: bool) -> Picture:
    out = io.BytesIO()
    if as_photo:
        picture.convert("RGB").save(out, "JPEG", quality=80)
    else:
        mode = "RGBA" if picture.has_transparency_data else "RGB"
        picture.convert(mode).save(out, "PNG")
    return Picture(
        out.getvalue(), "image/jpeg" if as_photo else "image/png", picture.width, picture.height
    )


async def _writing(data: bytes, within_s: float) -> Writing:
    """Read in a process of its own (document_reader/), which ends when nobody waits any more."""
    reader = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "document_reader"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        cwd=_HOUSE,
    )
    try:
        async with asyncio.timeout(within_s):
            answer, _ = await reader.communicate(data)
    except TimeoutError:
        raise BadAttachment(
            "Reading this document takes too long.", "Attach a part of it."
        ) from None
    finally:
        if reader.returncode is None:
            reader.kill()
            await reader.wait()
    if not answer:
        raise BadAttachment(
            "Reading this document takes too much time or memory.", "Attach a part of it."
        )
    told = await asyncio.to_thread(json.loads, answer)
    if "refused" in told:
        raise BadAttachment(told["refused"], told.get("advice", ""))
    return Writing(data, told["mime"], tuple(told["pages"]))
