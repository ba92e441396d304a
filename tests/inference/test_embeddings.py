"""Embeddings against a real server: what is asked, and what is made of its answers."""

import base64
import struct
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import orjson
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from inference.backend import BackendError, BadReply, Errand, ModelUnavailable, Unsupported
from inference.budget import Limits
from inference.embeddings import KEEPS, MAX_CHARS, ProviderEmbedding
from inference.ledger import Ledger
from tests.inference.asking import outcomes
from tests.inference.conftest import Open
from tests.scripted_server import ScriptedServer

ERRAND = Errand("ann", "c1", "t1", "embedding")


async def test_each_text_gets_its_vector_in_its_place(
    model: ScriptedServer, backend: Open, engine: AsyncEngine
) -> None:
    found = await backend().embed(["a", "bbb", "cc"], "bge", ERRAND)
    assert found == [[1.0, 1.0], [3.0, 1.0], [2.0, 1.0]]
    assert orjson.loads(model.hits[0].body) == {
        "input": ["a", "bbb", "cc"],
        "model": "bge",
        "encoding_format": "float",
    }
    assert await outcomes(engine) == ["done"]


async def test_many_texts_go_in_batches_each_a_request_of_its_own(
    model: ScriptedServer, backend: Open, engine: AsyncEngine
) -> None:
    texts = ["x" * n for n in range(1, 131)]
    found = await backend().embed(texts, "bge", ERRAND)
    assert [vector[0] for vector in found] == [float(n) for n in range(1, 131)]
    assert [len(orjson.loads(hit.body)["input"]) for hit in model.hits] == [64, 64, 2]
    assert await outcomes(engine) == ["done"] * 3


async def test_nothing_to_embed_costs_nothing(model: ScriptedServer, backend: Open) -> None:
    assert await backend().embed([], "bge", ERRAND) == []
    assert model.hits == []


@pytest.mark.parametrize(
    "body",
    [
        {"data": [{"embedding": base64.b64encode(struct.pack("<2f", 0.5, 1.0)).decode()}]},
        {"data": [{"index": 0, "embedding": [0.5, 1]}]},
        [{"index": 0, "embedding": [[0.5, 1.0]]}],
        {"embeddings": [[0.5, 1.0]]},
    ],
)
async def test_vectors_are_read_in_any_form(
    model: ScriptedServer, backend: Open, body: Any
) -> None:
    model.raw(orjson.dumps(body), content_type="application/json", on="embedding")
    assert await backend().embed(["a"], "bge", ERRAND) == [[0.5, 1.0]]


@pytest.mark.parametrize(
    "body",
    [
        b'{"data": []}',
        b'{"data": [{"embedding": [1.0]}, {"embedding": [2.0]}]}',
        b'{"data": [{"embedding": []}]}',
        b'{"data": [{"embedding": [1.0, null]}]}',
        b'{"data": [{"embedding": [NaN]}]}',
        b'{"data": [{"embedding": "no base64!"}]}',
        b"{}",
        b"null",
        b"<html><title>Welcome</title></html>",
    ],
)
async def test_what_is_no_vector_is_never_stored_as_one(
    model: ScriptedServer, backend: Open, body: bytes
) -> None:
    model.raw(body, content_type="application/json", on="embedding")
    with pytest.raises(BadReply):
        await backend().embed(["a"], "bge", ERRAND)


async def test_a_server_without_embeddings_says_so(
    model: ScriptedServer, backend: Open, engine: AsyncEngine
) -> None:
    words = "This server does not support embeddings. Start it with `--embeddings`"
    model.fails(501, {"error": {"message": words}}, on="embedding")
    opened = backend()
    with pytest.raises(Unsupported) as caught:
        await opened.embed(["a"], "bge", ERRAND)
    assert "embeds" in caught.value.advice
    with pytest.raises(ModelUnavailable):
        await opened.embed(["a"], "", ERRAND)
    model.fails(503, {"error": {"message": "busy"}}, on="embedding")
    with pytest.raises(BackendError):
        await opened.embed(["a"], "bge", ERRAND)
    assert len(model.hits) == 2
    assert await outcomes(engine) == ["Unsupported", "ProviderDown"]


Embed = Callable[..., ProviderEmbedding]


@pytest.fixture
def embed(backend: Open, engine: AsyncEngine) -> Embed:
    """An embedding by the scripted server, within so many requests a day."""

    def made(per_day: int | None = None, **more: Any) -> ProviderEmbedding:
        limits = {"custom": per_day} if per_day else {}
        opened = backend(limits=limits)
        book = Ledger(engine, {name: Limits(most) for name, most in limits.items()})
        return ProviderEmbedding(lambda: opened, book, "bge", **more)

    return made


async def test_meaning_by_a_provider_is_of_length_one_and_in_its_place(
    model: ScriptedServer, embed: Embed, engine: AsyncEngine
) -> None:
    embedding = embed()
    found = await embedding.embed(["a", " ", "ccc"])
    expected = np.array([[0.7071, 0.7071], [0.0, 0.0], [0.9487, 0.3162]], np.float32)
    np.testing.assert_allclose(found, expected, atol=1e-4)
    assert orjson.loads(model.hits[0].body)["input"] == ["a", "ccc"]  # no server likes blanks
    assert (embedding.name, embedding.per_request, embedding.trouble) == ("custom-bge-v1", True, "")
    book = Ledger(engine)
    assert await book.by_purpose("custom", "") == {"embedding": 1}


async def test_a_question_asked_again_costs_nothing(model: ScriptedServer, embed: Embed) -> None:
    embedding = embed()
    first = await embedding.embed_query("What boat?", {"boat": 2.0})
    again = await embedding.embed_query("What boat?", {})
    assert (first == again).all()
    assert len(model.hits) == 1
    assert (await embedding.embed_query(" ", {})).shape == (1, 2)
    assert (await embedding.embed([])).shape == (0, 2)
    assert len(model.hits) == 1


async def test_a_provider_that_fails_gives_no_meaning_and_says_why(
    model: ScriptedServer, embed: Embed
) -> None:
    embedding = embed()
    model.fails(401, {"error": {"message": "Incorrect API key"}}, on="embedding")
    assert not (await embedding.embed_query("What boat?", {})).any()
    assert "Incorrect API key" in embedding.trouble
    assert (await embedding.embed_query("What boat?", {})).any()  # not remembered as nothing
    assert embedding.trouble == ""
    model.raw(b"{}", content_type="application/json", on="embedding")
    assert not (await embedding.embed(["a", "b"])).any()
    assert "cannot be read" in embedding.trouble


async def test_a_model_that_changes_its_numbers_is_not_believed(
    model: ScriptedServer, embed: Embed
) -> None:
    embedding = embed()
    await embedding.embed(["a"])
    body = orjson.dumps({"data": [{"index": 0, "embedding": [0.1, 0.2, 0.3]}]})
    model.raw(body, content_type="application/json", on="embedding")
    assert (await embedding.embed(["b"])).tolist() == [[0.0, 0.0]]
    assert "3 numbers, not 2" in embedding.trouble


async def test_the_days_last_requests_are_left_to_answers(
    model: ScriptedServer, embed: Embed
) -> None:
    embedding = embed(per_day=KEEPS + 2)
    for text in ("a", "b", "c"):
        await embedding.embed([text])
    assert len(model.hits) == 2
    assert f"{KEEPS} requests are left today" in embedding.trouble
    assert not (await embedding.embed_query("c", {})).any()
    assert len(model.hits) == 2


async def test_embedding_all_anew_takes_no_more_than_half_a_day(
    model: ScriptedServer, embed: Embed
) -> None:
    embedding = embed(per_day=40, background=True)
    for number in range(30):
        await embedding.embed([f"text {number}"])
    assert len(model.hits) == 20
    assert "leave 20" in embedding.trouble


async def test_no_turn_waits_long_for_what_its_question_means(
    model: ScriptedServer, embed: Embed, engine: AsyncEngine
) -> None:
    model.hangs(30, on="embedding")
    embedding = embed(question_s=0.3)
    started = time.monotonic()
    assert not (await embedding.embed_query("What boat?", {})).any()
    assert time.monotonic() - started < 3
    assert "took longer" in embedding.trouble
    assert await outcomes(engine) == ["stopped"]


async def test_a_long_text_is_cut_to_what_models_read(model: ScriptedServer, embed: Embed) -> None:
    await embed().embed(["x" * 100_000])
    assert len(orjson.loads(model.hits[0].body)["input"][0]) == MAX_CHARS
