"""Says what a picture holds as far as it can be known without a model."""

import re
from collections.abc import Awaitable, Callable

from inference.offline.errors import ApiError
from inference.offline.faculties import Read
from inference.offline.pictures import Picture
from inference.offline.question import Question, Say

ReadText = Callable[[Picture], Awaitable[Read]]

NO_MODEL = (
    "I cannot tell what it shows: that takes a vision model. "
    "To connect one, set `OXLO_API_KEY` or `PARLEY_BASE_URL`, or start Ollama."
)


async def seen(question: Question, read: ReadText) -> Say:
    parts = []
    for number, picture in enumerate(question.pictures, start=1):
        which = f"picture {number}" if len(question.pictures) > 1 else "the picture"
        parts.append(await _described(picture, which, read))
    return Say(
        "\n\n".join(
            [*parts, NO_MODEL if len(parts) == 1 else NO_MODEL.replace("it shows", "they show")]
        )
    )


async def _described(picture: Picture, which: str, read: ReadText) -> str:
    about = _about(picture)
    try:
        found = await read(picture)
    except ApiError as error:
        return f"{which.capitalize()} is {about}. Its text was not read: {error.message}"
    missing = f" {found.admission}" if found.unread else ""
    if not found.text and found.unread:
        return f"I see writing in {which}, but{missing} It is {about}."
    if not found.text:
        return f"I found no text in {which}. It is {about}."
    sideways = f" (turned by {found.turned}°)" if found.turned else ""
    return f"I read this in {which}{sideways}:\n\n{_fenced(found.text)}\n\nIt is {about}.{missing}"


def _about(picture: Picture) -> str:
    """Such as: a landscape PNG of 900 × 300 pixels, mostly white and navy."""
    colours = " and ".join(picture.colours) if picture.colours else "many colours"
    return (
        f"a {picture.orientation} {picture.format} of {picture.width} × {picture.height} pixels, "
        f"mostly {colours}"
    )


def _fenced(text: str) -> str:
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}text\n{text}\n{fence}"
