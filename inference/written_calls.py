"""Tool calls that a server without a parser left in the text, taken out of it while it streams."""

import json
import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any

import orjson

_LEAK = '{"name": "'
_HERMES, _QWEN, _MISTRAL = "<tool_call>", "<function=", "[TOOL_CALLS]"
_ENDS = {_HERMES: "</tool_call>", _QWEN: "</function>"}
_ORPHAN = "</tool_call>"
_TAGS = (_HERMES, _QWEN, _MISTRAL, _ORPHAN)
_FIRST_LETTERS = frozenset(tag[0] for tag in _TAGS)

_FUNCTION = re.compile(r"\s*<function=([^>\n]+)>?(.*?)(?:</function>\s*)?$", re.DOTALL)
_PARAMETER = re.compile(
    r"<parameter=([^>\n]+)>(.*?)(?=</parameter>|<parameter=|</function>|\Z)", re.DOTALL
)
_NAMED = re.compile(r"\s*([\w.-]+)\s*(?:\[CALL_ID\][\w-]*)?\s*(?:\[ARGS\])?\s*(?=\{)")

Call = tuple[str, str]


class WrittenCalls:
    """Feed it the answer's text; it gives back the text to show and keeps the calls in `found`.

    Known are, anywhere: `<tool_call>{...}</tool_call>`; Qwen's `<function=...><parameter=...>` in
    such tags or without; all that follows Mistral's `[TOOL_CALLS]`. And an answer that is nothing
    but `{"name": ..., "arguments": ...}`. Only offered tools count: all else stays text, unchanged.
    """

    def __init__(self, offered: Mapping[str, dict[str, object]] | Collection[str]) -> None:
        self.found: list[Call] = []
        self._schemas = offered if isinstance(offered, Mapping) else {name: {} for name in offered}
        self._held = ""
        self._at_start = True

    def feed(self, text: str) -> str:
        if not self._schemas:
            return text
        if not self._held and not self._at_start and _FIRST_LETTERS.isdisjoint(text):
            return text
        self._held += text
        if self._at_start:
            if self._may_be_bare_call():
                return ""
            self._at_start = False
        shown = ""
        while True:
            before, tag, rest = _parted(self._held)
            if not tag:
                keep = _overlap(before)
                self._held = before[len(before) - keep :]
                return shown + before[: len(before) - keep]
            if tag == _ORPHAN:
                # Qwen forgets the opening tag, and still closes it.
                shown += before.rstrip() if self.found else before + tag
                self._held = rest
                continue
            inner, end, after = rest.partition(_ENDS[tag]) if tag in _ENDS else (rest, "", "")
            if not end:
                self._held = tag + rest
                return shown + before
            shown += before if self._take(tag, inner) else before + tag + inner + end
            self._held = after

    def close(self, *, called: bool = False) -> str:
        """What was held back. `called`: calls also came in their proper place, so that the
        beginning of one that leaked into the text before them is dropped."""
        held, self._held = self._held, ""
        for tag in (_HERMES, _QWEN, _MISTRAL):
            if held.startswith(tag):
                return "" if self._take(tag, held[len(tag) :]) else held
        if self._at_start and held.strip():
            if called and _LEAK.startswith(_squeezed(held)):
                return ""
            return "" if self._take(_HERMES, held) else held
        return held

    def _may_be_bare_call(self) -> bool:
        """Whether all text so far can still become a bare call of an offered tool."""
        text = _squeezed(self._held)
        if len(text) <= len(_LEAK):
            return _LEAK.startswith(text)
        if not text.startswith(_LEAK):
            return False
        name, quote, _ = text[len(_LEAK) :].partition('"')
        if quote:
            return name in self._schemas
        return any(offered.startswith(name) for offered in self._schemas)

    def _take(self, tag: str, inner: str) -> bool:
        """Whether these are calls of offered tools, all of them; then they are kept."""
        if tag == _QWEN:
            calls = list(self._of_qwen(_QWEN + inner))
        elif tag == _MISTRAL:
            calls = list(_of_mistral(inner))
        elif inner.lstrip().startswith(_QWEN):
            calls = list(self._of_qwen(inner))
        else:
            calls = list(_of_json(inner))
        if not calls or any(name not in self._schemas for name, _ in calls):
            return False
        self.found += calls
        return True

    def _of_qwen(self, text: str) -> Iterator[Call]:
        """One call; a parameter's value is JSON only where its schema wants something else than text."""
        function = _FUNCTION.match(text)
        if function is None:
            return
        name = function.group(1).strip()
        properties: Any = self._schemas.get(name, {}).get("properties")
        known = properties if isinstance(properties, dict) else {}
        arguments: dict[str, object] = {}
        for parameter in _PARAMETER.finditer(function.group(2)):
            key = parameter.group(1).strip()
            value = parameter.group(2).removeprefix("\n").removesuffix("\n")
            arguments[key] = _typed(value, known.get(key))
        yield name, orjson.dumps(arguments).decode()


def _typed(value: str, schema: Any) -> object:
    wanted = schema.get("type") if isinstance(schema, dict) else None
    kinds = wanted if isinstance(wanted, list) else [wanted]
    if wanted is None or "string" in kinds:
        return value
    try:
        return orjson.loads(value)
    except orjson.JSONDecodeError:
        return value


def _of_mistral(text: str) -> Iterator[Call]:
    """A list of calls, or a name before the object of its arguments, perhaps several."""
    if text.lstrip().startswith("["):
        yield from _of_json(text)
        return
    decoder = json.JSONDecoder()
    for piece in text.split(_MISTRAL):
        name = _NAMED.match(piece)
        try:
            value, end = decoder.raw_decode(piece, name.end()) if name else (None, 0)
        except (ValueError, RecursionError):
            return
        if name is None or piece[end:].strip():
            return
        yield name.group(1), orjson.dumps(value).decode()


def _of_json(text: str) -> Iterator[Call]:
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError:
        return
    for call in value if isinstance(value, list) else [value]:
        if not isinstance(call, dict) or not isinstance(call.get("name"), str):
            return
        arguments = call.get("arguments", call.get("parameters", {}))
        whole = arguments if isinstance(arguments, str) else orjson.dumps(arguments).decode()
        yield call["name"], whole


def _squeezed(text: str) -> str:
    """The beginning of a JSON object in one spelling: `{ "name":"x` and `{"name": "x` are alike."""
    text = text.lstrip()
    if not text.startswith("{"):
        return text
    body = text[1:].lstrip()
    key, colon, value = body.partition(":")
    return "{" + key.rstrip() + colon + (" " + value.lstrip() if value.strip() else "")


def _parted(text: str) -> tuple[str, str, str]:
    """What stands before the first tag, the tag, and what follows."""
    places = [(place, tag) for tag in _TAGS if (place := text.find(tag)) >= 0]
    if not places:
        return text, "", ""
    place, tag = min(places)
    return text[:place], tag, text[place + len(tag) :]


def _overlap(text: str) -> int:
    """How many characters at the end of `text` may begin a tag."""
    for size in range(min(len(text), max(map(len, _TAGS)) - 1), 0, -1):
        if any(tag.startswith(text[-size:]) for tag in _TAGS):
            return size
    return 0
