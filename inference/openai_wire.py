"""Messages as the JSON of OpenAI's chat API, written so that the strictest server takes it."""

import base64
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import orjson

from inference.adaptations import PLAIN, Manners
from inference.backend import ChatRequest, ReadMedia, ToolSpec, Unsupported
from inference.json_answer import instructions, response_format
from inference.provider import Provider, Quirks
from messages import Audio, Document, Image, Media, Message, Reasoning, Text, ToolCall, ToolResult

Json = dict[str, Any]

MAX_IMAGE_CHARACTERS = 4_000_000
"""Base64 of all images of a request: Groq answers 413 above 4 MB, others soon after."""

_NO_RESULT = "no result: the turn was interrupted"
_OMITTED_IMAGE = "[An earlier image stood here; it is left out to keep the request small.]"
_UNSEEN_IMAGE = "[An image stood here; this model cannot see images.]"
_UNHEARD = "[A recording that was not understood.]"
_ABSENT_DOCUMENT = "[A document stood here: {}; its text is not at hand.]"
_CUT_REPLY = "(The reply was interrupted here.)"
_NO_THOUGHTS = "(The reasoning was not kept.)"  # Moonshot refuses a call without, or an empty one
_CUT_START = "(Earlier messages are left out.)"


@dataclass(frozen=True, slots=True)
class _Telling:
    """How replies of the past are told. `thoughts`: in which turns and under which name."""

    empty: str | None
    replay: Literal["", "tool turns", "all"]
    thoughts: str
    flat: bool


def chat_body(request: ChatRequest, provider: Provider, manners: Manners = PLAIN) -> Json:
    """The body of a streamed POST /chat/completions.

    One system message, at the start; then the user first, and no two neighbours of one role: many
    chat templates refuse anything else. `manners` is what this model's rejections taught. Raises
    Unsupported if the newest image alone is too large.
    """
    quirks, refused = provider.quirks, manners.refused
    system = request.system
    if request.json:
        system = "\n\n".join(text for text in (system, instructions(request.json)) if text.strip())
    body: Json = {"model": request.model, "messages": _rows(request, provider, manners)}
    if "system" in refused:
        body["messages"] = _alternating([*_first(system), *body["messages"]])
    else:
        body["messages"] = [*_system(system), *body["messages"]]
    body |= _size(request.max_tokens, quirks, manners)
    if request.temperature is not None and "temperature" not in refused:
        body["temperature"] = request.temperature
    body["stream"] = True
    if quirks.stream_options and "stream_options" not in refused:
        body["stream_options"] = {"include_usage": True}
    if request.tools and "tools" not in refused:
        body["tools"] = [_tool(spec) for spec in request.tools]
    if request.json and (form := response_format(request.json, refused)):
        body["response_format"] = form
    return body


def _rows(request: ChatRequest, provider: Provider, manners: Manners) -> list[Json]:
    known = provider.models.get(request.model)
    blind = not request.sees or (known is not None and "image" not in known.modalities)
    shown = set() if blind else _newest_images(request.messages)
    if "images" in manners.refused:
        # What the user sends just now goes all the same: better refused aloud than not seen.
        newest = [m.id for m in request.messages if m.role == "user"][-1:]
        shown = {(message, place) for message, place in shown if message in newest}
    telling = _telling(request.model, provider.quirks, manners)
    rows: list[Json] = []
    for message in request.messages:
        if message.role == "user":
            rows.append({"role": "user", "content": _said(message, request.read, shown, blind)})
        else:
            rows.extend(_reply(message, telling))
    return _alternating(rows)


def _telling(model: str, quirks: Quirks, manners: Manners) -> _Telling:
    refused = manners.refused
    empty = None if quirks.empty_content == "null" else ""
    if "empty content" in refused:
        empty = None
    elif "null content" in refused:
        empty = ""
    wanted = any(part in model.lower() for part in quirks.replay_reasoning)
    replay = manners.replay or ("tool turns" if wanted else "")
    return _Telling(
        empty=empty,
        replay="" if "reasoning" in refused else replay,
        thoughts=manners.reasoning_field or "reasoning_content",
        flat="tools" in refused,
    )


def _size(max_tokens: int, quirks: Quirks, manners: Manners) -> Json:
    """The limit of the reply, under the name that the server takes."""
    other = "max_tokens" if quirks.max_tokens_field != "max_tokens" else "max_completion_tokens"
    for name in (quirks.max_tokens_field, other):
        if name not in manners.refused:
            return {name: min(max_tokens, manners.most_out or max_tokens)}
    return {}


def _first(system: str) -> list[Json]:
    """The system's words as the user's, for models that know no system."""
    return [{"role": "user", "content": system}] if system.strip() else []


def object_text(arguments: str) -> str:
    """Arguments as the text of a JSON object: several servers fail on a history with any other."""
    if not arguments.strip():
        return "{}"
    try:
        value = orjson.loads(arguments)
    except orjson.JSONDecodeError:
        value = None
    if isinstance(value, dict):
        return arguments
    return orjson.dumps({"unreadable": arguments[:2_000]}).decode()


def _system(text: str) -> list[Json]:
    return [{"role": "system", "content": text}] if text.strip() else []


def _tool(spec: ToolSpec) -> Json:
    function = {
        "name": spec.name,
        "description": spec.description,
        "parameters": spec.parameters,
    }
    return {"type": "function", "function": function}


# ── what the user said ──────────────────────────────────────────────────────────────────────────


def _newest_images(messages: Sequence[Message]) -> set[tuple[str, int]]:
    """Which images go along, as (message id, place in it): the newest, under the limit in all."""
    chosen: set[tuple[str, int]] = set()
    left = MAX_IMAGE_CHARACTERS
    for message in reversed(messages):
        for place in range(len(message.parts) - 1, -1, -1):
            part = message.parts[place]
            if not isinstance(part, Image) or message.role != "user":
                continue
            left -= _base64_length(part.media.size)
            if left < 0 and not chosen:
                raise Unsupported(
                    f"The image is too large to send ({part.media.size / 1e6:.1f} MB).",
                    "Send a smaller one: under 3 MB.",
                )
            if left < 0:
                return chosen
            chosen.add((message.id, place))
    return chosen


def _base64_length(size: int) -> int:
    return (size + 2) // 3 * 4


def _said(
    message: Message, read: ReadMedia, shown: set[tuple[str, int]], blind: bool
) -> str | list[Json]:
    parts: list[Json] = []
    for place, part in enumerate(message.parts):
        match part:
            case Text(text):
                parts.append(_text_part(text))
            case Audio(transcript=transcript):
                parts.append(_text_part(transcript or _UNHEARD))
            case Image(media) if (message.id, place) in shown:
                url = {"url": _data_uri(media, read)}
                parts.append({"type": "image_url", "image_url": url})
            case Image(caption=caption) if caption:
                parts.append(_text_part(f"[An image that shows: {caption}]"))
            case Document(media):
                # Its text, where it goes along, was put in its place before.
                parts.append(_text_part(_ABSENT_DOCUMENT.format(media.name or "without a name")))
            case Image():
                parts.append(_text_part(_UNSEEN_IMAGE if blind else _OMITTED_IMAGE))
    return _plain(parts)


def _data_uri(media: Media, read: ReadMedia) -> str:
    return f"data:{media.mime};base64,{base64.b64encode(read(media)).decode()}"


def _text_part(text: str) -> Json:
    return {"type": "text", "text": text}


def _plain(parts: list[Json]) -> str | list[Json]:
    """A string where there is only text: not every server takes a list of parts."""
    if any(part["type"] != "text" for part in parts):
        return [p for p in parts if p["type"] != "text" or p["text"]]
    return "\n\n".join(part["text"] for part in parts if part["text"])


# ── what was replied ────────────────────────────────────────────────────────────────────────────


def _reply(message: Message, telling: _Telling) -> Iterator[Json]:
    """A stored reply is a whole turn; on the wire each of its rounds is a message of its own.

    A round ends where something follows its results. Every call is answered by one tool message.
    """
    results = {p.call_id: p.text for p in message.parts if isinstance(p, ToolResult)}
    called = any(isinstance(p, ToolCall) for p in message.parts)
    replays = telling.replay == "all" or (telling.replay == "tool turns" and called)
    round_: list[Text | Reasoning | ToolCall] = []
    answered = False
    for part in message.parts:
        if isinstance(part, ToolResult):
            answered = True
        elif isinstance(part, Text | Reasoning | ToolCall):
            if answered:
                yield from _round(round_, results, telling, replays)
                round_, answered = [], False
            round_.append(part)
    yield from _round(round_, results, telling, replays)


def _round(
    parts: Iterable[Text | Reasoning | ToolCall],
    results: dict[str, str],
    telling: _Telling,
    replays: bool,
) -> Iterator[Json]:
    words, thoughts, calls = [], [], []
    for part in parts:
        match part:
            case Text(text):
                words.append(text)
            case Reasoning(text):
                thoughts.append(text)
            case ToolCall():
                calls.append(part)
    content = "".join(words)
    if telling.flat and calls:
        told = [_told(call, results.get(call.call_id, _NO_RESULT)) for call in calls]
        content, calls = "\n\n".join(text for text in (content, *told) if text), []
    if not calls and not content.strip():
        return
    row: Json = {"role": "assistant", "content": content}
    if calls:
        row["content"] = content or telling.empty
        row["tool_calls"] = [_call(call) for call in calls]
    if replays:
        _give_back("".join(thoughts), row, telling.thoughts)
    yield row
    for call in calls:
        text = results.get(call.call_id, _NO_RESULT)
        yield {"role": "tool", "tool_call_id": call.call_id, "content": text}


def _give_back(thoughts: str, row: Json, name: str) -> None:
    """A model's reasoning, in the place where it had put it itself."""
    if name == "think tags":
        if thoughts:
            row["content"] = f"<think>\n{thoughts}\n</think>\n\n{row['content'] or ''}"
    elif thoughts or "tool_calls" in row:
        row[name] = thoughts or _NO_THOUGHTS


def _told(call: ToolCall, result: str) -> str:
    """A call and its result as words, for models that take no tools."""
    return f"({call.name} was called with {object_text(call.arguments)}; it gave: {result})"


def _call(call: ToolCall) -> Json:
    name = re.sub(r"[^a-zA-Z0-9_-]", "_", call.name)[:64] or "unknown"
    function = {"name": name, "arguments": object_text(call.arguments)}
    return {"id": call.call_id, "type": "function", "function": function}


# ── their order ─────────────────────────────────────────────────────────────────────────────────


def _alternating(rows: Iterable[Json]) -> list[Json]:
    """User first; neighbours of one role joined; a reply between a tool's result and the user."""
    out: list[Json] = []
    for row in rows:
        before = out[-1] if out else None
        if row["role"] == "user" and not row["content"]:
            continue
        if before is None and row["role"] != "user":
            out.append({"role": "user", "content": _CUT_START})
        elif before and before["role"] == "tool" and row["role"] == "user":
            out.append({"role": "assistant", "content": _CUT_REPLY})
        elif before and before["role"] == row["role"] != "tool" and "tool_calls" not in before:
            out[-1] = {**row, "content": _joined(before["content"], row["content"])}
            continue
        out.append(row)
    return out


def _joined(before: str | list[Json], after: str | list[Json] | None) -> str | list[Json]:
    if isinstance(before, str) and isinstance(after, str | None):
        return "\n\n".join(text for text in (before, after) if text)
    return [*_as_parts(before), *_as_parts(after)]


def _as_parts(content: str | list[Json] | None) -> list[Json]:
    if isinstance(content, list):
        return content
    return [_text_part(content)] if content else []
