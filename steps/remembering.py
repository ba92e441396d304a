"""What was said before, found again; and what is said now, kept."""

from collections.abc import AsyncIterator

from events import Event, Recalled
from messages import Message
from steps.course import Course


async def recall(course: Course) -> AsyncIterator[Event]:
    words = course.exchange.said.text
    if words:
        found = await course.layers.recall.recall(
            course.turn.owner, words, besides=course.turn.conversation_id
        )
        if found:
            yield Recalled(tuple(found))


async def remember(course: Course) -> None:
    """Keep the words of both sides; the offline engine's own words are not worth recalling."""
    kept: list[Message] = [course.exchange.said]
    chosen = hasattr(course, "choice")
    if course.exchange.reply.text and chosen and not course.line.provider.offline:
        kept.append(course.exchange.reply)
    await course.layers.recall.remember(course.turn.owner, course.turn.conversation_id, kept)
