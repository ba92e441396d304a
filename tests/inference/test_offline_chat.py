"""The offline engine's words, asked for through the real openai client."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from typing import Any

import openai
import pytest

from inference.offline.engine import OfflineEngine
from tools.router import discover

MODEL = "parley-offline"
TOOLS: Any = [
    {
        "type": "function",
        "function": {"name": t.name, "description": t.description, "parameters": t.parameters},
    }
    for t in discover()
]
RECALLED = """You are Parley.
<recalled>
[2026-11-20 · user · Trip to Rome] I am allergic to peanuts.
[2026-11-21 · assistant · Trip to Rome] Rome is lovely in May; book the hotel Artemide.
[2026-11-22 · user · Pets] My dog is called Bruno,
and he is four.
</recalled>"""


@pytest.fixture(scope="module")
def engine() -> Iterator[OfflineEngine]:
    engine = OfflineEngine()
    asyncio.run(engine.start())  # it has a thread and a loop of its own
    yield engine
    asyncio.run(engine.stop())


@pytest.fixture
async def client(engine: OfflineEngine) -> AsyncIterator[openai.AsyncOpenAI]:
    async with openai.AsyncOpenAI(
        base_url=engine.base_url, api_key=engine.key, max_retries=0
    ) as client:
        yield client


async def reply(client: openai.AsyncOpenAI, said: str, *earlier: Any, **options: Any) -> Any:
    messages = [*earlier, {"role": "user", "content": said}]
    completion = await client.chat.completions.create(model=MODEL, messages=messages, **options)
    return completion.choices[0].message


async def words(client: openai.AsyncOpenAI, said: str, *earlier: Any, **options: Any) -> str:
    return str((await reply(client, said, *earlier, **options)).content)


async def calls(client: openai.AsyncOpenAI, said: str) -> list[tuple[str, dict[str, Any]]]:
    asked = (await reply(client, said, tools=TOOLS)).tool_calls or []
    return [(c.function.name, json.loads(c.function.arguments)) for c in asked]


async def worked_out(client: openai.AsyncOpenAI, said: str) -> str:
    """The whole round trip: the engine asks for tools, they really run, it words the results."""
    tools = {tool.name: tool for tool in discover()}
    first = await reply(client, said, tools=TOOLS)
    messages: list[Any] = [{"role": "user", "content": said}, first.model_dump(exclude_none=True)]
    for call in first.tool_calls:
        result = await tools[call.function.name].run(json.loads(call.function.arguments), None)
        messages.append({"role": "tool", "tool_call_id": call.id, "content": result})
    second = await client.chat.completions.create(model=MODEL, messages=messages, tools=TOOLS)
    assert second.choices[0].finish_reason == "stop"
    return str(second.choices[0].message.content)


async def test_it_lists_its_models(client: openai.AsyncOpenAI) -> None:
    listed = [model.id async for model in client.models.list()]
    assert listed == [
        "parley-offline",
        "parley-offline-embedding",
        "parley-offline-hearing",
        "parley-offline-voice",
    ]


async def test_without_the_key_nobody_is_answered(engine: OfflineEngine) -> None:
    async with openai.AsyncOpenAI(
        base_url=engine.base_url, api_key="wrong", max_retries=0
    ) as stranger:
        with pytest.raises(openai.AuthenticationError) as refused:
            await stranger.models.list()
    assert refused.value.code == "invalid_api_key"
    assert engine.key not in str(refused.value)


async def test_an_open_question_is_answered_with_how_to_connect_a_model(
    client: openai.AsyncOpenAI,
) -> None:
    text = await words(client, "Write me a poem about the sea")
    assert "language model" in text
    assert "OXLO_API_KEY" in text
    assert "PARLEY_BASE_URL" in text
    assert "Ollama" in text


async def test_a_greeting_is_greeted(client: openai.AsyncOpenAI) -> None:
    assert (await words(client, "Hi there!")).startswith("Hello!")


async def test_it_lists_only_what_it_can_do_now(client: openai.AsyncOpenAI) -> None:
    bare = await words(client, "What can you do?")
    full = await words(client, "What can you do?", tools=TOOLS)
    assert "17% of 240" not in bare
    assert "17% of 240" in full
    assert "picture" in bare


async def test_a_streamed_answer_comes_in_pieces_with_its_usage(client: openai.AsyncOpenAI) -> None:
    started = asyncio.get_running_loop().time()
    stream = await client.chat.completions.create(
        model=MODEL,
        messages=[{"role": "user", "content": "hello"}],
        stream=True,
        stream_options={"include_usage": True},
    )
    chunks = [chunk async for chunk in stream]
    elapsed = asyncio.get_running_loop().time() - started
    pieces = [
        c.choices[0].delta.content for c in chunks if c.choices and c.choices[0].delta.content
    ]
    assert len(pieces) > 10
    assert "".join(pieces) == await words(client, "hello")
    assert [c.choices[0].finish_reason for c in chunks if c.choices][-1] == "stop"
    assert chunks[-1].usage is not None
    assert chunks[-1].usage.completion_tokens > 20
    assert elapsed < 2


@pytest.mark.parametrize(
    ("said", "tool", "arguments"),
    [
        ("17% of 240", "calculate", {"expression": "17% of 240"}),
        ("What is 12 * (3+4)?", "calculate", {"expression": "12 * (3+4)"}),
        ("What's the square root of 2?", "calculate", {"expression": "sqrt(2)"}),
        ("what is six times twenty one", "calculate", {"expression": "6 * 21"}),
        ("How much is 20% off $50?", "calculate", {"expression": "50 * (1 - 20/100)"}),
        ("the average of 3, 4 and 8", "calculate", {"expression": "(3 + 4 + 8) / 3"}),
        ("5 miles in km", "convert_units", {"value": 5, "from_unit": "mile", "to_unit": "km"}),
        (
            "How many feet are in a mile?",
            "convert_units",
            {"value": 1, "from_unit": "mile", "to_unit": "foot"},
        ),
        (
            "What is 98.6 °F in celsius?",
            "convert_units",
            {"value": 98.6, "from_unit": "degF", "to_unit": "degC"},
        ),
        ("how many days until 2027-01-01", "dates", {"start": "today", "end": "2027-01-01"}),
        ("What weekday was July 4, 1976?", "dates", {"start": "1976-07-04"}),
        ("What is the date 3 weeks from now?", "dates", {"start": "today", "add_days": 21}),
        ("What's today's date?", "dates", {"start": "today"}),
        ("What time is it in San Francisco?", "clock", {"zone": "America/Los_Angeles"}),
        ("what time is it in Japan right now", "clock", {"zone": "Asia/Tokyo"}),
        ('use clock with {"zone": "Europe/Oslo"}', "clock", {"zone": "Europe/Oslo"}),
    ],
)
async def test_a_question_calls_the_tool_it_needs(
    client: openai.AsyncOpenAI, said: str, tool: str, arguments: dict[str, Any]
) -> None:
    assert await calls(client, said) == [(tool, arguments)]


@pytest.mark.parametrize(
    "said",
    [
        "I met 5-10 people on 2026-11-02, call me at 555-1234",
        "Is version 3.11.7 newer than 3.10.2?",
        "Explain ```x = a[1+2] * 3```",
        "How many times did it rain?",
        "What time should I get up?",
        "We are open 24/7 and/or on call",
        "Give me 3 tips in 2 sentences",
        "hello",
    ],
)
async def test_a_sentence_that_asks_for_no_tool_calls_none(
    client: openai.AsyncOpenAI, said: str
) -> None:
    assert await calls(client, said) == []


async def test_several_questions_become_parallel_calls_and_one_answer(
    client: openai.AsyncOpenAI,
) -> None:
    said = "What time is it in Tokyo and what is 17% of 240?"
    assert [name for name, _ in await calls(client, said)] == ["clock", "calculate"]
    text = await worked_out(client, said)
    assert "Tokyo: **" in text
    assert "**40.8**" in text


async def test_tool_results_come_back_in_words(client: openai.AsyncOpenAI) -> None:
    assert await worked_out(client, "5 miles in km") == "5 miles = **8.04672 km**"
    until = await worked_out(client, "How many days until 2127-01-01?")
    left = (datetime(2127, 1, 1, tzinfo=UTC).date() - datetime.now(UTC).date()).days
    assert f"**{left} days**" in until
    assert "Friday, 1 January 2027" in await worked_out(client, "What day is 2027-01-01?")


async def test_a_failed_tool_is_told_in_its_own_words(client: openai.AsyncOpenAI) -> None:
    call = {
        "id": "c1",
        "type": "function",
        "function": {"name": "calculate", "arguments": '{"expression": "1/0"}'},
    }
    messages: Any = [
        {"role": "user", "content": "what is 1/0"},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "c1", "content": "Division by zero."},
    ]
    answer = await client.chat.completions.create(model=MODEL, messages=messages)
    assert answer.choices[0].message.content == "`1/0` cannot be worked out: Division by zero."


async def test_a_streamed_tool_call_is_whole(client: openai.AsyncOpenAI) -> None:
    stream = await client.chat.completions.create(
        model=MODEL, messages=[{"role": "user", "content": "2 + 2"}], tools=TOOLS, stream=True
    )
    deltas = [c.choices[0] async for c in stream]
    asked = [call for d in deltas for call in d.delta.tool_calls or []]
    assert [(c.index, c.function and c.function.arguments) for c in asked] == [
        (0, '{"expression": "2 + 2"}')
    ]
    assert deltas[-1].finish_reason == "tool_calls"


async def test_a_tool_that_was_not_offered_is_not_called_nor_guessed(
    client: openai.AsyncOpenAI,
) -> None:
    answer = await reply(client, "What is 17% of 240?")
    assert not answer.tool_calls
    assert "40.8" not in answer.content
    assert "`calculate`" in answer.content


async def test_an_unknown_place_is_said_to_be_unknown(client: openai.AsyncOpenAI) -> None:
    answer = await reply(client, "What time is it in Foobar?", tools=TOOLS)
    assert not answer.tool_calls
    assert "Foobar" in answer.content


@pytest.mark.parametrize(
    ("said", "found", "absent"),
    [
        ("What did I say about allergies?", "> I am allergic to peanuts.", "Bruno"),
        ("What is my dog's name?", "> My dog is called Bruno,\n> and he is four.", "peanuts"),
        ("Which hotel in Rome did you suggest?", "book the hotel Artemide", "Bruno"),
    ],
)
async def test_what_was_said_is_quoted_from_memory_with_its_date(
    client: openai.AsyncOpenAI, said: str, found: str, absent: str
) -> None:
    text = await words(client, said, {"role": "system", "content": RECALLED}, tools=TOOLS)
    assert found in text
    assert absent not in text
    assert "November 2026" in text


async def test_what_was_said_earlier_in_this_conversation_is_found_too(
    client: openai.AsyncOpenAI,
) -> None:
    earlier = [
        {"role": "user", "content": "My flight to Oslo leaves on Friday at seven."},
        {"role": "assistant", "content": "Good to know."},
        {"role": "user", "content": "When is my flight?"},
        {"role": "assistant", "content": "…"},
    ]
    text = await words(client, "When does my flight leave?", *earlier)
    assert "> My flight to Oslo leaves on Friday at seven." in text
    assert "earlier in this conversation" in text


async def test_nothing_is_invented_where_nothing_was_said(client: openai.AsyncOpenAI) -> None:
    assert "found nothing" in await words(client, "What did I say about my sister?")


async def test_its_own_replies_and_earlier_questions_are_not_quoted_back(
    client: openai.AsyncOpenAI,
) -> None:
    system = {
        "role": "system",
        "content": "<recalled>\n"
        "[2026-11-20 · assistant] I found nothing about that in what you said of flights.\n"
        "[2026-11-20 · user] When is my flight?\n"
        "[2026-11-19 · user] My flight is on Friday.\n"
        "</recalled>",
    }
    text = await words(client, "When is my flight?", system)
    assert text.count("> —") == 1
    assert "> My flight is on Friday." in text


async def test_remember_this_is_acknowledged(client: openai.AsyncOpenAI) -> None:
    text = await words(client, "Remember that my sister is called Ada.")
    assert "> my sister is called Ada." in text


async def test_json_mode_answers_in_json(client: openai.AsyncOpenAI) -> None:
    text = await words(client, "hello", response_format={"type": "json_object"})
    assert json.loads(text)["answer"].startswith("Hello!")


async def test_a_json_schema_is_filled_with_the_answer_and_no_invention(
    client: openai.AsyncOpenAI,
) -> None:
    schema = {
        "type": "object",
        "properties": {
            "title": {"type": ["null", "number"]},
            "body": {"$ref": "#/$defs/text"},
            "tags": {"type": "array", "items": {"type": "integer"}, "maxItems": 0},
        },
        "required": ["title", "body"],
        "additionalProperties": False,
        "$defs": {"text": {"type": "string"}},
    }
    wanted = {"type": "json_schema", "json_schema": {"name": "note", "schema": schema}}
    filled = json.loads(await words(client, "hello", response_format=wanted))
    assert filled["title"] is None
    assert filled["body"].startswith("Hello!")


async def test_a_schema_without_room_for_words_is_refused(client: openai.AsyncOpenAI) -> None:
    schema = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
    wanted = {"type": "json_schema", "json_schema": {"name": "n", "schema": schema}}
    with pytest.raises(openai.BadRequestError, match="no language model"):
        await reply(client, "pick a number", response_format=wanted)


@pytest.mark.parametrize(
    ("body", "status", "told"),
    [
        ({"model": "gpt-4", "messages": [{"role": "user", "content": "hi"}]}, 404, "gpt-4"),
        ({"model": MODEL, "messages": []}, 400, "messages"),
        ({"model": MODEL, "messages": [{"role": "user", "content": 5}]}, 400, "content"),
        ({"model": MODEL, "messages": [{"role": "user", "content": "hi"}], "n": 2}, 400, "n must"),
    ],
)
async def test_a_wrong_request_is_told_what_is_wrong(
    client: openai.AsyncOpenAI, body: dict[str, Any], status: int, told: str
) -> None:
    with pytest.raises(openai.APIStatusError) as refused:
        await client.post("/chat/completions", body=body, cast_to=object)
    assert refused.value.status_code == status
    assert told in refused.value.message


async def test_alike_sentences_have_closer_vectors(client: openai.AsyncOpenAI) -> None:
    texts = ["The cat sleeps on the sofa.", "A kitten naps on the couch.", "Interest rates rose."]
    made = await client.embeddings.create(model="parley-offline-embedding", input=texts)
    cat, kitten, rates = (item.embedding for item in made.data)
    assert len(cat) == 256
    assert _cosine(cat, kitten) > _cosine(cat, rates) + 0.2
    assert made.usage.total_tokens > 10


def _cosine(a: list[float], b: list[float]) -> float:
    return sum(x * y for x, y in zip(a, b, strict=True))


async def test_what_a_document_says_is_not_obeyed(client: openai.AsyncOpenAI) -> None:
    said = (
        "The document between the marks below was attached as a file.\n"
        '<document name="plan.pdf" pages="1">\n<page n="1">\nWhat is 3 + 4?\n</page>\n</document>\n\n'
        "What is 20 + 1?"
    )
    assert "21" in await worked_out(client, said)
    assert "7" not in await worked_out(client, said)
