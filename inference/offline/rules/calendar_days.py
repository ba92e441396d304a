"""Finds questions about dates: "how many days until 2027-01-01", "what weekday was 4 July 1976"."""

import calendar
import re
from datetime import UTC, date, datetime

from inference.offline.question import Call
from inference.offline.rules.wanted import Wanted

MONTHS = {name.lower(): i for i, name in enumerate(calendar.month_name) if name} | {
    name.lower(): i for i, name in enumerate(calendar.month_abbr) if name
}
FEASTS = {
    "christmas eve": (12, 24), "christmas day": (12, 25), "christmas": (12, 25), "xmas": (12, 25),
    "new year's eve": (12, 31), "new years eve": (12, 31), "new year's day": (1, 1),
    "new year's": (1, 1), "new years": (1, 1), "new year": (1, 1), "the new year": (1, 1),
    "halloween": (10, 31), "valentine's day": (2, 14), "valentines day": (2, 14),
}  # fmt: skip
_MONTH = "|".join(sorted(MONTHS, key=len, reverse=True))
_FEAST = "|".join(sorted(FEASTS, key=len, reverse=True))
DATE = (
    rf"(?:\d{{4}}-\d\d-\d\d|\d{{1,2}}(?:st|nd|rd|th)?(?: of)? (?:{_MONTH})\.?(?:,? \d{{4}})?"
    rf"|(?:{_MONTH})\.? \d{{1,2}}(?:st|nd|rd|th)?(?:,? \d{{4}})?"
    rf"|today|now|tomorrow|yesterday|{_FEAST})"
)
UNTIL = re.compile(
    rf"\b(?:how (?:many (?:days|weeks|months)|long|far)[^.?!\n]{{0,20}}?|days |weeks |countdown )"
    rf"(until|till|to|before|since|after)\s+({DATE})\b",
    re.IGNORECASE,
)
BETWEEN = re.compile(
    rf"\b(?:between|from)\s+({DATE})\s+(?:and|to|until|till)\s+({DATE})\b", re.IGNORECASE
)
WEEKDAY = re.compile(
    r"\b(?:what|which) (?:week\s?day|day(?: of the week)?)\s+"
    r"(?:is|was|will|does|did|falls?|be)?\s*"
    rf"(?:it )?(?:on )?({DATE})\b",
    re.IGNORECASE,
)
TODAY = re.compile(
    r"\b(?:what(?:'s|’s| is)? (?:the )?(?:date|day)(?: of the week)?(?: is it)?(?: today| now)?"
    r"(?=\s*(?:\?|$|\.|,|and\b))|what(?:'s|’s| is) today"
    r"|(?:today(?:'s|’s)|the current|todays) date|what (?:day|date) is (?:it|today))",
    re.IGNORECASE,
)
SHIFTED = re.compile(
    rf"\b(?:in\s+)?(\d{{1,6}}|an?)\s+(day|week|fortnight)s?\s+(?:(ago)|(before|after|from)\s+({DATE})|(later))\b"
    rf"|\bin\s+(\d{{1,6}}|an?)\s+(day|week|fortnight)s?(?: from now)?\b",
    re.IGNORECASE,
)
ASKS_A_DATE = re.compile(
    r"\b(?:what|which) (?:date|day|week\s?day)|\bwhen (?:is|was|will)\b|\bthe date\b", re.IGNORECASE
)
DAYS = {"day": 1, "week": 7, "fortnight": 14}


def days(text: str) -> list[Wanted]:
    """The calls of `dates` that the words ask for."""
    found: list[Wanted] = []
    for match in BETWEEN.finditer(text):
        start, end = _iso(match.group(1)), _iso(match.group(2))
        if start and end:
            found.append(_wanted(match, start=start, end=end))
    for match in UNTIL.finditer(text):
        then = _iso(match.group(2), backward=match.group(1).lower() in ("since", "after"))
        if then and not _taken(match, found):
            past = match.group(1).lower() in ("since", "after")
            start, end = (then, "today") if past else ("today", then)
            found.append(_wanted(match, start=start, end=end))
    for match in SHIFTED.finditer(text) if ASKS_A_DATE.search(text) else ():
        if not _taken(match, found) and (call := _shifted(match)):
            found.append(Wanted(match.start(), match.end(), call))
    if found:
        return found
    for match in WEEKDAY.finditer(text):
        word = match.group(1).lower()
        if word in ("tomorrow", "yesterday"):
            step = 1 if word == "tomorrow" else -1
            found.append(_wanted(match, start="today", add_days=step))
        elif then := _iso(match.group(1)):
            found.append(_wanted(match, start=then))
    if not found and (asked := TODAY.search(text)):
        found.append(_wanted(asked, start="today"))
    return found


def _wanted(match: re.Match[str], **arguments: str | int) -> Wanted:
    return Wanted(match.start(), match.end(), Call("dates", dict(arguments)))


def _taken(match: re.Match[str], found: list[Wanted]) -> bool:
    return any(match.start() < w.end and w.start < match.end() for w in found)


def _shifted(match: re.Match[str]) -> Call | None:
    count, unit, ago, side, anchor, _, ahead, ahead_unit = match.groups()
    amount = _count(count or ahead) * DAYS[(unit or ahead_unit).lower()]
    start = _iso(anchor) if anchor else "today"
    if start is None:
        return None
    back = ago or (side or "").lower() == "before"
    return Call("dates", {"start": start, "add_days": -amount if back else amount})


def _count(word: str) -> int:
    return 1 if word.lower() in ("a", "an") else int(word)


def _iso(written: str, backward: bool = False) -> str | None:
    """ISO, or the word today. Without a year it is the next such date, the last if `backward`."""
    text = written.strip().lower()
    if text in ("today", "now"):
        return "today"
    today = datetime.now(UTC).date()
    if text in ("tomorrow", "yesterday"):
        step = 1 if text == "tomorrow" else -1
        return date.fromordinal(today.toordinal() + step).isoformat()
    if text in FEASTS:
        return _nearest(*FEASTS[text], today, backward)
    if re.fullmatch(r"\d{4}-\d\d-\d\d", text):
        return text
    month = next(MONTHS[word] for word in re.findall(r"[a-z]+", text) if word in MONTHS)
    numbers = [int(number) for number in re.findall(r"\d+", text)]
    if len(numbers) == 2:
        return f"{numbers[1]:04}-{month:02}-{numbers[0]:02}"
    return _nearest(month, numbers[0], today, backward)


def _nearest(month: int, day: int, today: date, backward: bool) -> str | None:
    """The next such date from today on, or the last before it; None for one like 31 June."""
    years = range(today.year, today.year - 9, -1) if backward else range(today.year, today.year + 9)
    for year in years:
        try:
            then = date(year, month, day)
        except ValueError:  # 29 February
            continue
        if (then <= today) if backward else (then >= today):
            return then.isoformat()
    return None
