"""The tolerant reader: bytes of a chat answer in, typed chunks out, whatever the dialect."""

from collections.abc import Collection, Iterator, Mapping
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
    `offered` are the names of the tools it was told of, with their schemas where these are known;
    `taken` are the call ids of the conversation.
    """

    def __init__(
        self,
        offered: Mapping[str, dict[str, object]] | Collection[str] = (),
        taken: Collection[str] = (),
    ) -> None:
        self.error: object = None
        self.page = ""
        self.signs = 0
        """How much came that belongs to an answer: pings do not count."""
        self.reasoning_field = ""
        """Where the model put its reasoning, as `Manners.reasoning_field` names it."""
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
        words: list[str] = []  # of neighbours, which are looked through together
        for event, value in self._lines.feed(data):
            if self.error is not None:
                break
            if not event and (text := _words_alone(value)):
                self.signs += 1
                words.append(text)
                continue
            if words:
                out += self._said("".join(words))
                words = []
            out += self._value(event, value)
        if words:
            out += self._said("".join(words))
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

    @property
    def characters(self) -> int:
        """How many came so far, of thoughts and words."""
        return sum(map(len, self._text)) + sum(map(len, self._thoughts))

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
            self.signs += 1
            if choice.get("error") or reason in _FAILED:
                self.error = choice.get("error") or {"message": f"finish_reason: {reason}"}
            self._finish = _FINISHES.get(reason.lower(), "stop")

    def _delta(self, delta: dict[str, Any]) -> Iterator[Chunk]:
        field, thought = _thought(delta)
        if thought:
            self.reasoning_field = field
            yield self._reasoned(thought)
        content = delta.get("content")
        if isinstance(content, list):
            for part in content:
                kind, text = _part(part)
                if kind == "thought" and text:
                    yield self._reasoned(text)
                elif text:
                    self.signs += 1
                    yield from self._said(text)
        elif isinstance(content, str) and content:
            self.signs += 1
            yield from self._said(content)
        calls = delta.get("tool_calls")
        if not calls and isinstance(legacy := delta.get("function_call"), dict):
            calls = {"index": 0, "function": legacy}
        if isinstance(calls, dict):
            calls = [calls]
        if isinstance(calls, list) and calls:
            self.signs += 1
            self._calls.feed(calls)

    def _said(self, text: str) -> list[Chunk]:
        out: list[Chunk] = []
        for chunk in self._tags.feed(self._mended(text)):
            self._shown(chunk, out)
        return out

    def _shown(self, chunk: TextChunk | ReasoningChunk, out: list[Chunk]) -> None:
        if isinstance(chunk, ReasoningChunk):
            self.reasoning_field = "think tags"
            out.append(self._reasoned(chunk.text))
        elif text := self._written.feed(chunk.text):
            self._text.append(text)
            out.append(chunk if text is chunk.text else TextChunk(text))

    def _reasoned(self, text: str) -> ReasoningChunk:
        self.signs += 1
        self._thoughts.append(text)
        return ReasoningChunk(text)

    def _last_words(self, out: list[Chunk]) -> None:
        if self._half:
            self._half = ""
            out.extend(self._said("\ufffd"))
        for chunk in self._tags.close():
            self._shown(chunk, out)
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


def joined(chunks: list[Chunk]) -> list[Chunk]:
    """Neighbouring words as one chunk, neighbouring thoughts too: each is dealt with many times over."""
    out: list[Chunk] = []
    for chunk in chunks:
        last = out[-1] if out else None
        if isinstance(chunk, TextChunk) and isinstance(last, TextChunk):
            out[-1] = TextChunk(last.text + chunk.text)
        elif isinstance(chunk, ReasoningChunk) and isinstance(last, ReasoningChunk):
            out[-1] = ReasoningChunk(last.text + chunk.text)
        else:
            out.append(chunk)
    return out


_MORE = ("reasoning_content", "reasoning", "reasoning_details", "tool_calls", "function_call")


def _words_alone(value: Any) -> str:
    """The words of the commonest value, one choice with words and nothing else; else "".

    `EventStream._value` would read it alike, in three times the time.
    """
    try:
        (choice,) = value["choices"]
        delta = choice["delta"]
        words = delta["content"]
        if type(words) is not str or choice.get("finish_reason") or choice.get("index"):
            return ""
    except (TypeError, KeyError, ValueError, AttributeError):
        return ""
    if len(delta) > 1 and any(delta.get(name) for name in _MORE):
        return ""
    other = value.get("usage") or value.get("error") or value.get("x_groq") or choice.get("usage")
    return "" if other or choice.get("error") or value.get("object") == "error" else words


def _is_error(event: str, value: dict[str, Any], answers: bool) -> bool:
    if value.get("error") or value.get("object") == "error" or event == "error":
        return True
    if answers:
        return False
    if value.get("type") == "error" or value.get("detail") or value.get("errors"):
        return True
    return bool(value.get("message")) and "choices" not in value and "type" not in value


def _thought(delta: dict[str, Any]) -> tuple[str, str]:
    """The field and words of a delta's reasoning, of one only: some servers send it twice."""
    for field in ("reasoning_content", "reasoning"):
        value = delta.get(field)
        if isinstance(value, str) and value:
            return field, value
        if isinstance(value, dict):
            text = value.get("content") or value.get("text")
            if isinstance(text, str) and text:
                return field, text
    details = delta.get("reasoning_details")
    if not isinstance(details, list):
        return "", ""
    texts = [d.get("text") or d.get("summary") for d in details if isinstance(d, dict)]
    return "reasoning", "".join(text for text in texts if isinstance(text, str))


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
