"""A conversation's history as it may be sent: measured, and cut only between whole exchanges."""

from bisect import bisect_left
from collections.abc import Callable, Sequence
from operator import attrgetter

import numpy as np

from memory.measures import CHUNK, Measures
from memory.tokens import KINDS, Features
from messages import Message

_PARTS = attrgetter("parts")
_STATUS = attrgetter("status")
_PINNED = attrgetter("pinned")


class Talk:
    """What of `history` can be sent at all, oldest first: not what is running or says nothing.

    An exchange is a user's message with the replies to it, so that no call is parted from its
    result. Its first place is a cut: from there on all goes along, and of what is before, only
    exchanges with a pinned message. Of a long history only the newest part is looked at, up to where
    it is more than `enough`.
    """

    def __init__(
        self,
        history: Sequence[Message],
        measures: Measures,
        sees: bool,
        enough: Callable[[Features], bool] | None = None,
    ) -> None:
        self.messages = _sendable(history)
        size = len(self.messages)
        pinned = any(map(_PINNED, self.messages))
        rows, users = [], []
        self._sums: list[Features] = [np.zeros(len(KINDS))]
        self.start = size
        while self.start > 0:
            first = (self.start - 1) // CHUNK * CHUNK
            chunk = measures.of(self.messages[first : self.start], sees)
            rows.append(chunk.rows)
            users.append(chunk.users + first)
            self._sums.append(self._sums[-1] + chunk.total)
            self.start = first
            if enough and not pinned and enough(self._sums[-1]):
                break
        self._sums.reverse()
        self._features = np.concatenate(rows[::-1]) if rows else np.zeros((0, len(KINDS)))
        self.cuts: list[int] = [*(np.concatenate(users[::-1]).tolist() if users else ()), size]
        """Where the sent part may begin; the last one sends nothing."""
        self._pinned = self._pinned_exchanges() if pinned else []

    def __len__(self) -> int:
        return len(self.messages)

    def cut_after(self, message_id: str) -> int | None:
        """The first cut after the message; None if it is not there."""
        place = self.place(message_id)
        return None if place is None else self.cuts[bisect_left(self.cuts, place + 1)]

    def cut_at(self, message_id: str) -> int | None:
        """The cut that begins with the message; None if there is none."""
        place = self.place(message_id)
        return place if place in self.cuts else None

    def place(self, message_id: str) -> int | None:
        """Mostly it is near the end."""
        if not message_id:
            return None
        back = next((n for n, m in enumerate(reversed(self.messages), 1) if m.id == message_id), 0)
        return len(self.messages) - back if back else None

    def from_cut(self, cut: int) -> Features:
        """Of the messages from there on."""
        chunk = -(-cut // CHUNK)
        end = min(chunk * CHUNK, len(self.messages))
        return (
            self._sum(cut, end) + self._sums[min(chunk - self.start // CHUNK, len(self._sums) - 1)]
        )

    def between(self, first: int, end: int) -> Features:
        if end - first < CHUNK:
            return self._sum(first, end)
        return self.from_cut(first) - self.from_cut(end)

    def _sum(self, first: int, end: int) -> Features:
        found: Features = self._features[first - self.start : end - self.start].sum(
            axis=0, dtype=np.float64
        )
        return found

    def features(self, cut: int) -> Features:
        """Of all that is sent with that cut."""
        kept = [self.between(start, end) for start, end in self._pinned if end <= cut]
        found: Features = np.sum([self.from_cut(cut), *kept], axis=0)
        return found

    def sent(self, cut: int) -> tuple[Message, ...]:
        early = [self.messages[start:end] for start, end in self._pinned if end <= cut]
        return (*(m for exchange in early for m in exchange), *self.messages[cut:])

    def unsent(self, cut: int, before: int) -> int:
        """How many of the messages `before` a place are not sent with that cut."""
        early = [(start, end) for start, end in self._pinned if end <= cut]
        kept = sum(max(0, min(end, before) - start) for start, end in early)
        return min(cut, before) - kept

    def unpin_oldest(self) -> bool:
        """Let go of the exchange that was pinned longest ago; False if there is none."""
        if self._pinned:
            del self._pinned[0]
            return True
        return False

    def _pinned_exchanges(self) -> list[tuple[int, int]]:
        pinned = [place for place, m in enumerate(self.messages) if m.pinned]
        found: dict[int, int] = {}
        for place in pinned:
            number = bisect_left(self.cuts, place + 1)
            if number:
                found[self.cuts[number - 1]] = self.cuts[number]
        return sorted(found.items())


def _sendable(history: Sequence[Message]) -> Sequence[Message]:
    # Looked at first without a loop of ours: nearly always all can be sent.
    if all(map(_PARTS, history)) and "running" not in map(_STATUS, history):
        return history
    return [m for m in history if m.parts and m.status != "running"]
