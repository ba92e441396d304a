"""The single handler: one turn, whatever it was said with. The program on one page.

Audio is transcribed, memory recalled, a model chosen, the context fitted, tools run, the reply
streamed, spoken meanwhile if asked for, checked, and remembered. Yields the events of `events.py`.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from time import monotonic, time

from events import Ending, Event, ToolReturned, TurnEnded, TurnStarted, Unsent
from inference.backend import BackendError, Interrupted
from memory.context import ContextTooSmall
from memory.storage_faults import StoreFailed
from messages import Fault, ToolResult
from steps.answering import answer, unanswered
from steps.checking import caption, check_json
from steps.choosing import choose_line, choose_model
from steps.course import Course, Layers, Turn
from steps.fitting import fit_window, summarise_earlier_part
from steps.hearing import transcribe
from steps.picturing import picture, wanted_picture
from steps.reading import read
from steps.remembering import note, recall, remember
from steps.speaking import aloud, kept, speak

STEPS: tuple[Callable[[Course], AsyncIterator[Event]], ...] = (
    choose_line,
    transcribe,
    note,
    choose_model,
    recall,
    read,
    fit_window,
    aloud(answer),
    check_json,
    caption,
    speak,
)

DRAWING: tuple[Callable[[Course], AsyncIterator[Event]], ...] = (choose_line, picture)
"""Where nothing but a picture is asked for."""


async def run_turn(turn: Turn, layers: Layers) -> AsyncGenerator[Event, None]:
    """Run one turn and yield what happens.

    Cancelling the task that pulls stops the turn: open calls are answered and TurnEnded is still
    yielded, then the iterator ends. Errors of a backend are data in TurnEnded; bugs raise.
    """
    started = monotonic()
    opening = TurnStarted(turn.said, turn.reply_id, time(), turn.reply)
    yield opening
    course = Course(turn, layers, opening)
    reason: Ending = "done"
    fault: Fault | None = None
    try:
        try:
            for step in DRAWING if wanted_picture(turn.said) else STEPS:
                async for event in step(course):
                    course.grow(event)
                    yield event
            fault = course.shortcoming
        except asyncio.CancelledError:
            reason = "stopped"
        except Interrupted as error:
            reason, fault = "interrupted", Fault(error.message, error.advice)
        except BackendError as error:
            reason, fault = "failed", Fault(error.message, error.advice)
            if not error.sent:
                yield Unsent(course.asked)
        except StoreFailed as error:
            reason, fault = "failed", Fault(error.message, error.advice)
        except ContextTooSmall as error:
            advice = "Shorten the message, or choose a model with a larger window."
            reason, fault = "failed", Fault(str(error), advice)
        for call in unanswered(course.exchange.reply):
            yield ToolReturned(
                ToolResult(call.call_id, f"No result: the turn was {reason}.", ok=False)
            )
        async for event in kept(course):
            course.grow(event)
            yield event
        ended = TurnEnded(reason, monotonic() - started, fault)
        course.grow(ended)
        yield ended
    finally:
        if course.voice:
            await course.voice.hush()
    await remember(course)


async def summarise(turn: Turn, layers: Layers) -> None:
    """Put a summary in the place of the earlier part of the conversation: 1 request.

    Of `turn` nothing is said. Raises BackendError.
    """
    course = Course(turn, layers, TurnStarted(turn.said, turn.reply_id, time()))
    for step in (choose_line, choose_model, read):
        async for event in step(course):
            course.grow(event)
    await summarise_earlier_part(course)
