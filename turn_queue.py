"""Who is answered now and who waits: one running reply and one waiting for each stranger, so many for
a network and for all, and in turn.

Requests are counted elsewhere (inference/budget.py). This keeps one who floods from filling the house:
whoever has the fewest replies running comes first.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing, contextmanager
from dataclasses import dataclass

from events import Event, Waiting
from refusals import Refused

_YOURS = "Waiting for your other reply to end."
_OTHERS = "Waiting for others' replies to end."


class Crowded(Refused):
    """Nothing was stored and nothing sent: there are as many replies on their way as may be."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """Replies at once. A stranger is who shares a budget with a network (`pool`); others are users,
    and who sits at the machine itself."""

    running: int = 128
    waiting: int = 64
    of_a_stranger: int = 1
    of_a_user: int = 8


class TurnQueue:
    def __init__(self, bounds: Bounds | None = None) -> None:
        self._bounds = bounds or Bounds()
        self._number = 0
        self._present: Counter[str] = Counter()  # running, waiting and being stored, by owner
        self._of_share: Counter[str] = Counter()  # the same, by network
        self._running: Counter[str] = Counter()
        self._share_runs: Counter[str] = Counter()
        self._waiting: dict[int, Place] = {}

    @contextmanager
    def entering(self, owner: str, pool: str) -> Iterator["Place"]:
        """A place from now on; it is given up where the block fails. Raises Crowded."""
        self._check(owner, pool)
        self._number += 1
        place = Place(self, owner, pool, self._number)
        self._present[owner] += 1
        self._of_share[place.share] += 1
        try:
            yield place
        except BaseException:
            place.leave()
            raise

    def wait(self, place: "Place") -> None:
        self._waiting[place.number] = place
        self._let_in()

    def leave(self, place: "Place") -> None:
        self._waiting.pop(place.number, None)
        counts = [(self._present, place.owner), (self._of_share, place.share)]
        if place.let_in.is_set():
            counts += [(self._running, place.owner), (self._share_runs, place.share)]
        for count, key in counts:
            count[key] -= 1
            if not count[key]:
                del count[key]
        self._let_in()

    def why(self, place: "Place") -> str:
        return _YOURS if self._running[place.owner] else _OTHERS

    def _check(self, owner: str, pool: str) -> None:
        bounds, own = self._bounds, self._of_one(pool)
        if self._present[owner] >= 2 * own:
            raise Crowded(
                "Your last message still waits to be answered."
                if own == 1
                else f"{2 * own} of your replies are on their way already.",
                "Wait until it is its turn, or stop a reply.",
            )
        most, of_a_network = bounds.running + bounds.waiting, self._of_network()
        if self._present.total() >= most or self._of_share[pool] >= 2 * of_a_network:
            raise Crowded("Parley is answering as many as it can.", "Try again in a minute.")

    def _of_one(self, pool: str) -> int:
        return self._bounds.of_a_stranger if pool else self._bounds.of_a_user

    def _of_network(self) -> int:
        """A quarter: a school behind one address has room, and cannot take all of it."""
        return max(1, self._bounds.running // 4)

    def _let_in(self) -> None:
        """As many as there is room for: those whose network has the fewest running, then the oldest."""
        while self._running.total() < self._bounds.running:
            may = [place for place in self._waiting.values() if self._may_run(place)]
            if not may:
                return
            place = min(may, key=lambda each: (self._share_runs[each.share], each.number))
            del self._waiting[place.number]
            self._running[place.owner] += 1
            self._share_runs[place.share] += 1
            place.let_in.set()

    def _may_run(self, place: "Place") -> bool:
        room = self._share_runs[place.share] < self._of_network()
        return room and self._running[place.owner] < self._of_one(place.pool)


class Place:
    """One reply's, from before its message is stored until after its end."""

    def __init__(self, queue: TurnQueue, owner: str, pool: str, number: int) -> None:
        self.owner = owner
        self.pool = pool
        self.share = pool or f"user {owner}"
        self.number = number
        self.let_in = asyncio.Event()
        self._queue = queue
        self._left = False

    async def in_turn(self, events: AsyncGenerator[Event, None]) -> AsyncGenerator[Event, None]:
        """The same events, all but the first of them once it is this one's turn."""
        async with aclosing(events):
            async for event in events:
                yield event
                if not self.let_in.is_set():
                    self._queue.wait(self)
                    if not self.let_in.is_set():
                        yield Waiting(self._queue.why(self), 0)
                        await self.let_in.wait()

    def leave(self) -> None:
        if not self._left:
            self._left = True
            self._queue.leave(self)
