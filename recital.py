"""A reply read out when it is asked for: its sound is kept with it, and never paid for twice."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from time import time

from events import Event, TurnStarted, Voicing
from exchange import Exchange, grow
from inference.turn_plan import plan
from lineup import refusing
from memory.conversations import Conversations
from messages import Fault, Message, Provenance, Text, ToolResult, Wishes, new_id
from refusals import NotFound, Refused
from steps.course import Course, Layers, Turn
from steps.speaking import JSON, kept, read_out

log = logging.getLogger(__name__)

_LOOKS, _LOOK_S = 20, 0.05

Wished = Callable[[str, str, bool, str], Awaitable[Wishes]]


class Recitals:
    """One reading of a reply at a time; it goes on where nobody follows it any more.

    The owner comes first, always. `wishes` are those of an owner in a conversation, as the assistant
    knows them.
    """

    def __init__(self, layers: Layers, conversations: Conversations, wishes: Wished) -> None:
        self._layers = layers
        self._conversations = conversations
        self._wishes = wishes
        self._running: dict[tuple[str, str], _Recital] = {}

    async def follow(
        self, owner: str, conversation_id: str, reply_id: str, pool: str = ""
    ) -> AsyncIterator[Message]:
        """The reply as its sound comes. At most what a spoken reply costs, and nothing where it was
        read out before. Raises Refused; in the end, too, where it could not be read to its end.
        """
        recital = self._running.get((owner, reply_id))
        if recital is None:
            reply = await self._found(owner, conversation_id, reply_id)
            if reply.provenance and reply.provenance.spoken:
                yield reply
                return
            words = _words(reply)
            with refusing():
                course = await self._course(owner, conversation_id, reply, pool)
            # Whoever asked at the same moment is followed instead.
            recital = self._running.get((owner, reply_id)) or self._begin(course, reply, words)
        async for message in recital.follow():
            yield message
        if recital.fault:
            raise Refused(recital.fault.message, recital.fault.advice)

    async def drop_all(self, owner: str) -> None:
        """End every reading of this owner."""
        await _end([one for key, one in self._running.items() if key[0] == owner])

    async def close(self) -> None:
        """End them all; what was spoken until now is kept."""
        await _end(list(self._running.values()))

    async def _found(self, owner: str, conversation_id: str, reply_id: str) -> Message:
        found = await self._stored(owner, conversation_id, reply_id)
        for _ in range(_LOOKS):  # a reply ends a moment before it is stored
            if found.status != "running":
                break
            await asyncio.sleep(_LOOK_S)
            found = await self._stored(owner, conversation_id, reply_id)
        else:
            raise Refused("This reply is still being written.", "Wait for its end.")
        if found.provenance and found.provenance.json:
            raise Refused(JSON)
        if not _words(found):
            raise Refused("There is nothing in this reply to read out.")
        return found

    async def _stored(self, owner: str, conversation_id: str, reply_id: str) -> Message:
        with refusing():
            shown = await self._conversations.messages(owner, conversation_id)
        found = next((m for m in shown if m.id == reply_id and m.role == "assistant"), None)
        if found is None:
            raise NotFound("This reply is not here any more.", "Reload the page.")
        return found

    async def _course(self, owner: str, conversation_id: str, reply: Message, pool: str) -> Course:
        wishes = await self._wishes(owner, conversation_id, True, pool)
        wishes = replace(wishes, choices=replace(wishes.choices, json=False))
        nothing = Message(new_id(), "user", (), time())
        turn = Turn(owner, conversation_id, nothing, reply.id, (), wishes)
        course = Course(turn, self._layers, TurnStarted(nothing, reply.id, reply.at))
        course.requests = len(reply.provenance.requests) if reply.provenance else 0
        line = course.lines.for_sense("speech")
        left = await self._layers.ledger.left(line.provider.name, line.model_for("speech"))
        local = course.lines.has("offline")
        course.planned = plan(left.left, speak=True, local_senses=local, most_rounds=0)
        return course

    def _begin(self, course: Course, reply: Message, words: str) -> "_Recital":
        key = (course.turn.owner, reply.id)
        recital = self._running[key] = _Recital(reply)
        recital.task = asyncio.create_task(self._run(course, recital, words))
        recital.task.add_done_callback(lambda _: self._running.pop(key, None))
        return recital

    async def _run(self, course: Course, recital: "_Recital", words: str) -> None:
        try:
            async for event in read_out(course, words):
                recital.grow(event)
            recital.fault = course.shortcoming
        except asyncio.CancelledError:
            async for event in kept(course):
                recital.grow(event)
            recital.grow(Voicing(0.0))
        except Exception:
            log.exception("A reply could not be read out")
            recital.fault = Fault("Parley failed inside while speaking.", "The log says more.")
        finally:
            try:
                await self._store(course.turn, recital)
            finally:
                recital.end()

    async def _store(self, turn: Turn, recital: "_Recital") -> None:
        await self._conversations.save(turn.owner, turn.conversation_id, recital.reply)
        if recital.reply.provenance and (sound := recital.reply.provenance.spoken):
            # Kept by the reply, unless that was deleted meanwhile.
            await self._layers.media.disown(turn.owner, [sound.sha256])


class _Recital:
    """A reading on its way: the reply as far as it has come."""

    def __init__(self, reply: Message) -> None:
        self.fault: Fault | None = None
        self.task: asyncio.Task[None] | None = None
        self.reply = _unspoken(reply)
        self._ended = False
        self._news = asyncio.Event()

    def grow(self, event: Event) -> None:
        self.reply = grow(Exchange(self.reply, self.reply), event).reply
        self._tell()

    def end(self) -> None:
        self._ended = True
        self._tell()

    async def follow(self) -> AsyncIterator[Message]:
        while True:
            news, ended = self._news, self._ended
            yield self.reply
            if ended:
                return
            await news.wait()

    def _tell(self) -> None:
        self._news.set()
        self._news = asyncio.Event()


def _words(reply: Message) -> str:
    """What it says in the end: not what was written before tools ran, where more came after them."""
    parts = reply.parts
    last = max((n for n, part in enumerate(parts) if isinstance(part, ToolResult)), default=-1)
    texts = [part.text for part in parts[last + 1 :] if isinstance(part, Text)]
    return ("\n\n".join(texts) or reply.text).strip()


def _unspoken(reply: Message) -> Message:
    """Without what an earlier attempt has left."""
    about = reply.provenance or Provenance()
    about = replace(about, pieces=(), unvoiced="", voice_note="")
    return replace(reply, provenance=about)


async def _end(recitals: list[_Recital]) -> None:
    tasks = [one.task for one in recitals if one.task]
    for task in tasks:
        task.cancel()
    if tasks:
        await asyncio.wait(tasks)
