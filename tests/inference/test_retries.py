"""One more try, where it can help: when, after how long, and what it costs."""

import asyncio
import socket
import time

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from inference.backend import (
    BackendError,
    BudgetSpent,
    ContextTooLong,
    FinishedChunk,
    Interrupted,
    KeyRejected,
    ModelUnavailable,
    PlanLimit,
    ProviderDown,
    RateLimited,
    RetryChunk,
    Speech,
    TextChunk,
    Unsupported,
)
from inference.ledger import Ledger
from inference.retries import Retries
from inference.server_errors import Passing
from tests.inference.asking import ERRAND, ask, ask_and_fail, outcomes, question, retries, text
from tests.inference.conftest import Open
from tests.scripted_server import ScriptedServer, tone

SLOW_DOWN = {"error": {"message": "Slow down."}}


@pytest.mark.parametrize("status", [408, 500, 502, 503, 504, 529])
async def test_a_stumble_of_the_server_is_tried_once_more_and_both_are_counted(
    model: ScriptedServer, backend: Open, engine: AsyncEngine, status: int
) -> None:
    model.fails(status, {"error": {"message": "no capacity"}}).says("Now it works.")
    first, *rest = await ask(backend())
    assert isinstance(first, RetryChunk)
    assert "no capacity" in first.why
    assert 0.01 <= first.wait_s <= 0.02
    assert text(rest) == "Now it works."
    assert model.requests[0] == model.requests[1]
    assert await outcomes(engine) == ["ProviderDown", "done"]


async def test_there_is_never_a_third_try(
    model: ScriptedServer, backend: Open, engine: AsyncEngine
) -> None:
    for _ in range(3):
        model.fails(503, {"error": {"message": "no capacity"}})
    chunks, error = await ask_and_fail(backend())
    assert isinstance(error, ProviderDown)
    assert len(chunks) == 1
    assert len(model.hits) == 2
    assert await outcomes(engine) == ["ProviderDown", "ProviderDown"]


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (401, {"error": {"message": "Incorrect API key"}}, KeyRejected),
        (403, {"error": {"message": "needs an upgrade of your plan"}}, PlanLimit),
        (404, {"error": {"message": "The model does not exist"}}, ModelUnavailable),
        (400, {"error": {"message": "logprobs must be a boolean"}}, Unsupported),
        (422, {"detail": "odd"}, Unsupported),
        (413, {"error": {"message": "too large"}}, ContextTooLong),
        (429, {"error": {"message": "60 requests per day are used"}}, BudgetSpent),
        (429, {"error": {"code": "insufficient_quota", "message": "No."}}, BudgetSpent),
        (409, {"error": {"message": "conflict"}}, ProviderDown),
        (501, {"error": {"message": "not implemented"}}, BackendError),
    ],
)
async def test_what_would_fail_again_is_not_tried_again(
    model: ScriptedServer, backend: Open, status: int, body: object, kind: type[BackendError]
) -> None:
    model.fails(status, body)
    chunks, error = await ask_and_fail(backend())
    assert isinstance(error, kind)
    assert chunks == []
    assert len(model.hits) == 1


@pytest.mark.parametrize("headers", [{"Retry-After": "1"}, {"retry-after-ms": "300"}])
async def test_a_429_of_the_minute_waits_as_long_as_the_server_says(
    model: ScriptedServer, backend: Open, engine: AsyncEngine, headers: dict[str, str]
) -> None:
    model.fails(429, SLOW_DOWN, headers=headers).says("Now.")
    opened = backend(retries=Retries())
    await ask(opened, model="warm")  # the client is loaded before the clock runs
    model.reset()
    model.fails(429, SLOW_DOWN, headers=headers).says("Now.")
    started = time.monotonic()
    chunks = await ask(opened)
    waited = time.monotonic() - started
    asked = 1.0 if "Retry-After" in headers else 0.3
    assert asked <= retries(chunks)[0].wait_s <= waited
    assert text(chunks) == "Now."
    assert (await outcomes(engine))[-2:] == ["RateLimited", "done"]


async def test_a_wait_of_more_than_twenty_seconds_is_left_to_the_user(
    model: ScriptedServer, backend: Open
) -> None:
    model.fails(429, SLOW_DOWN, headers={"Retry-After": "40"})
    model.fails(503, SLOW_DOWN, headers={"Retry-After": "120"})
    opened = backend()
    _, rate = await ask_and_fail(opened)
    _, down = await ask_and_fail(opened)
    assert isinstance(rate, RateLimited)
    assert "40 seconds" in rate.advice
    assert rate.retry_at == pytest.approx(time.time() + 40, abs=3)
    assert "2 minutes" in down.advice
    assert len(model.hits) == 2


async def test_an_error_inside_the_stream_before_any_word_is_a_stumble_too(
    model: ScriptedServer, backend: Open
) -> None:
    opening = b'data: {"choices":[{"delta":{"role":"assistant","content":""}}]}\n\n'
    model.raw(opening, b'data: {"error": {"message": "No capacity.", "code": 502}}\n\n')
    model.says("Now.")
    assert text(await ask(backend())) == "Now."


@pytest.mark.parametrize(
    "begun",
    [
        b'data: {"choices":[{"delta":{"content":"Half"}}]}\n\n',
        b'data: {"choices":[{"delta":{"reasoning":"Hm"}}]}\n\n',
        b'data: {"choices":[{"delta":{"tool_calls":[{"index":0,"id":"c","function":'
        b'{"name":"clock","arguments":"{"}}]}}]}\n\n',
    ],
)
async def test_once_an_answer_began_it_is_never_asked_for_again(
    model: ScriptedServer, backend: Open, begun: bytes
) -> None:
    model.raw(begun, b'data: {"error": {"message": "No capacity.", "code": 502}}\n\n')
    await ask_and_fail(backend())
    assert len(model.hits) == 1


async def test_a_line_that_breaks_is_not_tried_again_because_it_was_perhaps_paid_for(
    model: ScriptedServer, backend: Open
) -> None:
    model.raw(b": ping\n\n", cut=True)
    _, error = await ask_and_fail(backend())
    assert type(error) is Interrupted
    assert len(model.hits) == 1


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


async def test_a_refused_connection_is_tried_once_more_and_spends_nothing(
    backend: Open, engine: AsyncEngine
) -> None:
    opened = backend(base_url=f"http://127.0.0.1:{free_port()}/v1")
    chunks, error = await ask_and_fail(opened)
    assert isinstance(error, ProviderDown)
    assert len(retries(chunks)) == 1
    assert await outcomes(engine) == ["unreached", "unreached"]
    assert await Ledger(engine).used_today("custom") == 0


async def test_a_server_that_comes_up_meanwhile_answers_chat_and_speech(
    backend: Open, engine: AsyncEngine
) -> None:
    port = free_port()
    opened = backend(base_url=f"http://127.0.0.1:{port}/v1", retries=Retries(1.0, 1.2))
    asked = asyncio.create_task(ask(opened))
    spoken = asyncio.create_task(opened.speak("Hi", "speaking", "calm", ERRAND))
    while await outcomes(engine) != ["unreached", "unreached"]:
        await asyncio.sleep(0.01)
    server = await asyncio.start_server(_answering, "127.0.0.1", port)
    async with server:
        assert text(await asked) == "Yes."
        assert (await spoken).data == b"fLaC and so on"
    assert await outcomes(engine) == ["unreached", "unreached", "done", "done"]


async def _answering(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    head = await reader.readuntil(b"\r\n\r\n")
    body = b'{"choices": [{"message": {"content": "Yes."}, "finish_reason": "stop"}]}'
    if b"/speech" in head:
        body = b"fLaC and so on"
    writer.write(
        b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n"
        b"Content-Length: %d\r\n\r\n%s" % (len(body), body)
    )
    await writer.drain()
    writer.close()


async def test_sound_is_never_asked_for_twice_once_it_was_sent(
    model: ScriptedServer, backend: Open, engine: AsyncEngine
) -> None:
    model.fails(503, SLOW_DOWN, on="speech")
    model.fails(429, SLOW_DOWN, on="transcription")
    opened = backend()
    with pytest.raises(ProviderDown):
        await opened.speak("Hi", "speaking", "calm", ERRAND)
    with pytest.raises(RateLimited):
        await opened.transcribe(Speech(tone(), "audio/wav"), "hearing", ERRAND)
    assert len(model.hits) == 2
    assert await outcomes(engine) == ["ProviderDown", "RateLimited"]


async def test_stop_while_waiting_sends_nothing_more(
    model: ScriptedServer, backend: Open, engine: AsyncEngine
) -> None:
    model.fails(429, SLOW_DOWN, headers={"Retry-After": "15"})
    chat = backend().chat(question(), ERRAND)
    assert isinstance(await anext(chat), RetryChunk)
    waiting = asyncio.create_task(anext(chat))
    await asyncio.sleep(0.05)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert len(model.hits) == 1
    assert await outcomes(engine) == ["RateLimited"]


async def test_the_second_request_needs_its_place_in_the_budget(
    model: ScriptedServer, backend: Open
) -> None:
    model.fails(503, SLOW_DOWN)
    _, error = await ask_and_fail(backend(limits={"custom": 1}))
    assert type(error) is BudgetSpent
    assert len(model.hits) == 1


def test_pauses_differ_so_that_many_do_not_come_back_together() -> None:
    pauses = [Retries().pause(Passing("x")) for _ in range(50)]
    assert all(p is not None and 0.5 <= p <= 2.0 for p in pauses)
    assert len(set(pauses)) > 40


async def test_a_retry_that_works_reads_like_any_answer(
    model: ScriptedServer, backend: Open
) -> None:
    model.fails(500, b"").says("Yes.")
    _, words, last = await ask(backend())
    assert words == TextChunk("Yes.")
    assert isinstance(last, FinishedChunk)
