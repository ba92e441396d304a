"""Blanks between words that the reader of lines has passed over, found again in the picture itself.

The reader looks at letters and often joins two words, above all where a ground of another colour
begins between them. Where no ink stands for about as long as at the other blanks of a line, there is
one.
"""

import unicodedata
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

BLANK = 0.25
"""Of a line's whole contrast; a column of pixels with less has no ink."""
AS_OTHERS = 0.8
"""Of the usual gap at a blank of the same line."""
ALONE_WIDE, ALONE_TIMES = 0.3, 3.0
"""Where a line has no blank yet: of its height, and of the usual gap between its letters."""


def spaced(text: str, places: Sequence[float], line: NDArray[np.uint8]) -> str:
    """`places` are those of the signs that are no blanks, as shares of the width of `line` (BGR)."""
    signs = [n for n, sign in enumerate(text) if not sign.isspace()]
    if len(signs) != len(places) or len(signs) < 3 or line.shape[1] <= line.shape[0]:
        return text
    gaps, width = _gaps(line), line.shape[1]
    found = [_widest(gaps, before * width, after * width) for before, after in pairwise(places)]
    pairs = list(pairwise(signs))
    told = [m > n + 1 for n, m in pairs]
    least = _least(found, told, line.shape[0])
    out = text[: signs[0] + 1]
    for at, (n, m) in enumerate(pairs):
        beside = slice(max(0, at - 1), at + 2)
        # A blank that was told, but has no gap of its own, has this one: places are not exact.
        taken = any(t and not gap for t, gap in zip(told[beside], found[beside], strict=True))
        if not told[at] and not taken and found[at] >= least and _may_part(text[n], text[m]):
            out += " "
        out += text[n + 1 : m + 1]
    return out + text[signs[-1] + 1 :]


def _least(found: Sequence[float], told: Sequence[bool], height: int) -> float:
    """How wide a gap is a blank, in pixels; `told` are those that the reader has seen."""
    joined = [gap for gap, blank in zip(found, told, strict=True) if not blank]
    parted = [gap for gap, blank in zip(found, told, strict=True) if blank and gap]
    usual = max(1.0, float(np.median(joined))) if joined else 1.0
    if parted:
        return max(AS_OTHERS * float(np.median(parted)), 1.5 * usual)
    return max(ALONE_WIDE * height, ALONE_TIMES * usual)


def _gaps(line: NDArray[np.uint8]) -> list[tuple[int, int]]:
    """Where no ink stands: from and to, in pixels."""
    grey = line.astype(np.int16).mean(axis=2)
    contrast = grey.max(axis=0) - grey.min(axis=0)
    blank = contrast < BLANK * float(grey.max() - grey.min())
    edges = np.flatnonzero(np.diff(np.concatenate(([0], blank.astype(np.int8), [0]))))
    return [(int(a), int(b)) for a, b in edges.reshape(-1, 2)]


def _widest(gaps: Sequence[tuple[int, int]], after: float, before: float) -> float:
    """The widest gap in the middle between two signs, in pixels; 0 where there is none."""
    return max((b - a for a, b in gaps if after < (a + b) / 2 < before), default=0)


def _may_part(before: str, after: str) -> bool:
    """Figures and marks stand far from their neighbours; Chinese and Japanese have no blanks."""
    pair = before + after
    if not pair.isalnum() or pair.isdecimal():
        return False
    return all(unicodedata.east_asian_width(sign) not in "WF" for sign in pair)
