"""What a server said went wrong, found in whatever shape it came."""

import re
from collections.abc import Mapping
from html import unescape
from typing import Any

from inference.event_lines import parsed

MAX_WORDS = 300
_HINTS = ("code", "type", "status", "param")
_SIZES = ("n_prompt_tokens", "n_ctx")

_SECRET = re.compile(
    r"\b(?:Bearer\s+)?(?:sk|pk|rk|gsk|fw|hf|xai|oxlo|key|tgp|nvapi)[-_][\w*.\-]{6,}", re.IGNORECASE
)
_TITLE = re.compile(r"<(?:title|h1)[^>]*>(.*?)</(?:title|h1)>", re.IGNORECASE | re.DOTALL)
_UNSEEN = re.compile(r"<(script|style|head)\b.*?</\1>|<[^>]+>", re.IGNORECASE | re.DOTALL)


def read(body: bytes) -> tuple[str, str]:
    """The words of an error's body, JSON or not, and its codes, types and names as one string."""
    try:
        return words(parsed(body))
    except ValueError:
        return page_words(body[:50_000].decode(errors="replace")), ""


def words(error: object) -> tuple[str, str]:
    """The message of an error of any known shape; its codes, types and names as one string."""
    if isinstance(error, str):
        return error, ""
    if isinstance(error, list):
        found = [words(item) for item in error[:3]]
        return "; ".join(w for w, _ in found if w), " ".join(h for _, h in found)
    if not isinstance(error, dict):
        return "", ""
    hint = _hint(error)
    message = _first_string(error, "message", "msg", "detail", "error_description", "reason")
    inner = error.get("error")
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
    for key in ("message", "detail", "errors"):
        if isinstance(error.get(key), dict | list):
            said, more = words(error[key])
            return said, f"{more} {hint}"
    return "", hint


def clean(text: str, key: str = "") -> str:
    """Words fit to be shown: one line, no key of ours or of anybody, at most MAX_WORDS characters."""
    if len(key) >= 3 and key != "not-needed":
        text = text.replace(key, "[key]")
    text = " ".join(_SECRET.sub("[key]", text).split())
    return text if len(text) <= MAX_WORDS else text[: MAX_WORDS - 1].rstrip() + "…"


def page_words(page: str) -> str:
    """A page reduced to its title, or else to its first words."""
    if "<" not in page:
        return page
    title = _TITLE.search(page)
    text = title.group(1) if title else _UNSEEN.sub(" ", page)
    return unescape(_UNSEEN.sub(" ", text)).strip()


def _hint(error: Mapping[str, Any]) -> str:
    named = [str(error[key]) for key in _HINTS if error.get(key)]
    sizes = [f"{key}={error[key]}" for key in _SIZES if isinstance(error.get(key), int)]
    return " ".join([*named, *sizes])


def _upstream(raw: object) -> str:
    if isinstance(raw, str):
        try:
            raw = parsed(raw.encode())
        except ValueError:
            return str(raw)
    return words(raw)[0]


def _first_string(error: Mapping[str, Any], *keys: str) -> str:
    return next((v for k in keys if isinstance(v := error.get(k), str) and v), "")
