"""What a visitor may attach: judged by content, never by name, and cleaned before it is kept."""

import io
import wave
from dataclasses import dataclass

import PIL.Image
from PIL import ImageOps

from messages import Audio, Image, Media

MAX_BYTES = 25 * 1024 * 1024
MAX_PIXELS = 40_000_000
MAX_SIDE = 12_000
LONGEST_SIDE = 1568  # beyond this vision models scale down themselves
MAX_SECONDS = 600


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


def inspect(data: bytes) -> Picture | Recording:
    """Decode what was attached. Blocking: run it in a thread. Raises BadAttachment."""
    if not data:
        raise BadAttachment("The file is empty.")
    if len(data) > MAX_BYTES:
        raise BadAttachment("The file is larger than 25 MB.", "Attach a smaller one.")
    if data[:4] == b"RIFF" and data[8:12] == b"WAVE":
        return _recording(data)
    return _picture(data)


def described(media: Media, data: bytes) -> Image | Audio:
    """The part of a message that shows what `inspect` once let in; reads the header alone."""
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
    except PIL.UnidentifiedImageError:
        raise BadAttachment(
            "This is no picture or recording that Parley can read.",
            "Attach a PNG, JPEG, GIF or WebP picture, or a WAV recording.",
        ) from None
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
