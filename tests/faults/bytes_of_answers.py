"""What a provider may send instead of an answer, and at which point of it."""

import json
from dataclasses import dataclass
from typing import Any

SENTENCE = "It is late in the evening now."


def _event(delta: dict[str, Any], finish: str | None = None) -> bytes:
    row = {"id": "x", "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}
    return b"data: " + json.dumps(row).encode() + b"\n\n"


_TEXT = _event({"role": "assistant", "content": SENTENCE})
_CALL = {"index": 0, "id": "call_x", "type": "function"}
_HALF_A_CALL = _event(
    {"tool_calls": [{**_CALL, "function": {"name": "clock", "arguments": '{"zo'}}]}
)

POINTS: dict[str, bytes] = {
    "before the first token": b"",
    "in mid-text": _TEXT,
    "in mid-tool-call": _HALF_A_CALL,
    "after the last token": _TEXT + _event({}, "stop"),
}


@dataclass(frozen=True)
class Fault:
    """Bytes that come at a point; `cut`: then the line breaks, else the answer ends in order."""

    data: bytes
    cut: bool = False


FAULTS: dict[str, Fault] = {
    "the line breaks": Fault(b"", cut=True),
    "it just ends": Fault(b""),
    "an error object": Fault(b'data: {"error": {"message": "overloaded", "code": 503}}\n\n'),
    "an error as text": Fault(b'data: {"error": "overloaded"}\n\n'),
    "broken JSON": Fault(b'data: {"choices": [{"delta": {"con\n\n'),
    "plain text": Fault(b"data: Number of choices must be 1\n\n"),
    "a page": Fault(b"<html><body>502 Bad Gateway</body></html>"),
    "pings alone": Fault(b": ping\n\nevent: ping\n\nretry: 3\n\n" * 20),
    "null choices": Fault(b'data: {"choices": null}\n\ndata: {"choices": []}\n\n'),
    "a lone surrogate": Fault(b'data: {"choices": [{"delta": {"content": "\\ud83d"}}]}\n\n'),
    "a list for content": Fault(
        b'data: {"choices": [{"delta": {"content": [{"type": "text", "text": "x"}]}}]}\n\n'
    ),
    "half a character": Fault(b'data: {"choices": [{"delta": {"content": "\xe2\x82', cut=True),
    "one huge token": Fault(_event({"content": "long " * 60_000})),
    "an unknown tool": Fault(
        _event({"tool_calls": [{**_CALL, "function": {"name": "nothing", "arguments": "{}"}}]})
        + _event({}, "tool_calls")
    ),
}

REFUSALS: dict[str, tuple[int, object]] = {
    "400 words": (400, {"error": {"message": "invalid request"}}),
    "401": (401, {"error": {"message": "bad key sk-canary-7f3a1c9e5b2d4860"}}),
    "402": (402, {"error": "insufficient credits"}),
    "403 in Oxlo's shape": (403, {"error": "plan_limit", "message": "upgrade"}),
    "404": (404, {"detail": "no such model"}),
    "408": (408, ""),
    "413": (413, "<html>too large</html>"),
    "422 list": (422, {"detail": [{"loc": ["body"], "msg": "extra fields"}]}),
    "429": (429, {"error": {"message": "slow down"}}),
    "500 empty": (500, ""),
    "502 page": (502, "<html>Bad Gateway</html>"),
    "503": (503, {"object": "error", "message": "loading model"}),
    "529 in a list": (529, [{"error": {"message": "overloaded"}}]),
}
