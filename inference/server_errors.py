"""What went wrong at a server, sorted by who can act on it and worded for the reader."""

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass

from inference.backend import (
    BackendError,
    BadReply,
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
from inference.error_words import clean, page_words, read, words
from inference.provider import Provider
from inference.waits import asked_wait, span

LONG_WAIT_S = 900.0
"""A 429 that asks for a longer wait than this is no matter of the minute."""

MAX_READ = 20_000
"""Characters of an error that are looked at."""


def _any(*parts: str) -> re.Pattern[str]:
    return re.compile("|".join(parts), re.IGNORECASE)


_TOO_LONG = _any(
    r"context.{0,10}length",
    r"maximum context",
    r"context (?:window|size)",
    r"exceed_context_size",
    r"prompt is too long",
    r"too many (?:input )?tokens",
    r"max_model_len",
    r"reduce the length",
    r"input is too long",
)
_NO_MODEL = _any(
    r"model_not_found",
    r"model.{0,80}(?:does not exist|not found|not available|no longer available)",
    r"(?:unknown|invalid|no such) model",
    r"not a valid model",
    r"pull.{0,20}model",
)
_KEY = _any(
    r"api.?key",
    r"unauthori[sz]ed",
    r"authenticat",
    r"invalid.{0,10}(?:token|credential)",
    r"permission",
)
_PLAN = _any(
    r"plan\b",
    r"upgrade",
    r"subscri",
    r"\btier\b",
    r"premium",
    r"quota",
    r"limit",
)
_NEEDS_MORE = _any(r"upgrade", r"subscri", r"\btier\b", r"premium", r"higher plan")
_MONEY = _any(r"insufficient.{0,3}(?:quota|credit|balance|funds)", r"billing", r"more credits")
_DAY = _any(
    r"per.{0,3}day",
    r"daily",
    r"\b[rt]pd\b",
    r"\btoday\b",
    r"24 ?h",
    r"midnight",
)
_NOT_DONE = _any(
    r"not.{0,30}support",
    r"n.t support",
    r"unsupported",
    r"tool.?choice",
    r"mmproj",
    r"image input",
    r"unrecogni[sz]ed",
    r"unknown (?:parameter|field|argument)",
    r"extra.{0,3}(?:fields|inputs|forbidden)",
    r"not implemented",
)
_MISWRITTEN = _any(r"json_validate_failed", r"tool_use_failed", r"failed_generation")
_SENT = (
    r"n_prompt_tokens=(\d+)",
    r"requested (?:about )?([\d,]+) tokens",
    r"resulted in ([\d,]+) tokens",
    r"([\d,]+) tokens? >",
    r"(?:has|contains|passed|the first|your) ([\d,]+) (?:input )?tokens",
)
_ROOM = (
    r"n_ctx=(\d+)",
    r"> ([\d,]+) maximum",
    r"context (?:window|size|length)\D{0,30}([\d,]{3,})",
)


@dataclass(frozen=True, slots=True)
class Asked:
    """Whom was asked for what: enough to word an error, and the key so that it can be struck out."""

    provider: Provider
    model: str
    key: str = ""

    @property
    def who(self) -> str:
        return self.provider.label


class Passing(ProviderDown):
    """A stumble that may be over at the next try: 408, 5xx. `retry_at` as in RateLimited."""

    def __init__(self, message: str, advice: str = "", retry_at: float | None = None) -> None:
        super().__init__(message, advice)
        self.retry_at = retry_at


class Rejected(Unsupported):
    """The server refuses the form of a request. `words` is all it said, the names of fields too."""

    def __init__(self, message: str, advice: str, words: str) -> None:
        super().__init__(message, advice)
        self.words = words


def from_response(
    asked: Asked, status: int, headers: Mapping[str, str], body: bytes
) -> BackendError:
    """The error that an HTTP answer of 300 and above means."""
    whole, hint = read(body)
    whole = whole[:MAX_READ]
    said = clean(whole, asked.key)
    if 300 <= status < 400:
        return ProviderDown(
            f"{asked.who} answers from another address ({status}).",
            f"Check the base URL; it was redirected to {_host(headers.get('location', ''))}.",
        )
    if status == 429:
        return _too_many(asked, said, hint, headers)
    wait_s = asked_wait(headers, said) if status >= 500 else None
    return _sorted(asked, status, said, f"{whole} {hint}", wait_s)


def from_stream(asked: Asked, error: object) -> BackendError:
    """The error that came inside a stream that had begun well (HTTP 200)."""
    said, hint = words(error)
    said = clean(said, asked.key)
    code = re.search(r"\b([45]\d\d)\b", hint)
    status = int(code.group(1)) if code else 0
    if status == 429:
        return _too_many(asked, said, hint, {})
    if status:
        return _sorted(asked, status, said, f"{said} {hint}")
    if _TOO_LONG.search(f"{said} {hint}"):
        return _sorted(asked, 400, said, f"{said} {hint}")
    return Interrupted(f"{asked.who} broke off{_quoted(said)}.", "Retry the message.")


def from_page(asked: Asked, page: str) -> BackendError:
    """A web page, or other words, where an answer was expected."""
    said = clean(page_words(page), asked.key)
    return BadReply(
        f"{asked.who} answered with something that is no reply{_quoted(said)}.",
        "Check the base URL; it usually ends in /v1.",
    )


def _sorted(
    asked: Asked, status: int, said: str, all_words: str, wait_s: float | None = None
) -> BackendError:
    who, quoted = asked.who, _quoted(said)
    if status == 401:
        return _key_rejected(asked, quoted)
    if status in (402, 403):
        return _refused(asked, status, quoted, all_words)
    if status == 413 or _TOO_LONG.search(all_words):
        return _too_long(asked, quoted, all_words)
    if status < 500 and re.search(r"api.?key", all_words, re.IGNORECASE):
        return _key_rejected(asked, quoted)
    if _MISWRITTEN.search(all_words):
        return BadReply(
            f"{asked.model} wrote a reply that {who} cannot read{quoted}.",
            "Retry, or choose another model.",
        )
    missing = status == 404 and not re.search(r"support", all_words, re.IGNORECASE)
    if missing or (status < 500 and _NO_MODEL.search(all_words)):
        return ModelUnavailable(
            f"{who} has no model {asked.model}{quoted}.",
            "Choose another model, and check the base URL; it usually ends in /v1.",
        )
    if status in (408, 409, 425) or (status >= 500 and not _NOT_DONE.search(all_words)):
        return _down(who, status, quoted, wait_s)
    return Rejected(
        f"{who} cannot do what {asked.model} was asked{quoted}.", _other_way(all_words), all_words
    )


def _too_long(asked: Asked, quoted: str, all_words: str) -> ContextTooLong:
    sent, room = _number(_SENT, all_words), _number(_ROOM, all_words)
    sizes = f"{room:,} tokens fit" if room else ""
    if sent:
        sizes = f"It has {sent:,} tokens, {sizes}" if sizes else f"It has {sent:,} tokens"
    advice = "Shorten the message, start a new conversation, or choose a larger model."
    error = ContextTooLong(
        f"The request is too long for {asked.model}{quoted}.",
        f"{sizes}. {advice}" if sizes else advice,
    )
    error.of_tokens = bool(_TOO_LONG.search(all_words))
    return error


def _number(patterns: tuple[str, ...], text: str) -> int | None:
    """The number that the first fitting pattern finds."""
    found = (re.search(pattern, text, re.IGNORECASE) for pattern in patterns)
    digits = next((f.group(1).replace(",", "") for f in found if f), "")
    return int(digits) if digits else None


def _other_way(all_words: str) -> str:
    """What to do instead, by what was refused."""
    for word, advice in (
        ("image|vision|mmproj|multimodal", "Choose a model that sees images, or leave them out."),
        ("embed", "Choose a model that embeds."),
        ("tool|function", "Choose a model that can call tools."),
        ("audio|transcri", "Choose a model that understands speech."),
    ):
        if re.search(word, all_words, re.IGNORECASE):
            return advice
    return "Choose another model."


def _down(who: str, status: int, quoted: str, wait_s: float | None) -> ProviderDown:
    when = f"in {span(wait_s)}" if wait_s else "in a moment"
    advice = f"Retry {when}; nothing is wrong with your message."
    message = f"{who} is out of order ({status}){quoted}."
    if "loading" in quoted.lower():
        message = f"{who} is still loading its model{quoted}."
    if status in (409, 425, 501, 505):
        return ProviderDown(message, advice)
    return Passing(message, advice, None if wait_s is None else time.time() + wait_s)


def _key_rejected(asked: Asked, quoted: str) -> KeyRejected:
    variable = asked.provider.key_variable or "PARLEY_API_KEY"
    return KeyRejected(
        f"{asked.who} rejects the key{quoted}.", f"Check {variable} and start Parley again."
    )


def _refused(asked: Asked, status: int, quoted: str, all_words: str) -> BackendError:
    if status == 402 or _MONEY.search(all_words):
        return PlanLimit(
            f"{asked.who} asks for payment{quoted}.", "Add credit there, or choose a free model."
        )
    if _DAY.search(all_words):
        return BudgetSpent(
            f"The day's requests at {asked.who} are spent{quoted}.", "They return with the new day."
        )
    by_plan = bool(asked.provider.plans) and not _KEY.search(all_words)
    if by_plan or _PLAN.search(all_words):
        return PlanLimit(
            f"The plan at {asked.who} does not allow this with {asked.model}{quoted}.",
            _within_the_plan(asked, all_words),
        )
    return _key_rejected(asked, quoted)


def _within_the_plan(asked: Asked, all_words: str) -> str:
    """A model that the plan has; or patience, where the model is the plan's and its limit reached."""
    provider = asked.provider
    spent = re.search(r"limit|quota", all_words, re.IGNORECASE)
    if spent and asked.model in provider.models and provider.has(asked.model):
        needs_more = _NEEDS_MORE.search(all_words)
        if not needs_more:
            return "Wait until the plan's limit returns, upgrade the plan, or use another provider."
    other = _plans_own(asked)
    such_as = f", such as {other}" if other else ""
    return f"Choose a model that your plan has{such_as}, or upgrade the plan."


def _plans_own(asked: Asked) -> str:
    """A model of the account's plan that does what the refused one does; "" where none is known."""
    provider, refused = asked.provider, asked.provider.models.get(asked.model)
    usual = (provider.chat, provider.vision, provider.transcription, provider.speech)
    for name in dict.fromkeys((*usual, *provider.models)):
        known = provider.models.get(name)
        if not known or name == asked.model or not provider.has(name):
            continue
        if not refused or (
            known.sense == refused.sense and set(refused.modalities) <= set(known.modalities)
        ):
            return name
    return ""


def _too_many(
    asked: Asked, said: str, hint: str, headers: Mapping[str, str]
) -> RateLimited | BudgetSpent:
    all_words, quoted = f"{said} {hint}", _quoted(said)
    wait_s = asked_wait(headers, said)
    until = None if wait_s is None else time.time() + wait_s
    if _MONEY.search(all_words):
        return BudgetSpent(
            f"The credit at {asked.who} is spent{quoted}.", "Add credit there.", until
        )
    if _DAY.search(all_words) or (wait_s or 0) > LONG_WAIT_S:
        when = f"They return in {span(wait_s)}" if wait_s else "They return with the new day"
        return BudgetSpent(
            f"The day's requests at {asked.who} are spent{quoted}.",
            f"{when}; until then choose another provider.",
            until,
        )
    when = f"Wait {span(wait_s)}" if wait_s else "Wait a minute"
    return RateLimited(
        f"{asked.who} takes no more requests this minute{quoted}.", f"{when}, then retry.", until
    )


def _host(url: str) -> str:
    found = re.match(r"https?://([^/?#@]+)(?:[/?#]|$)", url)
    return found.group(1) if found else "another path"


def _quoted(said: str) -> str:
    return f": “{said.rstrip('.')}”" if said else ""
