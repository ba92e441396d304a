"""A document's pages cut into passages, short enough that a few of them go along with a question."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from memory.edge import clean

PASSAGE_CHARS = 1_000
MOST_PASSAGES = 20_000
"""Of one document; what comes after is not searched (20 MB of text)."""

# Where to cut, the best places first; behind the match.
_CUTS = tuple(
    map(re.compile, (r"\n\s*\n", r"\n", r"[.!?…]['\"”»)]?\s|[。！？]", r"[,;:]\s|[、，；]", r"\s"))
)


@dataclass(frozen=True, slots=True)
class Passage:
    """`page` counts from 1."""

    page: int
    text: str


def passages_of(pages: Sequence[str]) -> list[Passage]:
    """In reading order; none crosses a page, so that each can be cited by one."""
    cut: list[Passage] = []
    for number, page in enumerate(pages, start=1):
        for text in _cut(clean(page).strip()):
            if len(cut) == MOST_PASSAGES:
                return cut
            cut.append(Passage(number, text))
    return cut


def _cut(text: str) -> Iterator[str]:
    start = 0
    while start < len(text):
        end = _end(text, start)
        piece = text[start:end].strip()
        if piece:
            yield piece
        start = end


def _end(text: str, start: int) -> int:
    """In the second half of what there is room for, at the best place."""
    latest = start + PASSAGE_CHARS
    if latest >= len(text):
        return len(text)
    for cut in _CUTS:
        places = [match.end() for match in cut.finditer(text, start + PASSAGE_CHARS // 2, latest)]
        if places:
            return places[-1]
    return latest
