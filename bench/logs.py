"""Conversations with questions about them, in a neutral form, and when each turn was said."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from memory.edge import clean

_MONTHS = "jan feb mar apr may jun jul aug sep oct nov dec".split()
_MONTH = re.compile(rf"\b({'|'.join(_MONTHS)})[a-z]*\b", re.IGNORECASE)
_YEAR = re.compile(r"(?<!\d)(?:19|20)\d\d(?!\d)")
_DAY = re.compile(r"(?<![\d:.])([12]\d|3[01]|0?[1-9])(?:st|nd|rd|th)?(?![\d:])", re.IGNORECASE)
_IN_NUMBERS = re.compile(r"(?<!\d)(\d{1,4})[-/.](\d{1,2})[-/.](\d{1,4})(?!\d)")
_CLOCK = re.compile(r"(\d{1,2}):(\d\d)(?::(\d\d))?\s*([ap]\.?m)?", re.IGNORECASE)
IN_MILLISECONDS = 1e11
ROLES = {"": "user", "human": "user", "ai": "assistant", "bot": "assistant", "model": "assistant"}
"""Speakers who are no people, as others call them."""


@dataclass(frozen=True, slots=True)
class Turn:
    id: str
    session: str
    at: float
    speaker: str
    text: str


@dataclass(frozen=True, slots=True)
class Asked:
    text: str
    evidence: frozenset[str]
    kind: str


@dataclass(frozen=True, slots=True)
class Log:
    id: str
    turns: Sequence[Turn]
    questions: Sequence[Asked]


def read_logs(path: Path) -> list[Log]:
    """Questions whose evidence names no turn of their conversation are left out."""
    return [_log(found) for found in json.loads(path.read_text("utf-8"))["conversations"]]


def _log(found: dict[str, Any]) -> Log:
    turns = [
        Turn(
            str(turn["id"]),
            str(turn.get("session", "")),
            seconds(turn.get("at")),
            _speaker(turn),
            clean(str(turn.get("text") or "")),
        )
        for turn in found["turns"]
    ]
    known = {turn.id for turn in turns}
    asked = [
        Asked(
            clean(str(question["text"])),
            frozenset(map(str, question["evidence"])) & known,
            str(question.get("kind", "")),
        )
        for question in found.get("questions", ())
    ]
    return Log(str(found["id"]), turns, [question for question in asked if question.evidence])


def _speaker(turn: dict[str, Any]) -> str:
    said = clean(str(turn.get("speaker") or "")).strip()
    return ROLES.get(said.casefold(), said)


def seconds(at: object) -> float:
    """Seconds since 1970, UTC, of an ISO date, a number or "1:56 pm on 8 May, 2023"; 0 if none."""
    if isinstance(at, int | float):
        return float(at) / 1000 if abs(at) > IN_MILLISECONDS else float(at)
    text = str(at or "").strip()
    if re.fullmatch(r"-?\d+(\.\d+)?", text) and not _YEAR.fullmatch(text):
        return seconds(float(text))
    try:
        when = datetime.fromisoformat(text)
    except ValueError:
        found = _in_words(text) or _in_numbers(text)
        if found is None:
            return 0.0
        when = found
    return (when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp()


def _in_words(text: str) -> datetime | None:
    month, year = _MONTH.search(text), _YEAR.search(text)
    if not month or not year:
        return None
    bare = _CLOCK.sub(" ", text).replace(year.group(), " ")
    day = _DAY.search(bare)
    number = _MONTHS.index(month.group(1).lower()) + 1
    return _when(int(year.group()), number, int(day.group(1)) if day else 1, text)


def _in_numbers(text: str) -> datetime | None:
    """2023/05/08, 08.05.2023, 08/05/2023; the month first only where it cannot be otherwise."""
    found = _IN_NUMBERS.search(text)
    if not found:
        return None
    first, middle, last = map(int, found.groups())
    if first > 31:
        return _when(first, middle, last, text)
    year = last if last > 99 else 2000 + last
    day, month = (middle, first) if middle > 12 else (first, middle)
    return _when(year, month, day, text)


def _when(year: int, month: int, day: int, text: str) -> datetime | None:
    clock = _CLOCK.search(text)
    hour, minute = (int(clock[1]), int(clock[2])) if clock else (0, 0)
    if clock and clock[4]:
        hour = hour % 12 + (12 if clock[4].lower().startswith("p") else 0)
    try:
        return datetime(year, month, day, hour, minute, tzinfo=UTC)
    except ValueError:
        return None
