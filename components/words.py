"""What the page says, in its reader's language: English stands in the code, the others in languages/.

A language is a folder of JSON files, English → translation. What the layers say (a refusal, a fault) is
English too, and is translated where it is drawn: by its pattern, where it holds names and numbers.
"""

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache, lru_cache
from itertools import chain
from pathlib import Path

from starlette.datastructures import Headers
from starlette.requests import cookie_parser
from starlette.types import ASGIApp, Receive, Scope, Send

LANGUAGES = {
    "en": "English",
    "de": "Deutsch",
    "es": "Español",
    "fr": "Français",
    "ja": "日本語",
    "zh": "中文",
}
COOKIE = "parley-language"
_FOLDER = Path(__file__).parent / "languages"
_MARKS = {"de": (".", ","), "es": (".", ","), "fr": ("\N{NARROW NO-BREAK SPACE}", ",")}
"""Between thousands, and before what is less than one; the others write as English does."""
_HOLE = re.compile(r"\{(\w+)\}")
_ENDS = (re.compile(r"(?<=[.!?]) "), re.compile(r", | and "))
"""Of sentences, and of what stands in one."""
_LONGEST = 2000
"""Characters of what a layer says; what is longer is not looked at."""

# What the holes of a layer's sentence may hold: another's words stand in quotation marks and go on over
# the ends of sentences, a name does not, and a number is one.
_NAME = r"(?:(?![.!?] |[“”])[^\n])+?"
_NUMBERS = frozenset({"n", "most"})
_FILLINGS = {"quote": r"(?s:.+)", **dict.fromkeys(_NUMBERS, r"\d[\d,.]*")}
_OUR_WORDS = frozenset({"span", "why", "who"})
"""Holes that may hold words of Parley's own, to be translated too."""

_spoken: ContextVar[str] = ContextVar("language", default="en")
_chosen: ContextVar[str] = ContextVar("chosen", default="")


def say(english: str, /, **values: object) -> str:
    """`english` in the reader's language, its {holes} filled."""
    words = catalogue(_spoken.get()).get(english, english)
    return words.format(**values) if values else words


def word(english: str, /) -> str:
    """Marks what is said elsewhere, by `say` of a name."""
    return english


def count(things: int, one: str, many: str, /, **values: object) -> str:
    """`one` for 1, else `many`; both may have a hole {n}, which is the number."""
    return say(one if things == 1 else many, n=number(things), **values)


def meant(context: str, english: str, /) -> str:
    """`english` in one of its meanings, which another language may have another word for."""
    return catalogue(_spoken.get()).get(f"{context}: {english}", english)


def number(value: float, digits: int = 0) -> str:
    """Its thousands grouped, with `digits` behind the point, as the reader's language writes it."""
    return _marked(f"{value:,.{digits}f}", _spoken.get())


def told(sentences: str) -> str:
    """What a layer said, as far as the reader's language knows it; else as it is."""
    name = _spoken.get()
    if name == "en" or not sentences or len(sentences) > _LONGEST:
        return sentences
    return _translated(name, sentences)


def explained(message: str, advice: str) -> dict[str, str]:
    """What a layer refused, and what to do next, as the page is told of it."""
    return {"message": told(message), "advice": told(advice)}


def language() -> str:
    """Of the reader, one of LANGUAGES."""
    return _spoken.get()


def chosen() -> str:
    """The language that the reader chose, "" where their browser decides."""
    return _chosen.get()


@contextmanager
def speaking(name: str) -> Iterator[None]:
    """What is said in the body is said in that language."""
    before = _spoken.set(name if name in LANGUAGES else "en")
    try:
        yield
    finally:
        _spoken.reset(before)


class Tongue:
    """Middleware: each answer, and each WebSocket, speaks the language that the reader chose, or else
    the one that their browser asks for."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        asked = cookie_parser(headers.get("cookie", "")).get(COOKIE, "")
        decided = _chosen.set(asked if asked in LANGUAGES else "")
        try:
            with speaking(chosen() or wanted(headers.get("accept-language", ""))):
                await self._app(scope, receive, send)
        finally:
            _chosen.reset(decided)


def wanted(accepted: str) -> str:
    """The first of ours in an Accept-Language header, by its weights; English where there is none."""
    asked = []
    for number, part in enumerate(accepted[:1000].split(",")):
        tag, _, weight = part.partition(";q=")
        try:
            asked.append((-float(weight or 1), number, tag.strip().lower().partition("-")[0]))
        except ValueError:
            continue
    return next((tag for _, _, tag in sorted(asked) if tag in LANGUAGES), "en")


@cache
def catalogue(name: str) -> Mapping[str, str]:
    """English → that language; empty for English itself."""
    if name == "en":
        return {}
    words: dict[str, str] = {}
    for part in sorted((_FOLDER / name).glob("*.json")):
        words |= json.loads(part.read_text(encoding="utf-8"))
    return words


@lru_cache(1000)
def _translated(name: str, sentences: str) -> str:
    """Sentence by sentence, or else phrase by phrase, where all of it is not known as one."""
    if (whole := _known(name, sentences)) is not None:
        return whole
    for between in chain.from_iterable(ends.finditer(sentences) for ends in _ENDS):
        head, rest = sentences[: between.start()], sentences[between.end() :]
        if (found := _known(name, head)) is not None:
            space = _layers(name).get(between[0], between[0])
            if found.endswith("。"):  # no space follows it
                space = space.lstrip()
            return f"{found}{space}{_translated(name, rest)}"
    head, stop, rest = sentences.partition(". ")
    return f"{head}{stop}{_translated(name, rest)}" if stop else sentences


def _known(name: str, sentence: str) -> str | None:
    if (exact := catalogue(name).get(sentence)) is not None:
        return exact
    for pattern, other in _patterns(name):
        if found := pattern.fullmatch(sentence):
            values = found.groupdict()
            for hole in _OUR_WORDS & values.keys():
                values[hole] = _translated(name, values[hole])
            for hole in _NUMBERS & values.keys():
                values[hole] = _marked(values[hole], name)
            return other.format(**values)
    return None


@cache
def _layers(name: str) -> Mapping[str, str]:
    """What the layers say; a pattern of the page's own words would fit far too much."""
    words: dict[str, str] = json.loads((_FOLDER / name / "told.json").read_text(encoding="utf-8"))
    return words


@cache
def _patterns(name: str) -> tuple[tuple[re.Pattern[str], str], ...]:
    """Those with holes and what they become, the longest first: the more one says, the surer it is."""
    holed = (pair for pair in _layers(name).items() if _HOLE.search(pair[0]))
    longest = sorted(holed, key=lambda pair: len(_HOLE.sub("", pair[0])), reverse=True)
    return tuple((re.compile(_as_pattern(english)), other) for english, other in longest)


def _marked(english: str, name: str) -> str:
    """A number with the marks of that language."""
    group, point = _MARKS.get(name, (",", "."))
    return english.translate({ord(","): group, ord("."): point})


def _as_pattern(english: str) -> str:
    pattern, at = "", 0
    for hole in _HOLE.finditer(english):
        pattern += re.escape(english[at : hole.start()])
        pattern += f"(?P<{hole[1]}>{_FILLINGS.get(hole[1], _NAME)})"
        at = hole.end()
    return pattern + re.escape(english[at:])
