"""The long part: llama.cpp asked some hundred times, with schemas and interruptions at random."""

import asyncio
import json
import random
from typing import Any

import jsonschema
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.ext.asyncio import AsyncEngine

from inference.backend import CallChunk, FinishedChunk, JsonAnswer, ToolSpec
from tests.conformance.by_heart import GREETING
from tests.conformance.conftest import CLOCK, ERRAND, SUM, Open, ask, asking, entries, words
from tests.conformance.serving import Serving
from tests.conformance.test_llamacpp_chat import freed

Schema = dict[str, Any]

_NAMES = st.text("abcdefgh_äß你", min_size=1, max_size=6)
_PLAIN: st.SearchStrategy[Schema] = st.one_of(
    st.just({"type": "integer"}),
    st.just({"type": "number"}),
    st.just({"type": "boolean"}),
    st.just({"type": "string", "maxLength": 12}),
    st.lists(st.text(max_size=8), min_size=1, max_size=3, unique=True).map(lambda v: {"enum": v}),
)


def _objects(inner: st.SearchStrategy[Schema]) -> st.SearchStrategy[Schema]:
    fields = st.dictionaries(_NAMES, inner, max_size=4)
    return fields.map(
        lambda properties: {
            "type": "object",
            "properties": properties,
            "required": list(properties),
            "additionalProperties": False,
        }
    )


def _lists(inner: st.SearchStrategy[Schema]) -> st.SearchStrategy[Schema]:
    return inner.map(lambda items: {"type": "array", "items": items, "minItems": 1, "maxItems": 2})


SCHEMAS = _objects(st.recursive(_PLAIN, lambda s: _objects(s) | _lists(s), max_leaves=6))
_long = settings(
    max_examples=120,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@_long
@given(schema=SCHEMAS)
async def test_the_arguments_of_any_call_fit_the_schema_that_forced_them(
    llama: Serving, backend: Open, schema: Schema
) -> None:
    spec = ToolSpec("anything", "Anything.", schema)
    chunks = await ask(backend(llama), asking("Please spell it", tools=(spec,), max_tokens=3_000))
    (called,) = [c.call for c in chunks if isinstance(c, CallChunk)]
    jsonschema.validate(json.loads(called.arguments), schema)


@_long
@given(schema=SCHEMAS)
async def test_any_answer_by_schema_fits_it(llama: Serving, backend: Open, schema: Schema) -> None:
    chunks = await ask(
        backend(llama), asking("Anything?", json=JsonAnswer(schema), max_tokens=3_000)
    )
    jsonschema.validate(json.loads(words(chunks)), schema)


async def test_readers_that_leave_at_any_moment_leave_no_slot_at_work_and_no_open_entry(
    llama: Serving, backend: Open, engine: AsyncEngine
) -> None:
    asked, chance = backend(llama), random.Random(7)
    endings: list[object] = []
    for attempt in range(120):
        kind = chance.choice(("for ever", "two calls", "thinking"))
        request = asking(f"Go: {kind}", tools=(CLOCK, SUM), max_tokens=4_000)
        reading = asyncio.create_task(ask(asked, request))
        await asyncio.wait({reading}, timeout=chance.uniform(0, 0.06 if attempt % 2 else 0.01))
        reading.cancel()
        endings += await asyncio.gather(reading, return_exceptions=True)
    await freed(llama)
    await asyncio.sleep(0.5)  # closing an entry goes on behind a second cancellation
    assert sum(isinstance(ending, asyncio.CancelledError) for ending in endings) > 20
    assert all(isinstance(e, list | asyncio.CancelledError) for e in endings)
    outcomes = [outcome for outcome, _, _ in await entries(engine)]
    assert set(outcomes) <= {"done", "stopped", "unreached"}  # the last: stopped before sending
    assert words(await ask(asked, asking("A greeting"))) == GREETING


async def test_fifty_streams_at_once_end_each_with_its_own_words(
    llama: Serving, backend: Open, engine: AsyncEngine
) -> None:
    asked = backend(llama)
    questions = ("A greeting", "Think: thinking", "Go on for ever") * 17
    replies = await asyncio.gather(*(_whole(asked, question) for question in questions[:50]))
    for question, (said, finish) in zip(questions, replies, strict=False):
        if "greeting" in question:
            assert (said, finish) == (GREETING, "stop")
        elif "thinking" in question:
            assert (said, finish) == ("Yes, it is.", "stop")
        else:
            assert finish == "length"
            assert ("round and " * 400).startswith(said)
    assert len(await entries(engine)) == 50


async def _whole(backend: Any, question: str) -> tuple[str, str]:
    chunks = [chunk async for chunk in backend.chat(asking(question, max_tokens=300), ERRAND)]
    last = chunks[-1]
    assert isinstance(last, FinishedChunk)
    return words(chunks), last.finish
