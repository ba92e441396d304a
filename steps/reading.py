"""Attached documents: as a whole where there is room, else the passages that the question asks for."""

import sys
from collections.abc import AsyncIterator, Sequence

from events import Event, Recalled
from memory.edge import Missing
from messages import Document, Media, Memory, Message, Provenance
from steps.course import Course
from steps.seeing import show

SHARE = 0.6
"""Documents take at most that share of the model's window; the rest is for what is said of them."""
PASSAGES_SHARE = 0.3
MOST_PASSAGES = 12_000  # tokens


async def read(course: Course) -> AsyncIterator[Event]:
    """Put texts in the place of documents; `course.history` and `course.said` are as a model sees them."""
    course.history, course.said = tuple(course.turn.history), course.exchange.said
    async for event in show(course):
        yield event
    if not any(documents_of((*course.history, course.said))):
        return
    window = course.choice.window
    spread = await course.layers.documents.spread(
        course.turn.owner, (*course.history, course.said), room_tokens=int(window * SHARE)
    )
    course.history, course.said = spread.messages[:-1], spread.messages[-1]
    if spread.excerpted:
        tokens = min(MOST_PASSAGES, int(window * PASSAGES_SHARE))
        if passages := await _passages(course, spread.excerpted, tokens):
            about = course.exchange.reply.provenance or Provenance()
            yield Recalled((*about.recalled, *passages))


async def _passages(course: Course, excerpted: Sequence[Media], tokens: int) -> list[Memory]:
    owner, conversation_id = course.turn.owner, course.turn.conversation_id
    for media in excerpted:
        if await course.layers.recall.has_passages(owner, conversation_id, media.sha256):
            continue
        try:
            pages = await course.layers.documents.pages(owner, media.sha256, 1, sys.maxsize)
        except Missing:
            continue
        await course.layers.recall.add_passages(owner, conversation_id, media, pages)
    asked = course.exchange.said.text
    return await course.layers.recall.passages(owner, conversation_id, asked, tokens=tokens)


def documents_of(messages: Sequence[Message]) -> list[Document]:
    """Oldest first, each once."""
    found = {p.media.sha256: p for m in messages for p in m.parts if isinstance(p, Document)}
    return list(found.values())


def named(messages: Sequence[Message], name: str) -> Document | None:
    """The newest document of that name, or the newest at all where none is given."""
    for document in reversed(documents_of(messages)):
        if not name or document.media.name.casefold() == name.strip().casefold():
            return document
    return None
