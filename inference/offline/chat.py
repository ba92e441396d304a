"""Chat completions: a question in, an answer out, whole or in a stream of word-sized pieces."""

import asyncio
import json
import re
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from inference.offline.errors import ApiError, bad_request
from inference.offline.faculties import READING_MODEL, Faculties
from inference.offline.question import Answer, Ask, Question, Say, question_of
from inference.offline.rules.table import answer
from inference.offline.structured import as_json, checked_format

MODEL = "parley-offline"
PACE_S = 0.35  # a streamed answer takes at most this long to write out
PIECE_S = 0.012
MOST_PIECES = 120
CHARS_PER_TOKEN = 4  # usage is an estimate, there is no tokenizer to be right about


@dataclass(frozen=True, slots=True)
class ChatAsked:
    """A checked request. `max_tokens` is None where nobody set a limit.

    `only_read`: the text in its pictures is the answer.
    """

    question: Question
    wanted_format: dict[str, Any] | None
    stream: bool
    include_usage: bool
    one_call_only: bool
    max_tokens: int | None
    prompt_tokens: int
    only_read: bool = False


async def chat_asked(body: dict[str, Any], senses: frozenset[str]) -> ChatAsked:
    """Check and parse; decodes pictures off the loop. Raises ApiError."""
    if body.get("n") not in (None, 1):
        raise bad_request("The offline engine gives one answer: n must be 1.", "n")
    limit = body.get("max_completion_tokens") or body.get("max_tokens")
    if limit is not None and (not isinstance(limit, int) or limit < 1):
        raise bad_request("max_tokens must be a whole number above 0.", "max_tokens")
    question = await asyncio.to_thread(question_of, body, senses)
    return ChatAsked(
        question=question,
        wanted_format=checked_format(body.get("response_format")),
        stream=bool(body.get("stream")),
        include_usage=bool((body.get("stream_options") or {}).get("include_usage")),
        one_call_only=body.get("parallel_tool_calls") is False,
        max_tokens=limit,
        prompt_tokens=_prompt_tokens(body),
        only_read=body.get("model") == READING_MODEL,
    )


@dataclass(frozen=True, slots=True)
class Completion:
    """What is sent: words or tool calls in OpenAI's shape. `finish` is its finish_reason."""

    text: str
    calls: list[dict[str, Any]]
    finish: str
    prompt_tokens: int

    @property
    def usage(self) -> dict[str, int]:
        written = self.text + "".join(json.dumps(call) for call in self.calls)
        tokens = -(-len(written) // CHARS_PER_TOKEN)
        return {
            "prompt_tokens": self.prompt_tokens,
            "completion_tokens": tokens,
            "total_tokens": self.prompt_tokens + tokens,
        }


async def completed(asked: ChatAsked, faculties: Faculties) -> Completion:
    if asked.only_read:
        read = [await faculties.read(picture) for picture in asked.question.pictures]
        told = (f"{one.text}\n\n[{one.admission}]" if one.unread else one.text for one in read)
        return _said(Say("\n\n".join(text.strip() for text in told)), asked)
    given: Answer = await answer(asked.question, faculties.read)
    if isinstance(given, Ask):
        calls = given.calls[:1] if asked.one_call_only else given.calls
        sent = [
            {
                "id": f"call_{uuid4().hex[:24]}",
                "type": "function",
                "function": {"name": call.name, "arguments": json.dumps(call.arguments)},
            }
            for call in calls
        ]
        return Completion("", sent, "tool_calls", asked.prompt_tokens)
    return _said(given, asked)


def _said(given: Say, asked: ChatAsked) -> Completion:
    text = as_json(given.text, asked.wanted_format) if asked.wanted_format else given.text
    most = (asked.max_tokens or len(text)) * CHARS_PER_TOKEN
    finish = "length" if len(text) > most else "stop"
    return Completion(text[:most], [], finish, asked.prompt_tokens)


def whole(completion: Completion) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": completion.text or None}
    if completion.calls:
        message["tool_calls"] = completion.calls
    choice = {"index": 0, "message": message, "finish_reason": completion.finish, "logprobs": None}
    return {**_head("chat.completion"), "choices": [choice], "usage": completion.usage}


async def streamed(asked: ChatAsked, faculties: Faculties) -> AsyncIterator[str]:
    """Server-sent events. An error after the start is sent as an event, as OpenAI does."""
    head = _head("chat.completion.chunk")
    yield _event(head, {"role": "assistant", "content": ""})
    try:
        completion = await completed(asked, faculties)
    except ApiError as error:
        yield f"data: {json.dumps(error.body())}\n\n"
        return
    if completion.calls:
        calls = [{"index": i, **call} for i, call in enumerate(completion.calls)]
        yield _event(head, {"tool_calls": calls})
    pieces = _pieces(completion.text)
    for piece in pieces:
        yield _event(head, {"content": piece})
        await asyncio.sleep(min(PIECE_S, PACE_S / len(pieces)))
    yield _event(head, {}, completion.finish)
    if asked.include_usage:
        yield f"data: {json.dumps({**head, 'choices': [], 'usage': completion.usage})}\n\n"
    yield "data: [DONE]\n\n"


def _pieces(text: str) -> list[str]:
    """Words with the space after them, gathered where there are many."""
    words = re.findall(r"\s*\S+\s*|\s+", text)
    together = -(-len(words) // MOST_PIECES) or 1
    return ["".join(words[i : i + together]) for i in range(0, len(words), together)]


def _head(kind: str) -> dict[str, Any]:
    return {
        "id": f"chatcmpl-{uuid4().hex[:24]}",
        "object": kind,
        "created": int(time.time()),
        "model": MODEL,
    }


def _event(head: dict[str, Any], delta: dict[str, Any], finish: str | None = None) -> str:
    choice = {"index": 0, "delta": delta, "finish_reason": finish, "logprobs": None}
    return f"data: {json.dumps({**head, 'choices': [choice]}, ensure_ascii=False)}\n\n"


def _prompt_tokens(body: dict[str, Any]) -> int:
    """Estimated from the words alone; a picture costs nothing here."""
    characters = 0
    for message in body.get("messages") or []:
        content = message.get("content") if isinstance(message, dict) else None
        if isinstance(content, str):
            characters += len(content)
        elif isinstance(content, list):
            characters += sum(len(str(p.get("text", ""))) for p in content if isinstance(p, dict))
    return -(-characters // CHARS_PER_TOKEN)
