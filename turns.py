"""Running turns: each outlives its tab, is checkpointed, followed by any number of pages, stopped.

A turn is a task of its own. What it yields is kept in memory for those who follow and folded into
the stored reply at least every second or 500 characters, so that a crash loses no more than that.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing, suppress
from dataclasses import dataclass, field, replace
from time import time
from weakref import WeakValueDictionary

from events import Ending, Event, ReasoningDelta, TextDelta, ToolReturned, TurnEnded, TurnStarted
from exchange import Exchange, grow
from memory.conversations import Begun, Conversations, Missing
from memory.storage_faults import StoreFailed
from messages import Fault, Message, Provenance, ToolResult, Wishes, new_id
from steps.answering import unanswered
from steps.choosing import MAX_TOOL_ROUNDS
from steps.course import Turn
from steps.resuming import resumed
from turn_queue import Place, TurnQueue

log = logging.getLogger(__name__)

CHECKPOINT_S = 0.9
CHECKPOINT_CHARS = 500
MOST_REQUESTS = 1 + MAX_TOOL_ROUNDS  # of a turn to the model: the answer, and one more a tool round
NO_WISHES = Wishes()
STORED_AGAIN_S = 1.0  # after what could not be stored
PATIENCE_S = 3.0  # of who stops a turn, or ends Parley, with a store that fails
KEPT_S = 30.0  # an ended turn stays followable for a page that was just reading its row

RunTurn = Callable[[Turn], AsyncGenerator[Event, None]]
Key = tuple[str, str]  # owner, conversation


@dataclass(eq=False)
class _Live:
    """A turn in flight: its events, and the exchange they have made so far."""

    exchange: Exchange
    said: Message  # as it is stored
    began: float = field(default_factory=time)
    moved_at: float = field(default_factory=time)  # when the newest event happened
    events: list[Event] = field(default_factory=list)
    ended: bool = False
    unsaved_chars: int = 0
    unsaved: asyncio.Event = field(default_factory=asyncio.Event)
    much_unsaved: asyncio.Event = field(default_factory=asyncio.Event)
    stored: asyncio.Event = field(default_factory=asyncio.Event)
    trouble: StoreFailed | None = None  # why it could not be stored when that was last tried
    task: asyncio.Task[None] | None = None

    def add(self, event: Event) -> None:
        self.exchange = grow(self.exchange, event)
        self.events.append(event)
        self.moved_at = time()
        self.ended = isinstance(event, TurnEnded)
        if isinstance(event, TextDelta | ReasoningDelta):
            self.unsaved_chars += len(event.text)
        self.unsaved.set()
        if self.ended or self.unsaved_chars >= CHECKPOINT_CHARS:
            self.much_unsaved.set()


class Turns:
    """What begins a turn raises Crowded where there is no place for one more.

    `on_change` is told an owner when one of theirs began, and when it ended and was remembered.
    """

    def __init__(
        self, conversations: Conversations, run_turn: RunTurn, queue: TurnQueue | None = None
    ) -> None:
        self._queue = queue or TurnQueue()
        self._conversations = conversations
        self._run_turn = run_turn
        self._live: dict[Key, _Live] = {}
        self._news: WeakValueDictionary[Key, asyncio.Event] = WeakValueDictionary()
        self._closing = False
        self.on_change: Callable[[str], None] = _nobody_listens

    async def start(
        self,
        owner: str,
        conversation_id: str,
        said: Message,
        wishes: Wishes = NO_WISHES,
        instead_of: str = "",
    ) -> Begun:
        """Store what was said, or another version of it, and begin to answer it.

        `instead_of` is the message whose version it is. Raises Busy, Missing.
        """
        with self._queue.entering(owner, wishes.pool) as place:
            begun = await self._conversations.begin_turn(
                owner, conversation_id, said, _blank_reply(), instead_of
            )
            return self._launch((owner, conversation_id), begun, wishes, place)

    async def retry(
        self,
        owner: str,
        conversation_id: str,
        reply_id: str,
        wishes: Wishes = NO_WISHES,
    ) -> Begun:
        """Answer again what `reply_id` answered. Raises Busy, Missing."""
        with self._queue.entering(owner, wishes.pool) as place:
            begun = await self._conversations.begin_retry(
                owner, conversation_id, reply_id, _blank_reply()
            )
            return self._launch((owner, conversation_id), begun, wishes, place)

    async def resume(
        self,
        owner: str,
        conversation_id: str,
        reply_id: str,
        wishes: Wishes = NO_WISHES,
    ) -> Begun:
        """Let a reply that broke off run on to its end. Raises Busy; Missing where it did not."""
        with self._queue.entering(owner, wishes.pool) as place:
            begun = await self._conversations.begin_again(
                owner, conversation_id, reply_id, _goes_on
            )
            return self._launch((owner, conversation_id), begun, wishes, place)

    def let_go(self, owner: str, conversation_id: str) -> None:
        """A turn that has ended is followed no longer: its branch was left."""
        live = self._live.get((owner, conversation_id))
        if live and live.ended:
            self._drop((owner, conversation_id), live)

    async def stop(self, owner: str, conversation_id: str) -> bool:
        """Cancel the running turn and its backend call; returns when the reply is stored.

        False where none runs here. Raises StoreFailed where the reply cannot be stored for now: that
        is tried for as long as it takes.
        """
        live = self._live.get((owner, conversation_id))
        if live is None or live.task is None or live.stored.is_set():
            return False
        if not live.ended:
            live.task.cancel()
        with suppress(TimeoutError):
            await asyncio.wait_for(live.stored.wait(), PATIENCE_S)
        if live.trouble and not live.stored.is_set():
            raise live.trouble
        await live.stored.wait()
        return True

    async def drop_all(self, owner: str) -> None:
        """Stop every turn of this owner and keep nothing of them."""
        for key in [key for key in self._live if key[0] == owner]:
            await self.stop(*key)
            self._live.pop(key, None)

    async def follow(self, owner: str, conversation_id: str) -> AsyncIterator[tuple[Event, ...]]:
        """Endless batches of events, each turn from its TurnStarted on; the caller sets the pace."""
        key = (owner, conversation_id)
        seen: _Live | None = None
        position = 0
        while True:
            news = self._news.setdefault(key, asyncio.Event())
            current = seen if seen and position < len(seen.events) else self._live.get(key, seen)
            if current is not seen:
                seen, position = current, 0
            if seen and position < len(seen.events):
                batch = seen.events[position:]
                position = len(seen.events)
                yield merged(batch)
            else:
                await news.wait()

    def moved_at(self, owner: str, conversation_id: str) -> float:
        """When the newest event of its turn happened, in seconds since 1970; 0 where none is here."""
        live = self._live.get((owner, conversation_id))
        return live.moved_at if live else 0.0

    async def close(self) -> None:
        """End all turns as interrupted, their replies stored; for an orderly shutdown.

        A store that fails is not waited for: what it held before stays, and is interrupted at the
        next start.
        """
        self._closing = True
        running = [live for live in self._live.values() if live.task and not live.task.done()]
        for live in running:
            if live.task and not live.ended:
                live.task.cancel()
        if running:
            stored = [asyncio.ensure_future(live.stored.wait()) for live in running]
            _, late = await asyncio.wait(stored, timeout=PATIENCE_S)
            for waiting in late:
                waiting.cancel()

    def _launch(self, key: Key, begun: Begun, wishes: Wishes, place: Place) -> Begun:
        live = _Live(Exchange(begun.said, begun.reply), begun.said)
        self._live[key] = live
        live.task = asyncio.create_task(self._run(key, live, wishes, place))
        live.task.add_done_callback(_report)
        live.task.add_done_callback(lambda _: place.leave())
        self.on_change(key[0])
        return begun

    async def _run(self, key: Key, live: _Live, wishes: Wishes, place: Place) -> None:
        owner, conversation_id = key
        checkpoints = asyncio.create_task(self._checkpoint(key, live))
        reason: Ending = "failed"
        fault = Fault("Parley failed inside while answering.", "Retry; the log says what happened.")
        try:
            said, reply = live.exchange.said, live.exchange.reply
            stored = await self._conversations.messages(owner, conversation_id)
            history = [m for m in stored if m.id not in (said.id, reply.id)]
            turn = Turn(owner, conversation_id, said, reply.id, history, wishes, reply)
            async with aclosing(place.in_turn(self._run_turn(turn))) as events:
                async for event in events:
                    self._publish(key, live, self._as_seen(event))
        except asyncio.CancelledError:
            reason = "stopped"
            raise
        except StoreFailed as failed:
            log.exception("A turn could not read or write what it needed")
            fault = Fault(failed.message, failed.advice)
        finally:
            if not live.ended:
                self._end_for_it(key, live, reason, fault)
            try:
                await checkpoints
            finally:
                self.on_change(owner)
                asyncio.get_running_loop().call_later(KEPT_S, self._drop, key, live)

    def _as_seen(self, event: Event) -> Event:
        """A turn that a shutdown cancels was not stopped by its owner."""
        if self._closing and isinstance(event, TurnEnded) and event.reason == "stopped":
            fault = Fault(
                "Parley was shut down in the middle of this reply.", "Retry to answer again."
            )
            return replace(event, reason="interrupted", fault=fault)
        return event

    def _end_for_it(self, key: Key, live: _Live, reason: Ending, fault: Fault) -> None:
        """The turn ended without its last word (cancelled before it began, or a bug): say it for it."""
        said, reply = live.exchange.said, live.exchange.reply
        if not live.events:
            self._publish(key, live, TurnStarted(said, reply.id, reply.at, reply))
        for call in unanswered(live.exchange.reply):
            result = ToolResult(call.call_id, "No result: the turn ended early.", ok=False)
            self._publish(key, live, ToolReturned(result))
        seconds = max(0.0, time() - live.began)  # the clock may have been set back
        ended = TurnEnded(reason, seconds, fault if reason == "failed" else None)
        self._publish(key, live, self._as_seen(ended))

    def _publish(self, key: Key, live: _Live, event: Event) -> None:
        live.add(event)
        if news := self._news.pop(key, None):
            news.set()

    async def _checkpoint(self, key: Key, live: _Live) -> None:
        """The only writer of a running reply; ends with the turn."""
        try:
            while not live.ended or live.unsaved.is_set():
                await live.unsaved.wait()
                with suppress(TimeoutError):
                    await asyncio.wait_for(live.much_unsaved.wait(), CHECKPOINT_S)
                await self._save(key, live)
        finally:
            live.stored.set()

    async def _save(self, key: Key, live: _Live) -> None:
        live.unsaved.clear()
        live.much_unsaved.clear()
        live.unsaved_chars = 0
        owner, conversation_id = key
        said, reply = live.exchange.said, live.exchange.reply
        # What was said stands there since before the turn: it is stored again only where it changed.
        changed = (reply,) if said is live.said else (said, reply)
        try:
            await self._conversations.save(owner, conversation_id, *changed)
            live.trouble = None
        except StoreFailed as failed:
            if live.trouble is None:
                log.exception("A reply cannot be stored, and is kept in memory until it can")
            live.trouble = failed
            live.unsaved.set()
            await asyncio.sleep(STORED_AGAIN_S)

    def _drop(self, key: Key, live: _Live) -> None:
        if self._live.get(key) is live:
            del self._live[key]


def merged(events: list[Event]) -> tuple[Event, ...]:
    """The same events with neighbouring deltas of one kind joined."""
    joined: list[Event] = []
    for event in events:
        last = joined[-1] if joined else None
        if isinstance(event, TextDelta) and isinstance(last, TextDelta):
            joined[-1] = TextDelta(last.text + event.text)
        elif isinstance(event, ReasoningDelta) and isinstance(last, ReasoningDelta):
            joined[-1] = ReasoningDelta(last.text + event.text)
        else:
            joined.append(event)
    return tuple(joined)


def _blank_reply() -> Message:
    return Message(new_id(), "assistant", (), time(), status="running", provenance=Provenance())


def _goes_on(reply: Message) -> Message:
    if not reply.broke_off:
        raise Missing("This reply is whole.")
    return resumed(reply)


def _nobody_listens(_owner: str) -> None:
    pass


def _report(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (error := task.exception()):
        log.error("a turn failed", exc_info=error)
