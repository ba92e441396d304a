"""Words for what the tools answered; a form not known is passed on as it came."""

import json
import re
from datetime import date, datetime

from inference.offline.question import Answer, Question, Result, Say
from inference.offline.rules.places import zones_in

SYMBOLS = {"degC": "°C", "degF": "°F", "kph": "km/h", "meter/second": "m/s", "liter": "l",
           "kelvin": "K", "square_meter": "m²", "mile**2": "square miles", "km**2": "km²",
           "m**3": "m³", "kilocalorie": "kcal"}  # fmt: skip
PLURALS = {"foot": "feet", "inch": "inches", "square_foot": "square feet", "horsepower": "hp",
           "stone": "stone", "mph": "mph", "psi": "psi"}  # fmt: skip
ISO_TIME = re.compile(r"\d{4}-\d\d-\d\dT\S+")
ONE_DATE = re.compile(r"\w+ (\d{4}-\d\d-\d\d), week (\d+) of \d+\.?")
TWO_DATES = re.compile(
    r"From \w+ (\d{4}-\d\d-\d\d) to \w+ (\d{4}-\d\d-\d\d): (-?\d+) days?( \(.*\))?\.?"
)
CONVERTED = re.compile(r"(-?[\d.e+]+) (\S+) = (-?[\d.e+-]+) (\S+)")


def worded_results(question: Question) -> Answer | None:
    """What the tools answered, in the order they were called."""
    if not question.results:
        return None
    names = {zone: name for _, name, zone in zones_in(question.words) if "/" not in name}
    lines = [_worded(result, names) for result in question.results]
    return Say(lines[0] if len(lines) == 1 else "\n".join(f"- {line}" for line in lines))


def _worded(result: Result, places: dict[str, str]) -> str:
    """`places` are zones with the names the asker gave them."""
    text = result.text.strip()
    match result.call.name:
        case "calculate":
            return _sum(str(result.call.arguments.get("expression", "")), text)
        case "clock" if told := ISO_TIME.search(text):
            zone = str(result.call.arguments.get("zone", "UTC"))
            return _time(told.group(), places.get(zone, _city(zone)), text)
        case "convert_units" if told := CONVERTED.fullmatch(text):
            given, unit, amount, sought = told.groups()
            return f"{_measure(given, unit)} = **{_measure(amount, sought)}**"
        case "dates" if told := TWO_DATES.fullmatch(text):
            start, end, count, weeks = told.groups()
            days = "1 day" if count == "1" else f"{count} days"
            return f"**{days}**{weeks or ''} from {_date(start)} to {_date(end)}."
        case "dates" if told := ONE_DATE.fullmatch(text):
            return f"**{_date(told.group(1))}** (week {told.group(2)})."
        case name:
            return _as_told(name, text)


def _sum(expression: str, text: str) -> str:
    if re.match(r"-?[\d.]|about 10", text):
        value, exactly, rest = text.partition(" (exactly")
        return f"`{expression}` = **{value}**{exactly}{rest}"
    return f"`{expression}` cannot be worked out: {text}"


def _city(zone: str) -> str:
    return zone.rpartition("/")[2].replace("_", " ")


def _time(iso: str, place: str, text: str) -> str:
    try:
        now = datetime.fromisoformat(iso)
    except ValueError:
        return text
    if place == "UTC":
        return f"**{now:%H:%M}** UTC on {_date(iso[:10])}. Name a city to get its own time."
    return f"{place}: **{now:%H:%M}** on {_date(iso[:10])} (UTC{iso[-6:]})"


def _date(iso: str) -> str:
    try:
        day = date.fromisoformat(iso)
    except ValueError:
        return iso
    return f"{day:%A}, {day.day} {day:%B} {day.year}"


def _measure(amount: str, unit: str) -> str:
    """Six significant digits are as many as anybody measures."""
    value = f"{float(amount):.6g}" if abs(float(amount)) < 1e6 else f"{float(amount):g}"
    if unit in SYMBOLS:
        return f"{value} {SYMBOLS[unit]}"
    several = value != "1" and len(unit) > 3 and not unit.endswith("s")
    word = PLURALS.get(unit, unit + "s") if several else unit
    return f"{value} {word.replace('_', ' ')}"


def _as_told(name: str, text: str) -> str:
    """The tool's own words, an error's too: it is not ours to say which they are."""
    if not text:
        return f"`{name}` finished and said nothing."
    if text[0] in "{[":
        try:
            pretty = json.dumps(json.loads(text), indent=2, ensure_ascii=False)
        except ValueError:
            pretty = ""
        if pretty:
            return f"`{name}` answered:\n\n```json\n{pretty}\n```"
    if "\n" in text:
        return f"`{name}` answered:\n\n{text}"
    return f"`{name}` answered: {text}"
