"""Every shape of error that was seen in the wild, and what the user is told of it."""

import time
from typing import Any

import orjson
import pytest

from inference.backend import (
    BackendError,
    BudgetSpent,
    ContextTooLong,
    Interrupted,
    KeyRejected,
    ModelUnavailable,
    PlanLimit,
    ProviderDown,
    RateLimited,
    Unsupported,
)
from inference.provider import load_providers
from inference.server_errors import Asked, Rejected, from_page, from_response, from_stream

PROVIDERS = load_providers()
KEY = "sk-very-secret-0123456789"
ASKED = Asked(PROVIDERS["custom"], "big", KEY)
OXLO = Asked(PROVIDERS["oxlo"], "llama-3.3-70b", KEY)


def said(
    status: int, body: Any, asked: Asked = ASKED, headers: dict[str, str] | None = None
) -> BackendError:
    data = body if isinstance(body, bytes) else orjson.dumps(body)
    return from_response(asked, status, headers or {}, data)


@pytest.mark.parametrize(
    "body",
    [
        {"error": {"message": "the cat is out", "type": "x", "code": "y"}},
        {"error": "the cat is out"},
        {"error": "cat_error", "message": "the cat is out"},
        {"detail": "the cat is out"},
        {"detail": [{"loc": ["body", "cat"], "msg": "the cat is out"}]},
        {"detail": {"message": "the cat is out"}},
        {"message": "the cat is out"},
        {"object": "error", "message": "the cat is out", "code": 500},
        [{"error": {"code": 500, "message": "the cat is out"}}],
        {"errors": [{"message": "the cat is out"}]},
        {"object": "error", "message": {"detail": [{"loc": ["body"], "msg": "the cat is out"}]}},
        {"error": {"code": "1211", "message": "the cat is out"}},
        {"type": "error", "error": {"type": "x", "message": "the cat is out"}},
        {"code": 500, "reason": "the cat is out"},
        {"error": {"message": "Provider returned error",
                   "metadata": {"raw": '{"error": {"message": "the cat is out"}}'}}},
        b"<html><head><title>the cat is out</title></head><body>nginx</body></html>",
        b"<html><body><script>x()</script><p>the cat is out</p></body></html>",
        b"the cat is out",
    ],
)  # fmt: skip
def test_the_servers_own_words_are_found_in_any_shape(body: Any) -> None:
    assert "the cat is out" in said(500, body).message


def test_no_words_at_all_still_make_a_sentence() -> None:
    assert said(500, b"").message == "Custom server is out of order (500)."


@pytest.mark.parametrize(
    ("status", "words", "kind"),
    [
        (401, "Incorrect API key", KeyRejected),
        (403, "Your API key has no permission for this", KeyRejected),
        (400, "API key not valid. Please pass a valid API key.", KeyRejected),
        (403, "This model needs an upgrade of your plan", PlanLimit),
        (402, "Insufficient credits", PlanLimit),
        (404, "The model `big` does not exist", ModelUnavailable),
        (404, "", ModelUnavailable),
        (400, "big is not a valid model ID", ModelUnavailable),
        (404, "No endpoints found that support tool use", Unsupported),
        (400, "registry.ollama.ai/library/big does not support tools", Unsupported),
        (400, '"auto" tool choice requires --enable-auto-tool-choice', Unsupported),
        (500, "image input is not supported - hint: provide the mmproj", Unsupported),
        (422, "Extra inputs are not permitted", Unsupported),
        (400, "This model's maximum context length is 4096 tokens", ContextTooLong),
        (400, "the request exceeds the available context size", ContextTooLong),
        (413, "Payload Too Large", ContextTooLong),
        (408, "Timeout", ProviderDown),
        (500, "boom", ProviderDown),
        (503, "Loading model", ProviderDown),
        (529, "Overloaded", ProviderDown),
    ],
)
def test_errors_are_sorted_by_who_can_act_on_them(
    status: int, words: str, kind: type[BackendError]
) -> None:
    error = said(status, {"error": {"message": words}})
    assert isinstance(error, kind)
    assert error.advice


def test_a_403_of_oxlo_is_the_plan_unless_it_names_the_key() -> None:
    assert type(said(403, {"error": "forbidden", "message": "Not here."}, OXLO)) is PlanLimit
    assert type(said(403, {"error": "x", "message": "Daily limit reached"}, OXLO)) is BudgetSpent
    assert type(said(403, {"error": "x", "message": "Invalid API key"}, OXLO)) is KeyRejected


def test_a_rejected_key_names_the_variable_to_check_and_never_the_key() -> None:
    error = said(401, {"error": {"message": f"Incorrect API key provided: {KEY}"}}, OXLO)
    assert "OXLO_API_KEY" in error.advice
    assert "secret" not in error.message + error.advice


@pytest.mark.parametrize(
    "leak", ["sk-proj-abc***xyz9", "Bearer gsk_0123456789abcdef", "hf_abcdefgh"]
)
def test_keys_of_others_are_struck_out_too(leak: str) -> None:
    assert leak not in said(500, {"message": f"upstream rejected {leak}."}).message


def test_long_words_are_cut() -> None:
    assert len(said(500, {"message": "blah " * 500}).message) < 400


@pytest.mark.parametrize(
    ("words", "headers", "seconds"),
    [
        ("Too many requests", {"retry-after": "7"}, 7),
        ("Too many requests", {"retry-after-ms": "1500", "retry-after": "9"}, 1.5),
        ("Rate limit reached. Please try again in 7.5s.", {}, 7.5),
        ("Rate limit reached. Please try again in 1m12s.", {}, 72),
        ("Too many requests", {"x-ratelimit-reset-requests": "6m0s"}, 360),
        ("Too many requests", {"x-ratelimit-reset": "20"}, 20),
    ],
)
def test_a_429_of_the_minute_says_how_long_to_wait(
    words: str, headers: dict[str, str], seconds: float
) -> None:
    error = said(429, {"error": {"message": words}}, headers=headers)
    assert isinstance(error, RateLimited)
    assert error.retry_at == pytest.approx(time.time() + seconds, abs=2)


@pytest.mark.parametrize(
    ("words", "headers"),
    [
        ("Rate limit reached on requests per day (RPD). Try again in 7m12s.", {}),
        ("Rate limit exceeded: free-models-per-day", {"x-ratelimit-reset": "1900000000000"}),
        ("Daily limit of 60 requests reached", {}),
        ("Too many requests", {"retry-after": "40000"}),
        ("You exceeded your current quota", {"retry-after": "86400"}),
    ],
)
def test_a_429_of_the_day_is_told_from_one_of_the_minute(
    words: str, headers: dict[str, str]
) -> None:
    assert isinstance(said(429, {"error": {"message": words}}, headers=headers), BudgetSpent)


def test_spent_credit_is_no_matter_of_waiting() -> None:
    error = said(429, {"error": {"message": "No.", "code": "insufficient_quota"}})
    assert isinstance(error, BudgetSpent)
    assert "credit" in error.advice


def test_the_return_of_a_budget_is_known_where_the_server_said_it() -> None:
    error = said(429, {"message": "requests per day"}, headers={"retry-after": "3600"})
    assert isinstance(error, BudgetSpent)
    assert error.resets_at == pytest.approx(time.time() + 3600, abs=2)
    unsaid = said(429, {"message": "requests per day"})
    assert isinstance(unsaid, BudgetSpent)
    assert unsaid.resets_at is None


def test_a_redirect_is_named_without_following_it() -> None:
    error = said(308, b"", headers={"location": "https://elsewhere.example/v1/chat?key=1"})
    assert isinstance(error, ProviderDown)
    assert "elsewhere.example" in error.advice
    assert "key=1" not in error.advice


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        ({"error": {"message": "No capacity", "code": 502}}, ProviderDown),
        ({"error": {"message": "Slow down", "code": 429}}, RateLimited),
        ({"error": {"message": "Slow down", "code": "429"}}, RateLimited),
        ({"error": {"message": "the prompt is too long", "code": "x"}}, ContextTooLong),
        ({"error": "grammar failed"}, Interrupted),
        ("grammar failed", Interrupted),
        ({"odd": 1}, Interrupted),
    ],
)
def test_an_error_inside_a_stream_is_sorted_by_its_code(
    error: object, kind: type[BackendError]
) -> None:
    assert isinstance(from_stream(ASKED, error), kind)


def test_a_page_is_reduced_to_its_title() -> None:
    error = from_page(ASKED, "<html><title>Sign &amp; in</title><body>" + "x" * 9000)
    assert "“Sign & in”" in error.message
    assert "/v1" in error.advice


def test_a_plan_that_lacks_the_model_is_told_with_one_that_it_has() -> None:
    for words in ("This model needs an upgrade.", "plan limit reached for premium models"):
        error = said(403, {"error": "plan_limit", "message": words}, OXLO)
        assert type(error) is PlanLimit
        assert words.rstrip(".") in error.message
        assert "deepseek-v3.2" in error.advice
    seeing = Asked(PROVIDERS["oxlo"], "gemma-3-27b", KEY)
    error = said(403, {"message": "upgrade required"}, seeing)
    assert "gemma-3-4b" in error.advice


def test_a_limit_reached_with_a_model_of_the_plan_is_not_blamed_on_the_model() -> None:
    own = Asked(PROVIDERS["oxlo"], "deepseek-v3.2", KEY)
    error = said(403, {"message": "Plan limit reached."}, own)
    assert type(error) is PlanLimit
    assert "Wait" in error.advice
    assert "Choose a model" not in error.advice


@pytest.mark.parametrize(
    ("body", "sizes"),
    [
        ({"error": {"code": 400, "message": "the request exceeds the available context size",
                    "type": "exceed_context_size_error", "n_prompt_tokens": 5000, "n_ctx": 4096}},
         ("5,000", "4,096")),
        ({"error": {"message": "This model's maximum context length is 4096 tokens. However, you "
                               "requested 5000 tokens (4500 in the messages, 500 in the "
                               "completion)."}}, ("5,000", "4,096")),
        ({"object": "error", "message": "This model's maximum context length is 4,096 tokens. "
          "However, your messages resulted in 5,000 tokens."}, ("5,000", "4,096")),
        ({"error": {"message": "prompt is too long: 205000 tokens > 200000 maximum"}},
         ("205,000", "200,000")),
        ({"error": "Trying to keep the first 5000 tokens when context the overflows. However, the "
                   "model is loaded with context length of only 4096 tokens"}, ("5,000", "4,096")),
    ],
)  # fmt: skip
def test_a_request_that_is_too_long_says_by_how_much(body: Any, sizes: tuple[str, str]) -> None:
    error = said(400, body)
    assert type(error) is ContextTooLong
    assert f"It has {sizes[0]} tokens, {sizes[1]} tokens fit." in error.advice


def test_a_request_that_is_too_long_without_numbers_still_says_what_to_do() -> None:
    assert said(413, b"").advice.startswith("Shorten the message")


def test_a_body_that_is_too_large_says_nothing_of_the_models_window() -> None:
    by_a_proxy, by_the_model = (
        said(413, b"<html>too large</html>"),
        said(413, b"prompt is too long"),
    )
    assert isinstance(by_a_proxy, ContextTooLong)
    assert isinstance(by_the_model, ContextTooLong)
    assert not by_a_proxy.of_tokens
    assert by_the_model.of_tokens


@pytest.mark.parametrize(
    ("words", "advice"),
    [
        ("image input is not supported", "sees images"),
        ("big does not support tools", "call tools"),
        ("does not support embeddings", "embeds"),
        ("frequency_penalty is not supported", "another model"),
    ],
)
def test_the_advice_fits_what_was_refused(words: str, advice: str) -> None:
    assert advice in said(400, {"error": {"message": words}}).advice


def test_a_5xx_that_only_says_to_contact_support_is_still_a_stumble() -> None:
    error = said(500, {"error": {"message": "Internal error, please contact support."}})
    assert isinstance(error, ProviderDown)


def test_what_a_rejection_names_is_kept_whole_but_not_shown() -> None:
    body = {"error": {"message": "x" * 1000 + " stream_options", "param": "stream_options"}}
    error = said(400, body)
    assert isinstance(error, Rejected)
    assert "stream_options" in error.words
    assert len(error.message) < 400
