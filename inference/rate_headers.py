"""What a provider says of its own count of requests, in the headers of its answers."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

Span = Literal["day", "minute"]
SPAN_S: Final[dict[Span, float]] = {"day": 86_400.0, "minute": 60.0}

_PIECE = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|d|h|m|s)")
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0}
_ALIKE = 0.25
"""How far a reset may be off, as a share, to count as that of a bucket; and two seconds more."""


@dataclass(frozen=True, slots=True)
class Told:
    """Of `most` requests a span, `left` were left at the time `at` (seconds since 1970).

    Those that are spent come back one every `each_s` seconds (a bucket that refills, as Groq and
    OpenAI count) or, where `each_s` is 0, all together at `resets_at`.
    """

    span: Span
    most: int
    left: float
    at: float
    each_s: float
    resets_at: float

    def left_at(self, now: float) -> float:
        """How many are left by now, if nothing was sent meanwhile."""
        if now >= self.resets_at:
            return float(self.most)
        if not self.each_s:
            return self.left
        return min(float(self.most), self.left + max(0.0, now - self.at) / self.each_s)

    def next_at(self, now: float) -> float:
        """When one request can be sent again; now, where one can."""
        lacking = 1.0 - self.left_at(now)
        if lacking <= 0:
            return now
        return min(self.resets_at, now + lacking * self.each_s) if self.each_s else self.resets_at


def told(span: Literal["", "day", "minute"], headers: Mapping[str, str], now: float) -> Told | None:
    """Read `x-ratelimit-{limit,remaining,reset}-requests`, which count requests a `span`.

    An empty span stands for a server of which nobody knows what it counts: it is not believed.
    """
    lower = {name.lower(): value.strip() for name, value in headers.items()}
    most = _count(lower.get("x-ratelimit-limit-requests", ""))
    left = _count(lower.get("x-ratelimit-remaining-requests", ""))
    if not span or not most or left is None:
        return None
    left = min(left, most)
    filling_s = (most - left) * SPAN_S[span] / most
    reset_s = _seconds(lower.get("x-ratelimit-reset-requests", ""), now)
    if reset_s is None or abs(reset_s - filling_s) <= _ALIKE * filling_s + 2:
        return Told(span, most, left, now, SPAN_S[span] / most, now + filling_s)
    return Told(span, most, left, now, 0.0, now + reset_s)


def _count(text: str) -> int | None:
    return int(text) if text.isdecimal() and len(text) < 10 else None


def _seconds(text: str, now: float) -> float | None:
    """From now: "6m0s", a number of seconds, or a time since 1970 in seconds or milliseconds."""
    if re.fullmatch(r"\d+(\.\d+)?", text):
        number = float(text)
        if number > 1e9:
            return max(0.0, (number / 1000 if number > 1e11 else number) - now)
        return number
    pieces = _PIECE.findall(text)
    return sum(float(n) * _UNITS[unit] for n, unit in pieces) if pieces else None
