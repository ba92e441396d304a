"""A message that asks for a picture and nothing else: `/image a lighthouse in the snow`.

No model is asked first what to draw, so it costs the one request that draws.
"""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from dataclasses import replace
from time import monotonic

from events import Event, ModelChosen, ToolCalled, ToolReturned
from inference.backend import BackendError
from messages import Message, ToolCall, ToolResult, new_id
from steps.course import Course
from steps.drawing import Brush
from tools.router import ToolError

_ASKED = re.compile(r"/image\s+(\S.*)", re.DOTALL)


def wanted_picture(said: Message) -> str:
    """What it is to show; "" where the message is none of this kind."""
    found = _ASKED.fullmatch(said.text.strip())
    return found[1] if found else ""


async def picture(course: Course) -> AsyncIterator[Event]:
    prompt, provider = wanted_picture(course.exchange.said), course.line.provider
    if not provider.image:
        raise BackendError(
            "Nothing that is connected draws pictures.",
            "Connect a provider that does, or set PARLEY_IMAGE_MODEL.",
        )
    # No answer follows for which a request must be kept.
    course.planned = replace(course.planned, tool_rounds=max(1, course.planned.tool_rounds))
    yield ModelChosen(provider.label, provider.image, "draws what you asked for")
    call = ToolCall(new_id(), "make_image", json.dumps({"prompt": prompt}, ensure_ascii=False))
    yield ToolCalled(call)
    began = monotonic()
    told: asyncio.Queue[Event | None] = asyncio.Queue()
    drawing = asyncio.ensure_future(Brush(course, told).draw(prompt, "any"))
    drawing.add_done_callback(lambda _: told.put_nowait(None))
    try:
        while (event := await told.get()) is not None:
            yield event
        media = await drawing
        result = ToolResult(call.call_id, "Drawn and shown.", pictures=(media,))
    except ToolError as error:
        result = ToolResult(call.call_id, str(error), ok=False)
    finally:
        drawing.cancel()
    elapsed = monotonic() - began
    yield ToolReturned(replace(result, seconds=elapsed))
    if not result.ok:
        raise BackendError("No picture was made.", "The card says why. Retry, or describe it anew.")
