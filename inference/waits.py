"""How long a server asks to wait, read from its headers, else from its words."""

import email.utils
import re
import time
from collections.abc import Mapping

_WAIT = re.compile(
    r"(?:try again|retry|reset\w*|wait)\D{0,20}"
    r"((?:\d+(?:\.\d+)?\s*(?:ms|h|m|s)(?:ours?|in(?:ute)?s?|ec(?:ond)?s?)?\s*)+)",
    re.IGNORECASE,
)
_SPAN = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|h|m|s)", re.IGNORECASE)
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}


def asked_wait(headers: Mapping[str, str], said: str) -> float | None:
    """Seconds until the server takes requests again; None where it did not say."""
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


def span(seconds: float) -> str:
    """Seconds as people say them."""
    if seconds < 90:
        whole = max(1, round(seconds))
        return "1 second" if whole == 1 else f"{whole} seconds"
    minutes = round(seconds / 60)
    return f"{minutes} minutes" if minutes < 90 else f"{round(minutes / 60)} hours"


def _from_clock(number: float) -> float:
    """A bare number is a time since 1970 in milliseconds or seconds, or else seconds from now."""
    if number > 1e11:
        return max(0.0, number / 1000 - time.time())
    return max(0.0, number - time.time()) if number > 1e9 else number


def _seconds(text: str) -> float:
    return sum(float(n) * _UNITS[unit.lower()] for n, unit in _SPAN.findall(text))
