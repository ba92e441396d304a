"""What a visitor may attach: judged by content, never by name, and cleaned before it is kept."""

import asyncio
import base64
import io
import json
from dataclasses import dataclass

import PIL.Image

from messages import Audio, Image, Media
from pictures import gate
from pictures.gate import Clean
from pictures.limits import Refused as PictureRefused
from process_apart.asking import answered
from voice.decode import Undecodable
from voice.recording import Recording as Recording
from voice.recording import is_sound, recorded, seconds_of

MAX_BYTES = 25 * 1024 * 1024
MAX_READING_S = 120.0
"""A document is given up after so long. TeX papers take 0.05 s a page, most others 0.01."""


class BadAttachment(Exception):
    """`message` says why it cannot be attached, `advice` what to do."""

    def __init__(self, message: str, advice: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.advice = advice


Picture = Clean


@dataclass(frozen=True, slots=True)
class Scan:
    """A page that is a picture: a JPEG of it. Pages count from 1."""

    page: int
    data: bytes
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Writing:
    """A document as it came, and its text by pages; where it shows pictures alone they are empty.

    `scans` are the first of those, of a PDF.
    """

    data: bytes
    mime: str
    pages: tuple[str, ...]
    scans: tuple[Scan, ...] = ()


async def inspect(data: bytes, *, within_s: float = MAX_READING_S) -> Picture | Recording | Writing:
    """Decode what was attached. Raises BadAttachment, for documents after `within_s` at the latest."""
    if not data:
        raise BadAttachment("The file is empty.")
    if len(data) > MAX_BYTES:
        raise BadAttachment("The file is larger than 25 MB.", "Attach a smaller one.")
    if gate.is_picture(data):
        return await _picture(data)
    if is_sound(data):
        return await _recording(data)
    return await _writing(data, within_s)


def described(media: Media, data: bytes) -> Image | Audio:
    """The part of a message that shows a picture or recording that `inspect` once let in; reads the
    header alone.
    """
    if media.mime.startswith("audio/"):
        return Audio(media, seconds_of(data))
    with PIL.Image.open(io.BytesIO(data)) as picture:
        return Image(media, picture.width, picture.height)


async def _recording(data: bytes) -> Recording:
    try:
        return await recorded(data)
    except Undecodable as refused:
        raise BadAttachment(refused.message, refused.advice) from None


async def _picture(data: bytes) -> Picture:
    try:
        return await gate.clean(data)
    except PictureRefused as refused:
        raise BadAttachment(refused.message, refused.advice) from None


async def _writing(data: bytes, within_s: float) -> Writing:
    try:
        answer = await answered("document_reader", data, within_s)
    except TimeoutError:
        raise BadAttachment(
            "Reading this document takes too long.", "Attach a part of it."
        ) from None
    if not answer:
        raise BadAttachment(
            "Reading this document takes too much time or memory.", "Attach a part of it."
        )
    told = await asyncio.to_thread(json.loads, answer)
    if "refused" in told:
        raise BadAttachment(told["refused"], told.get("advice", ""))
    scans = tuple(
        Scan(s["page"], base64.b64decode(s["jpeg"]), s["width"], s["height"]) for s in told["scans"]
    )
    return Writing(data, told["mime"], tuple(told["pages"]), scans)
