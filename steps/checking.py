"""What is done with a whole reply: JSON is checked, a picture's words stand for it later."""

from collections.abc import AsyncIterator

import orjson

from events import Captioned, Event, JsonChecked
from inference.backend import JsonAnswer
from inference.json_answer import Misfit, checked
from messages import Image, JsonCheck
from steps.course import Course

MAX_CAPTION = 600  # characters of a reply that stand for the picture it is about


def json_wanted(course: Course) -> JsonAnswer | None:
    choices = course.turn.wishes.choices
    if not choices.json:
        return None
    return JsonAnswer(orjson.loads(choices.schema) if choices.schema else None)


async def check_json(course: Course) -> AsyncIterator[Event]:
    if answer := json_wanted(course):
        found = checked(course.exchange.reply.text, answer)
        problems = found.reasons if isinstance(found, Misfit) else ()
        by_schema = answer.schema is not None
        yield JsonChecked(JsonCheck(not problems, problems, by_schema))


async def caption(course: Course) -> AsyncIterator[Event]:
    """What a model that sees has said of a picture stands for it where a model cannot see."""
    shown = any(isinstance(part, Image) for part in course.exchange.said.parts)
    if course.choice.sees and shown:
        yield Captioned(course.exchange.reply.text[:MAX_CAPTION])
