"""What the tools of a turn may touch: each door opens to its owner's things alone."""

import asyncio
from collections.abc import Sequence

from events import Event
from memory.edge import Missing
from memory.lookup import Filter
from messages import Media, Memory
from steps.course import Course
from steps.drawing import Brush
from steps.reading import documents_of, named
from steps.tooling import Surroundings
from tools.around import Page
from tools.router import ToolError

SEARCHED = 8


def around(course: Course) -> Surroundings:
    """For one round of calls."""
    doors, told = _Doors(course), asyncio.Queue[Event | None]()
    return Surroundings(
        doors.search,
        doors.remember,
        doors.forget,
        doors.pages,
        Brush(course, told).draw,
        doors.keep,
        course.turn.owner,
        told,
    )


class _Doors:
    def __init__(self, course: Course) -> None:
        self._course = course
        self._turn = course.turn
        self._recall = course.layers.recall

    async def search(self, words: str) -> Sequence[Memory]:
        self._memory_is_on()
        return await self._recall.recall(self._turn.owner, words, besides=None, limit=SEARCHED)

    async def remember(self, fact: str) -> Memory:
        self._memory_is_on()
        try:
            memory = await self._recall.remember_fact(
                self._turn.owner, self._turn.conversation_id, self._turn.said.id, fact
            )
        except (ValueError, Missing) as error:
            raise ToolError(str(error)) from None
        self._course.remembered.append(memory)
        return memory

    async def forget(self, which: str) -> Sequence[Memory]:
        """By its id; by words only what was told to be remembered, and only where one alone fits."""
        self._memory_is_on()
        owner = self._turn.owner
        try:
            found = [await self._recall.get(owner, which)]
        except Missing:
            told = [
                memory
                for kind in ("fact", "instruction")
                for memory in await self._recall.search(owner, which, sought=Filter(kind=kind))
            ]
            found = [memory for memory in told if not memory.superseded_at]
        if len(found) > 1:
            listed = "; ".join(f"[{memory.id}] {memory.text[:120]}" for memory in found[:SEARCHED])
            raise ToolError(f"More than one memory fits, give the id of one: {listed}")
        for memory in found:
            gone = await self._recall.forget(owner, memory.id)
            self._course.layers.tooling.on_forgotten(owner, gone)
        return found

    async def pages(self, name: str, first: int, last: int) -> Sequence[Page]:
        said = (*self._turn.history, self._course.exchange.said)
        document = named(said, name)
        if document is None:
            there = ", ".join(repr(d.media.name) for d in documents_of(said))
            raise ToolError(f"Attached are: {there}." if there else "No document is attached here.")
        texts = await self._course.layers.documents.pages(
            self._turn.owner, document.media.sha256, first, last
        )
        return [
            Page(document.media.name, number, document.pages, text)
            for number, text in enumerate(texts, start=first)
        ]

    async def keep(self, data: bytes, mime: str, name: str) -> Media:
        return await self._course.layers.media.put(self._turn.owner, data, mime, name)

    def _memory_is_on(self) -> None:
        if not self._turn.wishes.choices.memory:
            raise ToolError("The user has paused memory here.")
