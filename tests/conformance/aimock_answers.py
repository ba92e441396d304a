"""What aimock answers, by what the user says; the shapes are those of its fixture files."""

import base64
from typing import Any

from tests.scripted_server import tone

Answer = dict[str, Any]

CLOCK = {"name": "clock", "arguments": {"zone": "Asia/Tokyo"}}
SUM = {"name": "calculate", "arguments": {"expression": "12 * 12"}}
STORY = "Once upon a time there was a llama who counted every request it ever sent."
HEARD = "What is twelve times twelve?"


def _said(words: str, response: Answer, **options: Any) -> Answer:
    return {"match": {"userMessage": words, "endpoint": "chat"}, "response": response, **options}


def _first_then(words: str, first: Answer, second: Answer) -> list[Answer]:
    """Two answers to the same words, one after the other."""
    return [
        {
            "match": {"userMessage": words, "endpoint": "chat", "sequenceIndex": place},
            "response": response,
        }
        for place, response in enumerate((first, second))
    ]


def _error(status: int, message: str, kind: str, **more: Any) -> Answer:
    return {"error": {"message": message, "type": kind, **more}, "status": status}


def _limited(retry_after_s: int) -> Answer:
    return {**_error(429, "Rate limited", "rate_limit_error"), "retryAfter": retry_after_s}


FIXTURES: list[Answer] = [
    # A tool's result is answered before the words that asked for the tool are looked at again.
    {
        "match": {"hasToolResult": True, "endpoint": "chat"},
        "response": {"content": "It is 144, and late."},
    },
    _said("slowly", {"content": STORY}, chunkSize=7, latency=40),
    _said("story", {"content": STORY}, chunkSize=7),
    _said("think", {"content": "Yes.", "reasoning": "Twelve is even."}),
    _said("two tools", {"toolCalls": [CLOCK, SUM]}, chunkSize=3),
    _said(HEARD, {"toolCalls": [SUM]}),
    _said(
        "words, then a tool",
        {"blocks": [{"type": "text", "text": "Let me see."}, {"type": "toolCall", **SUM}]},
    ),
    _said("counted", {"content": "Ok.", "usage": {"prompt_tokens": 1234, "completion_tokens": 56}}),
    _said("filtered", {"content": "I ca", "finishReason": "content_filter"}),
    _said("nothing", {"content": ""}),
    _said("cut", {"content": STORY}, chunkSize=7, latency=20, truncateAfterChunks=4),
    _said("limited for long", _limited(600)),
    _said("limited for days", _limited(50_000)),
    *_first_then("limited once", _limited(1), {"content": "Now then."}),
    *_first_then(
        "overloaded once", _error(503, "Overloaded", "server_error"), {"content": "Here I am."}
    ),
    _said("overloaded", _error(503, "Overloaded", "server_error")),
    _said(
        "too long",
        _error(
            400,
            "This model's maximum context length is 8192 tokens, however you requested 9000.",
            "invalid_request_error",
            code="context_length_exceeded",
        ),
    ),
    _said(
        "no credit",
        _error(429, "You exceeded your current quota.", "insufficient_quota"),
    ),
    _said("garbled", {"content": "never"}, chaos={"malformedRate": 1}),
    _said("hung up", {"content": "never"}, chaos={"disconnectRate": 1}),
    _said("dropped", {"content": "never"}, chaos={"dropRate": 1}),
    {
        "match": {"userMessage": "city", "endpoint": "chat", "responseFormat": "json_schema"},
        "response": {"content": {"city": "Oslo"}},
    },
    {
        "match": {"endpoint": "transcription"},
        "response": {"transcription": {"text": HEARD, "language": "en", "duration": 1.0}},
    },
    {
        "match": {"endpoint": "speech"},
        "response": {"audio": base64.b64encode(tone(0.5)).decode(), "format": "wav"},
    },
    {
        "match": {"endpoint": "image"},
        "response": {"images": [{"b64Json": base64.b64encode(b"a picture").decode()}]},
    },
    {"match": {"inputText": "llama"}, "response": {"embedding": [0.5, -0.5, 0.25]}},
]
