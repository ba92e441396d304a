"""Numbers written as words become digits, as recognised speech has them: "twenty one" → "21"."""

import re

SMALL = """zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen
fifteen sixteen seventeen eighteen nineteen"""
ROUND = "twenty thirty forty fifty sixty seventy eighty ninety"
UNITS = {word: value for value, word in enumerate(SMALL.split())}
TENS = {word: 10 * value for value, word in enumerate(ROUND.split(), start=2)}
SCALES = {"hundred": 100, "thousand": 1_000, "million": 1_000_000, "billion": 1_000_000_000}

_WORD = "|".join([*UNITS, *TENS, *SCALES])
_NUMBER = re.compile(
    rf"\b(?:an?\s+(?=hundred|thousand|million))?(?:{_WORD})(?:(?:[\s-]+|\s+and\s+)(?:{_WORD}))*\b",
    re.IGNORECASE,
)


def with_digits(text: str) -> str:
    return _NUMBER.sub(lambda found: " ".join(_values(found.group())), text)


def _values(phrase: str) -> list[str]:
    """Usually one number; "two three" are two."""
    numbers: list[int] = []
    total, part, last = 0, 0, 0
    started = False
    for word in re.findall(r"[a-z]+", phrase.lower()):
        if word in SCALES:
            if SCALES[word] == 100:
                part = max(part, 1) * 100
            else:
                total, part = total + max(part, 1) * SCALES[word], 0
            last, started = SCALES[word], True
        elif word in UNITS or word in TENS:
            value = UNITS.get(word, TENS.get(word, 0))
            fits = not started or last >= 100 or (last >= 20 and 0 < value < 10)
            if not fits:
                numbers.append(total + part)
                total, part = 0, 0
            part, last, started = part + value, value, True
    return [str(number) for number in [*numbers, total + part]]
