"""What the page says, in its reader's language: English stands in the code, the others in languages/.

A language is a folder of JSON files, English → translation. What the layers say (a refusal, a fault) is
English too, and is translated where it is drawn: by its pattern, where it holds names and numbers.
"""

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
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
_HOLE = re.compile(r"\{(\w+)\}")
_SURE = 8
"""Characters besides its holes by which a sentence is known again: "{n} of {all}" is in many others."""

_spoken: ContextVar[str] = ContextVar("language", default="en")
_chosen: ContextVar[str] = ContextVar("chosen", default="")


def say(english: str, /, **values: object) -> str:
    """`english` in the reader's language, its {holes} filled."""
    words = catalogue(_spoken.get()).get(english, english)
    return words.format(**values) if values else words


def word(english: str, /) -> str:
    """Marks what is said elsewhere, by `say` of a name."""
    return english


def count(number: int, one: str, many: str, /, **values: object) -> str:
    """`one` for 1, else `many`; both may have a hole {n}, which is the number."""
    return say(one if number == 1 else many, n=f"{number:,}", **values)


def told(sentences: str) -> str:
    """What a layer said, as far as the reader's language knows it; else as it is."""
    language = _spoken.get()
    if language == "en" or not sentences:
        return sentences
    known = catalogue(language)
    if sentences in known:
        return known[sentences]
    for pattern, english in _patterns(language):
        if found := pattern.fullmatch(sentences):
            return known[english].format(**found.groupdict())
    head, stop, rest = sentences.partition(". ")
    return f"{told(head + '.')} {told(rest)}" if stop else sentences


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


@cache
def _patterns(name: str) -> tuple[tuple[re.Pattern[str], str], ...]:
    """Those with holes, the longest first: the more a pattern says, the surer it is."""
    holed = sorted(filter(_can_be_told, catalogue(name)), key=len, reverse=True)
    return tuple((re.compile(_as_pattern(english), re.DOTALL), english) for english in holed)


def _can_be_told(english: str) -> bool:
    """Whether it has holes, and says enough besides not to be found in any sentence."""
    between = _HOLE.sub("", english)
    return between != english and len(between) >= _SURE


def _as_pattern(english: str) -> str:
    pattern, at, seen = "", 0, set[str]()
    for hole in _HOLE.finditer(english):
        name = hole[1]
        pattern += re.escape(english[at : hole.start()])
        pattern += f"(?P={name})" if name in seen else f"(?P<{name}>.+?)"
        seen.add(name)
        at = hole.end()
    return pattern + re.escape(english[at:])
