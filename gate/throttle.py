"""Guessing made slow: after a few tries each further one waits longer than the one before."""

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

_MOST_KEYS = 20_000
_FORGOTTEN_S = 3600.0


@dataclass(slots=True)
class _Tries:
    count: int = 0
    last: float = 0.0


class Throttle:
    """`free` tries cost nothing; then the wait is 1 s and doubles up to `longest_s`. What was not
    tried for an hour is forgotten. `clock` gives monotonic seconds."""

    def __init__(
        self, free: int, longest_s: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._free = free
        self._longest_s = longest_s
        self._clock = clock
        self._tries: OrderedDict[str, _Tries] = OrderedDict()

    def wait_s(self, key: str) -> float:
        """How long it takes until the next try is let through; 0 where it is now."""
        tries = self._tries.get(key)
        if tries is None or tries.count < self._free:
            return 0.0
        waits = min(self._longest_s, 2.0 ** min(tries.count - self._free, 30))
        return max(0.0, tries.last + waits - self._clock())

    def tried(self, key: str) -> None:
        now = self._clock()
        tries = self._tries.setdefault(key, _Tries())
        self._tries.move_to_end(key)
        tries.count = 1 if now - tries.last > _FORGOTTEN_S else tries.count + 1
        tries.last = now
        if len(self._tries) > _MOST_KEYS:
            self._tries.popitem(last=False)

    def passed(self, key: str) -> None:
        """It was the right one: what was tried before is forgiven."""
        self._tries.pop(key, None)


class Pace:
    """How often somebody may come, or how much they may bring: `burst` at once, `each_s` a second in
    the long run."""

    def __init__(
        self, each_s: float, burst: int, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._each_s = each_s
        self._burst = burst
        self._clock = clock
        self._free_at: OrderedDict[str, float] = OrderedDict()

    def takes(self, key: str, amount: int = 1) -> bool:
        """Whether this is let through; then it is counted."""
        now = self._clock()
        # When all of the burst will be there again.
        full_at = max(now, self._free_at.get(key, now)) + amount / self._each_s
        if full_at - now > self._burst / self._each_s:
            return False
        self._free_at[key] = full_at
        self._free_at.move_to_end(key)
        if len(self._free_at) > _MOST_KEYS:
            self._free_at.popitem(last=False)
        return True
