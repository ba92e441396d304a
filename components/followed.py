"""The turn that a page follows: its events folded, and what the page must change after them."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Protocol

from components.patch import Drawn, Frame
from events import Event, TurnStarted
from exchange import Exchange, begin, grow
from messages import Message


class Crowd(Protocol):
    """`growing` counts the replies that grow just now on all pages."""

    growing: int


class Turn:
    """The turn that a page follows: its events folded, and what the page shows of it.

    `shown` is what the page has from the store. What was changed there since the turn (forgotten,
    pinned) its events do not know: they add nothing to a reply that is whole already. `forgotten`
    grows while the page is open: one that was recalled or told in this turn is not shown again.
    """

    def __init__(
        self, crowd: Crowd, shown: Sequence[Message] = (), forgotten: Collection[str] = ()
    ) -> None:
        self._crowd = crowd
        self._forgotten = forgotten
        self._shown = {message.id: message for message in shown}
        self._pinned = {message.id for message in shown if message.pinned}
        self._exchange: Exchange | None = None
        self._drawn = Drawn()
        self._counted = 0

    @property
    def growing(self) -> bool:
        return bool(self._counted)

    @property
    def speaks(self) -> bool:
        """Whether the reply has words already, or is whole."""
        if self._exchange is None:
            return True
        reply = self._exchange.reply
        return reply.status != "running" or bool(reply.parts)

    def after(self, events: Sequence[Event]) -> list[Frame]:
        """What the page must change after these events."""
        for event in events:
            if isinstance(event, TurnStarted):
                pinned = event.said.id in self._pinned or event.said.pinned
                event = replace(event, said=replace(event.said, pinned=pinned))
                self._exchange, self._drawn = begin(event), Drawn()
            elif self._exchange is not None:
                self._exchange = grow(self._exchange, event)
        if self._exchange is None:
            return []
        self._count(int(self._exchange.reply.status == "running"))
        changes = self._drawn.update(_without(self._exchange, self._forgotten))
        reply = self._exchange.reply
        known = self._shown.pop(reply.id, None)
        if known and known.parts == reply.parts and known.status == reply.status != "running":
            self._shown[reply.id] = known
            return []
        return changes

    def leave(self) -> None:
        self._count(0)

    def _count(self, growing: int) -> None:
        self._crowd.growing += growing - self._counted
        self._counted = growing


def _without(exchange: Exchange, forgotten: Collection[str]) -> Exchange:
    """The exchange as its reply says it now, without what was forgotten since."""
    about = exchange.reply.provenance
    if about is None or not forgotten:
        return exchange
    recalled = tuple(one for one in about.recalled if one.id not in forgotten)
    remembered = tuple(one for one in about.remembered if one.id not in forgotten)
    about = replace(about, recalled=recalled, remembered=remembered)
    return replace(exchange, reply=replace(exchange.reply, provenance=about))


def by_turn(batch: Sequence[Event]) -> list[list[Event]]:
    """A batch cut where a turn begins."""
    parts: list[list[Event]] = []
    for event in batch:
        if not parts or isinstance(event, TurnStarted):
            parts.append([])
        parts[-1].append(event)
    return parts
