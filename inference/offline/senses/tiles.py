"""Long pictures are read in tiles; no line is lost or told twice where two of them meet."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from inference.offline.senses.layout import Line

TILE = 1_600
OVERLAP = 160
"""In pixels. A line of up to half of the overlap is whole in one of both tiles, wherever they meet."""
LONGEST_WHOLE = 2_400
"""A picture that is no higher is read in one."""
EDGE = 3  # pixels

Pixels = NDArray[np.uint8]
Read = Callable[[Pixels], list[Line]]


def read_in_tiles(pixels: Pixels, read: Read) -> list[Line]:
    """Tiles lie one below the other; sideways the reader takes a picture as it is."""
    height = pixels.shape[0]
    found: list[Line] = []
    for top, bottom in spans(height):
        lines = [
            replace(line, top=line.top + top, bottom=line.bottom + top)
            for line in read(np.ascontiguousarray(pixels[top:bottom]))
        ]
        # What touches the edge of a tile may have lost some; the tile beyond has it whole.
        whole = [
            line
            for line in lines
            if (top == 0 or line.top - top >= EDGE)
            and (bottom == height or bottom - line.bottom >= EDGE)
        ]
        found = joined(found, whole)
    return found


def spans(length: int) -> list[tuple[int, int]]:
    """Where tiles begin and end."""
    if length <= LONGEST_WHOLE:
        return [(0, length)]
    count = -(-(length - OVERLAP) // (TILE - OVERLAP))
    step = (length - OVERLAP) / count
    return [(round(n * step), min(length, round((n + 1) * step) + OVERLAP)) for n in range(count)]


def joined(before: Sequence[Line], new: Sequence[Line]) -> list[Line]:
    """Lines that lie on one another are one: the longer text is the whole one."""
    kept = list(before)
    for line in new:
        twin = next((n for n, other in enumerate(kept) if _are_one(line, other)), None)
        if twin is None:
            kept.append(line)
        elif (len(line.text), line.score) > (len(kept[twin].text), kept[twin].score):
            kept[twin] = line
    return kept


def _are_one(one: Line, other: Line) -> bool:
    across = min(one.right, other.right) - max(one.left, other.left)
    down = min(one.bottom, other.bottom) - max(one.top, other.top)
    shorter = min(one.right - one.left, other.right - other.left)
    flatter = min(one.bottom - one.top, other.bottom - other.top)
    return across > 0.5 * shorter and down > 0.5 * flatter
