"""What servers say of their models, in the shapes they really use, and when they are asked."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from inference.backend import BackendError, BadReply, KeyRejected, ProviderDown
from inference.connection import Connection
from inference.discovery import MAX_AGE_S, Asking, Catalogue, offered
from inference.ledger import Ledger
from inference.ledger_tables import entries
from inference.model_rows import read
from inference.models import ModelFacts
from inference.provider import load_providers
from tests.inference.conftest import KEY
from tests.scripted_server import ScriptedServer

PROVIDERS = load_providers()
OWNER = "a-visitor"

OPENROUTER = {
    "data": [
        {
            "id": "google/gemini-2.5-flash",
            "name": "Google: Gemini 2.5 Flash",
            "context_length": 1048576,
            "architecture": {
                "modality": "text+image->text",
                "input_modalities": ["file", "image", "text", "audio", "video"],
                "output_modalities": ["text"],
            },
            "pricing": {"prompt": "0.0000003", "completion": "0.0000025", "image": "0.001238"},
            "top_provider": {"context_length": 1000000, "max_completion_tokens": 65535},
            "supported_parameters": ["tools", "response_format", "reasoning", "max_tokens"],
        },
        {
            "id": "openrouter/auto",
            "name": "Auto Router",
            "context_length": 2000000,
            "architecture": {"input_modalities": ["text", "image"], "output_modalities": ["text"]},
            "pricing": {"prompt": "-1", "completion": "-1"},
            "top_provider": {"context_length": None, "max_completion_tokens": None},
            "supported_parameters": [],
        },
        {
            "id": "openai/gpt-4o-mini-tts",
            "architecture": {"input_modalities": ["text"], "output_modalities": ["speech"]},
        },
    ]
}
TOGETHER = [
    {
        "id": "openai/gpt-oss-120b",
        "object": "model",
        "type": "chat",
        "display_name": "gpt-oss 120B",
        "context_length": 131072,
        "pricing": {"hourly": 0, "input": 0.15, "output": 0.60, "base": 0},
    },
    {"id": "black-forest-labs/FLUX.1-schnell", "type": "image", "context_length": 0},
    {"id": "BAAI/bge-large-en-v1.5", "type": "embedding", "context_length": 512},
    {"id": "Salesforce/Llama-Rank-V1", "type": "rerank"},
    {"id": "cartesia/sonic", "type": "audio"},
    {"id": "openai/whisper-large-v3", "type": "transcribe"},
]
FIREWORKS = {
    "object": "list",
    "data": [
        {
            "id": "accounts/fireworks/models/kimi-k3p1-pro",
            "kind": "HF_BASE_MODEL",
            "supports_chat": True,
            "supports_image_input": True,
            "supports_tools": True,
            "context_length": 262144,
        },
        {
            "id": "accounts/fireworks/models/flux-1-dev-fp8",
            "kind": "FLUMINA_BASE_MODEL",
            "supports_chat": False,
            "supports_image_input": False,
            "supports_tools": False,
        },
    ],
}
GROQ = {
    "object": "list",
    "data": [
        {
            "id": "openai/gpt-oss-20b",
            "object": "model",
            "owned_by": "OpenAI",
            "active": True,
            "context_window": 131072,
            "max_completion_tokens": 65536,
        },
        {"id": "gone", "active": False, "context_window": 8192},
        {"id": "whisper-large-v3-turbo", "active": True, "context_window": 448},
    ],
}
OXLO = {
    "data": [
        {
            "id": "deepseek-v3.2",
            "name": "DeepSeek V3.2",
            "category": "chat",
            "status": "ready",
            "coming_soon": False,
            "context_length": 131072,
        },
        {"id": "kimi-k2.6", "category": "vision", "status": "ready", "context_length": 262144},
        {"id": "glm-9", "category": "chat", "status": "coming_soon", "coming_soon": True},
        {"id": "whisper-large-v3", "category": "audio", "status": "ready"},
        {"id": "kokoro-82m", "category": "audio", "status": "ready"},
        {"id": "sdxl", "category": "image", "status": "ready"},
    ]
}
VLLM = {
    "object": "list",
    "data": [{"id": "Qwen/Qwen3-8B", "owned_by": "vllm", "max_model_len": 40960, "parent": None}],
}
SPEACHES = {
    "object": "list",
    "data": [
        {
            "id": "Systran/faster-distil-whisper-small.en",
            "object": "model",
            "owned_by": "Systran",
            "language": ["en"],
            "task": "automatic-speech-recognition",
        },
        {
            "id": "speaches-ai/Kokoro-82M-v1.0-ONNX",
            "object": "model",
            "owned_by": "speaches-ai",
            "task": "text-to-speech",
            "sample_rate": 24000,
        },
    ],
}
OPENAI = {
    "object": "list",
    "data": [
        {"id": name, "object": "model", "created": 1, "owned_by": "system"}
        for name in (
            "gpt-6-luna", "gpt-transcribe", "gpt-4o-mini-tts", "text-embedding-3-small",
            "gpt-image-2", "omni-moderation-latest", "gpt-realtime",
        )
    ],
}  # fmt: skip

Listing = Callable[..., Any]


@pytest.fixture
async def listing(model: ScriptedServer) -> AsyncIterator[Listing]:
    """Asks the scripted server as a provider of that name, its list being `body`."""
    opened: list[Asking] = []

    async def ask(name: str, body: Any) -> dict[str, ModelFacts]:
        model.raw(json.dumps(body).encode(), content_type="application/json", on="models")
        provider = replace(PROVIDERS[name], base_url=model.base_url)
        opened.append(await Asking.open(Connection(provider, KEY), 5.0))
        return {facts.id: facts for facts in await offered(opened[-1], provider)}

    yield ask
    for one in opened:
        await one.aclose()


async def test_openrouter_tells_senses_abilities_limits_and_prices(listing: Listing) -> None:
    found = await listing("openrouter", OPENROUTER)
    gemini = found["google/gemini-2.5-flash"]
    assert (gemini.sense, gemini.sees, gemini.hears, gemini.tools) == ("chat", True, True, True)
    assert (gemini.json, gemini.reasons, gemini.label) == (True, True, "Google: Gemini 2.5 Flash")
    assert (gemini.window, gemini.max_out) == (1_000_000, 65535)
    assert (gemini.price_in, gemini.price_out) == (0.3, 2.5)
    assert found["openrouter/auto"].price_in is None  # -1: it depends
    assert found["openai/gpt-4o-mini-tts"].sense == "speech"


async def test_togethers_bare_array_is_read_by_its_types(listing: Listing) -> None:
    found = await listing("together", TOGETHER)
    assert {name: f.sense for name, f in found.items()} == {
        "openai/gpt-oss-120b": "chat",
        "black-forest-labs/FLUX.1-schnell": "image",
        "BAAI/bge-large-en-v1.5": "embedding",
        "openai/whisper-large-v3": "transcription",
    }
    oss = found["openai/gpt-oss-120b"]
    assert (oss.window, oss.price_in, oss.price_out) == (131072, 0.15, 0.60)
    assert oss.json is True, "what the server does not say stands in the provider's file"


async def test_fireworks_says_what_each_model_supports(listing: Listing) -> None:
    found = await listing("fireworks", FIREWORKS)
    assert list(found) == [
        "accounts/fireworks/models/kimi-k3p1-pro", "accounts/fireworks/models/flux-1-dev-fp8",
    ]  # fmt: skip
    kimi = found["accounts/fireworks/models/kimi-k3p1-pro"]
    assert (kimi.sees, kimi.tools, kimi.window, kimi.price_out) == (True, True, 262144, 10.0)
    assert found["accounts/fireworks/models/flux-1-dev-fp8"].sense == "image"


async def test_groqs_inactive_models_are_left_out(listing: Listing) -> None:
    found = await listing("groq", GROQ)
    assert list(found) == ["openai/gpt-oss-20b", "whisper-large-v3-turbo"]
    assert (found["openai/gpt-oss-20b"].window, found["openai/gpt-oss-20b"].max_out) == (
        131072, 65536,
    )  # fmt: skip
    assert found["whisper-large-v3-turbo"].sense == "transcription"


async def test_oxlos_categories_are_read_and_what_is_to_come_is_left_out(listing: Listing) -> None:
    found = await listing("oxlo", OXLO)
    assert {name: f.sense for name, f in found.items()} == {
        "deepseek-v3.2": "chat",
        "kimi-k2.6": "chat",
        "whisper-large-v3": "transcription",
        "kokoro-82m": "speech",
        "sdxl": "image",
    }
    assert found["kimi-k2.6"].sees
    assert found["deepseek-v3.2"].sees is False, "as the file says"
    assert found["deepseek-v3.2"].plan == "free", "as the file says"
    assert found["deepseek-v3.2"].label == "DeepSeek V3.2"


async def test_vllm_says_how_long_a_request_may_be(listing: Listing) -> None:
    assert (await listing("vllm", VLLM))["Qwen/Qwen3-8B"].window == 40960


async def test_speaches_models_hear_or_speak(listing: Listing) -> None:
    found = await listing("speaches", SPEACHES)
    assert [f.sense for f in found.values()] == ["transcription", "speech"]


async def test_of_openais_bare_ids_the_senses_are_told_by_name(listing: Listing) -> None:
    found = await listing("openai", OPENAI)
    assert {name: f.sense for name, f in found.items()} == {
        "gpt-6-luna": "chat",
        "gpt-transcribe": "transcription",
        "gpt-4o-mini-tts": "speech",
        "text-embedding-3-small": "embedding",
        "gpt-image-2": "image",
    }
    assert (found["gpt-6-luna"].sees, found["gpt-6-luna"].price_in) == (True, 0.10)


@pytest.mark.parametrize(
    ("body", "names"),
    [
        ([{"id": "a"}, {"id": "b"}, {"id": "a"}], ["a", "b"]),
        (["a", "b"], ["a", "b"]),
        ({"object": "list", "data": None}, []),
        (None, []),
        ({"data": []}, []),
        ({"models": [{"name": "a"}]}, ["a"]),
        ({"models": {"a": {"context_length": "4096"}}}, ["a"]),
        ({"data": [None, 7, {"id": ""}, {"id": 5}, {}, {"id": "a", "context_length": -1}]}, ["a"]),
        ({"data": [{"id": "a", "capabilities": None, "architecture": [], "pricing": "?"}]}, ["a"]),
    ],
)
async def test_any_form_of_a_list_is_read(listing: Listing, body: Any, names: list[str]) -> None:
    assert list(await listing("custom", body)) == names


def test_no_row_whatever_its_values_stops_the_reading() -> None:
    odd: list[Any] = [
        None,
        True,
        0,
        -1,
        1e400,
        "x",
        "1e999",
        [],
        [None],
        {},
        {"context_length": {}},
    ]
    keys = (
        "object status type task category kind name display_name plan context_length max_model_len "
        "context_window capabilities architecture pricing top_provider supported_parameters meta "
        "loaded_instances state modalities input_modalities output_modalities supports_chat"
    ).split()
    for key in keys:
        for value in odd:
            read([{"id": "a", key: value}, {"id": "b", "pricing": {"prompt": value}}])


async def test_lm_studio_tells_what_is_loaded_and_how(
    model: ScriptedServer, listing: Listing
) -> None:
    llm: dict[str, Any] = {"type": "llm", "max_context_length": 131072}
    model.serves(
        "/api/v1/models",
        {
            "models": [
                {
                    **llm,
                    "key": "google/gemma-3-4b",
                    "display_name": "Gemma 3 4B",
                    "loaded_instances": [],
                    "capabilities": {"vision": True, "trained_for_tool_use": False},
                },
                {
                    **llm,
                    "key": "qwen/qwen3.5-9b",
                    "loaded_instances": [{"id": "x", "config": {"context_length": 8192}}],
                    "capabilities": {"vision": False, "trained_for_tool_use": True},
                },
                {"type": "embedding", "key": "text-embedding-nomic", "max_context_length": 2048},
            ]
        },
    )
    found = await listing("lmstudio", {"data": [{"id": "less is said here"}]})
    gemma, qwen = found["google/gemma-3-4b"], found["qwen/qwen3.5-9b"]
    assert (gemma.sees, gemma.tools, gemma.window) == (True, False, None)
    assert (qwen.sees, qwen.tools, qwen.window) == (False, True, 8192)
    assert found["text-embedding-nomic"].sense == "embedding"


async def test_an_older_lm_studio_is_understood_too(
    model: ScriptedServer, listing: Listing
) -> None:
    row = {"id": "qwen2-vl-7b", "type": "vlm", "max_context_length": 32768, "object": "model"}
    loaded = {**row, "state": "loaded", "loaded_context_length": 4096, "capabilities": ["tool_use"]}
    model.serves("/api/v0/models", {"object": "list", "data": [loaded]})
    found = (await listing("lmstudio", {"data": []}))["qwen2-vl-7b"]
    assert (found.sees, found.tools, found.window) == (True, True, 4096)


def _ollama(model: ScriptedServer) -> dict[str, Any]:
    """A scripted Ollama; gives its /v1/models."""
    shown: dict[str, Any] = {
        "llama3.2:latest": {
            "capabilities": ["completion", "tools"],
            "model_info": {"general.architecture": "llama", "llama.context_length": 131072},
            "parameters": 'num_ctx                        8192\nstop                   "<|eot|>"',
        },
        "gemma3:4b": {
            "capabilities": ["completion", "vision"],
            "model_info": {"gemma3.context_length": 131072},
        },
        "qwen3:8b": {
            "capabilities": ["completion", "tools", "thinking"],
            "model_info": {"qwen3.context_length": 40960},
        },
        "nomic-embed-text:latest": {"capabilities": ["embedding"], "model_info": {}},
    }
    model.serves("/api/tags", {"models": [{"name": n, "model": n, "details": {}} for n in shown]})
    model.serves("/api/ps", {"models": [{"name": "qwen3:8b", "context_length": 16384}]})
    model.serves("/api/show", lambda asked: shown[asked["model"]])
    return {"object": "list", "data": [{"id": n, "owned_by": "library"} for n in shown]}


@pytest.mark.parametrize("name", ["ollama", "custom"])
async def test_ollamas_window_is_the_one_it_runs_with_not_the_models(
    model: ScriptedServer, listing: Listing, name: str
) -> None:
    found = await listing(name, _ollama(model))
    assert {n: f.window for n, f in found.items() if f.sense == "chat"} == {
        "llama3.2:latest": 8192,  # as configured
        "gemma3:4b": 4096,  # as shipped
        "qwen3:8b": 16384,  # as loaded
    }
    assert [n for n, f in found.items() if f.tools] == ["llama3.2:latest", "qwen3:8b"]
    assert [n for n, f in found.items() if f.sees] == ["gemma3:4b"]
    assert [n for n, f in found.items() if f.reasons] == ["qwen3:8b"]
    assert found["nomic-embed-text:latest"].sense == "embedding"


async def test_llama_cpp_tells_the_room_of_a_slot_and_its_templates_abilities(
    model: ScriptedServer, listing: Listing
) -> None:
    model.serves(
        "/props",
        {
            "default_generation_settings": {"n_ctx": 8192},
            "modalities": {"vision": True, "audio": False},
            "chat_template_caps": {"supports_tools": True, "supports_tool_calls": True},
        },
    )
    row = {"id": "gemma.gguf", "owned_by": "llamacpp", "meta": {"n_ctx_train": 131072}}
    old = {"name": "gemma.gguf", "capabilities": ["completion"]}
    found = await listing("llamacpp", {"models": [old], "object": "list", "data": [row]})
    gemma = found["gemma.gguf"]
    assert (gemma.sees, gemma.hears, gemma.tools, gemma.json) == (True, False, True, True)
    assert gemma.window == 8192


async def test_a_web_page_is_no_list_of_models(model: ScriptedServer, listing: Listing) -> None:
    model.raw(b"<title>Welcome</title>", content_type="text/html", on="models")
    with pytest.raises(BadReply, match="Welcome") as caught:
        await listing("custom", None)
    assert "/v1" in caught.value.advice
    for body in ({"message": "hello"}, "hello", 5):
        model.reset()
        with pytest.raises(BadReply):
            await listing("custom", body)


# ── when it is asked ────────────────────────────────────────────────────────────────────────────


class Clock:
    """Seconds that pass when a test says so."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def catalogue(engine: AsyncEngine, clock: Clock) -> Catalogue:
    return Catalogue(Ledger(engine), clock, deadline_s=1.0)


def _to(model: ScriptedServer, key: str = KEY) -> Connection:
    return Connection(replace(PROVIDERS["oxlo"], base_url=model.base_url), key)


def _asked(model: ScriptedServer) -> int:
    return sum(hit.path == "/v1/models" for hit in model.hits)


async def test_knowing_what_the_file_says_asks_nobody(
    model: ScriptedServer, catalogue: Catalogue
) -> None:
    known = catalogue.known(_to(model))
    assert "deepseek-v3.2" in {facts.id for facts in known}
    assert catalogue.age_s(_to(model)) is None
    assert model.hits == []


async def test_a_server_is_asked_once_an_hour_unless_it_is_refreshed(
    model: ScriptedServer, catalogue: Catalogue, clock: Clock
) -> None:
    model.models(OXLO)
    connection = _to(model)
    await catalogue.offered(connection, OWNER)
    clock.now += MAX_AGE_S - 1
    assert "sdxl" in {facts.id for facts in await catalogue.offered(connection, OWNER)}
    assert catalogue.known(connection) == await catalogue.offered(connection, OWNER)
    assert (_asked(model), catalogue.age_s(connection)) == (1, MAX_AGE_S - 1)
    await catalogue.offered(connection, OWNER, fresh=True)
    assert _asked(model) == 2
    clock.now += MAX_AGE_S
    await catalogue.offered(connection, OWNER)
    assert _asked(model) == 3


async def test_many_who_want_to_know_at_once_ask_once(
    model: ScriptedServer, engine: AsyncEngine
) -> None:
    catalogue, connection = Catalogue(Ledger(engine)), _to(model)
    await asyncio.gather(*(catalogue.offered(connection, OWNER, fresh=True) for _ in range(8)))
    assert _asked(model) == 1


async def test_what_one_key_sees_is_not_shown_to_another(
    model: ScriptedServer, catalogue: Catalogue
) -> None:
    await catalogue.offered(_to(model), OWNER)
    await catalogue.offered(_to(model, "another-key"), OWNER)
    sent = [hit.headers["authorization"] for hit in model.hits]
    assert sent == [f"Bearer {KEY}", "Bearer another-key"]


async def test_asking_is_written_down_and_spends_nothing_of_the_day(
    model: ScriptedServer, engine: AsyncEngine
) -> None:
    ledger = Ledger(engine)
    await Catalogue(ledger).offered(_to(model), OWNER)
    async with engine.connect() as connection:
        rows = (await connection.execute(entries.select())).all()
    assert [(r.purpose, r.provider, r.owner, r.outcome) for r in rows] == [
        ("models", "oxlo", OWNER, "done")
    ]
    assert await ledger.used_today("oxlo") == 0


async def test_no_header_tells_of_this_machine(model: ScriptedServer, catalogue: Catalogue) -> None:
    await catalogue.offered(_to(model), OWNER)
    assert model.hits[0].headers.keys() <= {
        "accept", "accept-encoding", "authorization", "connection", "host", "user-agent",
        "x-stainless-raw-response", "content-type",
    }  # fmt: skip


async def test_a_rejected_key_says_so_and_is_not_repeated(
    model: ScriptedServer, catalogue: Catalogue, engine: AsyncEngine
) -> None:
    model.fails(401, {"error": {"message": f"Bad key {KEY}"}}, on="models")
    with pytest.raises(KeyRejected) as caught:
        await catalogue.offered(_to(model), OWNER)
    assert KEY not in caught.value.message
    async with engine.connect() as connection:
        rows = (await connection.execute(entries.select())).all()
    assert [row.outcome for row in rows] == ["KeyRejected"]


async def test_a_server_that_fell_silent_is_believed_what_it_said_before(
    model: ScriptedServer, catalogue: Catalogue, clock: Clock
) -> None:
    model.models(OXLO)
    before = await catalogue.offered(_to(model), OWNER)
    clock.now += MAX_AGE_S + 1
    model.fails(503, {"error": "busy"}, on="models")
    assert await catalogue.offered(_to(model), OWNER) == before
    model.fails(503, {"error": "busy"}, on="models")
    with pytest.raises(ProviderDown):
        await catalogue.offered(_to(model), OWNER, fresh=True)


async def test_a_server_that_never_answers_is_given_up_at_the_deadline(
    model: ScriptedServer, catalogue: Catalogue
) -> None:
    model.hangs(30, on="models")
    async with asyncio.timeout(4):
        with pytest.raises(BackendError, match="in time"):
            await catalogue.offered(_to(model), OWNER)
