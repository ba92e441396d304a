"""A conversation on its way from a file into Parley."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from messages import Message

LATEST = 32_503_680_000.0  # the year 3000
MOST_CHARS = 400_000
MOST_MESSAGES = 20_000

Fetch = Callable[[], bytes]
"""Gives the bytes of a file; raises Unreadable where they are not to be had."""


@dataclass(frozen=True, slots=True)
class Carried:
    """`source` names it in the file, so that it is not brought in twice.

    Pictures, recordings and documents stand in the messages under names of the file's own, in the
    place of a sha256; `files` has their bytes by those names, as far as there are any.
    """

    source: str
    title: str
    created_at: float
    updated_at: float
    messages: tuple[Message, ...]
    pinned: bool = False
    folder: str = ""
    files: Mapping[str, Fetch] = field(default_factory=dict)


class Unreadable(ValueError):
    """For the person who chose the file."""

    def __init__(self, message: str, advice: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.advice = advice


def moment(value: object, otherwise: float = 0.0) -> float:
    """Seconds since 1970 from a number that may count milliseconds; `otherwise` where it is none."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return otherwise
    seconds = float(value) / 1000 if value > LATEST else float(value)
    return seconds if 0 < seconds < LATEST else otherwise


def words(value: object) -> str:
    return value[:MOST_CHARS] if isinstance(value, str) else ""


def mapping(value: object) -> Mapping[str, object]:
    return value if isinstance(value, dict) else {}


def listed(value: object) -> list[object]:
    return value if isinstance(value, list) else []
