"""What a server's tool gives: its words as untrusted text, its pictures as the chat's own."""

import asyncio
import base64
import binascii
import io
import json
from collections.abc import Iterator
from typing import Any

import PIL.Image
from mcp_types import (
    AudioContent,
    BlobResourceContents,
    CallToolResult,
    EmbeddedResource,
    ImageContent,
    ResourceLink,
    TextContent,
    TextResourceContents,
)
from PIL import ImageOps

from messages import Media
from tools.around import Around, Outcome
from tools.router import MAX_CHARS

MOST_PICTURES = 4
MAX_PIXELS = 40_000_000
MAX_SIDE = 12_000
LONGEST_SIDE = 1568

_FORMATS = ("PNG", "JPEG", "GIF", "WEBP")
_PNG = b"\x89PNG\r\n\x1a\n"
_NEEDED = (b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND")


async def outcome_of(server: str, result: CallToolResult, around: Around | None) -> Outcome:
    words = _Words()
    pictures: list[Media] = []
    for part in result.content:
        picture = _picture(part)
        if picture is None:
            for piece in _told(part):
                words.add(piece)
        elif around is None or len(pictures) == MOST_PICTURES:
            words.add("[A picture that is not shown.]")
        elif kept := await _kept(picture, f"{server}.png", around):
            pictures.append(kept)
            words.add("[A picture, shown to the user.]")
        else:
            words.add("[A picture that cannot be read.]")
    if not words and result.structured_content is not None:
        words.add(_as_json(result.structured_content))
    text = words.text or "Done; it gave no words."
    return Outcome(text, tuple(pictures), untrusted=True, failed=bool(result.is_error))


class _Words:
    """Parts of a text, of which no more is ever joined than a model reads."""

    def __init__(self) -> None:
        self._kept: list[str] = []
        self._room = MAX_CHARS - 100
        self._whole = 0

    def __bool__(self) -> bool:
        return bool(self._kept)

    def add(self, piece: str) -> None:
        self._whole += len(piece)
        if self._room > 0:
            self._kept.append(piece[: self._room])
            self._room -= len(piece)

    @property
    def text(self) -> str:
        joined = "\n\n".join(self._kept)
        if self._room >= 0:
            return joined
        return f"{joined}\n[Cut here: {self._whole:,} characters in all.]"


def _told(part: Any) -> Iterator[str]:
    match part:
        case TextContent(text=text):
            yield text
        case AudioContent(mime_type=mime):
            yield f"[A recording, {_short(mime)}, which cannot be played here.]"
        case ResourceLink(uri=uri, name=name, description=description):
            yield f"[{_short(name)}: {_short(uri, 500)}] {_short(description or '', 500)}".strip()
        case EmbeddedResource(resource=TextResourceContents(uri=uri, text=text)):
            yield f"[{_short(uri, 500)}]\n"
            yield text
        case EmbeddedResource(resource=BlobResourceContents(uri=uri, mime_type=mime)):
            yield f"[{_short(uri, 500)}: a file, {_short(mime or 'of no kind')}, not shown.]"
        case _:
            yield "[Something that cannot be shown.]"


def _picture(part: Any) -> str | None:
    """Its base64, where it is one."""
    match part:
        case ImageContent(data=data):
            return str(data)
        case EmbeddedResource(resource=BlobResourceContents(blob=blob, mime_type=str() as mime)):
            return str(blob) if mime.lower().startswith("image/") else None
    return None


async def _kept(data: str, name: str, around: Around) -> Media | None:
    """Shown pictures are made anew here: what a server calls a picture may be a page with a script."""
    made = await asyncio.to_thread(_made_anew, data)
    return None if made is None else await around.keep(made, "image/png", name)


def _made_anew(data: str) -> bytes | None:
    try:
        raw = _bare(base64.b64decode(data, validate=True))
        with PIL.Image.open(io.BytesIO(raw), formats=_FORMATS) as opened:
            if opened.width * opened.height > MAX_PIXELS or max(opened.size) > MAX_SIDE:
                return None
            opened.seek(0)
            upright = ImageOps.exif_transpose(opened)
            upright.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
            out = io.BytesIO()
            upright.convert("RGBA" if upright.has_transparency_data else "RGB").save(out, "PNG")
            return out.getvalue()
    except (
        *(binascii.Error, OSError, SyntaxError, ValueError, EOFError),
        PIL.Image.DecompressionBombError,
    ):
        return None


def _bare(data: bytes) -> bytes:
    """A PNG without all that is not needed to show it, which is damaged often enough."""
    if not data.startswith(_PNG):
        return data
    kept, start = [_PNG], len(_PNG)
    while start + 12 <= len(data):
        end = start + 12 + int.from_bytes(data[start : start + 4])
        if data[start + 4 : start + 8] in _NEEDED:
            kept.append(data[start:end])
        start = end
    return b"".join(kept)


def _as_json(value: Any) -> str:
    try:
        return json.dumps(value, ensure_ascii=False)
    except (ValueError, RecursionError):
        return "[Data that cannot be shown.]"


def _short(text: str, most: int = 80) -> str:
    return " ".join("".join(c for c in str(text) if c.isprintable()).split())[:most]
