"""What a server said went wrong, read from any shape it came in and sorted by who can act on it."""

import email.utils
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from html import unescape
from typing import Any

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
from inference.event_lines import parsed
from inference.provider import Provider

MAX_WORDS = 300
LONG_WAIT_S = 900.0
"""A 429 that asks for a longer wait than this is no matter of the minute."""

_SECRET = re.compile(
    r"\b(?:Bearer\s+)?(?:sk|pk|rk|gsk|fw|hf|xai|oxlo|key|tgp|nvapi)[-_][\w*.\-]{6,}", re.IGNORECASE
)
_TITLE = re.compile(r"<(?:title|h1)[^>]*>(.*?)</(?:title|h1)>", re.IGNORECASE | re.DOTALL)
_UNSEEN = re.compile(r"<(script|style|head)\b.*?</\1>|<[^>]+>", re.IGNORECASE | re.DOTALL)


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
    r"support",
    r"tool.?choice",
    r"mmproj",
    r"image input",
    r"unrecogni[sz]ed",
    r"unknown (?:parameter|field|argument)",
    r"extra.{0,3}(?:fields|inputs|forbidden)",
    r"not implemented",
)
_WAIT = re.compile(
    r"(?:try again|retry|reset\w*|wait)\D{0,20}"
    r"((?:\d+(?:\.\d+)?\s*(?:ms|h|m|s)(?:ours?|in(?:ute)?s?|ec(?:ond)?s?)?\s*)+)",
    re.IGNORECASE,
)
_SPAN = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|h|m|s)", re.IGNORECASE)
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}


@dataclass(frozen=True, slots=True)
class Asked:
    """Whom was asked for what: enough to word an error, and the key so that it can be struck out."""

    provider: Provider
    model: str
    key: str = ""

    @property
    def who(self) -> str:
        return self.provider.label


def from_response(
    asked: Asked, status: int, headers: Mapping[str, str], body: bytes
) -> BackendError:
    """The error that an HTTP answer of 300 and above means."""
    said, hint = _read(body)
    said = clean(said, asked.key)
    if 300 <= status < 400:
        return ProviderDown(
            f"{asked.who} answers from another address ({status}).",
            f"Check the base URL; it was redirected to {_host(headers.get('location', ''))}.",
        )
    if status == 429:
        return _too_many(asked, said, hint, headers)
    return _sorted(asked, status, said, f"{said} {hint}")


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
    said = clean(_page_words(page), asked.key)
    return BadReply(
        f"{asked.who} answered with something that is no reply{_quoted(said)}.",
        "Check the base URL; it usually ends in /v1.",
    )


def clean(text: str, key: str = "") -> str:
    """Words fit to be shown: one line, no key of ours or of anybody, at most MAX_WORDS characters."""
    if len(key) >= 3 and key != "not-needed":
        text = text.replace(key, "[key]")
    text = " ".join(_SECRET.sub("[key]", text).split())
    return text if len(text) <= MAX_WORDS else text[: MAX_WORDS - 1].rstrip() + "…"


def words(error: object) -> tuple[str, str]:
    """The message of an error of any known shape, and its codes and types as one string."""
    if isinstance(error, str):
        return error, ""
    if isinstance(error, list):
        found = [words(item) for item in error[:3]]
        return "; ".join(w for w, _ in found if w), " ".join(h for _, h in found)
    if not isinstance(error, dict):
        return "", ""
    inner = error.get("error")
    hint = " ".join(str(error[k]) for k in ("code", "type", "status") if error.get(k))
    message = _first_string(error, "message", "msg", "detail", "error_description", "reason")
    if isinstance(inner, str):
        return (message, f"{inner} {hint}") if message else (inner, hint)
    if isinstance(inner, dict | list):
        said, more = words(inner)
        return said or message, f"{more} {hint}"
    if message:
        raw = error.get("metadata")
        upstream = raw.get("raw") if isinstance(raw, dict) else None
        if upstream:
            message = f"{message}: {_upstream(upstream)}"
        place = error.get("loc")
        if isinstance(place, list):
            message = f"{'.'.join(map(str, place))}: {message}"
        return message, hint
    for key in ("detail", "errors"):
        if isinstance(error.get(key), dict | list):
            said, more = words(error[key])
            return said, f"{more} {hint}"
    return "", hint


def _upstream(raw: object) -> str:
    if isinstance(raw, str):
        try:
            raw = parsed(raw.encode())
        except ValueError:
            return str(raw)
    return words(raw)[0]


def _first_string(error: Mapping[str, Any], *keys: str) -> str:
    return next((v for k in keys if isinstance(v := error.get(k), str) and v), "")


def _read(body: bytes) -> tuple[str, str]:
    try:
        return words(parsed(body))
    except ValueError:
        return _page_words(body[:50_000].decode(errors="replace")), ""


def _page_words(page: str) -> str:
    """A page reduced to its title, or else to its first words."""
    if "<" not in page:
        return page
    title = _TITLE.search(page)
    text = title.group(1) if title else _UNSEEN.sub(" ", page)
    return unescape(_UNSEEN.sub(" ", text)).strip()


def _sorted(asked: Asked, status: int, said: str, all_words: str) -> BackendError:
    who, quoted = asked.who, _quoted(said)
    if status == 401:
        return _key_rejected(asked, quoted)
    if status in (402, 403):
        return _refused(asked, status, quoted, all_words)
    if status == 413 or _TOO_LONG.search(all_words):
        return ContextTooLong(
            f"The request is too long for {asked.model}{quoted}.",
            "Shorten the message, start a new conversation, or choose a larger model.",
        )
    if status < 500 and re.search(r"api.?key", all_words, re.IGNORECASE):
        return _key_rejected(asked, quoted)
    missing = status == 404 and not re.search(r"support", all_words, re.IGNORECASE)
    if missing or (status < 500 and _NO_MODEL.search(all_words)):
        return ModelUnavailable(
            f"{who} has no model {asked.model}{quoted}.",
            "Choose another model, and check the base URL; it usually ends in /v1.",
        )
    if status in (408, 409, 425) or (status >= 500 and not _NOT_DONE.search(all_words)):
        return _down(who, status, quoted)
    return Unsupported(
        f"{who} cannot do what {asked.model} was asked{quoted}.",
        "Choose another model, or leave out the images.",
    )


def _down(who: str, status: int, quoted: str) -> ProviderDown:
    advice = "Retry in a moment; nothing is wrong with your message."
    if "loading" in quoted.lower():
        return ProviderDown(f"{who} is still loading its model{quoted}.", advice)
    return ProviderDown(f"{who} is out of order ({status}){quoted}.", advice)


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
            "Choose a model that your plan has, or upgrade the plan.",
        )
    return _key_rejected(asked, quoted)


def _too_many(
    asked: Asked, said: str, hint: str, headers: Mapping[str, str]
) -> RateLimited | BudgetSpent:
    all_words, quoted = f"{said} {hint}", _quoted(said)
    wait_s = _wait(headers, said)
    until = None if wait_s is None else time.time() + wait_s
    if _MONEY.search(all_words):
        return BudgetSpent(
            f"The credit at {asked.who} is spent{quoted}.", "Add credit there.", until
        )
    if _DAY.search(all_words) or (wait_s or 0) > LONG_WAIT_S:
        when = f"They return in {_span(wait_s)}" if wait_s else "They return with the new day"
        return BudgetSpent(
            f"The day's requests at {asked.who} are spent{quoted}.",
            f"{when}; until then choose another provider.",
            until,
        )
    when = f"Wait {_span(wait_s)}" if wait_s else "Wait a minute"
    return RateLimited(
        f"{asked.who} takes no more requests this minute{quoted}.", f"{when}, then retry.", until
    )


def _wait(headers: Mapping[str, str], said: str) -> float | None:
    """Seconds until the server takes requests again, from its headers, else from its words."""
    for name, unit in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        text = headers.get(name, "")
        if re.fullmatch(r"\d+(\.\d+)?", text):
            return float(text) * unit
        if text and (at := email.utils.parsedate_tz(text)):
            return max(0.0, email.utils.mktime_tz(at) - time.time())
    found = _WAIT.search(said)
    if found:
        return _seconds(found.group(1))
    for name in ("x-ratelimit-reset-requests", "x-ratelimit-reset"):
        text = headers.get(name, "")
        if re.fullmatch(r"\d+(\.\d+)?", text):
            return _from_clock(float(text))
        if text and _SPAN.search(text):
            return _seconds(text)
    return None


def _from_clock(number: float) -> float:
    """A bare number is a time since 1970 in milliseconds or seconds, or else seconds from now."""
    if number > 1e11:
        return max(0.0, number / 1000 - time.time())
    return max(0.0, number - time.time()) if number > 1e9 else number


def _seconds(span: str) -> float:
    return sum(float(n) * _UNITS[unit.lower()] for n, unit in _SPAN.findall(span))


def _span(seconds: float) -> str:
    if seconds < 90:
        return f"{max(1, round(seconds))} seconds"
    minutes = round(seconds / 60)
    return f"{minutes} minutes" if minutes < 90 else f"{round(minutes / 60)} hours"


def _host(url: str) -> str:
    found = re.match(r"https?://([^/?#@]+)(?:[/?#]|$)", url)
    return found.group(1) if found else "another path"


def _quoted(said: str) -> str:
    return f": “{said.rstrip('.')}”" if said else ""
