"""All pictures of a conversation, those that were attached and those that tools drew."""

import re
from collections.abc import Iterator, Sequence
from typing import Annotated

from fastapi import APIRouter, Path, Request
from fastapi.responses import JSONResponse

from assistant import Assistant
from components.icons import icon
from components.words import say
from messages import Image, Media, Message, ToolResult

LONGEST_ALT = 160
_MOST_MESSAGES = 10_000
_MARKS = re.compile(r"[*_`#>|]+|\[([^\]]*)\]\([^)]*\)")


def button() -> str:
    """It is shown once there is a picture (static/gallery.js)."""
    name = say("Pictures of this conversation")
    return (
        '<button type="button" class="quiet" id="parley-pictures" data-do="gallery" '
        f'aria-haspopup="dialog" aria-label="{name}" '
        f'title="{name}" hidden>{icon("image")}</button>'
    )


def alt_of(image: Image) -> str:
    """What it shows, as far as a model has said so; else its name."""
    words = " ".join(_MARKS.sub(r"\1", image.caption).split())
    if len(words) > LONGEST_ALT:
        words = words[:LONGEST_ALT].rsplit(" ", 1)[0] + "…"
    return words or image.media.name or say("Picture")


def gallery_routes(assistant: Assistant) -> APIRouter:
    router = APIRouter()

    @router.get("/parley/pictures/{conversation}", include_in_schema=False)
    async def pictures(
        request: Request, conversation: Annotated[str, Path(pattern="^[0-9a-f]{32}$")]
    ) -> JSONResponse:
        owner = request.state.owner
        found = await assistant.at(owner, conversation).open(
            owner, conversation, limit=_MOST_MESSAGES
        )
        return JSONResponse(pictures_of(found.messages), headers={"cache-control": "no-store"})

    return router


def pictures_of(messages: Sequence[Message]) -> list[dict[str, str]]:
    """Oldest first, each with the message it stands in; one that was shown twice is there twice."""
    return [
        {"src": f"/parley/media/{media.sha256}", "alt": alt, "message": message.id}
        | {"by": say("You") if message.role == "user" else "Parley"}
        for message in messages
        for media, alt in _in(message)
    ]


def _in(message: Message) -> Iterator[tuple[Media, str]]:
    for part in message.parts:
        if isinstance(part, Image):
            yield part.media, alt_of(part)
        elif isinstance(part, ToolResult):
            yield from ((media, media.name or say("Picture")) for media in part.pictures)
