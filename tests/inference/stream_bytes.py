"""Streams written by hand, and how a test looks at what was read from them."""

from typing import Any

import orjson

from inference.backend import CallChunk, Chunk, FinishedChunk, ReasoningChunk, TextChunk
from inference.event_stream import EventStream

DONE = b"data: [DONE]\n\n"


def event(value: Any) -> bytes:
    return b"data: " + orjson.dumps(value) + b"\n\n"


def delta(finish: str | None = None, **fields: Any) -> bytes:
    return event({"choices": [{"index": 0, "delta": fields, "finish_reason": finish}]})


def call(**fields: Any) -> bytes:
    """One fragment of a tool call: `index` and `id` beside, `name` and `arguments` within."""
    function = {k: fields.pop(k) for k in ("name", "arguments") if k in fields}
    return delta(tool_calls=[{**fields, "function": function}])


def read(*pieces: bytes, cut: bool = False, **options: Any) -> list[Chunk]:
    return play(EventStream(**options), *pieces, cut=cut)


def play(stream: EventStream, *pieces: bytes, cut: bool = False) -> list[Chunk]:
    out: list[Chunk] = []
    for piece in pieces:
        out += stream.feed(piece)
    return out + stream.close(cut=cut)


def text(chunks: list[Chunk]) -> str:
    return "".join(c.text for c in chunks if isinstance(c, TextChunk))


def thoughts(chunks: list[Chunk]) -> str:
    return "".join(c.text for c in chunks if isinstance(c, ReasoningChunk))


def calls(chunks: list[Chunk]) -> list[tuple[str, str]]:
    return [(c.call.name, c.call.arguments) for c in chunks if isinstance(c, CallChunk)]


def ids(chunks: list[Chunk]) -> list[str]:
    return [c.call.call_id for c in chunks if isinstance(c, CallChunk)]


def finish(chunks: list[Chunk]) -> str:
    assert isinstance(chunks[-1], FinishedChunk)
    return chunks[-1].finish
