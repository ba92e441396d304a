"""Pictures by a provider: how one is asked for, and what came back, read whatever its form."""

import base64
import binascii
import re
from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, get_args
from urllib.parse import urlsplit

from inference.backend import BackendError, BadReply, Interrupted, Unsupported
from inference.event_lines import parsed
from inference.provider import Provider
from inference.server_errors import Asked, Rejected, from_page, from_response
from inference.transport import Unreached, errors_sorted

if TYPE_CHECKING:
    from openai import AsyncOpenAI

Shape = Literal["any", "square", "landscape", "portrait"]
"""`any` leaves it to the model."""

MAX_BODY = 40_000_000
"""Bytes of an answer: 25 MB of picture as base64, and what stands around it."""

_SIZES: tuple[tuple[str, tuple[str, str, str]], ...] = (
    (r"gpt-image", ("1024x1024", "1536x1024", "1024x1536")),
    (r"dall-e-3", ("1024x1024", "1792x1024", "1024x1792")),
    (r"dall-e", ("1024x1024",) * 3),
    (r"stable-?diffusion-?v?1|\bsd-?1", ("512x512", "768x512", "512x768")),
    (
        r"flux|sdxl|stable-?diffusion|oxlo-image",
        ("1024x1024", "1216x832", "832x1216"),
    ),
)
"""Square, landscape and portrait, by a part of the model's name; others are not asked for a size."""

_UNWANTED = re.compile(
    r"moderat|safety|content.{0,3}(?:policy|filter)|nsfw|prohibited|inappropriate|guidelines",
    re.IGNORECASE,
)
_BEGINNINGS = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF87a", b"GIF89a")
_AS_BYTES = ("b64_json", "base64", "b64", "image")
_AS_LINK = ("url", "image_url")


@dataclass(frozen=True, slots=True)
class Wanted:
    prompt: str
    model: str
    shape: Shape = "any"


@dataclass(frozen=True, slots=True)
class Drawn:
    """The bytes of a PNG, JPEG, GIF or WebP file, as they came; or `url`, at another host, where they
    lie. Tokens are as the provider reported them, 0 where it did not.
    """

    data: bytes = b""
    url: str = ""
    prompt_tokens: int = 0
    completion_tokens: int = 0


def image_fields(wanted: Wanted, provider: Provider) -> dict[str, Any]:
    """The body of a POST /images/generations: no field that is not needed, for each one is somewhere
    refused."""
    fields = {"model": wanted.model, "prompt": wanted.prompt}
    if size := _size(wanted):
        fields["size"] = size
    if form := provider.quirks.image_format:
        fields["response_format"] = form
    return fields


def _size(wanted: Wanted) -> str:
    if wanted.shape == "any":
        return ""
    place = get_args(Shape).index(wanted.shape) - 1
    fitting = (s for part, s in _SIZES if re.search(part, wanted.model, re.IGNORECASE))
    return next(fitting, ("", "", ""))[place]


def is_picture(data: bytes) -> bool:
    return data.startswith(_BEGINNINGS) or (data[:4] == b"RIFF" and data[8:12] == b"WEBP")


def is_at(provider: Provider, url: str) -> bool:
    """Whether a link leads to the provider's own server, by scheme, host and port."""
    try:
        there, home = urlsplit(url), urlsplit(provider.base_url)
        return (there.scheme, there.hostname, there.port) == (home.scheme, home.hostname, home.port)
    except ValueError:
        return False


async def whole(asked: Asked, pieces: AsyncIterator[bytes]) -> bytes:
    """The bytes of an answer, of which no more than MAX_BODY are ever held. Raises BadReply."""
    body = bytearray()
    async for piece in pieces:
        body += piece
        if len(body) > MAX_BODY:
            raise BadReply(f"{asked.who} sent far more than a picture.", "Choose another model.")
    return bytes(body)


async def lying_at(asked: Asked, client: "AsyncOpenAI", url: str) -> bytes:
    """The file of a picture that the provider's own server keeps. Raises BackendError."""
    import httpx2
    from openai import AsyncAPIResponse

    streamed: Any = {"headers": {"X-Stainless-Raw-Response": "stream"}}
    try:
        async with errors_sorted(asked):
            got = await client.get(url, cast_to=AsyncAPIResponse[httpx2.Response], options=streamed)
            async with aclosing(got.http_response):
                return await whole(asked, got.iter_bytes())
    except Unreached:
        # The picture was made: neither may it be asked for again, nor was it for nothing.
        raise Interrupted(f"The line to {asked.who} broke.", "Ask for it again.") from None


def painted(asked: Asked, body: bytes) -> Drawn:
    """The picture of an answer: as base64, as a link or a data URI under the usual names, or bare.

    Raises BackendError where there is none.
    """
    if is_picture(body):
        return Drawn(body)
    try:
        value = parsed(body)
    except ValueError:
        raise from_page(asked, body[:20_000].decode(errors="replace")) from None
    if isinstance(value, dict) and (value.get("error") or value.get("detail")):
        raise worded(asked, from_response(asked, 400, {}, body))
    found = _first(value)
    if found.startswith("data:"):
        found = found.partition(",")[2]
    usage = value.get("usage") if isinstance(value, dict) else None
    tokens = (_count(usage, "input_tokens"), _count(usage, "output_tokens"))
    if re.match(r"https?://", found, re.IGNORECASE):
        return Drawn(b"", found, *tokens)
    data = _decoded(found)
    if not is_picture(data):
        raise BadReply(f"{asked.who} sent no picture.", "Describe it otherwise, or try later.")
    return Drawn(data, "", *tokens)


def worded(asked: Asked, error: BackendError) -> BackendError:
    """A refusal in words that fit a picture: what was drawn is refused more often than how."""
    if not isinstance(error, Rejected):
        return error
    if _UNWANTED.search(error.words):
        return Unsupported(error.message, "Describe another picture.")
    return Unsupported(error.message, f"Choose another model of {asked.who} that makes pictures.")


def _first(value: Any) -> str:
    """The first picture in what came, as it is written there; "" where there is none."""
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, list):
        return next(filter(None, map(_first, value)), "")
    if not isinstance(value, dict):
        return ""
    names = ("data", "images", "artifacts", "output", *_AS_BYTES, *_AS_LINK)
    return next(filter(None, (_first(value[name]) for name in names if name in value)), "")


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return b""


def _count(usage: Any, name: str) -> int:
    number = usage.get(name) if isinstance(usage, dict) else None
    return number if isinstance(number, int) and not isinstance(number, bool) else 0
