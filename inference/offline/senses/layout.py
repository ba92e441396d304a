"""The pieces of text in a picture, put in the order in which people read them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

LONG_LINE = 3.0
LEAST_SLOPE, MOST_SLOPE = 0.01, 0.6


@dataclass(frozen=True, slots=True)
class Line:
    """A piece of text and its box in pixels; `length` and `height` are along it and across.

    `slope` is the angle of its lower edge, in radians clockwise.
    """

    text: str
    left: float
    top: float
    right: float
    bottom: float
    score: float
    length: float = 1.0
    height: float = 1.0
    slope: float = 0.0


def straightened(lines: Sequence[Line]) -> list[Line]:
    """As if the page had been held straight: pictures taken by hand lean."""
    long = [line for line in lines if line.length > LONG_LINE * line.height]
    if not long:
        return list(lines)
    slope = float(np.median([line.slope for line in long]))
    if not LEAST_SLOPE < abs(slope) < MOST_SLOPE:
        return list(lines)
    across, down = np.cos(-slope), np.sin(-slope)
    straight = []
    for line in lines:
        x, y = (line.left + line.right) / 2, (line.top + line.bottom) / 2
        x, y = x * across - y * down, x * down + y * across
        half, tall = line.length / 2, line.height / 2
        straight.append(replace(line, left=x - half, right=x + half, top=y - tall, bottom=y + tall))
    return straight


def laid_out(lines: Sequence[Line]) -> str:
    """The text in reading order: cut at wide gaps, across first, then into columns (XY-cut)."""
    if not lines:
        return ""
    height = float(np.median([line.bottom - line.top for line in lines]))
    return "\n\n".join("\n".join(_rows(block)) for block in _blocks(list(lines), height))


def _blocks(lines: list[Line], height: float) -> list[list[Line]]:
    """Blocks in reading order. `height` is that of a usual line, in pixels."""
    above = _split(lines, "top", "bottom", least_gap=1.2 * height)
    if len(above) > 1 and not _is_grid(lines, height):
        return [block for part in above for block in _blocks(part, height)]
    columns = _split(lines, "left", "right", least_gap=1.5 * height)
    if len(columns) > 1 and all(len(column) > 1 for column in columns) and not _is_table(columns):
        return [block for part in columns for block in _blocks(part, height)]
    if len(above) > 1:
        return [block for part in above for block in _blocks(part, height)]
    return [lines]


def _split(lines: list[Line], start: str, end: str, least_gap: float) -> list[list[Line]]:
    """Groups along one axis, parted where nothing stands for `least_gap` pixels."""
    ordered = sorted(lines, key=lambda line: float(getattr(line, start)))
    groups, reach = [[ordered[0]]], float(getattr(ordered[0], end))
    for line in ordered[1:]:
        if getattr(line, start) - reach > least_gap:
            groups.append([])
        groups[-1].append(line)
        reach = max(reach, float(getattr(line, end)))
    return groups


def _is_grid(lines: list[Line], height: float) -> bool:
    """Columns that run through the gaps between blocks are read down before across."""
    columns = _split(lines, "left", "right", least_gap=1.5 * height)
    return len(columns) > 1 and all(len(c) > 2 for c in columns) and not _is_table(columns)


def _is_table(columns: list[list[Line]]) -> bool:
    """Short cells on common rows are a table, which is read row by row."""
    lengths = [len(line.text) for column in columns for line in column]
    return float(np.median(lengths)) <= 14


def _rows(lines: list[Line]) -> list[str]:
    """Pieces side by side become one row, parted by spaces."""
    rows: list[list[Line]] = []
    for line in sorted(lines, key=lambda line: line.top + line.bottom):
        middle = (line.top + line.bottom) / 2
        if rows and middle < rows[-1][0].bottom - (rows[-1][0].bottom - rows[-1][0].top) * 0.25:
            rows[-1].append(line)
        else:
            rows.append([line])
    return ["  ".join(piece.text for piece in sorted(row, key=lambda p: p.left)) for row in rows]
