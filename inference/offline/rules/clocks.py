"""Finds questions about the time: "what time is it in Tokyo and Paris?"."""

import re

from inference.offline.question import Call
from inference.offline.rules.places import zones_in
from inference.offline.rules.wanted import Wanted

CUE = re.compile(
    r"\b(what(?:'s|’s| is)? (?:the )?(?:(?:current|local|exact) )?time|what time|time is it"
    r"|(?:current|local) time|(?:tell|give|show) me the time|the time in|time in|time now"
    r"|how late is it|wie spät|wie viel uhr|uhrzeit|qué hora|quelle heure)\b|何時|几点",
    re.IGNORECASE,
)
NOT_NOW = re.compile(
    r"what time (?:do|does|did|should|will|was|were|can|are|is (?:my|the|our|your))\b|\btimes\b",
    re.IGNORECASE,
)
UNKNOWN_PLACE = re.compile(r"\b(?:time|it)(?: now| right now)? in ([^?.!,\n]{2,40})", re.IGNORECASE)


def times(text: str) -> list[Wanted]:
    """The calls of `clock` that the words ask for: one for each place, UTC where none is named."""
    cue = CUE.search(text)
    if not cue or NOT_NOW.search(text):
        return []
    end = _end_of_sentence(text, cue.end())
    # Where the place is named before the question, as in 東京は今何時, it is looked for there too.
    start = 0 if cue.group() in ("何時", "几点") else cue.start()
    places = zones_in(text[start:end])
    if not places:
        return [] if UNKNOWN_PLACE.search(text) else [_wanted(start, end, "UTC")]
    return [_wanted(start + at, start + at + 1, zone) for at, _, zone in places]


def unknown_place(text: str) -> str | None:
    """A place whose time is asked and whose zone is not known."""
    if not CUE.search(text) or NOT_NOW.search(text) or times(text):
        return None
    place = UNKNOWN_PLACE.search(text)
    return place.group(1).strip() if place else None


def _end_of_sentence(text: str, start: int) -> int:
    end = re.compile(r"[?!\n]|\.\s|\band (?:what|how|when)\b").search(text, start)
    return end.start() if end else len(text)


def _wanted(start: int, end: int, zone: str) -> Wanted:
    return Wanted(start, end, Call("clock", {"zone": zone}))
