"""The tolerant reader: bytes of a chat answer in, typed chunks out, whatever the dialect."""

from collections.abc import Collection, Iterator
from typing import Any

from inference.backend import CallChunk, Chunk, FinishedChunk, ReasoningChunk, TextChunk
from inference.event_lines import EventLines, parsed
from inference.think_tags import ThinkTags
from inference.tool_calls import CallAssembly
from inference.written_calls import WrittenCalls

_FINISHES = {
    "stop": "stop",
    "length": "length",
    "max_tokens": "length",
    "model_length": "length",
    "tool_calls": "tool_calls",
    "function_call": "tool_calls",
    "content_filter": "content_filter",
}
_FAILED = {"error", "network_error"}
INCOMPLETE = "incomplete"
"""The finish of a stream that ended in good order, but with neither a reason nor [DONE]."""


class EventStream:
    """`feed` bytes until `over` or until no more come, then `close`; each gives chunks.

    Nothing is raised on what a server sends (but Flood, for 16 MB without sense): `error` is what
    it said went wrong, in its own shape, and ends the stream; `page` is a body that is no answer.
    `offered` are the names of the tools it was told of, `taken` the call ids of the conversation.
    """

    def __init__(self, offered: Collection[str] = (), taken: Collection[str] = ()) -> None:
        self.error: object = None
        self.page = ""
        self._lines = EventLines()
        self._tags = ThinkTags()
        self._calls = CallAssembly(offered, taken)
        self._written = WrittenCalls(offered)
        self._finish = ""
        self._usage: dict[str, Any] = {}
        self._text: list[str] = []
        self._thoughts: list[str] = []
        self._half = ""

    @property
    def over(self) -> bool:
        """Nothing that comes after this counts."""
        return self._lines.done or self.error is not None

    @property
    def complete(self) -> bool:
        """The server said how the answer ended: a line that breaks later takes nothing away."""
        return self.error is None and (self._lines.done or bool(self._finish))

    def feed(self, data: bytes) -> list[Chunk]:
        out: list[Chunk] = []
        for event, value in self._lines.feed(data):
            if self.error is None:
                out.extend(self._value(event, value))
        return out

    def close(self, *, cut: bool = False) -> list[Chunk]:
        """The last chunks. Without a FinishedChunk, and without calls, where `error` was met or the
        line was `cut` before the answer was `complete`."""
        out: list[Chunk] = []
        for event, value in self._lines.close():
            if self.error is None:
                out.extend(self._value(event, value))
        if self._lines.body and not cut:
            out.extend(self._body(self._lines.body))
        self._last_words(out)
        if self.error is None and not out and not self.spoke and self._lines.stray:
            self.error = {"message": self._lines.stray}
        if self.error is not None or (cut and not self.complete) or self.page:
            return out
        finish = self._finish or ("stop" if self._lines.done else INCOMPLETE)
        if finish == INCOMPLETE and not self._calls.whole:
            finish = "length"  # what is left of their arguments must not be run
        calls = self._calls.close()
        out.extend(CallChunk(call) for call in calls)
        if not self._text and not calls and self._thoughts and finish != "length":
            # Some servers put a whole answer where only thoughts belong; it must not be lost.
            out.append(TextChunk("".join(self._thoughts)))
        if calls and finish in ("stop", INCOMPLETE):
            finish = "tool_calls"
        out.append(
            FinishedChunk(finish, _count(self._usage, "prompt"), _count(self._usage, "comp"))
        )
        return out

    @property
    def spoke(self) -> bool:
        """Whether anything came that belongs to an answer."""
        return bool(self._text or self._thoughts or self._calls or self._finish)

    def _body(self, body: bytes) -> Iterator[Chunk]:
        """An answer that is no event stream: one JSON value, one a line, or a page."""
        try:
            yield from self._value("", parsed(body))
            return
        except ValueError:
            pass
        for line in body.splitlines():
            try:
                value = parsed(line)
            except ValueError:
                break
            yield from self._value("", value)
        else:
            return
        if not self.spoke:
            self.page = body[:20_000].decode(errors="replace")

    def _value(self, event: str, value: Any) -> Iterator[Chunk]:
        if isinstance(value, list) and value:
            value = value[0]
        if not isinstance(value, dict):
            if isinstance(value, str) and event == "error":
                self.error = value
            return
        choices = value.get("choices")
        if _is_error(event, value, bool(choices)):
            if isinstance(choices, list):
                for choice in choices:
                    yield from self._choice(choice)
            self.error = value
            return
        groq = value.get("x_groq")
        for usage in (value.get("usage"), groq.get("usage") if isinstance(groq, dict) else None):
            if isinstance(usage, dict):
                self._usage = usage
        if isinstance(choices, list):
            for choice in choices:
                yield from self._choice(choice)

    def _choice(self, choice: Any) -> Iterator[Chunk]:
        if not isinstance(choice, dict) or choice.get("index") not in (None, 0):
            return
        delta = choice.get("delta")
        message = choice.get("message")
        if isinstance(delta, dict) and delta:
            yield from self._delta(delta)
        elif isinstance(message, dict):
            yield from self._delta(self._unseen(message))
        elif isinstance(choice.get("text"), str):
            yield from self._delta({"content": choice["text"]})
        if isinstance(choice.get("usage"), dict):
            self._usage = choice["usage"]
        reason = choice.get("finish_reason")
        if isinstance(reason, str) and reason:
            if choice.get("error") or reason in _FAILED:
                self.error = choice.get("error") or {"message": f"finish_reason: {reason}"}
            self._finish = _FINISHES.get(reason.lower(), "stop")

    def _delta(self, delta: dict[str, Any]) -> Iterator[Chunk]:
        thought = _thought(delta)
        if thought:
            yield self._reasoned(thought)
        content = delta.get("content")
        if isinstance(content, list):
            for part in content:
                kind, text = _part(part)
                if kind == "thought" and text:
                    yield self._reasoned(text)
                elif text:
                    yield from self._said(text)
        elif isinstance(content, str) and content:
            yield from self._said(content)
        calls = delta.get("tool_calls")
        if isinstance(calls, list):
            self._calls.feed(calls)
        elif isinstance(calls, dict):
            self._calls.feed([calls])
        elif isinstance(legacy := delta.get("function_call"), dict):
            self._calls.feed([{"index": 0, "function": legacy}])

    def _said(self, text: str) -> Iterator[Chunk]:
        for chunk in self._tags.feed(self._mended(text)):
            yield from self._shown(chunk)

    def _shown(self, chunk: TextChunk | ReasoningChunk) -> Iterator[Chunk]:
        if isinstance(chunk, ReasoningChunk):
            yield self._reasoned(chunk.text)
        elif text := self._written.feed(chunk.text):
            self._text.append(text)
            yield TextChunk(text)

    def _reasoned(self, text: str) -> ReasoningChunk:
        self._thoughts.append(text)
        return ReasoningChunk(text)

    def _last_words(self, out: list[Chunk]) -> None:
        if self._half:
            self._half = ""
            out.extend(self._said("\ufffd"))
        for chunk in self._tags.close():
            out.extend(self._shown(chunk))
        if text := self._written.close(called=bool(self._calls)):
            self._text.append(text)
            out.append(TextChunk(text))
        if not self._calls:
            for name, arguments in self._written.found:
                self._calls.add_whole(name, arguments)

    def _mended(self, text: str) -> str:
        """Text without halves of surrogate pairs: a half at the end waits for its other."""
        if text.isascii() and not self._half:
            return text
        text, self._half = self._half + text, ""
        try:
            text.encode()
        except UnicodeEncodeError:
            if "\ud800" <= text[-1] <= "\udbff":
                text, self._half = text[:-1], text[-1]
            return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        return text

    def _unseen(self, message: dict[str, Any]) -> dict[str, Any]:
        """A whole message without the words that had already come piece by piece."""
        content, before = message.get("content"), "".join(self._text)
        seen = isinstance(content, str) and before and content.startswith(before)
        if not seen:
            return message
        fresh = {k: v for k, v in message.items() if k == "tool_calls" and not self._calls}
        return {**fresh, "content": str(content)[len(before) :]}


def _is_error(event: str, value: dict[str, Any], answers: bool) -> bool:
    if value.get("error") or value.get("object") == "error" or event == "error":
        return True
    if answers:
        return False
    if value.get("type") == "error" or value.get("detail") or value.get("errors"):
        return True
    return bool(value.get("message")) and "choices" not in value and "type" not in value


def _thought(delta: dict[str, Any]) -> str:
    """The reasoning of a delta, from one source only: servers send it twice under two names."""
    for field in ("reasoning_content", "reasoning"):
        value = delta.get(field)
        if isinstance(value, str) and value:
            return value
        if isinstance(value, dict):
            text = value.get("content") or value.get("text")
            if isinstance(text, str) and text:
                return text
    details = delta.get("reasoning_details")
    if not isinstance(details, list):
        return ""
    texts = [d.get("text") or d.get("summary") for d in details if isinstance(d, dict)]
    return "".join(text for text in texts if isinstance(text, str))


def _part(part: Any) -> tuple[str, str]:
    """One part of a content list, as ("thought" or "text", its words)."""
    if isinstance(part, str):
        return "text", part
    if not isinstance(part, dict):
        return "text", ""
    thinking = part.get("thinking")
    if isinstance(thinking, list):
        return "thought", "".join(_part(inner)[1] for inner in thinking)
    if isinstance(thinking, str):
        return "thought", thinking
    text = part.get("text")
    return "text", text if isinstance(text, str) else ""


def _count(usage: dict[str, Any], kind: str) -> int:
    value = usage.get("prompt_tokens" if kind == "prompt" else "completion_tokens")
    return value if isinstance(value, int) and value > 0 else 0
