"""The backend against a real server: what it sends, what it reads, and how it fails."""

import asyncio
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from inference.backend import (
    BackendError,
    BadReply,
    BudgetSpent,
    CallChunk,
    ChatRequest,
    Chunk,
    Errand,
    FinishedChunk,
    Interrupted,
    KeyRejected,
    ProviderDown,
    ReasoningChunk,
    Speech,
    TextChunk,
    ToolSpec,
)
from inference.ledger import Ledger
from inference.openai_backend import OpenAIBackend
from inference.provider import Quirks
from messages import Media, Message, Text, ToolCall, ToolResult
from tests.inference.asking import text
from tests.inference.conftest import KEY, Open
from tests.scripted_server import ScriptedServer, tone

ERRAND = Errand("ann", "c1", "t1", "answer")
ROOT = Path(__file__).parents[2]


def question(*messages: Message, tools: tuple[ToolSpec, ...] = ()) -> ChatRequest:
    def read(media: Media) -> bytes:
        return b""

    said = messages or (Message("m1", "user", (Text("Hi"),), 0.0),)
    return ChatRequest("big", "Be brief.", said, read, 500, tools)


async def ask(backend: OpenAIBackend, request: ChatRequest | None = None) -> list[Chunk]:
    return [chunk async for chunk in backend.chat(request or question(), ERRAND)]


async def ask_and_fail(backend: OpenAIBackend) -> tuple[list[Chunk], BackendError]:
    chunks: list[Chunk] = []
    with pytest.raises(BackendError) as caught:
        async for chunk in backend.chat(question(), ERRAND):
            chunks.append(chunk)
    return chunks, caught.value


async def outcomes(engine: AsyncEngine) -> list[tuple[str, int, int]]:
    asked = "SELECT outcome, prompt_tokens, completion_tokens FROM ledger_entries ORDER BY id"
    async with engine.connect() as connection:
        return [(row[0], row[1], row[2]) for row in await connection.execute(sa.text(asked))]


# ── what is sent ────────────────────────────────────────────────────────────────────────────────


async def test_a_reply_streams_and_costs_one_request(
    model: ScriptedServer, backend: Open, engine: AsyncEngine
) -> None:
    model.thinks("Hm.").says("It is ", "late.")
    chunks = await ask(backend())
    assert chunks[0] == ReasoningChunk("Hm.")
    assert text(chunks) == "It is late."
    assert isinstance(end := chunks[-1], FinishedChunk)
    assert [hit.path for hit in model.hits] == ["/v1/chat/completions"]
    assert await outcomes(engine) == [("done", end.prompt_tokens, 3)]


async def test_many_replies_at_once_are_read_in_larger_pieces(
    model: ScriptedServer, backend: Open
) -> None:
    opened = backend()
    words = [f"word{n} " for n in range(240)]
    for _ in range(20):
        model.says(*words, delay_s=0.005)
    for chunks in await asyncio.gather(*(ask(opened) for _ in range(20))):
        assert text(chunks) == "".join(words)
        assert len(chunks) < 120


async def test_the_body_is_what_the_wire_made_and_nothing_more(
    model: ScriptedServer, backend: Open
) -> None:
    await ask(backend())
    assert model.requests == [
        {
            "model": "big",
            "messages": [
                {"role": "system", "content": "Be brief."},
                {"role": "user", "content": "Hi"},
            ],
            "max_tokens": 500,
            "stream": True,
            "stream_options": {"include_usage": True},
        }
    ]


async def test_only_our_key_and_no_word_about_this_machine_is_sent(
    model: ScriptedServer, backend: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-of-another-provider")
    monkeypatch.setenv("OPENAI_ADMIN_KEY", "sk-of-an-admin")
    monkeypatch.setenv("OPENAI_ORG_ID", "org-private")
    monkeypatch.setenv("OPENAI_PROJECT_ID", "proj-private")
    monkeypatch.setenv("OPENAI_CUSTOM_HEADERS", "Authorization: Bearer sk-ambient\nX-Private: yes")
    await ask(backend())
    await ask(backend(key=""))
    await backend().speak("Hi", "speaking", "calm", ERRAND)
    await backend().transcribe(Speech(tone(), "audio/wav"), "hearing", ERRAND)
    sent = [hit.headers["authorization"] for hit in model.hits]
    assert sent == [f"Bearer {KEY}", "Bearer not-needed", f"Bearer {KEY}", f"Bearer {KEY}"]
    expected = {
        "host", "accept", "accept-encoding", "connection", "user-agent", "authorization",
        "content-type", "content-length", "transfer-encoding", "x-stainless-raw-response",
    }  # fmt: skip
    for hit in model.hits:
        assert set(hit.headers) <= expected
        assert hit.headers["user-agent"] == "Parley"
        assert "private" not in str(hit.headers)


async def test_calls_come_back_whole_with_ids_new_to_the_conversation(
    model: ScriptedServer, backend: Open
) -> None:
    reply = Message(
        "m2", "assistant", (ToolCall("call_1", "clock", "{}"), ToolResult("call_1", "noon")), 0.0
    )
    model.calls(("clock", {"zone": "Europe/Paris"}), ("add", {}))  # the server counts from call_1
    spec = ToolSpec("clock", "The time.", {"type": "object"})
    request = question(Message("m1", "user", (Text("Hi"),), 0.0), reply, tools=(spec,))
    found = [c.call for c in await ask(backend(), request) if isinstance(c, CallChunk)]
    assert [(c.name, c.arguments) for c in found] == [
        ("clock", '{"zone": "Europe/Paris"}'),
        ("add", "{}"),
    ]
    assert "call_1" not in {c.call_id for c in found}
    assert model.requests[0]["tools"][0]["function"]["name"] == "clock"


async def test_a_server_that_answers_at_once_is_read_like_one_that_streams(
    model: ScriptedServer, backend: Open
) -> None:
    whole = b'{"choices": [{"message": {"content": "Yes."}, "finish_reason": "stop"}]}'
    model.raw(whole, content_type="application/json")
    assert await ask(backend()) == [TextChunk("Yes."), FinishedChunk("stop")]


# ── stop ────────────────────────────────────────────────────────────────────────────────────────


async def test_closing_the_stream_hangs_up_at_once(
    model: ScriptedServer, backend: Open, engine: AsyncEngine
) -> None:
    model.says(*["word "] * 100, delay_s=0.1)
    chat = backend().chat(question(), ERRAND)
    await anext(chat)
    started = time.monotonic()
    await chat.aclose()
    while not model.disconnects and time.monotonic() - started < 2:
        await asyncio.sleep(0.005)
    assert model.disconnects == 1
    assert time.monotonic() - started < 0.3
    assert [o for o, *_ in await outcomes(engine)] == ["stopped"]


@pytest.mark.parametrize("silent", ["before the headers", "after the headers"])
async def test_cancelling_a_silent_request_hangs_up_at_once(
    model: ScriptedServer, backend: Open, engine: AsyncEngine, silent: str
) -> None:
    if silent == "after the headers":
        model.hangs(30)
    else:
        model.says("late", delay_s=30)
    task = asyncio.create_task(ask(backend()))
    while not model.requests:
        await asyncio.sleep(0.01)
    await asyncio.sleep(0.05)
    started = time.monotonic()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    while not model.disconnects and time.monotonic() - started < 2:
        await asyncio.sleep(0.005)
    assert model.disconnects == 1
    assert time.monotonic() - started < 0.3
    assert [o for o, *_ in await outcomes(engine)] == ["stopped"]


# ── what goes wrong ─────────────────────────────────────────────────────────────────────────────


async def test_an_error_has_the_servers_words_and_never_the_key(
    model: ScriptedServer, backend: Open, engine: AsyncEngine
) -> None:
    model.fails(401, {"error": {"message": f"Incorrect API key provided: {KEY}"}})
    model.fails(501, "<html><title>No Gateway</title></html>")
    opened = backend()
    _, key = await ask_and_fail(opened)
    _, down = await ask_and_fail(opened)
    assert type(key) is KeyRejected
    assert "Incorrect API key provided" in key.message
    assert KEY not in key.message + key.advice
    assert "No Gateway" in down.message
    assert [o for o, *_ in await outcomes(engine)] == ["KeyRejected", "ProviderDown"]


async def test_a_redirect_is_not_followed_with_the_key(
    model: ScriptedServer, backend: Open
) -> None:
    with ScriptedServer() as elsewhere:
        model.fails(307, "", headers={"Location": f"{elsewhere.base_url}/chat/completions"})
        _, error = await ask_and_fail(backend())
        assert isinstance(error, ProviderDown)
        assert "redirected" in error.advice
        assert elsewhere.hits == []


async def test_a_line_cut_in_the_middle_keeps_what_had_come(
    model: ScriptedServer, backend: Open, engine: AsyncEngine
) -> None:
    model.raw(b'data: {"choices":[{"delta":{"content":"Half"}}]}\n\n', cut=True)
    chunks, error = await ask_and_fail(backend())
    assert chunks == [TextChunk("Half")]
    assert type(error) is Interrupted
    assert [o for o, *_ in await outcomes(engine)] == ["Interrupted"]


async def test_a_line_cut_after_the_finish_is_no_error(
    model: ScriptedServer, backend: Open
) -> None:
    whole = b'data: {"choices":[{"delta":{"content":"Whole."},"finish_reason":"stop"}]}\n\n'
    model.raw(whole, cut=True)
    assert await ask(backend()) == [TextChunk("Whole."), FinishedChunk("stop")]


async def test_an_error_inside_the_stream_keeps_what_had_come(
    model: ScriptedServer, backend: Open
) -> None:
    half = b'data: {"choices":[{"delta":{"content":"Half"}}]}\n\n'
    failure = b'data: {"error": {"message": "No capacity.", "code": 502}}\n\n'
    model.raw(half, failure)
    chunks, error = await ask_and_fail(backend())
    assert chunks == [TextChunk("Half")]
    assert "No capacity" in error.message


async def test_a_web_page_instead_of_an_answer_says_to_check_the_url(
    model: ScriptedServer, backend: Open
) -> None:
    model.raw(b"<html><title>Welcome</title></html>", content_type="text/html")
    _, error = await ask_and_fail(backend())
    assert type(error) is BadReply
    assert "Welcome" in error.message
    assert "/v1" in error.advice


async def test_an_empty_answer_is_a_bad_reply(model: ScriptedServer, backend: Open) -> None:
    model.raw(b"")
    chunks, error = await ask_and_fail(backend())
    assert (chunks, type(error)) == ([], BadReply)


async def test_nobody_at_the_address_is_told_and_nothing_is_spent(
    backend: Open, engine: AsyncEngine
) -> None:
    _, error = await ask_and_fail(backend(base_url="http://127.0.0.1:9/v1"))
    assert isinstance(error, ProviderDown)
    assert "127.0.0.1:9" in error.message
    assert await Ledger(engine).used_today("custom") == 0


@pytest.mark.parametrize("address", ["nonsense", "ftp://127.0.0.1/v1", "http://[::1", ""])
async def test_an_address_that_is_none_is_told(backend: Open, address: str) -> None:
    _, error = await ask_and_fail(backend(base_url=address or "http://"))
    assert "base URL" in error.advice


async def test_a_key_that_cannot_be_one_is_told_and_not_sent(
    model: ScriptedServer, backend: Open
) -> None:
    _, error = await ask_and_fail(backend(key="sk-…\n"))
    assert type(error) is KeyRejected
    assert model.hits == []


async def test_the_days_limit_holds_before_anything_is_sent(
    model: ScriptedServer, backend: Open
) -> None:
    opened = backend(limits={"custom": 1})
    await ask(opened)
    _, error = await ask_and_fail(opened)
    assert type(error) is BudgetSpent
    assert len(model.hits) == 1


def test_the_sdk_is_loaded_when_first_used_and_not_before() -> None:
    code = "import sys, inference.openai_backend; print('openai' in sys.modules)"
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, env={**os.environ}
    )
    assert run.stdout.strip() == "False", run.stderr


async def test_what_the_providers_headers_say_is_left_is_heeded(
    model: ScriptedServer, backend: Open, engine: AsyncEngine
) -> None:
    told = {"x-ratelimit-limit-requests": "100", "x-ratelimit-remaining-requests": "42"}
    whole = b'data: {"choices":[{"delta":{"content":"Yes."},"finish_reason":"stop"}]}\n\n'
    model.raw(whole, headers=told)
    opened, ledger = backend(quirks=Quirks(rate_headers="day")), Ledger(engine)
    await ask(opened)
    assert (await ledger.left("custom", "big")).left == 42
    model.fails(400, {"error": {"message": "no"}}, headers={**told, **dict.fromkeys(told, "7")})
    await ask_and_fail(opened)
    assert (await ledger.left("custom", "big")).left == 7


async def test_without_a_count_of_the_provider_the_ledger_has_an_estimate(
    model: ScriptedServer, backend: Open, engine: AsyncEngine
) -> None:
    whole = b'data: {"choices":[{"delta":{"content":"%s"},"finish_reason":"stop"}]}\n\n'
    model.raw(whole % (b"x" * 400))
    await ask(backend(), question(Message("m1", "user", (Text("y" * 800),), 0.0)))
    asked = "SELECT prompt_tokens, prompt_estimated, completion_estimated FROM ledger_entries"
    async with engine.connect() as connection:
        (row,) = await connection.execute(sa.text(asked))
    assert tuple(row) == (0, (800 + len("Be brief.")) // 4, 100)


async def test_a_prompt_that_the_server_cut_in_silence_can_be_seen_in_its_count(
    model: ScriptedServer, backend: Open
) -> None:
    counted = b'data: {"choices":[],"usage":{"prompt_tokens":4096,"completion_tokens":1}}\n\n'
    model.raw(b'data: {"choices":[{"delta":{"content":"Hm."}}]}\n\n', counted, b"data: [DONE]\n\n")
    asked = question(Message("m1", "user", (Text("word " * 20_000),), 0.0))
    assert (await ask(backend(), asked))[-1] == FinishedChunk("stop", 4096, 1)
