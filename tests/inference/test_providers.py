"""The files of facts."""

from dataclasses import replace
from pathlib import Path

import pytest

from inference.connection import connect
from inference.provider import (
    BadProviderFile,
    Model,
    NoSuchPlan,
    Plan,
    Provider,
    Quirks,
    load_providers,
)
from inference.provider_table import table

PROVIDERS = load_providers()
OXLO = PROVIDERS["oxlo"]
DOCS = Path(__file__).parents[2] / "docs" / "providers.md"


def test_every_provider_we_promise_has_its_file() -> None:
    promised = "oxlo openai openrouter together fireworks groq ollama lmstudio llamacpp vllm"
    assert PROVIDERS.keys() == {
        *promised.split(),
        *"localai speaches kokoro custom offline".split(),
    }


def test_the_provider_billed_by_the_request_comes_first_and_the_free_ones_last() -> None:
    assert [p.billing for p in PROVIDERS.values()] == (["request"] + ["token"] * 6 + ["free"] * 8)


@pytest.mark.parametrize("provider", PROVIDERS.values(), ids=PROVIDERS)
def test_the_defaults_of_a_file_are_models_its_own_plan_has(provider: Provider) -> None:
    for model in (provider.chat, provider.vision, provider.transcription, provider.speech):
        assert provider.has(model)
    if provider.vision in provider.models:
        assert "image" in provider.models[provider.vision].modalities
    if provider.models and provider.chat:
        assert provider.chat in provider.models
    for sense in ("chat", "transcription", "speech"):
        known = provider.models.get(getattr(provider, sense))
        assert known is None or known.sense == sense


@pytest.mark.parametrize("provider", PROVIDERS.values(), ids=PROVIDERS)
def test_prices_are_written_for_both_ways_or_not_at_all(provider: Provider) -> None:
    for model in provider.models.values():
        assert (model.price_in is None) == (model.price_out is None)
        assert model.price_in is None or provider.billing == "token"


def test_oxlo_free_is_what_its_docs_say() -> None:
    assert OXLO.limit == Plan(60, 5, 8192, 2048)
    assert (OXLO.chat, OXLO.vision) == ("deepseek-v3.2", "gemma-3-4b")
    assert (OXLO.transcription, OXLO.speech, OXLO.voice) == (
        "whisper-medium", "kokoro-82m", "af_heart",
    )  # fmt: skip
    assert not OXLO.has("llama-3.3-70b")
    assert replace(OXLO, plan="premium").has("llama-3.3-70b")


def test_a_larger_plan_brings_its_limits_and_its_models() -> None:
    pro = OXLO.on_plan("pro")
    assert pro.limit == Plan(1_000, 30, 16_384, 4_096)
    assert (pro.has("gpt-oss-20b"), pro.has("llama-3.3-70b")) == (True, False)
    assert OXLO.on_plan("") == OXLO
    with pytest.raises(NoSuchPlan, match=r"Oxlo\.ai has the plans free, pro, premium\."):
        OXLO.on_plan("gold")
    with pytest.raises(NoSuchPlan, match="Groq has no plans"):
        PROVIDERS["groq"].on_plan("pro")


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ('label = "X"\nbilling = "free"', "name"),
        ('name = "x"\nlabel = "X"\nbilling = "monthly"', "billing"),
        ('name = "x"\nlabel = "X"\nbilling = "free"\ncolour = "red"', "colour"),
        ('name = "x"\nlabel = "X"\nbilling = "free"\nplan = "gold"', "gold"),
        ('name = "y"\nlabel = "X"\nbilling = "free"', "calls itself"),
        ('name = "x"\nlabel = "X"\nbilling = "free"\n[quirks]\nstrange = 1', "quirks.strange"),
        ("name = ", "no TOML"),
    ],
)
def test_a_file_that_says_what_it_cannot_mean_is_refused_by_name(
    tmp_path: Path, text: str, complaint: str
) -> None:
    (tmp_path / "x.toml").write_text(text)
    with pytest.raises(BadProviderFile, match=complaint) as caught:
        load_providers(tmp_path)
    assert "x.toml" in str(caught.value)


def test_a_port_that_several_share_is_taken_for_the_one_that_chats() -> None:
    assert connect(PROVIDERS, "http://localhost:8000/v1", "", {}).provider.name == "vllm"
    assert connect(PROVIDERS, "http://127.0.0.1:8880/v1/", "", {}).provider.name == "kokoro"


def test_the_table_has_a_row_for_each_that_can_be_chosen() -> None:
    rows = table(PROVIDERS).splitlines()[2:]
    assert len(rows) == len(PROVIDERS) - 2
    assert rows[0] == "| Oxlo.ai | `OXLO_API_KEY` | `https://api.oxlo.ai/v1` | by request |"
    assert [row for row in rows if "speaches" in row or "Kokoro" in row]


def test_the_docs_name_every_key_that_a_file_of_facts_may_have() -> None:
    text = DOCS.read_text()
    parts = (Provider, Model, Plan, Quirks)
    keys = ["defaults", *(key for part in parts for key in part.__dataclass_fields__)]
    assert [key for key in keys if f"`{key}`" not in text] == []
