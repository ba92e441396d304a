"""Tool calls, JSON answers, pictures and vectors by llama.cpp's own server."""

import json
import time
from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from inference.backend import (
    BackendError,
    CallChunk,
    Errand,
    FinishedChunk,
    JsonAnswer,
    ToolSpec,
    Unsupported,
)
from messages import Image, Media, Text
from tests.conformance.conftest import (
    CLOCK,
    SUM,
    Open,
    StartLlama,
    ask,
    asking,
    entries,
    said,
    words,
)
from tests.conformance.serving import Serving
from tests.pictures import png


def object_of(properties: dict[str, object]) -> dict[str, object]:
    return {"type": "object", "properties": properties, "required": list(properties)}


# ── tools ───────────────────────────────────────────────────────────────────────────────────────


async def test_one_call_arrives_whole(llama: Serving, backend: Open) -> None:
    chunks = await ask(backend(llama), asking("Make one call", tools=(CLOCK, SUM)))
    (called,) = [c.call for c in chunks if isinstance(c, CallChunk)]
    assert (called.name, json.loads(called.arguments)) == ("clock", {"zone": "Europe/Paris"})
    assert called.call_id
    last = chunks[-1]
    assert isinstance(last, FinishedChunk)
    assert last.finish == "tool_calls"
    assert last.prompt_tokens > 100
    assert words(chunks) == ""


async def test_several_calls_keep_their_order_and_have_ids_of_their_own(
    llama: Serving, backend: Open
) -> None:
    chunks = await ask(backend(llama), asking("Make two calls", tools=(CLOCK, SUM)))
    found = [c.call for c in chunks if isinstance(c, CallChunk)]
    assert [(c.name, json.loads(c.arguments)) for c in found] == [
        ("clock", {"zone": "Asia/Tokyo"}),
        ("calculate", {"expression": "12 * 12"}),
    ]
    assert len({c.call_id for c in found}) == 2


async def test_words_before_a_call_are_shown_and_the_call_is_not(
    llama: Serving, backend: Open
) -> None:
    chunks = await ask(backend(llama), asking("Say words first", tools=(CLOCK, SUM)))
    assert words(chunks).strip() == "Let me see."
    assert [c.call.name for c in chunks if isinstance(c, CallChunk)] == ["calculate"]


async def test_arguments_that_the_grammar_spells_letter_by_letter_fit_their_schema(
    llama: Serving, backend: Open
) -> None:
    spec = ToolSpec(
        "book",
        "Book a seat.",
        object_of(
            {
                "seat": {"enum": ["window, ”left”", "aisle"]},
                "days": {"type": "array", "items": {"type": "integer"}, "minItems": 2},
                "by": {"type": "object", "properties": {"train": {"const": True}}},
            }
        ),
    )
    chunks = await ask(backend(llama), asking("Please spell it", tools=(spec,)))
    (called,) = [c.call for c in chunks if isinstance(c, CallChunk)]
    arguments = json.loads(called.arguments)
    assert arguments["seat"] in {"window, ”left”", "aisle"}
    assert len(arguments["days"]) >= 2
    assert all(isinstance(day, int) for day in arguments["days"])


async def test_a_tool_without_arguments_is_called_with_an_empty_object(
    llama: Serving, backend: Open
) -> None:
    spec = ToolSpec("now", "The time.", {"type": "object", "properties": {}})
    chunks = await ask(backend(llama), asking("Please spell it", tools=(spec,)))
    assert [c.call.arguments for c in chunks if isinstance(c, CallChunk)] == ["{}"]


async def test_a_call_that_was_cut_says_that_it_was(llama: Serving, backend: Open) -> None:
    chunks = await ask(backend(llama), asking("Make two calls", tools=(CLOCK, SUM), max_tokens=55))
    last = chunks[-1]
    assert isinstance(last, FinishedChunk)
    assert last.finish == "length"  # so that nobody runs what is left of it


async def test_a_schema_that_the_server_cannot_read_is_told(llama: Serving, backend: Open) -> None:
    spec = ToolSpec("odd", "Odd.", {"$ref": "#/nowhere"})
    with pytest.raises(Unsupported, match="nowhere"):
        await ask(backend(llama), asking("Please spell it", tools=(spec,)))


# ── JSON ────────────────────────────────────────────────────────────────────────────────────────


async def test_an_answer_by_schema_fits_it(llama: Serving, backend: Open) -> None:
    schema = object_of({"city": {"enum": ["Oslo"]}, "people": {"type": "integer"}})
    chunks = await ask(backend(llama), asking("Which city?", json=JsonAnswer(schema)))
    answer = json.loads(words(chunks))
    assert answer["city"] == "Oslo"
    assert isinstance(answer["people"], int)


async def test_an_answer_as_any_object_is_one(llama: Serving, backend: Open) -> None:
    chunks = await ask(backend(llama), asking("Which city?", json=JsonAnswer()))
    assert isinstance(json.loads(words(chunks)), dict)


# ── pictures and vectors ────────────────────────────────────────────────────────────────────────


async def test_a_picture_is_seen_as_its_patches(
    start_llama: StartLlama, backend: Open, by_heart: Path
) -> None:
    data = png("Parley")
    picture = Image(Media("a" * 64, "image/png", len(data)), 640, 200)
    with start_llama(projector=str(by_heart / "projector.gguf")) as server:
        assert server.get("/props")["modalities"]["vision"] is True
        sent = asking(said("A greeting", picture), images={"a" * 64: data})
        seen = await ask(backend(server), sent)
        unseen = await ask(backend(server), asking("A greeting"))
        assert words(seen) == words(unseen)
        more = seen[-1].prompt_tokens - unseen[-1].prompt_tokens  # type: ignore[union-attr]
        assert more >= 16  # four rows of four patches
        broken = Image(Media("b" * 64, "image/png", 8), 1, 1)
        with pytest.raises(BackendError, match="Failed to load image"):
            await ask(backend(server), asking(said("Look", broken), images={"b" * 64: b"no image"}))


async def test_a_model_that_cannot_see_says_so(llama: Serving, backend: Open) -> None:
    data = png("Parley")
    picture = Image(Media("a" * 64, "image/png", len(data)), 640, 200)
    with pytest.raises(Unsupported, match="image input is not supported") as caught:
        await ask(backend(llama), asking(said(Text("Look"), picture), images={"a" * 64: data}))
    assert "images" in caught.value.advice


async def test_vectors_have_the_length_that_the_model_gives(
    start_llama: StartLlama, backend: Open, engine: AsyncEngine
) -> None:
    with start_llama(embedding=True) as server:
        errand = Errand("ann", "c1", "t1", "embedding")
        llama, lamb, again = await backend(server).embed(
            ["a llama", "a lamb", "a llama"], "default", errand
        )
        wide = server.get("/v1/models")["data"][0]["meta"]["n_embd"]
    assert len(llama) == len(lamb) == wide
    assert llama == pytest.approx(again)
    assert llama != pytest.approx(lamb)
    assert len(await entries(engine)) == 1


async def test_a_server_that_makes_no_vectors_says_so(llama: Serving, backend: Open) -> None:
    errand = Errand("ann", "c1", "t1", "embedding")
    with pytest.raises(Unsupported, match="embeddings"):
        await backend(llama).embed(["a llama"], "default", errand)


# ── what it tells of itself ─────────────────────────────────────────────────────────────────────


def test_the_models_list_and_the_properties_have_the_shape_that_discovery_reads(
    llama: Serving,
) -> None:
    (model,) = llama.get("/v1/models")["data"]
    assert model["owned_by"] == "llamacpp"
    assert model["architecture"]["input_modalities"] == ["text"]
    assert model["meta"]["n_ctx"] == 8_192  # of one slot, not of the model
    assert model["meta"]["n_ctx_train"] == 16_384
    props = llama.get("/props")
    assert props["default_generation_settings"]["n_ctx"] == 8_192
    assert props["modalities"] == {"vision": False, "video": False, "audio": False}
    assert props["chat_template_caps"]["supports_tools"] is True
    assert props["chat_template_caps"]["supports_parallel_tool_calls"] is True
    assert abs(model["created"] - time.time()) < 600
