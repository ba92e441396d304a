"""Counting tokens without a network: what a text is made of, and what that usually costs.

A text becomes a small vector of counts (`Features`), a cost a linear sum over it; what one model
really charges for each of them is learnt by memory/calibration.py. The default costs lie on the
careful side of ten tokenizers of 2023 to 2025 (`python -m bench.tokens` compares them).
"""

import re
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Final

import numpy as np
import numpy.typing as npt

from messages import Audio, Document, Image, Message, Reasoning, Text, ToolCall, ToolResult

Features = npt.NDArray[np.float64]
"""One number for each of KINDS, additive: those of two texts are nearly those of both together."""


@dataclass(frozen=True, slots=True)
class Kind:
    """`cost` is in tokens for each one counted. `spread` is how far models differ from it, as a
    share of it (one standard deviation), beside being all cheaper or dearer at once (`common`).

    No server is believed that says it costs less than `least` or more than `most` times `cost`.
    """

    name: str
    cost: float
    spread: float
    least: float = 0.45
    most: float = 4.0
    common: bool = True


KINDS: Final = (
    Kind("words", 0.92, 0.2),  # of Latin letters, or of Latin and marked letters
    Kind("further letters", 0.27, 0.4),  # of a word, from its fifth on
    Kind("foreign letters", 0.06, 1.50),  # of prose that is not English: on top of the two above
    Kind("letters in code", 0.00, 0.03, -0.12, 0.3, common=False),  # likewise
    Kind("capitals", 0.30, 0.40),  # that follow a capital
    Kind("marked letters", 1.30, 0.50),  # é, ü, ł
    Kind("digits", 0.50, 0.60),  # some tokenizers take each digit apart,
    Kind("numbers", 1.50, 0.25),  # others take three together
    Kind("signs", 0.90, 0.25),  # runs of ASCII punctuation
    Kind("breaks", 1.65, 0.20),  # runs of line ends
    Kind("wide spaces", 0.15, 0.80),
    Kind("random", 0.74, 0.15),  # base64, keys: letters of runs that are no words
    Kind("hexadecimal", 0.78, 0.25),
    Kind("cyrillic letters", 0.12, 0.80),
    Kind("cyrillic words", 2.00, 0.30),
    Kind("greek", 0.90, 0.50),
    Kind("arabic", 0.80, 0.50),
    Kind("rare letters", 1.40, 0.50),  # Hebrew, Armenian, Georgian, Ethiopic …
    Kind("indic", 1.30, 0.50),
    Kind("thai", 1.10, 0.50),
    Kind("ideographs", 0.95, 0.35),
    Kind("kana", 0.85, 0.35),
    Kind("hangul", 1.05, 0.35),
    Kind("wide signs", 1.70, 0.35),  # CJK punctuation, full-width forms
    Kind("other", 1.45, 0.30),
    Kind("astral", 3.00, 0.40),  # emoji
    Kind("messages", 5.00, 0.70, 0.0, 6.0, common=False),  # the wrapping of one
    Kind("tools", 16.0, 0.70, 0.0, 6.0, common=False),  # the wrapping of a call or of its result
    Kind("requests", 12.0, 1.50, 0.0, 200.0, common=False),  # what a server adds to each
    Kind(
        "schemas", 1.00, 0.35, 0.2, 4.0
    ),  # tokens of the tools' descriptions, as servers tell them
    Kind("pictures", 1.00, 0.60, 0.02, 40.0, common=False),  # tokens by `picture_tokens`
    Kind("thoughts", 0.00, 0.50, 0.0, 1.3, common=False),  # reasoning: a few models get it back
)
INDEX: Final = {kind.name: place for place, kind in enumerate(KINDS)}
COSTS: Final[Features] = np.array([kind.cost for kind in KINDS])

HEX_OR_RANDOM = 20
"""Letters and digits in runs as long, and with digits among them, are no words."""
SAMPLE = 4_000
"""So many characters tell whether a text is English."""
ENGLISH_SHARE = 0.10
"""English has at least this share of the words below; in other prose hardly one stands."""
SIGNS_OF_CODE = 0.10

_WORD = re.compile(r"[^\W\d_]+")
_ENGLISH = re.compile(
    r"\b(?:the|of|and|to|in|is|for|that|you|it|with|are|on|as|this|be|a|if|or|I|not|can|was)\b"
)

# Classes of characters. Those from _GREEK on are counted by character, each for itself.
_LOWER, _UPPER, _MARKED, _DIGIT, _SIGN, _SPACE, _TAB, _BREAK, _CYRILLIC = range(9)
_BY_CHARACTER = (
    "greek", "arabic", "rare letters", "indic", "thai", "ideographs", "kana", "hangul",
    "wide signs", "other", "astral",
)  # fmt: skip
_CLASS = {name: number for number, name in enumerate(_BY_CHARACTER, start=_CYRILLIC + 1)}
_SET_ASIDE = _CLASS["astral"] + 1
_RANGES: tuple[tuple[int, int, int], ...] = (
    (0x00, 0x20, _TAB),
    (0x20, 0x21, _SPACE),
    (0x21, 0x80, _SIGN),
    (0x0A, 0x0B, _BREAK),
    (0x0D, 0x0E, _BREAK),
    (0x30, 0x3A, _DIGIT),
    (0x41, 0x5B, _UPPER),
    (0x61, 0x7B, _LOWER),
    (0xC0, 0x250, _MARKED),
    (0x300, 0x370, _MARKED),
    (0x370, 0x400, _CLASS["greek"]),
    (0x400, 0x530, _CYRILLIC),
    (0x530, 0x600, _CLASS["rare letters"]),
    (0x600, 0x700, _CLASS["arabic"]),
    (0x700, 0x900, _CLASS["rare letters"]),
    (0x750, 0x780, _CLASS["arabic"]),
    (0x900, 0x10A0, _CLASS["indic"]),
    (0xE00, 0xF00, _CLASS["thai"]),
    (0x10A0, 0x1E00, _CLASS["rare letters"]),
    (0x1100, 0x1200, _CLASS["hangul"]),
    (0x1E00, 0x1F00, _MARKED),
    (0x1F00, 0x2000, _CLASS["greek"]),
    (0x3000, 0x3040, _CLASS["wide signs"]),
    (0x3040, 0x3100, _CLASS["kana"]),
    (0x3400, 0xA000, _CLASS["ideographs"]),
    (0xAC00, 0xD7B0, _CLASS["hangul"]),
    (0xF900, 0xFB00, _CLASS["ideographs"]),
    (0xFF00, 0xFFF0, _CLASS["wide signs"]),
)


REMEMBERED_CHARS: Final = 4_000
"""Of the system text, wishes, schemas and passages that go along turn after turn."""


def estimate(text: str) -> int:
    """Tokens of `text` for a model of which nothing is known."""
    return int(measure(text) @ COSTS) + 1 if text else 0


def measure(text: str) -> Features:
    """What a text is made of. About 20 µs and then 20 MB/s; short ones that come again cost nothing."""
    return _measured(text).copy() if len(text) <= REMEMBERED_CHARS else _measure(text)


@lru_cache(maxsize=1_024)
def _measured(text: str) -> Features:
    return _measure(text)


def _measure(text: str) -> Features:
    found = np.zeros(len(KINDS))
    if not text:
        return found
    points = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)
    classes = _classes()[np.minimum(points, 0xFFFF)]
    if (points > 0xFFFF).any():
        classes[points > 0xFFFF] = _CLASS["astral"]
        classes[(points >= 0x20000) & (points < 0x32000)] = _CLASS["ideographs"]
    counts = np.bincount(classes, minlength=_SET_ASIDE + 1)
    if counts[_DIGIT]:
        _set_aside_random(points, classes, found)
        counts = np.bincount(classes, minlength=len(counts))
    _count_latin(text, classes, counts, found)
    if counts[_DIGIT]:
        found[INDEX["digits"]] = counts[_DIGIT]
        found[INDEX["numbers"]] = ((_lengths(classes == _DIGIT) + 2) // 3).sum()
    if counts[_CYRILLIC]:
        found[INDEX["cyrillic letters"]] = counts[_CYRILLIC]
        found[INDEX["cyrillic words"]] = len(_lengths(classes == _CYRILLIC))
    found[INDEX["signs"]] = len(_lengths(classes == _SIGN))
    found[INDEX["breaks"]] = len(_lengths(classes == _BREAK))
    wide = _lengths((classes == _SPACE) | (classes == _TAB))
    found[INDEX["wide spaces"]] = (1 + wide[wide > 1] // 16).sum() + counts[_TAB] * 0.5
    for name in _BY_CHARACTER:
        found[INDEX[name]] = counts[_CLASS[name]]
    return found


def measure_message(message: Message, sees: bool = True) -> Features:
    """What a message is made of in a request: recordings go as their transcripts, pictures as
    their captions where the model does not see, a document as its whole text."""
    found = np.zeros(len(KINDS))
    found[INDEX["messages"]] = 1
    for part in message.parts:
        match part:
            case Text(text):
                found += measure(text)
            case Audio(transcript=transcript):
                found += measure(transcript or "")
            case Image(width=width, height=height) if sees:
                found[INDEX["pictures"]] += picture_tokens(width, height)
            case Image(caption=caption):
                found += measure(f"[An image that shows: {caption}]")
            case Document(tokens=tokens):
                found[INDEX["words"]] += tokens / COSTS[INDEX["words"]]
            case ToolCall(name=name, arguments=arguments):
                found[INDEX["tools"]] += 1
                # Each round of a turn is a message of its own, and so is each result.
                found += measure(name) + measure(arguments)
            case ToolResult(text=text, untrusted=untrusted):
                # Words of strangers are marked as such, which takes about as much as four calls.
                found[INDEX["tools"]] += 5 if untrusted else 1
                found[INDEX["messages"]] += 1
                found += measure(text)
            case Reasoning(text):
                found[INDEX["thoughts"]] += estimate(text)
    return found


def estimate_message(message: Message) -> int:
    """Tokens of a message for a model of which nothing is known."""
    return int(measure_message(message) @ COSTS) + 1


def picture_tokens(width: int, height: int) -> int:
    """The most that one of the big providers asks for a picture, as far as their pages say.

    By tiles of 512 pixels (OpenAI, 170 each), by patches of 32 (OpenAI's newer, up to 1,536, some
    counted 1.62 times) or of 28 (Qwen), by its area over 750 (Anthropic), by tiles of 768 (Google,
    258 each). Models outside that (gpt-4o-mini counts a picture 33 times) are learnt from usage.
    """
    if width <= 0 or height <= 0:
        return 1_600
    fitted = min(1.0, 2048 / max(width, height))
    fitted = min(fitted, 768 / min(width * fitted, height * fitted))
    tiles = -(-int(width * fitted) // 512) * -(-int(height * fitted) // 512)
    return max(
        85 + 170 * tiles,
        int(1.62 * min(1_536, -(-width // 32) * -(-height // 32))),
        min(2_560, -(-width // 28) * -(-height // 28)),
        min(1_600, width * height // 750),
        258 * -(-width // 768) * -(-height // 768),
    )


def _set_aside_random(
    points: npt.NDArray[np.uint32], classes: npt.NDArray[np.uint8], found: Features
) -> None:
    """Count runs that are no words, and blank them for what is counted after."""
    digit, upper = classes == _DIGIT, classes == _UPPER
    joined = digit | upper | (classes == _LOWER)
    for sign in b"+/=-_":
        joined |= points == sign
    starts, ends = _runs(joined)
    long = ends - starts >= HEX_OR_RANDOM
    if not long.any():
        return
    starts, ends = starts[long], ends[long]
    length = ends - starts
    digits = np.add.reduceat(np.append(digit, False), _pairs(starts, ends), dtype=int)[::2]
    uppers = np.add.reduceat(np.append(upper, False), _pairs(starts, ends), dtype=int)[::2]
    no_words = (digits * 16 >= length) & (digits < length * 0.9)
    hexadecimal = no_words & (uppers * 8 < length)
    found[INDEX["hexadecimal"]] = length[hexadecimal].sum()
    found[INDEX["random"]] = length[no_words & ~hexadecimal].sum()
    for start, end in zip(starts[no_words], ends[no_words], strict=True):
        classes[start:end] = _SET_ASIDE


def _count_latin(
    text: str,
    classes: npt.NDArray[np.uint8],
    counts: npt.NDArray[np.int64],
    found: Features,
) -> None:
    words = _lengths(classes <= _MARKED)
    letters = int(words.sum())
    if not letters:
        return
    upper = classes == _UPPER
    found[INDEX["words"]] = len(words)
    found[INDEX["further letters"]] = np.maximum(words - 4, 0).sum()
    found[INDEX["capitals"]] = np.count_nonzero(upper[:-1] & upper[1:])
    found[INDEX["marked letters"]] = counts[_MARKED]
    if counts[_SIGN] + counts[_DIGIT] > SIGNS_OF_CODE * letters:
        found[INDEX["letters in code"]] = letters
    else:
        found[INDEX["foreign letters"]] = letters * _foreignness(text[:SAMPLE])


def _foreignness(sample: str) -> float:
    """From 0, English, to 1."""
    words = len(_WORD.findall(sample))
    if words < 4:
        return 0.0
    return max(0.0, 1.0 - len(_ENGLISH.findall(sample)) / words / ENGLISH_SHARE)


def _runs(mask: npt.NDArray[np.bool_]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Where runs of True start and end."""
    edges = np.flatnonzero(mask[1:] != mask[:-1]) + 1
    if mask[0]:
        edges = np.concatenate(([0], edges))
    if mask[-1]:
        edges = np.append(edges, len(mask))
    return edges[::2], edges[1::2]


def _lengths(mask: npt.NDArray[np.bool_]) -> npt.NDArray[np.int64]:
    starts, ends = _runs(mask)
    return ends - starts


def _pairs(starts: npt.NDArray[np.int64], ends: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    return np.stack((starts, ends), axis=1).ravel()


@cache
def _classes() -> npt.NDArray[np.uint8]:
    """The class of every character below U+10000."""
    table = np.full(0x10000, _CLASS["other"], np.uint8)
    for first, end, number in _RANGES:
        table[first:end] = number
    for sign in (0xD7, 0xF7):
        table[sign] = _CLASS["other"]
    return table
