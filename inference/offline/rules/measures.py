"""Finds conversions in a sentence: "5 miles in km", "how many feet in a mile", "100 °F to °C"."""

import re

from inference.offline.question import Call
from inference.offline.rules.arithmetic import NUMBER
from inference.offline.rules.wanted import Wanted

# The unit as the converter names it: what people write for it. A final s is understood.
WRITTEN = {
    "km": "km kms kilometer kilometre", "m": "m meter metre", "cm": "cm centimeter centimetre",
    "mm": "mm millimeter millimetre", "mile": "mile mi", "foot": "foot feet ft",
    "inch": "inch inches in\"", "yard": "yard yd", "nautical_mile": "nmi",
    "light_year": "lightyear light-year", "kg": "kg kgs kilo kilogram", "gram": "g gram gramme",
    "mg": "mg milligram", "metric_ton": "tonne", "ton": "ton", "pound": "pound lb lbs",
    "ounce": "ounce oz", "stone": "stone", "liter": "l liter litre",
    "ml": "ml milliliter millilitre",
    "cl": "cl centiliter centilitre", "gallon": "gallon gal", "quart": "quart", "pint": "pint",
    "cup": "cup", "tablespoon": "tablespoon tbsp", "teaspoon": "teaspoon tsp",
    "degC": "celsius °c degc c centigrade", "degF": "fahrenheit °f degf f", "kelvin": "kelvin k",
    "second": "second sec", "minute": "minute min", "hour": "hour hr h", "day": "day",
    "week": "week", "month": "month", "year": "year", "mph": "mph", "kph": "kph km/h kmh",
    "meter/second": "m/s", "knot": "knot", "joule": "joule", "calorie": "calorie cal",
    "kilocalorie": "kcal", "kilowatt_hour": "kwh", "watt": "watt", "kilowatt": "kw kilowatt",
    "horsepower": "horsepower hp", "pascal": "pascal pa", "bar": "bar", "psi": "psi",
    "acre": "acre", "hectare": "hectare ha", "square_meter": "m² sqm", "square_foot": "sqft ft²",
    "byte": "byte", "kilobyte": "kb kilobyte", "megabyte": "mb megabyte",
    "gigabyte": "gb gigabyte", "terabyte": "tb terabyte", "kibibyte": "kib",
    "mebibyte": "mib", "gibibyte": "gib", "degree": "degree deg", "radian": "radian rad",
}  # fmt: skip
UNITS = {word: unit for unit, words in WRITTEN.items() for word in words.split()}
PHRASES = {
    "square meter": "square_meter", "square metre": "square_meter", "square foot": "square_foot",
    "square feet": "square_foot", "square mile": "mile**2", "square kilometer": "km**2",
    "square kilometre": "km**2", "cubic meter": "m**3", "cubic metre": "m**3",
    "fluid ounce": "fluid_ounce", "nautical mile": "nautical_mile", "light year": "light_year",
    "kilowatt hour": "kilowatt_hour", "mile per hour": "mph", "miles per hour": "mph",
    "kilometer per hour": "kph", "kilometers per hour": "kph", "kilometre per hour": "kph",
    "kilometres per hour": "kph", "meters per second": "meter/second",
    "metres per second": "meter/second", "degree celsius": "degC", "degrees celsius": "degC",
    "degree fahrenheit": "degF", "degrees fahrenheit": "degF", "us gallon": "gallon",
}  # fmt: skip
ALL_UNITS = UNITS | PHRASES
UNIT = "|".join(re.escape(word) + "s?" for word in sorted(ALL_UNITS, key=len, reverse=True))

GIVEN = re.compile(
    rf"(?<![\w.])(-?\s?(?:{NUMBER})|\ban?|half an?)\s*({UNIT})\s*"
    r"(?:(?:is|are)?\s*(?:in|to|into|as)\s+|(?:is|are|equals?)\s+how many\s+|=\s*\??\s*)"
    rf"(?:an?\s+)?({UNIT})(?![\w/])",
    re.IGNORECASE,
)
HOW_MANY = re.compile(
    rf"\bhow (?:many|much) ({UNIT})\s+(?:(?:is|are|does|do)?\s*(?:there\s+)?(?:in|make|is|are)?)\s*"
    rf"(-?(?:{NUMBER})|an?|half an?|one)\s*({UNIT})(?![\w/])",
    re.IGNORECASE,
)


def conversions(text: str) -> list[Wanted]:
    """The calls of `convert_units` that the words ask for."""
    found = [_wanted(m, m.group(1), m.group(2), m.group(3)) for m in GIVEN.finditer(text)]
    found += [_wanted(m, m.group(2), m.group(3), m.group(1)) for m in HOW_MANY.finditer(text)]
    return found


def _wanted(match: re.Match[str], amount: str, given: str, sought: str) -> Wanted:
    arguments = {"value": _value(amount), "from_unit": _unit(given), "to_unit": _unit(sought)}
    return Wanted(match.start(), match.end(), Call("convert_units", arguments))


def _value(amount: str) -> float:
    word = amount.strip().lower()
    if word.startswith("half"):
        return 0.5
    return 1.0 if word in ("a", "an", "one") else float(re.sub(r"[,\s]", "", word))


def _unit(written: str) -> str:
    word = re.sub(r"\s+", " ", written.lower())
    return ALL_UNITS.get(word) or ALL_UNITS[word.removesuffix("s")]
