"""The files of facts, and the model that is chosen from them."""

from dataclasses import replace
from pathlib import Path

import pytest

from inference.backend import ModelUnavailable
from inference.models import Needs, choose
from inference.provider import BadProviderFile, Model, Plan, Provider, load_providers

PROVIDERS = load_providers()
OXLO, CUSTOM = PROVIDERS["oxlo"], PROVIDERS["custom"]
IMAGE = Needs(images=True)


def test_every_provider_we_promise_has_its_file() -> None:
    promised = "oxlo openai openrouter together fireworks groq ollama lmstudio llamacpp vllm"
    assert PROVIDERS.keys() == {*promised.split(), "localai", "custom", "offline"}


def test_the_provider_billed_by_the_request_comes_first_and_the_free_ones_last() -> None:
    assert [p.billing for p in PROVIDERS.values()] == (["request"] + ["token"] * 6 + ["free"] * 6)


@pytest.mark.parametrize("provider", PROVIDERS.values(), ids=PROVIDERS)
def test_the_defaults_of_a_file_are_models_its_own_plan_has(provider: Provider) -> None:
    for model in (provider.chat, provider.vision, provider.transcription, provider.speech):
        assert provider.has(model)
    if provider.vision in provider.models:
        assert "image" in provider.models[provider.vision].modalities
    if provider.models and provider.chat:
        assert provider.chat in provider.models


def test_oxlo_free_is_what_its_docs_say() -> None:
    assert OXLO.limit == Plan(60, 5, 8192, 2048)
    assert (OXLO.chat, OXLO.vision) == ("deepseek-v3.2", "gemma-3-4b")
    assert (OXLO.transcription, OXLO.speech, OXLO.voice) == (
        "whisper-medium", "kokoro-82m", "af_heart",
    )  # fmt: skip
    assert not OXLO.has("llama-3.3-70b")
    assert replace(OXLO, plan="premium").has("llama-3.3-70b")


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


def test_the_default_model_answers_within_the_plan() -> None:
    choice = choose(OXLO, Needs(), chat=None, vision=None)
    assert (choice.model, choice.why) == ("deepseek-v3.2", "your default model")
    assert (choice.window, choice.max_output) == (8192, 2048)


def test_an_image_picks_the_vision_model() -> None:
    choice = choose(OXLO, IMAGE, chat=None, vision=None)
    assert (choice.model, choice.why) == ("gemma-3-4b", "sees your image")
    assert choose(OXLO, IMAGE, chat="mistral-7b", vision=None).model == "gemma-3-4b"


def test_what_the_user_chose_wins() -> None:
    assert choose(OXLO, Needs(), chat="mistral-7b", vision="seeing").model == "mistral-7b"
    assert choose(OXLO, Needs(), chat="mistral-7b", vision=None).why == "your chosen model"
    assert choose(OXLO, IMAGE, chat="mistral-7b", vision="seeing").model == "seeing"


def test_a_chosen_model_that_sees_keeps_its_images() -> None:
    assert choose(OXLO, IMAGE, chat="kimi-k2.6", vision=None).model == "kimi-k2.6"
    assert choose(CUSTOM, IMAGE, chat="gemma3:4b", vision=None).model == "gemma3:4b"


def test_without_a_model_that_sees_the_user_is_told_what_to_set() -> None:
    with pytest.raises(ModelUnavailable, match="sees images") as caught:
        choose(CUSTOM, IMAGE, chat="plain", vision=None)
    assert "PARLEY_VISION_MODEL" in caught.value.advice


def test_without_any_model_the_user_is_told_what_to_set() -> None:
    with pytest.raises(ModelUnavailable) as caught:
        choose(CUSTOM, Needs(), chat="", vision="")
    assert "PARLEY_MODEL" in caught.value.advice


def test_an_unknown_model_gets_careful_limits() -> None:
    choice = choose(CUSTOM, Needs(), chat="big", vision=None)
    assert choice.max_output == 4096
    assert choice.window + choice.max_output == 32_768


def test_the_plan_is_bounded_by_the_model_itself() -> None:
    tiny = replace(OXLO, models={"tiny": Model(window=4096)})
    choice = choose(tiny, Needs(), chat="tiny", vision=None)
    assert (choice.window, choice.max_output) == (3072, 1024)


def test_a_long_conversation_moves_to_a_roomier_model_unless_one_was_chosen() -> None:
    models = {"small": Model(window=8_000), "large": Model(window=64_000)}
    house = replace(CUSTOM, chat="small", models=models)
    long = Needs(tokens=20_000)
    choice = choose(house, long, chat=None, vision=None)
    assert (choice.model, choice.why) == ("large", "has room for this long conversation")
    assert choose(house, long, chat="small", vision=None).model == "small"
