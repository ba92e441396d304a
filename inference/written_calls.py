"""Tool calls that a server without a parser left in the text, taken out of it while it streams."""

from collections.abc import Collection

import orjson

_OPEN, _CLOSE = "<tool_call>", "</tool_call>"
_LEAK = '{"name": "'


class WrittenCalls:
    """Feed it the answer's text; it gives back the text to show and keeps the calls in `found`.

    Two shapes are known: `<tool_call>{...}</tool_call>` anywhere, and an answer that is nothing but
    `{"name": ..., "arguments": ...}`. Only offered tools count: all else stays text, unchanged.
    """

    def __init__(self, offered: Collection[str]) -> None:
        self.found: list[tuple[str, str]] = []
        self._offered = frozenset(offered)
        self._held = ""
        self._at_start = True

    def feed(self, text: str) -> str:
        if not self._offered:
            return text
        if not self._held and not self._at_start and "<" not in text:
            return text
        self._held += text
        if self._at_start:
            if self._may_be_bare_call():
                return ""
            self._at_start = False
        shown = ""
        while True:
            before, tag, rest = self._held.partition(_OPEN)
            if not tag:
                keep = _overlap(before)
                self._held = before[len(before) - keep :]
                return shown + before[: len(before) - keep]
            inner, end, after = rest.partition(_CLOSE)
            if not end:
                self._held = tag + rest
                return shown + before
            shown += before if self._take(inner) else before + tag + inner + end
            self._held = after

    def close(self, *, called: bool = False) -> str:
        """What was held back. `called`: calls also came in their proper place, so that the
        beginning of one that leaked into the text before them is dropped."""
        held, self._held = self._held, ""
        if held.startswith(_OPEN):
            return "" if self._take(held[len(_OPEN) :]) else held
        if self._at_start and held.strip():
            if called and _LEAK.startswith(_squeezed(held)):
                return ""
            return "" if self._take(held) else held
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
            return name in self._offered
        return any(offered.startswith(name) for offered in self._offered)

    def _take(self, text: str) -> bool:
        try:
            call = orjson.loads(text)
        except orjson.JSONDecodeError:
            return False
        if not isinstance(call, dict) or call.get("name") not in self._offered:
            return False
        arguments = call.get("arguments", call.get("parameters", {}))
        whole = arguments if isinstance(arguments, str) else orjson.dumps(arguments).decode()
        self.found.append((call["name"], whole))
        return True


def _squeezed(text: str) -> str:
    """The beginning of a JSON object in one spelling: `{ "name":"x` and `{"name": "x` are alike."""
    text = text.lstrip()
    if not text.startswith("{"):
        return text
    body = text[1:].lstrip()
    key, colon, value = body.partition(":")
    return "{" + key.rstrip() + colon + (" " + value.lstrip() if value.strip() else "")


def _overlap(text: str) -> int:
    """How many characters at the end of `text` may begin an opening tag."""
    for size in range(min(len(text), len(_OPEN) - 1), 0, -1):
        if _OPEN.startswith(text[-size:]):
            return size
    return 0
