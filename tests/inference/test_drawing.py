"""Pictures from a real server, whatever its answers look like."""

import asyncio
import base64
from dataclasses import replace
from typing import Any

import orjson
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from inference.backend import (
    BackendError,
    BadReply,
    BudgetSpent,
    Errand,
    KeyRejected,
    ModelUnavailable,
    PlanLimit,
    ProviderDown,
    RateLimited,
    Unsupported,
)
from inference.drawing import Drawn, Wanted, image_fields
from inference.models import ModelFacts, learnt
from inference.openai_backend import OpenAIBackend
from inference.provider import Model, Plan, load_providers
from inference.transport import Deadlines
from tests.inference.asking import outcomes
from tests.inference.conftest import KEY, Open
from tests.pictures import png
from tests.scripted_server import ScriptedServer

ERRAND = Errand("ann", "c1", "t1", "image")
HOUSE = png("House", (64, 64))
AS_TEXT = base64.b64encode(HOUSE).decode()
OXLO = load_providers()["oxlo"]


async def drawn(backend: OpenAIBackend, wanted: Wanted | None = None) -> Drawn:
    return await backend.draw(wanted or Wanted("A house", "painter"), ERRAND, lambda: None)


@pytest.mark.parametrize(
    "answer",
    [
        {"data": [{"b64_json": AS_TEXT, "revised_prompt": "A small house"}]},
        {"data": [{"url": None, "b64_json": f"data:image/png;base64,{AS_TEXT}"}]},
        {"data": [{"url": f"data:image/png;base64,{AS_TEXT}"}]},
        {"data": [{"base64": AS_TEXT}]},
        {"images": [AS_TEXT]},
        {"artifacts": [{"base64": AS_TEXT, "finishReason": "SUCCESS"}]},
        HOUSE,
    ],
    ids=["b64_json", "with a prefix", "data URI", "base64", "images", "artifacts", "bare"],
)
async def test_a_picture_is_read_in_any_form_of_answer(
    model: ScriptedServer, backend: Open, answer: Any
) -> None:
    data = answer if isinstance(answer, bytes) else orjson.dumps(answer)
    model.raw(data, content_type="application/json", on="image")
    assert await drawn(backend()) == Drawn(HOUSE)
    (hit,) = model.hits
    assert hit.path == "/v1/images/generations"
    assert orjson.loads(hit.body) == {"model": "painter", "prompt": "A house"}


async def test_a_link_to_the_providers_own_server_is_followed_and_is_no_second_request(
    model: ScriptedServer, backend: Open, engine: AsyncEngine
) -> None:
    home = model.base_url.removesuffix("/v1")
    model.serves("/generated/1.png", HOUSE).draws(link=f"{home}/generated/1.png")
    assert await drawn(backend()) == Drawn(HOUSE)
    assert await outcomes(engine) == ["done"]
    model.draws(link=f"{home}/generated/gone.png")
    with pytest.raises(BackendError):
        await drawn(backend())
    model.draws(link="http://127.0.0.1:9/elsewhere.png")
    assert await drawn(backend()) == Drawn(url="http://127.0.0.1:9/elsewhere.png")
    assert [hit.path for hit in model.hits].count("/v1/images/generations") == 3


async def test_no_more_than_a_picture_is_ever_held(
    model: ScriptedServer, backend: Open, engine: AsyncEngine
) -> None:
    home = model.base_url.removesuffix("/v1")
    model.serves("/x.png", b"\x89PNG\r\n\x1a\n" + b"x" * 40_000_001).draws(link=f"{home}/x.png")
    with pytest.raises(BadReply, match="far more than a picture"):
        await drawn(backend())
    assert len(await outcomes(engine)) == 1


@pytest.mark.parametrize(
    ("model_id", "shape", "size"),
    [
        ("gpt-image-2", "any", None),
        ("gpt-image-2", "landscape", "1536x1024"),
        ("dall-e-3", "portrait", "1024x1792"),
        ("black-forest-labs/FLUX.1-schnell", "portrait", "832x1216"),
        ("stable-diffusion-1.5", "square", "512x512"),
        ("stable-diffusion-3.5-large", "square", "1024x1024"),
        ("a-model-of-no-name", "landscape", None),
    ],
)
def test_a_shape_is_told_as_the_size_that_the_model_knows(
    model_id: str, shape: Any, size: str | None
) -> None:
    assert (
        image_fields(Wanted("x", model_id, shape), load_providers()["custom"]).get("size") == size
    )


def test_bytes_are_asked_for_where_the_provider_knows_the_word() -> None:
    wanted = Wanted("x", "painter")
    assert image_fields(wanted, OXLO)["response_format"] == "b64_json"
    assert "response_format" not in image_fields(wanted, load_providers()["openai"])


@pytest.mark.parametrize(
    ("status", "body", "kind", "words"),
    [
        (
            400,
            {
                "error": {
                    "message": "Your request was rejected by the safety system.",
                    "code": "moderation_blocked",
                }
            },
            Unsupported,
            "Describe another picture.",
        ),
        (
            400,
            {"error": {"message": "Unknown parameter: 'response_format'."}},
            Unsupported,
            "Choose another model of Custom server that makes pictures.",
        ),
        (401, {"error": {"message": "Incorrect API key provided"}}, KeyRejected, "rejects the key"),
        (403, {"error": "forbidden", "message": "Upgrade your plan"}, PlanLimit, "Upgrade"),
        (404, {"error": {"message": "no such model"}}, ModelUnavailable, "painter"),
        (429, {"error": {"message": "slow down"}}, RateLimited, "slow down"),
        (429, {"error": {"message": "daily limit"}}, BudgetSpent, "daily limit"),
        (503, {"error": {"message": "busy"}}, ProviderDown, "busy"),
    ],
    ids=["unwanted", "form", "key", "plan", "model", "minute", "day", "busy"],
)
async def test_a_refusal_says_why_and_is_not_asked_again(
    model: ScriptedServer,
    backend: Open,
    engine: AsyncEngine,
    status: int,
    body: Any,
    kind: type[BackendError],
    words: str,
) -> None:
    model.fails(status, body, on="image")
    with pytest.raises(kind) as caught:
        await drawn(backend())
    assert words in f"{caught.value.message} {caught.value.advice}"
    assert KEY not in f"{caught.value.message} {caught.value.advice}"
    assert len(model.hits) == 1
    assert await outcomes(engine) == [kind.__name__]


@pytest.mark.parametrize(
    "answer",
    [
        b'{"data": []}',
        b'{"data": [{"b64_json": "bm90IGEgcGljdHVyZQ=="}]}',
        b'{"data": [{"b64_json": "!!"}]}',
        b"<html><title>Sign in</title></html>",
        b'{"error": {"message": "the GPU is gone"}}',
        b"",
    ],
    ids=["none", "no picture", "no base64", "a page", "an error", "nothing"],
)
async def test_what_is_no_picture_is_an_error(
    model: ScriptedServer, backend: Open, answer: bytes
) -> None:
    model.raw(answer, content_type="application/json", on="image")
    with pytest.raises(BackendError):
        await drawn(backend())
    assert len(model.hits) == 1


async def test_a_slow_server_is_given_up_and_the_request_stays_counted(
    model: ScriptedServer, backend: Open, engine: AsyncEngine
) -> None:
    model.hangs(30, on="image")
    with pytest.raises(ProviderDown, match="did not answer in time"):
        await drawn(backend(deadlines=Deadlines(sound=0.3)))
    assert await outcomes(engine) == ["ProviderDown"]


async def test_a_refused_connection_is_tried_once_more_and_costs_nothing(
    backend: Open, engine: AsyncEngine
) -> None:
    with pytest.raises(ProviderDown, match="Nobody answers"):
        await drawn(backend(base_url="http://127.0.0.1:9/v1"))
    assert await outcomes(engine) == ["unreached", "unreached"]


async def test_it_is_counted_before_it_goes_and_its_tokens_after(
    model: ScriptedServer, backend: Open, engine: AsyncEngine
) -> None:
    model.draws(HOUSE, input_tokens=12, output_tokens=1056)
    opened, counted = backend(), asyncio.Event()
    found = await opened.draw(Wanted("A house", "painter"), ERRAND, counted.set)
    assert (found.prompt_tokens, found.completion_tokens) == (12, 1056)
    assert counted.is_set()
    spent = backend(limits={"custom": 1})
    counted.clear()
    with pytest.raises(BudgetSpent):
        await spent.draw(Wanted("A house", "painter"), ERRAND, counted.set)
    assert not counted.is_set()
    assert len(model.hits) == 1
    with pytest.raises(ModelUnavailable, match="makes pictures"):
        await drawn(opened, Wanted("A house", ""))


def test_who_draws_is_found_in_what_the_server_offers() -> None:
    custom = load_providers()["custom"]
    offered = (ModelFacts("talks"), ModelFacts("paints", sense="image"))
    assert learnt(custom, offered).image == "paints"
    assert learnt(custom, offered[:1]).image == ""
    assert learnt(replace(custom, image="chosen"), offered).image == "chosen"
    limited = replace(custom, billing="request", plan="free", plans={"free": Plan(), "pro": Plan()})
    by_plan = (ModelFacts("big", sense="image", plan="pro"), ModelFacts("small", sense="image"))
    assert learnt(limited, by_plan).image == "small"


@pytest.mark.parametrize("name", ["oxlo", "openai", "together"])
def test_the_files_of_facts_name_who_draws(name: str) -> None:
    provider = load_providers()[name]
    assert provider.models[provider.image].sense == "image"
    assert provider.has(provider.image)
    assert Model(sense="image", plan="premium") == OXLO.models["oxlo-image-pro"]
