"""Texts of several kinds to count: prose in six languages, real code, and what machines write."""

import base64
import inspect
import json
import pydoc_data.topics
import random
from argparse import ArgumentParser
from collections.abc import Callable, Sequence
from functools import cache, partial
from json.decoder import JSONDecoder
from pathlib import Path
from textwrap import TextWrapper

LANGUAGES = ("english", "chinese", "german", "spanish", "russian", "japanese")


def prose(language: str) -> list[str]:
    """Its sentences, one a line."""
    return (Path(__file__).parent / "prose" / f"{language}.txt").read_text().splitlines()


@cache
def pieces(kind: str, seed: int = 1) -> list[str]:
    """Texts of one kind, each of a few words to some hundreds."""
    made = random.Random(seed)
    lines = _LINES[kind]()
    return ["\n".join(_some(lines, made, kind)) for _ in range(60)]


def _some(lines: Sequence[str], made: random.Random, kind: str) -> Sequence[str]:
    if kind in {"code", "manual"}:
        first, count = made.randrange(len(lines)), made.randint(4, 60)
        return lines[first : first + count] or lines[:4]
    return made.choices(lines, k=made.choice((1, 2, 3, 5, 9, 20)))


def _code() -> list[str]:
    return [
        line
        for part in (ArgumentParser, TextWrapper, JSONDecoder, random.Random, inspect.Signature)
        for line in inspect.getsource(part).splitlines()
    ]


def _manual() -> list[str]:
    """The language reference of Python: technical English with its marks."""
    topics = pydoc_data.topics.topics
    return [line for name in sorted(topics)[::4] for line in topics[name].splitlines()]


def _records() -> list[str]:
    made = random.Random(5)
    return [
        json.dumps(
            {
                "id": number,
                "name": f"Sensor {number}",
                "active": bool(number % 3),
                "reading": round(made.gauss(20, 5), 3),
                "tags": ["roof", "north"],
            }
        )
        for number in range(80)
    ]


def _random() -> list[str]:
    made = random.Random(6)
    return [
        base64.b64encode(made.randbytes(90)).decode() if number % 2 else made.randbytes(60).hex()
        for number in range(40)
    ]


_LINES: dict[str, Callable[[], list[str]]] = {
    **{name: partial(prose, name) for name in LANGUAGES},
    "code": _code,
    "manual": _manual,
    "records": _records,
    "random": _random,
}
KINDS = tuple(_LINES)
