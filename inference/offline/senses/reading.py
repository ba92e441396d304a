"""Text in pictures by rapidocr, put in reading order; runs in a worker of its own."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rapidocr import RapidOCR

SURE = 0.8  # mean confidence of upright text is above .9, of turned text below .72
MAX_SIDE = 4_000
KEPT = 0.5  # a line less sure than this is noise

_engine: list[RapidOCR] = []


@dataclass(frozen=True, slots=True)
class Line:
    """A piece of text and its box in pixels."""

    text: str
    left: float
    top: float
    right: float
    bottom: float
    score: float


def answer(header: dict[str, Any], body: bytes) -> tuple[dict[str, Any], bytes]:
    """{"width", "height"} and RGB bytes in; {"text", "turned"} out, degrees anticlockwise."""
    pixels = np.frombuffer(body, np.uint8).reshape(header["height"], header["width"], 3)
    upright = np.ascontiguousarray(pixels[:, :, ::-1])  # the engine takes BGR
    lines, quarter = _read(upright), 0
    if lines and _sureness(lines) < SURE:
        turns = {k: _read(np.ascontiguousarray(np.rot90(upright, k))) for k in (1, 2, 3)}
        turns[0] = lines
        quarter = max(turns, key=lambda k: _sureness(turns[k]))
        lines = turns[quarter]
    kept = [line for line in lines if line.score >= KEPT]
    return {"text": laid_out(kept), "turned": quarter * 90}, b""


def _read(pixels: NDArray[np.uint8]) -> list[Line]:
    if not _engine:
        # Its own limit of 2,000 pixels would blur the small print of a tall page.
        limits = {"Global.log_level": "error", "Global.max_side_len": MAX_SIDE}
        _engine.append(RapidOCR(params=limits))
    # The classifier of upside-down lines corrupts upright ones.
    result: Any = _engine[0](pixels, use_cls=False)
    if result.boxes is None:
        return []
    found = zip(result.boxes, result.txts, result.scores, strict=True)
    return [
        Line(
            text,
            float(box[:, 0].min()),
            float(box[:, 1].min()),
            float(box[:, 0].max()),
            float(box[:, 1].max()),
            float(score),
        )
        for box, text, score in found
        if text.strip()
    ]


def _sureness(lines: Sequence[Line]) -> float:
    """Mean confidence, by characters."""
    total = sum(len(line.text) for line in lines)
    return sum(line.score * len(line.text) for line in lines) / total if total else 0.0


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
