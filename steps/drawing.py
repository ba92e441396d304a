"""Pictures that the provider makes for a tool: whether one may be asked for, and what came of it."""

import asyncio
from dataclasses import replace
from typing import cast

from attachments import BadAttachment, Picture, inspect
from events import Event, RequestSent
from inference.backend import BackendError
from inference.drawing import Drawn, Shape, Wanted, is_picture
from messages import Media, Provenance
from steps.course import Course
from tools.router import ToolError

CAPPED = ("answer", "tool round", "image")
"""What a turn may send to a model again and again, as often as its plan allows."""
MAX_NAME = 120
_PAID = "It was asked for and may be paid for: do not try again unless the user says so."


def spare(course: Course) -> int:
    """Requests that the turn may send besides its answer: tool rounds and pictures share them."""
    about = course.exchange.reply.provenance or Provenance()
    others = sum(request.purpose not in CAPPED for request in about.requests)
    return course.planned.tool_rounds - (course.requests - others)


def can_draw(course: Course) -> bool:
    """Whether the model may be told of it: a picture takes the request that calls for it, and one more."""
    return bool(course.line.provider.image) and spare(course) > 1


class Brush:
    """Draws for the tools of one round. `told` gets the event of each request that went."""

    def __init__(self, course: Course, told: "asyncio.Queue[Event | None]") -> None:
        self._course = course
        self._told = told
        self._about_to = 0

    async def draw(self, prompt: str, shape: str) -> Media:
        """A picture that is kept with its owner's media. Raises ToolError."""
        course = self._course
        line, model = course.line, course.line.provider.image
        if not model:
            raise ToolError("No pictures can be made here.")
        if spare(course) <= self._about_to:
            raise ToolError(
                "Not drawn: what is left of the requests for this turn is kept for the answer."
            )
        self._about_to += 1
        sent: list[RequestSent] = []

        def counted() -> None:
            if not sent:
                self._about_to -= 1
                sent.append(course.request("image", model, line))
                self._told.put_nowait(sent[0])

        wanted = Wanted(prompt, model, cast(Shape, shape))
        try:
            drawn = await line.backend.draw(wanted, course.errand("image"), counted)
        except BackendError as error:
            said = f"No picture was made. {error.message} {error.advice}".strip()
            raise ToolError(f"{said} {_PAID}" if sent else said) from None
        finally:
            self._about_to -= not sent
        if drawn.prompt_tokens:
            self._told.put_nowait(_counted(sent[0], drawn))
        return await self._kept(drawn, prompt)

    async def _kept(self, drawn: Drawn, prompt: str) -> Media:
        """Through the gate that all pictures pass: it is judged by its bytes and made anew."""
        try:
            data = drawn.data or await _fetched(drawn.url)
            if not is_picture(data):
                raise ToolError("What the provider made is no picture.")
            picture = await inspect(data)
        except (ToolError, BadAttachment) as error:
            raise ToolError(f"The picture cannot be shown. {error} {_PAID}") from None
        assert isinstance(picture, Picture)
        name = " ".join(prompt.split())[:MAX_NAME]
        media = self._course.layers.media
        return await media.put(self._course.turn.owner, picture.data, picture.mime, name)


async def _fetched(url: str) -> bytes:
    """A picture that lies at a host of its own: only the public Internet is asked. Raises ToolError."""
    from tools.web.guarded import PICTURES, Fetcher

    found = await Fetcher(kind=PICTURES).fetch(url)
    if found.cut:
        raise ToolError("It is larger than 25 MB.")
    return found.data


def _counted(sent: RequestSent, drawn: Drawn) -> RequestSent:
    asked, answered = drawn.prompt_tokens, drawn.completion_tokens
    request = replace(sent.request, prompt_tokens=asked, completion_tokens=answered)
    return replace(sent, request=request)
