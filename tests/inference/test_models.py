"""The model that is chosen for a turn, among what is offered and the plan allows."""

from dataclasses import replace

import pytest

from inference.backend import ModelUnavailable
from inference.models import AMPLE, Choice, ModelFacts, Needs, choose, learnt, sees
from inference.provider import Model, Provider, load_providers

PROVIDERS = load_providers()
OXLO, CUSTOM, OLLAMA = PROVIDERS["oxlo"], PROVIDERS["custom"], PROVIDERS["ollama"]
OPENROUTER, VLLM = PROVIDERS["openrouter"], PROVIDERS["vllm"]
IMAGE = Needs(images=True)


def freely(provider: Provider, needs: Needs, *offered: ModelFacts, pin: str = "") -> Choice:
    """The choice where the operator made none."""
    return choose(provider, needs, chat=None, vision=None, pin=pin, offered=offered)


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


# ── what the user pinned ────────────────────────────────────────────────────────────────────────


def test_the_users_pin_wins_over_the_operator_and_the_turns_needs() -> None:
    long = Needs(tokens=50_000, json=True, audio=True)
    choice = choose(OXLO, long, chat="mistral-7b", vision="gemma-3-4b", pin="llama-3.2-3b")
    assert (choice.model, choice.why) == ("llama-3.2-3b", "you chose it")


def test_a_pinned_model_that_is_blind_is_told_of_a_picture_in_words() -> None:
    choice = freely(OXLO, IMAGE, pin="mistral-7b")
    assert (choice.model, choice.sees) == ("mistral-7b", False)
    assert choice.why == "you chose it; it is told of pictures in words"
    assert freely(OXLO, IMAGE, pin="kimi-k2.6").sees


def test_after_a_picture_plain_words_go_to_the_usual_model_again() -> None:
    choice = freely(OXLO, Needs())
    assert (choice.model, choice.sees) == ("deepseek-v3.2", False)


# ── what the server offers ──────────────────────────────────────────────────────────────────────


def test_without_a_default_the_server_offers_one_that_can_use_tools() -> None:
    plain, handy = ModelFacts("plain", tools=False), ModelFacts("handy", tools=True)
    assert freely(VLLM, Needs(), plain, handy).model == "handy"
    assert freely(VLLM, Needs(), plain).why == "what vLLM offers"


def test_models_that_do_not_chat_are_never_chosen_for_it() -> None:
    embeds = ModelFacts("embeds", sense="embedding", window=1_000_000)
    assert freely(VLLM, Needs(tokens=90_000), embeds, ModelFacts("chats")).model == "chats"
    with pytest.raises(ModelUnavailable):
        freely(VLLM, Needs(), embeds)


def test_a_picture_goes_to_the_first_offered_model_that_sees() -> None:
    choice = freely(OLLAMA, IMAGE, ModelFacts("llama3.2"), ModelFacts("my-eyes", sees=True))
    assert (choice.model, choice.why, choice.sees) == ("my-eyes", "sees your image", True)


def test_a_default_that_the_server_has_no_more_is_replaced() -> None:
    offered = (ModelFacts("mistral-7b"), ModelFacts("deepseek-r1-8b"))
    choice = freely(OXLO, Needs(), *offered)
    assert (choice.model, choice.why) == ("mistral-7b", "what Oxlo.ai offers")


def test_nothing_is_taken_unasked_that_the_plan_may_not_have() -> None:
    offered = (ModelFacts("unheard-of", window=4096), ModelFacts("llama-3.3-70b", window=131072))
    assert freely(OXLO, Needs(tokens=60_000), *offered).model == OXLO.chat


def test_nothing_dear_is_taken_unasked_where_tokens_are_billed() -> None:
    dear = ModelFacts("dear/giant", window=2_000_000, tools=True, price_out=600.0)
    auto = ModelFacts("openrouter/auto", window=8_000)
    assert freely(OPENROUTER, Needs(tokens=100_000), auto, dear).model == "openrouter/auto"


def test_the_operators_choice_is_not_exchanged_for_one_that_can_more() -> None:
    offered = (ModelFacts("small", window=2_000, tools=False), ModelFacts("large", window=99_000))
    needs = Needs(tools=True, tokens=50_000)
    choice = choose(OLLAMA, needs, chat="small", vision=None, offered=offered)
    assert (choice.model, choice.tools) == ("small", False)


@pytest.mark.parametrize(
    ("needs", "why"),
    [
        (Needs(tools=True), "can use tools"),
        (Needs(json=True), "answers in JSON"),
        (Needs(audio=True), "hears your recording"),
        (Needs(tokens=20_000), "has room for this long conversation"),
    ],
)
def test_what_the_default_lacks_another_brings_and_says_so(needs: Needs, why: str) -> None:
    house = replace(OLLAMA, chat="poor")
    poor = ModelFacts("poor", tools=False, json=False, hears=False, window=4096)
    rich = ModelFacts("rich", tools=True, json=True, hears=True, window=65536)
    choice = freely(house, needs, poor, rich)
    assert (choice.model, choice.why) == ("rich", why)
    assert freely(house, Needs(), poor, rich).model == "poor", "where nothing is lacking"


def test_eyes_come_before_room() -> None:
    seeing = ModelFacts("seeing", sees=True, window=4096)
    roomy = ModelFacts("roomy", sees=False, window=65536)
    assert freely(OLLAMA, Needs(images=True, tokens=9_000), seeing, roomy).model == "seeing"


def test_what_nobody_said_is_no_lack() -> None:
    house = replace(OLLAMA, chat="silent")
    told = ModelFacts("told", tools=True, json=True)
    needs = Needs(tools=True, json=True)
    assert freely(house, needs, ModelFacts("silent"), told).model == "silent"


def test_the_servers_window_bounds_the_turn() -> None:
    choice = freely(VLLM, Needs(), ModelFacts("m", window=40_960, max_out=2_000))
    assert (choice.window, choice.max_output) == (38_960, 2_000)


def test_no_more_of_a_reply_is_asked_for_than_is_ample() -> None:
    choice = freely(VLLM, Needs(), ModelFacts("m", window=1_000_000, max_out=128_000))
    assert choice.max_output == AMPLE


def test_ollamas_latest_needs_no_tag() -> None:
    offered = (ModelFacts("llama3.2:latest", window=8_192, sees=False),)
    choice = choose(OLLAMA, Needs(), chat="llama3.2", vision=None, offered=offered)
    assert (choice.model, choice.window + choice.max_output) == ("llama3.2", 8_192)


# ── what is remembered ──────────────────────────────────────────────────────────────────────────


def test_what_a_server_said_becomes_the_providers_own_facts() -> None:
    offered = (
        ModelFacts("talks", sees=False),
        ModelFacts("my-eyes", sees=True, window=9_000),
        ModelFacts("nobody-said"),
        ModelFacts("ears", sense="transcription"),
        ModelFacts("mouth", sense="speech"),
    )
    told = learnt(VLLM, offered)
    assert (told.chat, told.vision) == ("talks", "my-eyes")
    assert (told.transcription, told.speech) == ("ears", "mouth")
    assert sees(told, "my-eyes")
    assert told.models["my-eyes"] == Model(modalities=("text", "image"), window=9_000)
    assert "nobody-said" not in told.models, "an entry would call it blind"
