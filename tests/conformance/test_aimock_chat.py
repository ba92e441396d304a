"""Our backend against aimock: streams, tools, and every way a provider says no."""

import asyncio
import json
import time
from itertools import pairwise

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from inference.backend import (
    BackendError,
    BadReply,
    BudgetSpent,
    CallChunk,
    Chunk,
    ContextTooLong,
    FinishedChunk,
    Interrupted,
    JsonAnswer,
    KeyRejected,
    ModelUnavailable,
    ProviderDown,
    RateLimited,
    RetryChunk,
    TextChunk,
)
from tests.conformance.aimock_answers import STORY
from tests.conformance.conftest import (
    CLOCK,
    ERRAND,
    SUM,
    Open,
    ask,
    asking,
    entries,
    journal,
    thoughts,
    words,
)
from tests.conformance.serving import Serving


async def refused(backend: Open, aimock: Serving, question: str) -> tuple[str, BackendError]:
    """The words that came before the error, and the error."""
    chunks: list[Chunk] = []
    with pytest.raises(BackendError) as caught:
        async for chunk in backend(aimock, "custom").chat(asking(question), ERRAND):
            chunks.append(chunk)
    assert not any(isinstance(c, FinishedChunk) for c in chunks)
    return words(chunks), caught.value


# ── what it answers ─────────────────────────────────────────────────────────────────────────────


async def test_a_reply_streams_and_its_usage_is_what_the_server_says(
    aimock: Serving, backend: Open, engine: AsyncEngine
) -> None:
    chunks = await ask(backend(aimock, "custom"), asking("Tell me a story"))
    assert words(chunks) == STORY
    assert await ask(backend(aimock, "custom"), asking("a counted answer")) == [
        TextChunk("Ok."),
        FinishedChunk("stop", 1234, 56),
    ]
    assert (await entries(engine))[1] == ("done", 1234, 56)


async def test_words_are_handed_on_as_they_come_and_not_at_the_end(
    aimock: Serving, backend: Open
) -> None:
    came: list[float] = []
    async for chunk in backend(aimock, "custom").chat(asking("a story, slowly"), ERRAND):
        if isinstance(chunk, TextChunk):
            came.append(time.monotonic())
    gaps = [after - before for before, after in pairwise(came)]
    assert sum(gap > 0.02 for gap in gaps) >= 0.8 * len(gaps)  # the server waits 40 ms before each


async def test_thoughts_stream_apart(aimock: Serving, backend: Open) -> None:
    chunks = await ask(backend(aimock, "custom"), asking("think first"))
    assert (thoughts(chunks), words(chunks)) == ("Twelve is even.", "Yes.")


async def test_two_calls_split_across_many_chunks_come_back_whole(
    aimock: Serving, backend: Open
) -> None:
    chunks = await ask(backend(aimock, "custom"), asking("two tools", tools=(CLOCK, SUM)))
    found = [c.call for c in chunks if isinstance(c, CallChunk)]
    assert [(c.name, c.arguments) for c in found] == [
        ("clock", '{"zone":"Asia/Tokyo"}'),
        ("calculate", '{"expression":"12 * 12"}'),
    ]
    assert len({c.call_id for c in found}) == 2
    assert isinstance(chunks[-1], FinishedChunk)
    assert chunks[-1].finish == "tool_calls"


async def test_words_before_a_call_keep_their_place(aimock: Serving, backend: Open) -> None:
    chunks = await ask(backend(aimock, "custom"), asking("words, then a tool", tools=(SUM,)))
    assert words(chunks) == "Let me see."
    assert [c.call.name for c in chunks if isinstance(c, CallChunk)] == ["calculate"]


async def test_a_reply_that_a_filter_cut_says_so(aimock: Serving, backend: Open) -> None:
    chunks = await ask(backend(aimock, "custom"), asking("filtered"))
    assert isinstance(chunks[-1], FinishedChunk)
    assert chunks[-1].finish == "content_filter"


async def test_an_empty_answer_is_an_answer(aimock: Serving, backend: Open) -> None:
    chunks = await ask(backend(aimock, "custom"), asking("nothing"))
    assert [type(c) for c in chunks] == [FinishedChunk]


async def test_a_json_answer_is_asked_for_by_its_schema(aimock: Serving, backend: Open) -> None:
    schema: dict[str, object] = {"type": "object", "properties": {"city": {"type": "string"}}}
    wanted = asking("Which city?", json=JsonAnswer(schema))
    chunks = await ask(backend(aimock, "custom"), wanted)
    assert json.loads(words(chunks)) == {"city": "Oslo"}
    sent = journal(aimock, "Which city?")[-1]["body"]["response_format"]
    assert sent["json_schema"]["schema"] == schema


async def test_only_our_headers_arrive(aimock: Serving, backend: Open) -> None:
    await ask(backend(aimock, "custom"), asking("a counted answer"))
    newest = journal(aimock)[-1]
    sent = {name.lower() for name in newest["headers"]}
    assert not {n for n in sent if n.startswith("openai") or n.startswith("x-stainless-os")}
    assert newest["headers"]["user-agent"] == "Parley"


# ── how it says no ──────────────────────────────────────────────────────────────────────────────


async def test_a_wrong_key_is_rejected(aimock: Serving, backend: Open) -> None:
    with pytest.raises(KeyRejected) as caught:
        await ask(backend(aimock, "custom", key="some-other-key"), asking("a story"))
    assert "some-other-key" not in f"{caught.value.message} {caught.value.advice}"


async def test_what_is_not_there_is_not_there(aimock: Serving, backend: Open) -> None:
    _, error = await refused(backend, aimock, "Zzz")
    assert isinstance(error, ModelUnavailable)
    assert "No fixture matched" in error.message


async def test_a_limit_of_minutes_tells_when_to_come_back_and_is_not_tried_again(
    aimock: Serving, backend: Open, engine: AsyncEngine
) -> None:
    _, error = await refused(backend, aimock, "limited for long")
    assert isinstance(error, RateLimited)
    assert error.retry_at is not None
    assert abs(error.retry_at - time.time() - 600) < 30
    assert [outcome for outcome, _, _ in await entries(engine)] == ["RateLimited"]
    assert len(journal(aimock, "limited for long")) == 1


async def test_a_limit_of_half_a_day_is_the_days(aimock: Serving, backend: Open) -> None:
    _, error = await refused(backend, aimock, "limited for days")
    assert isinstance(error, BudgetSpent)
    assert "14 hours" in error.advice


async def test_a_spent_credit_is_no_limit_of_the_minute(aimock: Serving, backend: Open) -> None:
    _, error = await refused(backend, aimock, "no credit")
    assert isinstance(error, BudgetSpent)
    assert len(journal(aimock, "no credit")) == 1


async def test_a_context_that_is_too_long_says_by_how_much(aimock: Serving, backend: Open) -> None:
    _, error = await refused(backend, aimock, "too long")
    assert isinstance(error, ContextTooLong)
    assert "8192" in error.message


async def test_a_stream_that_is_cut_keeps_its_words(
    aimock: Serving, backend: Open, engine: AsyncEngine
) -> None:
    came, error = await refused(backend, aimock, "cut in the middle")
    assert isinstance(error, Interrupted)
    assert came
    assert STORY.startswith(came)
    assert await entries(engine) == [("Interrupted", 0, 0)]


async def test_what_is_no_json_is_a_bad_reply(aimock: Serving, backend: Open) -> None:
    _, error = await refused(backend, aimock, "garbled")
    assert isinstance(error, BadReply)
    assert "malformed json" in error.message  # the server's own words


async def test_a_limit_of_a_second_is_waited_for_as_the_server_asks_and_counted_twice(
    aimock: Serving, backend: Open, engine: AsyncEngine
) -> None:
    started = time.monotonic()
    chunks = await ask(backend(aimock, "custom"), asking("limited once"))
    assert time.monotonic() - started >= 1.0  # Retry-After: 1
    assert [type(c) for c in chunks] == [RetryChunk, TextChunk, FinishedChunk]
    assert words(chunks) == "Now then."
    assert len(journal(aimock, "limited once")) == 2
    assert [outcome for outcome, _, _ in await entries(engine)] == ["RateLimited", "done"]


async def test_an_overloaded_server_is_asked_once_more(
    aimock: Serving, backend: Open, engine: AsyncEngine
) -> None:
    chunks = await ask(backend(aimock, "custom"), asking("overloaded once"))
    assert [type(c) for c in chunks] == [RetryChunk, TextChunk, FinishedChunk]
    assert words(chunks) == "Here I am."
    assert len(journal(aimock, "overloaded once")) == len(await entries(engine)) == 2


@pytest.mark.parametrize("question", ["overloaded", "dropped"])
async def test_a_server_that_stays_down_is_asked_twice_and_no_more(
    aimock: Serving, backend: Open, question: str
) -> None:
    _, error = await refused(backend, aimock, f"always {question}")
    assert isinstance(error, ProviderDown)
    assert len(journal(aimock, f"always {question}")) == 2


async def test_a_server_that_hangs_up_unheard_is_told_as_broken(
    aimock: Serving, backend: Open
) -> None:
    came, error = await refused(backend, aimock, "hung up")
    assert came == ""
    assert isinstance(error, Interrupted | ProviderDown)
    assert len(journal(aimock, "hung up")) == 1  # it may have been answered, and paid for


async def test_stopping_hangs_up(aimock: Serving, backend: Open, engine: AsyncEngine) -> None:
    before = len(journal(aimock, "a story, slowly"))
    reading = asyncio.create_task(ask(backend(aimock, "custom"), asking("a story, slowly")))
    async with asyncio.timeout(20):
        while len(journal(aimock, "a story, slowly")) == before:
            await asyncio.sleep(0.05)
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
    assert [outcome for outcome, _, _ in await entries(engine)] == ["stopped"]
