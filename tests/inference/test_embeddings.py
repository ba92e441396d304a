"""Embeddings against a real server: what is asked, and what is made of its answers."""

import base64
import struct
from typing import Any

import orjson
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from inference.backend import BackendError, BadReply, Errand, ModelUnavailable, Unsupported
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
