"""Long texts cut into pieces of about 90 words: a long message is as near as its best piece."""

import re
from collections.abc import Sequence
from itertools import pairwise

WORDS = 90
MOST = 24
"""Pieces of one text; those of a longer one are longer."""

_SPACELESS = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff"
_UNIT = re.compile(rf"[{_SPACELESS}]{{1,2}}|[^\s{_SPACELESS}]+")
"""A word, or two characters of a script without spaces, which say about as much."""
_SURELY_SHORT = int(WORDS * 1.5) * 2
"""Characters; the shortest units of a text that is cut have two, spaces counted."""
_SENTENCE_END = re.compile(r"[.!?。！？\n][\"')\]»”’]*$")
_SEARCHED = 15
"""So many words before and after an even cut are looked at for the end of a sentence."""
_SENTENCE = re.compile(r"[^.!?。！？\n]+[.!?。！？]*")


def chunks(text: str) -> list[str]:
    """`text` in order, in even pieces that end with a sentence where one ends near by.

    A text of up to 134 words is one piece. At least one piece, also of an empty text.
    """
    if len(text) < _SURELY_SHORT:
        return [text]
    units = [match.span() for match in _UNIT.finditer(text)]
    count = min(MOST, (len(units) + WORDS // 2) // WORDS)
    if count < 2:
        return [text]
    cuts = [_cut(text, units, round(number * len(units) / count)) for number in range(1, count)]
    edges = [0, *sorted(set(cuts)), len(text)]
    return [text[start:end] for start, end in pairwise(edges)]


def sentences(text: str, most: int) -> list[str]:
    """The first sentences and lines of `text`, or none where it is but one."""
    found = [part.strip() for part in _SENTENCE.findall(text[:4_000])]
    found = [part for part in found if part][:most]
    return found if len(found) > 1 else []


def _cut(text: str, units: Sequence[tuple[int, int]], at: int) -> int:
    """Where the piece before unit `at` ends, moved to the nearest end of a sentence."""
    for distance in range(_SEARCHED + 1):
        for near in (at - distance, at + distance):
            if 0 < near < len(units):
                before, after = units[near - 1], units[near]
                if _SENTENCE_END.search(text[before[0] : after[0]].rstrip(" ")):
                    return after[0]
    return units[at][0]
