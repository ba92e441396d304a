"""Our backend against llama.cpp's own server: what streams, what is counted, and how it fails."""

import asyncio
import time
from contextlib import aclosing

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from inference.backend import (
    BackendError,
    CallChunk,
    ContextTooLong,
    FinishedChunk,
    KeyRejected,
    ProviderDown,
    ReasoningChunk,
    TextChunk,
)
from messages import Message, Reasoning, Text, ToolCall, ToolResult
from tests.conformance.by_heart import GREETING, THOUGHT
from tests.conformance.conftest import (
    CLOCK,
    ERRAND,
    Open,
    StartLlama,
    ask,
    asking,
    entries,
    said,
    thoughts,
    words,
)
from tests.conformance.serving import Serving


async def test_a_reply_streams_in_whole_characters_and_is_counted_as_the_server_counts(
    llama: Serving, backend: Open, engine: AsyncEngine
) -> None:
    chunks = await ask(backend(llama), asking("A greeting, please"))
    assert words(chunks) == GREETING  # its pieces split ö, 你 and 🦙 between their bytes
    assert len([c for c in chunks if isinstance(c, TextChunk)]) > 10
    last = chunks[-1]
    assert isinstance(last, FinishedChunk)
    assert last.finish == "stop"
    prompt = llama.post(
        "/apply-template",
        {
            "messages": [
                {"role": "system", "content": "Be brief."},
                {"role": "user", "content": "A greeting, please"},
            ]
        },
    )["prompt"]
    tokens = llama.post("/tokenize", {"content": prompt, "parse_special": True})["tokens"]
    assert last.prompt_tokens == len(tokens)
    assert await entries(engine) == [("done", last.prompt_tokens, last.completion_tokens)]


async def test_thoughts_stream_apart_from_the_answer(llama: Serving, backend: Open) -> None:
    chunks = await ask(backend(llama), asking("Is twelve even? Show your thinking."))
    assert thoughts(chunks).strip() == THOUGHT
    assert words(chunks) == "Yes, it is."
    kinds = [type(c) for c in chunks]
    assert kinds.index(TextChunk) > max(i for i, k in enumerate(kinds) if k is ReasoningChunk)


async def test_a_reply_that_reaches_its_limit_says_so(llama: Serving, backend: Open) -> None:
    chunks = await ask(backend(llama), asking("Go on for ever", max_tokens=20))
    last = chunks[-1]
    assert isinstance(last, FinishedChunk)
    assert (last.finish, last.completion_tokens) == ("length", 20)


async def test_an_answer_of_nothing_is_no_error_of_the_line(llama: Serving, backend: Open) -> None:
    chunks = await ask(backend(llama), asking("Zzz"))
    assert [type(c) for c in chunks] == [FinishedChunk]


async def test_any_history_of_ours_is_taken_by_a_chat_template(
    llama: Serving, backend: Open
) -> None:
    broken = ToolCall("c1", "clock", '{"zone": ')
    history = (
        Message("r0", "assistant", (Text("Hello."),), 0.0),
        said("What time is it?"),
        Message("r1", "assistant", (Reasoning("Hm."), broken, ToolResult("c1", "noon")), 0.0),
        said("And"),
        said("now, a greeting?"),
    )
    assert words(await ask(backend(llama), asking(*history))) == GREETING
    # The same, as a tool round: the last word is the tool's.
    assert words(await ask(backend(llama), asking(*history[:3]))) == "So it is."


async def test_a_request_that_does_not_fit_is_told_with_the_servers_own_numbers(
    llama: Serving, backend: Open, engine: AsyncEngine
) -> None:
    with pytest.raises(ContextTooLong, match="8192 tokens") as caught:
        await ask(backend(llama), asking("x" * 9_000))
    assert "Shorten" in caught.value.advice
    assert await entries(engine) == [("ContextTooLong", 0, 0)]


async def test_a_wrong_key_is_rejected_and_never_shown(
    start_llama: StartLlama, backend: Open, engine: AsyncEngine
) -> None:
    with start_llama(key="the-right-key") as server:
        with pytest.raises(KeyRejected) as caught:
            await ask(backend(server, key="the-wrong-key"), asking("A greeting"))
        assert "the-wrong-key" not in f"{caught.value.message} {caught.value.advice}"
        right = backend(server, key="the-right-key")
        assert words(await ask(right, asking("A greeting"))) == GREETING
    assert [outcome for outcome, _, _ in await entries(engine)] == ["KeyRejected", "done"]


async def test_an_error_inside_a_stream_keeps_what_had_come_and_gives_the_servers_words(
    llama: Serving, backend: Open, engine: AsyncEngine
) -> None:
    """The model begins a call of a tool it was not offered; the server's grammar breaks on it."""
    chunks = []
    with pytest.raises(ProviderDown, match="grammar"):
        async for chunk in backend(llama).chat(asking("no such tool", tools=(CLOCK,)), ERRAND):
            chunks.append(chunk)
    assert words(chunks) == "As you wish. "
    assert not [c for c in chunks if isinstance(c, CallChunk | FinishedChunk)]
    assert [outcome for outcome, _, _ in await entries(engine)] == ["ProviderDown"]


# ── stopping ────────────────────────────────────────────────────────────────────────────────────


async def test_hanging_up_frees_the_servers_slot_at_once(
    llama: Serving, backend: Open, engine: AsyncEngine
) -> None:
    stream = backend(llama).chat(asking("For ever: for ever", max_tokens=7_000), ERRAND)
    async with aclosing(stream):
        assert [type(await anext(stream)) for _ in range(5)] == [TextChunk] * 5
        assert await busy(llama) == 1
    assert await freed(llama) < 0.5
    assert [outcome for outcome, _, _ in await entries(engine)] == ["stopped"]


async def test_cancelling_the_task_that_reads_frees_the_slot_too(
    llama: Serving, backend: Open, engine: AsyncEngine
) -> None:
    reading = asyncio.create_task(ask(backend(llama), asking("Go on for ever", max_tokens=7_000)))
    while not await busy(llama):
        await asyncio.sleep(0.01)
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
    assert await freed(llama) < 0.5
    assert [outcome for outcome, _, _ in await entries(engine)] == ["stopped"]


async def test_more_questions_than_slots_are_all_answered(llama: Serving, backend: Open) -> None:
    asked = backend(llama)
    replies = await asyncio.gather(*(ask(asked, asking("A greeting")) for _ in range(6)))
    assert [words(reply) for reply in replies] == [GREETING] * 6


async def test_a_server_that_dies_in_the_middle_leaves_what_had_come(
    start_llama: StartLlama, backend: Open
) -> None:
    with start_llama() as server:
        chunks = []
        asked = asking("Go on for ever", max_tokens=7_000)
        with pytest.raises(BackendError, match="broke") as caught:
            async for chunk in backend(server).chat(asked, ERRAND):
                chunks.append(chunk)
                if len(chunks) == 20:
                    server.kill()
        assert words(chunks).startswith("round and round")
        assert "Retry" in caught.value.advice
        with pytest.raises(ProviderDown):
            await ask(backend(server), asking("Still there?"))


async def busy(server: Serving) -> int:
    """How many slots are at work."""
    slots = await asyncio.to_thread(server.get, "/slots")
    return sum(slot["is_processing"] for slot in slots)


async def freed(server: Serving) -> float:
    """Seconds until no slot is at work."""
    started = time.monotonic()
    while await busy(server):
        assert time.monotonic() - started < 5
        await asyncio.sleep(0.02)
    return time.monotonic() - started
