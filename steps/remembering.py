"""What was said before, found again; and what is said now, kept."""

from collections.abc import AsyncIterator

from events import Event, Recalled, Remembered
from messages import Message
from steps.course import Course

LEAST_TOKENS, MOST_TOKENS = 500, 8_000
SHARE = 0.25
"""What is recalled takes at most so many tokens, and that share of the model's window."""


async def note(course: Course) -> AsyncIterator[Event]:
    """Facts and standing wishes in the user's own words are kept, and shown, before the answer."""
    turn = course.turn
    if turn.wishes.choices.memory:
        noted = await course.layers.recall.note(
            turn.owner, turn.conversation_id, course.exchange.said
        )
        if noted:
            yield Remembered(tuple(noted))


async def recall(course: Course) -> AsyncIterator[Event]:
    """What is always sent, and what this question brings up."""
    turn, words = course.turn, course.exchange.said.text
    if not turn.wishes.choices.memory:
        return
    memory = course.layers.recall
    found = await memory.instructions(turn.owner)
    if words:
        room = min(MOST_TOKENS, max(LEAST_TOKENS, int(course.choice.window * SHARE)))
        found += await memory.recall(turn.owner, words, besides=turn.conversation_id, tokens=room)
    if found:
        yield Recalled(tuple(found))


async def remember(course: Course) -> None:
    """Keep the words of both sides; the offline engine's own words are not worth recalling."""
    turn = course.turn
    if not turn.wishes.choices.memory:
        return
    kept: list[Message] = [course.exchange.said]
    if course.exchange.reply.text and course.answered_by_a_model:
        kept.append(course.exchange.reply)
    await course.layers.recall.remember(turn.owner, turn.conversation_id, kept)
