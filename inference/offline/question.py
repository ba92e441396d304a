"""What the engine is asked: the last user message and all that came with it."""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from html import unescape
from typing import Any

from inference.offline.errors import bad_request
from inference.offline.pictures import Picture, from_data_uri

RECALLED = re.compile(r"<recalled>\s*(.*?)\s*</recalled>", re.DOTALL)
RECOLLECTION = re.compile(r"\[(\d{4}-\d\d-\d\d) · (\w+)(?: · ([^\]]*))?\] ?(.*)")
QUOTED_PASSAGE = re.compile(r"\[([^\]]+) · p\. (\d+)\] ?(.*)")
WHOLE_DOCUMENT = re.compile(r'<document name="([^"]*)"[^>]*>(.*?)</document>', re.DOTALL)
STUB = re.compile(r"^\[document ([^\]\n]*), \d+ pages?: [^\]\n]*\]$", re.MULTILINE)
PAGE = re.compile(r'<page n="(\d+)">\n?(.*?)\n?</page>', re.DOTALL)
PLACEHOLDER = re.compile(r"^\s*\[image\b[^\]\n]*\]\s*$", re.MULTILINE | re.IGNORECASE)
DOCUMENT = re.compile(
    r"(?:^[^\n<]*\n)?<document\b[^>]*>.*?</document>|^\[document\b[^\]\n]*\]$",
    re.DOTALL | re.MULTILINE,
)
"""An attached document with the line that introduces it: data, which this engine does not obey."""
ABOUT_A_PICTURE = re.compile(
    r"\b(image|picture|photo|screenshot|scan|what does it say|read it|the text)\b", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class ToolOffer:
    """`needed` are the names of the arguments it cannot do without."""

    name: str
    needed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Call:
    name: str
    arguments: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Result:
    """What a tool answered to a call of ours."""

    call: Call
    text: str


@dataclass(frozen=True, slots=True)
class Recollection:
    """Something said before. `day` is ISO, empty for this conversation; `title` may be empty."""

    text: str
    day: str = ""
    role: str = "user"
    title: str = ""


@dataclass(frozen=True, slots=True)
class Passage:
    """Of an attached document; pages count from 1."""

    text: str
    name: str
    page: int


@dataclass(frozen=True, slots=True)
class Question:
    """`words` is the last user message; `earlier` are the user messages before it, oldest first.

    `passages` are what is there of attached documents, whole or in part; `attached` are the names of
    those that came with the last message. `senses` are those installed: reading, hearing, speaking.
    """

    words: str
    pictures: tuple[Picture, ...] = ()
    earlier: tuple[str, ...] = ()
    recalled: tuple[Recollection, ...] = ()
    tools: dict[str, ToolOffer] = field(default_factory=dict)
    results: tuple[Result, ...] = ()
    senses: frozenset[str] = frozenset()
    lost_picture: bool = False
    passages: tuple[Passage, ...] = ()
    attached: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Say:
    """Markdown."""

    text: str


@dataclass(frozen=True, slots=True)
class Ask:
    """Tools to be called, all at once."""

    calls: tuple[Call, ...]


Answer = Say | Ask


def question_of(body: dict[str, Any], senses: frozenset[str]) -> Question:
    """Parse the body of a chat completion. Decodes pictures; raises ApiError for what is wrong."""
    messages = body.get("messages")
    if not isinstance(messages, list) or not all(isinstance(m, dict) for m in messages):
        raise bad_request("messages must be a list of messages.", "messages")
    if not messages:
        raise bad_request("messages must not be empty.", "messages")
    asked_at = max((i for i, m in enumerate(messages) if m.get("role") == "user"), default=-1)
    asked = messages[asked_at] if asked_at >= 0 else {"content": ""}
    written = _text(asked)
    words = PLACEHOLDER.sub("", DOCUMENT.sub("", written)).strip()
    return Question(
        words=words,
        pictures=_pictures(messages, asked_at, words),
        earlier=tuple(
            DOCUMENT.sub("", _text(m)) for m in messages[:asked_at] if m.get("role") == "user"
        ),
        recalled=_recalled(messages),
        tools=_tools(body),
        results=_results(messages[asked_at + 1 :]),
        senses=senses,
        lost_picture=bool(PLACEHOLDER.search(written)),
        passages=tuple(_passages(messages)),
        attached=tuple(unescape(name) for name in _names(written)),
    )


def _parts(message: dict[str, Any]) -> list[dict[str, Any]]:
    content = message.get("content")
    if content is None:
        return []
    if isinstance(content, str):
        return [{"type": "text", "text": content}]
    if isinstance(content, list) and all(isinstance(part, dict) for part in content):
        return content
    raise bad_request("A message's content must be text or a list of parts.", "messages")


def _text(message: dict[str, Any]) -> str:
    parts = _parts(message)
    if any(part.get("type") == "input_audio" for part in parts):
        raise bad_request("Sound is not heard here: send it to /v1/audio/transcriptions first.")
    return "\n\n".join(str(part.get("text", "")) for part in parts if part.get("type") == "text")


def _pictures(messages: Sequence[dict[str, Any]], asked_at: int, words: str) -> tuple[Picture, ...]:
    """Those of the last user message; if it only speaks of a picture, the last one shown."""
    if asked_at < 0:
        return ()
    uris = _uris(messages[asked_at])
    if not uris and ABOUT_A_PICTURE.search(words):
        shown = [_uris(m) for m in messages[:asked_at] if m.get("role") == "user"]
        uris = next((found for found in reversed(shown) if found), [])
    return tuple(from_data_uri(uri) for uri in uris)


def _uris(message: dict[str, Any]) -> list[str]:
    found = []
    for part in _parts(message):
        if part.get("type") == "image_url":
            place = part.get("image_url")
            found.append(str(place.get("url", "") if isinstance(place, dict) else place))
    return found


def _recalled(messages: Sequence[dict[str, Any]]) -> tuple[Recollection, ...]:
    """The lines of the <recalled> block of a system message; a line may go on over the next."""
    lines: list[Recollection] = []
    for message in messages:
        if message.get("role") not in ("system", "developer"):
            continue
        for block in RECALLED.findall(_text(message)):
            for line in block.splitlines():
                if head := RECOLLECTION.fullmatch(line.strip()):
                    day, role, title, text = head.groups()
                    lines.append(Recollection(text, day, role, title or ""))
                elif lines and line.strip() and not QUOTED_PASSAGE.fullmatch(line.strip()):
                    last = lines.pop()
                    text = f"{last.text}\n{line.strip()}"
                    lines.append(Recollection(text, last.day, last.role, last.title))
    return tuple(lines)


def _passages(messages: Sequence[dict[str, Any]]) -> Iterator[Passage]:
    """Those quoted among what is recalled, and all pages of the documents that stand there whole."""
    for message in messages:
        if message.get("role") in ("system", "developer"):
            for block in RECALLED.findall(_text(message)):
                for line in block.splitlines():
                    if found := QUOTED_PASSAGE.fullmatch(line.strip()):
                        yield Passage(found[3], found[1], int(found[2]))
        elif message.get("role") == "user":
            for name, inner in WHOLE_DOCUMENT.findall(_text(message)):
                for page, text in PAGE.findall(inner):
                    yield Passage(text, unescape(name), int(page))


def _names(written: str) -> list[str]:
    return [name for name, _ in WHOLE_DOCUMENT.findall(written)] + STUB.findall(written)


def _tools(body: dict[str, Any]) -> dict[str, ToolOffer]:
    if body.get("tool_choice") == "none":
        return {}
    offers: dict[str, ToolOffer] = {}
    for tool in body.get("tools") or []:
        function = tool.get("function") if isinstance(tool, dict) else None
        if not isinstance(function, dict) or not isinstance(function.get("name"), str):
            raise bad_request("Each tool needs a function with a name.", "tools")
        schema = function.get("parameters") or {}
        needed = tuple(str(name) for name in schema.get("required") or ())
        offers[function["name"]] = ToolOffer(function["name"], needed)
    return offers


def _results(after: Sequence[dict[str, Any]]) -> tuple[Result, ...]:
    """The tool results that came back since the question, with the calls they answer."""
    calls: dict[str, Call] = {}
    results: list[Result] = []
    for message in after:
        for call in message.get("tool_calls") or []:
            function = call.get("function") or {}
            try:
                arguments = json.loads(function.get("arguments") or "{}")
            except ValueError:
                arguments = {}
            known = arguments if isinstance(arguments, dict) else {}
            calls[str(call.get("id"))] = Call(str(function.get("name")), known)
        if message.get("role") == "tool":
            call_id = str(message.get("tool_call_id"))
            answered = calls.get(call_id, Call("the tool", {}))
            results.append(Result(answered, _text(message)))
    return tuple(results)
