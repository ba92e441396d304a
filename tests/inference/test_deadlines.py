"""How long is waited for what, and what is said when it is over."""

import time

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from inference.backend import Interrupted, ProviderDown, TextChunk
from inference.transport import Deadlines
from tests.inference.asking import ask, ask_and_fail, outcomes, text
from tests.inference.conftest import Open
from tests.scripted_server import ScriptedServer

HALF = b'data: {"choices":[{"delta":{"content":"Half"}}]}\n\n'
PING = b": ping\n\n"
EMPTY = b'data: {"choices":[{"delta":{"content":""}}]}\n\n'
DONE = b'data: {"choices":[{"delta":{},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'


async def test_a_server_that_says_nothing_is_given_up_at_the_first_deadline(
    model: ScriptedServer, backend: Open, engine: AsyncEngine
) -> None:
    model.hangs(30)
    started = time.monotonic()
    chunks, error = await ask_and_fail(backend(deadlines=Deadlines(first_token=0.4)))
    assert (chunks, type(error)) == ([], ProviderDown)
    assert "in time" in error.message
    assert time.monotonic() - started < 4  # the client may still have to be loaded
    assert len(model.hits) == 1
    assert await outcomes(engine) == ["ProviderDown"]


@pytest.mark.parametrize("sign", [PING, EMPTY])
async def test_pings_put_the_first_deadline_off_but_not_for_ever(
    model: ScriptedServer, backend: Open, sign: bytes
) -> None:
    patient = Deadlines(first_token=0.4, pinging=1.0)
    model.raw(*[sign] * 7, HALF, DONE, delay_s=0.1)
    opened = backend(deadlines=patient)
    assert text(await ask(opened)) == "Half"
    model.raw(*[sign] * 100, delay_s=0.1)
    started = time.monotonic()
    _, error = await ask_and_fail(opened)
    assert type(error) is ProviderDown
    assert "1 second without a word" in error.message
    assert 0.9 < time.monotonic() - started < 2


async def test_silence_in_the_middle_is_an_interruption_that_keeps_the_words(
    model: ScriptedServer, backend: Open, engine: AsyncEngine
) -> None:
    model.raw(HALF, HALF, delay_s=1.0)
    quick = Deadlines(first_token=2.5, silence=0.3)
    chunks, error = await ask_and_fail(backend(deadlines=quick))
    assert chunks == [TextChunk("Half")]
    assert type(error) is Interrupted
    assert "silent" in error.message
    assert await outcomes(engine) == ["Interrupted"]


async def test_pings_in_the_middle_are_borne_for_a_while(
    model: ScriptedServer, backend: Open
) -> None:
    patient = Deadlines(silence=0.3, pinging=1.0)
    model.raw(HALF, *[PING] * 6, HALF, DONE, delay_s=0.1)
    opened = backend(deadlines=patient)
    assert text(await ask(opened)) == "HalfHalf"
    model.raw(HALF, *[PING] * 100, delay_s=0.1)
    chunks, error = await ask_and_fail(opened)
    assert text(chunks) == "Half"
    assert type(error) is Interrupted
    assert "without a word" in error.message


async def test_a_reply_may_be_bounded_as_a_whole(model: ScriptedServer, backend: Open) -> None:
    model.says(*["word "] * 100, delay_s=0.05)
    opened = backend(deadlines=Deadlines(total=0.6))
    started = time.monotonic()
    chunks, error = await ask_and_fail(opened)
    assert type(error) is Interrupted
    assert "longer than" in error.message
    assert 3 < len(chunks) < 15
    assert time.monotonic() - started < 4


async def test_a_reply_that_goes_on_is_never_hurried(model: ScriptedServer, backend: Open) -> None:
    model.says(*["word "] * 12, delay_s=0.1)
    quick = Deadlines(first_token=0.5, silence=0.5, pinging=0.6)
    assert text(await ask(backend(deadlines=quick))) == "word " * 12


async def test_a_slow_reader_is_not_taken_for_a_silent_server(
    model: ScriptedServer, backend: Open
) -> None:
    import asyncio

    from tests.inference.asking import ERRAND, question

    model.says("one ", "two ", "three")
    heard = []
    async for chunk in backend(deadlines=Deadlines(silence=0.2)).chat(question(), ERRAND):
        heard.append(chunk)
        await asyncio.sleep(0.3)
    assert text(heard) == "one two three"
