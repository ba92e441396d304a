"""Numbers, units and signs of English text, written as they are read."""

import re

_UNITS = {
    "km/h": "kilometre per hour", "m/s": "metre per second", "km": "kilometre", "cm": "centimetre",
    "mm": "millimetre", "kg": "kilogram", "mg": "milligram", "ml": "millilitre", "mL": "millilitre",
    "kB": "kilobyte", "KB": "kilobyte", "MB": "megabyte", "GB": "gigabyte", "TB": "terabyte",
    "Hz": "hertz", "kHz": "kilohertz", "MHz": "megahertz", "GHz": "gigahertz", "kW": "kilowatt",
    "kWh": "kilowatt hour", "MW": "megawatt", "mph": "mile per hour", "ft": "foot", "lb": "pound",
    "lbs": "pound", "oz": "ounce", "ms": "millisecond", "min": "minute", "m²": "square metre",
    "km²": "square kilometre", "m³": "cubic metre", "m2": "square metre", "cm²": "square centimetre",
    "m/s²": "metre per second squared", "µm": "micrometre", "μm": "micrometre", "nm": "nanometre",
    "µs": "microsecond", "mA": "milliampere", "mAh": "milliampere hour", "dB": "decibel",
}  # fmt: skip
_LETTERS = {
    "m": "metre", "g": "gram", "s": "second", "h": "hour", "l": "litre", "L": "litre", "W": "watt",
    "V": "volt", "A": "ampere",
}  # fmt: skip
"""These are units only after a blank: "5m" may be five million."""
_COINS = {
    "€": ("euro", "cent"), "$": ("dollar", "cent"), "£": ("pound", "pence"), "¥": ("yen", ""),
    "₹": ("rupee", "paise"),
}  # fmt: skip
_LARGE = {
    "k": "thousand",
    "K": "thousand",
    "M": "million",
    "m": "million",
    "B": "billion",
    "bn": "billion",
}
_SAME = ("hertz", "kilohertz", "megahertz", "gigahertz", "yen", "pence", "paise")
_SIGNS = (
    (re.compile(r"(?<=\d) ?× ?(?=\d)"), " times "),
    (re.compile(r"(?<=[\d)]) ?\* ?(?=[\d(])"), " times "),
    (re.compile(r"(?<=\w) \+ (?=\w)"), " plus "),
    (re.compile(r"(?<=\w) [-−] (?=\d)"), " minus "),
    (re.compile(r"(?<=[\d)]) ?÷ ?(?=\d)"), " divided by "),
    (re.compile(r" = "), " equals "),
    (re.compile(r" ?≈ ?"), " is about "),
    (re.compile(r" ?≤ ?"), " at most "),
    (re.compile(r" ?≥ ?"), " at least "),
    (re.compile(r" ?≠ ?"), " is not "),
    (re.compile(r" < (?=\d)"), " less than "),
    (re.compile(r" > (?=\d)"), " more than "),
    (re.compile(r"(?<!\w)~ ?(?=\d)"), "about "),
    (re.compile(r" & "), " and "),
    (re.compile(r"(?<![\w&])#(?=\d)"), "number "),
    (re.compile(r"\be\.g\.,?"), "for example"),
    (re.compile(r"\bi\.e\.,?"), "that is"),
    (re.compile(r"\bvs\.?(?= )"), "versus"),
    (re.compile(r"\bapprox\."), "approximately"),
)
_NUMBER = r"\d+(?:\.\d+)?"
_THOUSANDS = re.compile(r"(?<![\d,.])\d{1,3}(?:,\d{3})+(?![\d,])")
_MONEY = re.compile(
    r"([€$£¥₹]) ?(\d+)(?:\.(\d+))?(?: ?(million|billion|trillion|thousand|bn|[kKMB]))?(?!\w|,\d)"
)
_RANGE = re.compile(r"(?<![\d.,/–-])(\d{1,4}) ?[–-] ?(\d{1,4})(?![\d/–-]|\.\d)")
_DEGREES = re.compile(rf"({_NUMBER}) ?°(?: ?([CF])\b)?")
_PER_CENTS = re.compile(rf"({_NUMBER}) ?% ?[–-] ?({_NUMBER}) ?%")
_RAISED = re.compile(r"(?<=[\w)])([⁰¹²³⁴⁵⁶⁷⁸⁹]+)(?!\w)")
_DIGITS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹", "0123456789")
_POWERS = {"2": "squared", "3": "cubed"}
_PER_CENT = re.compile(rf"({_NUMBER}) ?%")
_MINUS = re.compile(r"(?<![\w.)–-])[-−](?=\d)")
_UNIT = re.compile(
    rf"(?<![\w.])({_NUMBER})(?: ?({'|'.join(sorted(_UNITS, key=len, reverse=True))})| ({'|'.join(_LETTERS)}))"
    r"(?![\w/²³])"
)


def read(text: str) -> str:
    """The same with numbers and units in words; dates, clocks, telephone numbers stay as they are."""
    text = _THOUSANDS.sub(lambda found: found.group().replace(",", ""), text)
    text = _MONEY.sub(_money, text)
    text = _RANGE.sub(_range, text)
    text = _MINUS.sub("minus ", text)
    text = _DEGREES.sub(_degrees, text)
    text = _PER_CENTS.sub(r"\1 to \2 percent", text)
    text = _PER_CENT.sub(r"\1 percent", text)
    text = _UNIT.sub(_unit, text)
    text = _RAISED.sub(_raised, text)
    for sign, words in _SIGNS:
        text = sign.sub(words, text)
    return text


def _count(number: str, unit: str) -> str:
    if number == "1" or unit in _SAME:
        return f"{number} {unit}"
    first, per, last = unit.partition(" per ")
    many = "feet" if first == "foot" else f"{first}s"
    return f"{number} {many}{per}{last}"


def _money(found: re.Match[str]) -> str:
    sign, whole, part, large = found.groups()
    coin, small = _COINS[sign]
    if large:
        number = f"{whole}.{part}" if part else whole
        return f"{number} {_LARGE.get(large, large)} {_count('', coin).strip()}"
    if not part or not int(part):
        return _count(whole, coin)
    if len(part) != 2 or not small:
        return _count(f"{whole}.{part}", coin)
    cents = _count(str(int(part)), small)
    return cents if whole == "0" else f"{_count(whole, coin)} and {cents}"


def _range(found: re.Match[str]) -> str:
    """Upwards only, and of one length: "555-1234" is a telephone number, "3-2" a result."""
    low, high = found.groups()
    upwards = int(low) < int(high) and low[0] != "0" and len(high) - len(low) <= 1
    telephone = len(low) == 3 and len(high) == 4
    return f"{low} to {high}" if upwards and not telephone else found.group()


def _degrees(found: re.Match[str]) -> str:
    number, scale = found.groups()
    words = {"C": " Celsius", "F": " Fahrenheit"}.get(scale or "", "")
    return _count(number, "degree") + words


def _raised(found: re.Match[str]) -> str:
    power = found.group().translate(_DIGITS)
    return f" {_POWERS.get(power, f'to the power of {power}')}"


def _unit(found: re.Match[str]) -> str:
    number, long, short = found.groups()
    return _count(number, _UNITS[long] if long else _LETTERS[short])
