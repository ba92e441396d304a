"""Text in pictures by rapidocr, put in reading order; runs in a worker of its own."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rapidocr import RapidOCR
from rapidocr.utils.process_img import map_boxes_to_original

from inference.offline.senses.layout import Line, laid_out, straightened
from inference.offline.senses.scripts import SHORT, is_ornament, was_read
from inference.offline.senses.spacing import spaced
from inference.offline.senses.tiles import LONGEST_WHOLE, TILE, read_in_tiles

SURE = 0.8  # mean confidence of upright text is above .9, of turned text below .72
MAX_SIDE = 4_000

_engine: list[RapidOCR] = []
_Pixels = NDArray[np.uint8]


def answer(header: dict[str, Any], body: bytes) -> tuple[dict[str, Any], bytes]:
    """{"width", "height"} and RGB bytes in; {"text", "turned", "unread"} out.

    It was turned by so many degrees anticlockwise. `unread` counts lines in letters that are not known.
    """
    pixels = np.frombuffer(body, np.uint8).reshape(header["height"], header["width"], 3)
    upright = np.ascontiguousarray(pixels[:, :, ::-1])  # the engine takes BGR
    if max(upright.shape) > LONGEST_WHOLE:
        # Its beginning tells which way up it is: reading all of it four ways would take minutes.
        quarter, _ = _turned(np.ascontiguousarray(upright[:TILE, :TILE]))
        lines = read_in_tiles(np.ascontiguousarray(np.rot90(upright, quarter)), _read)
    else:
        quarter, lines = _turned(upright)
    lines = straightened([line for line in lines if not is_ornament(line)])
    known = [line for line in lines if was_read(line)]
    unread = sum(line.length > SHORT * line.height for line in lines if not was_read(line))
    return {"text": laid_out(known), "turned": quarter * 90, "unread": unread}, b""


def _turned(pixels: _Pixels) -> tuple[int, list[Line]]:
    """By how many quarters it has to be turned to be read, and what it says then."""
    lines = _read(pixels)
    if not lines or _sureness(lines) >= SURE:
        return 0, lines
    tall = sum(line.bottom - line.top > line.right - line.left for line in lines)
    ways = (1, 3) if 2 * tall > len(lines) else (2,)
    turns = {k: _read(np.ascontiguousarray(np.rot90(pixels, k))) for k in ways}
    quarter = max(turns, key=lambda k: _sureness(turns[k]))
    # Other scripts make more or less sense any way up.
    return (quarter, turns[quarter]) if _sureness(turns[quarter]) >= SURE else (0, lines)


def _read(pixels: _Pixels) -> list[Line]:
    """All that looks like a line; the text of what nothing was made of is empty."""
    if not _engine:
        # Its own limit of 2,000 pixels would blur the small print of a tall page.
        limits = {"Global.log_level": "error", "Global.max_side_len": MAX_SIDE}
        _engine.append(RapidOCR(params=limits))
    engine = _engine[0]
    engine.use_cls = False  # its classifier of upside-down lines corrupts upright ones
    engine.return_word_box = True  # where each sign stands, for spacing.py
    shrunk, how = engine.preprocess_img(engine.load_img(pixels))
    # Its usual call leaves out boxes of which nothing was made: that is what other scripts are like.
    boxes, _, words, cut_out = engine.run_ocr_steps(shrunk, how)
    if boxes.boxes is None or words.txts is None:
        return []
    placed = map_boxes_to_original(boxes.boxes, how, *pixels.shape[:2])
    texts = map(_spaced, words.txts, words.word_results, cut_out)
    found = zip(texts, placed, words.scores, strict=True)
    return [_line(text, box, float(score)) for text, box, score in found]


def _spaced(text: str, told: Any, cut_out: _Pixels) -> str:
    """`told` is rapidocr's WordInfo: signs by the columns in which its network saw them."""
    columns = [column for word in told.word_cols for column in word]
    return spaced(text, [(column + 0.5) / told.line_txt_len for column in columns], cut_out)


def _line(text: str, box: NDArray[np.float32], score: float) -> Line:
    """`box` are four corners, clockwise from the upper left."""
    along, down = box[1] - box[0], box[3] - box[0]
    return Line(
        text,
        float(box[:, 0].min()),
        float(box[:, 1].min()),
        float(box[:, 0].max()),
        float(box[:, 1].max()),
        score,
        max(1.0, float(np.hypot(*along))),
        max(1.0, float(np.hypot(*down))),
        float(np.arctan2(along[1], along[0])),
    )


def _sureness(lines: Sequence[Line]) -> float:
    """Mean confidence, by characters."""
    read = [line for line in lines if line.text.strip()]
    total = sum(len(line.text) for line in read)
    return sum(line.score * len(line.text) for line in read) / total if total else 0.0
