"""Who answers, with which model, and what the budget still allows."""

from collections.abc import AsyncIterator
from dataclasses import replace

from events import Event, ModelChosen, Planned
from inference.models import Needs, choose
from inference.turn_plan import plan
from memory.context import estimate_message
from messages import Document, Image, Message
from steps.course import Course, Models
from steps.hearing import unheard

MAX_TOOL_ROUNDS = 6
SEEN_AGAIN = 4  # messages before this one whose pictures still ask for eyes: two turns


async def choose_line(course: Course) -> AsyncIterator[Event]:
    """Whom to ask, and what the budget still allows."""
    choices = course.turn.wishes.choices
    lines = course.lines
    course.line = lines.line(choices.provider) if choices.provider else lines.lines()[0]
    asked = choices.model or course.line.model_for("chat")
    left = await course.layers.ledger.left(course.line.provider.name, asked)
    course.planned = plan(
        left.left,
        speak=course.turn.wishes.speak,
        recordings=len(unheard(course.turn.said)),
        local_senses=lines.has("offline"),
        most_rounds=MAX_TOOL_ROUNDS,
    )
    if course.planned.note:
        yield Planned(course.planned.note)


async def choose_model(course: Course) -> AsyncIterator[Event]:
    """By what the turn needs, among what is offered."""
    provider, models, choices = (
        course.line.provider,
        _chosen_models(course),
        course.turn.wishes.choices,
    )
    measures = course.layers.calibrations.measures
    needs = Needs(
        images=_shows_pictures(course, models),
        tools=bool(course.layers.tooling.router.tools),
        tokens=measures.tokens(course.turn.history) + estimate_message(course.exchange.said),
        json=choices.json,
    )
    course.choice = choose(
        provider,
        needs,
        chat=models.chat or None,
        vision=models.vision or None,
        pin=choices.model or None,
        offered=course.line.models,
    )
    yield ModelChosen(provider.label, course.choice.model, course.choice.why)


def pictures(message: Message) -> bool:
    return any(isinstance(part, Image) for part in message.parts)


def scans(message: Message) -> bool:
    return any(isinstance(part, Document) and part.views for part in message.parts)


def _chosen_models(course: Course) -> Models:
    """The operator's names are those of the first line's provider; elsewhere they mean nothing. The
    owner's own choice goes before them."""
    first, name = course.layers.lines.lines()[0].provider.name, course.line.provider.name
    models = course.layers.models if name == first else Models()
    for pick in course.turn.wishes.choices.picks:
        if pick.sense == "images" and pick.provider == name:
            models = replace(models, vision=pick.model)
    return models


def _shows_pictures(course: Course, models: Models) -> bool:
    """A picture of the last two turns still asks for eyes, where there are any; so do scanned pages,
    which can be read by machine where there are none."""
    eyes = models.vision or course.line.provider.vision
    said = course.exchange.said
    earlier = any(pictures(m) or scans(m) for m in course.turn.history[-SEEN_AGAIN:])
    return pictures(said) or bool(eyes and (earlier or scans(said)))
