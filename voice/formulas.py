"""Formulas in LaTeX, read in words where they are simple, else named."""

import re

FORMULA = re.compile(
    r"\$\$(.+?)\$\$|\\\[(.+?)\\\]|\\\((.+?)\\\)|(?<![\\$\w])\$(?=\S)([^$\n]*?[^\s$\\])\$(?!\d)",
    re.S,
)
"""As in Pandoc: a dollar before a blank ends no formula, so that "$5 and $10" is none."""

_NAMES = {
    "times": "times", "cdot": "times", "div": "divided by", "pm": "plus or minus",
    "leq": "is at most", "le": "is at most", "geq": "is at least", "ge": "is at least",
    "neq": "is not", "ne": "is not", "approx": "is about", "infty": "infinity", "sum": "the sum of",
    "int": "the integral of", "to": "to", "rightarrow": "to", "in": "in", "degree": "degrees",
    "circ": "degrees", "ldots": "and so on", "dots": "and so on", "partial": "partial",
    "lim": "the limit of", "log": "log", "ln": "ln", "sin": "sine", "cos": "cosine",
    "tan": "tangent", "quad": "", "left": "", "right": "", ",": "", ";": "", " ": "", "!": "",
}  # fmt: skip
_GREEK = frozenset(
    "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi pi rho sigma tau "
    "upsilon phi chi psi omega".split()
)
_SIGNS = {
    "=": "equals", "+": "plus", "-": "minus", "−": "minus", "<": "is less than", "*": "times",
    ">": "is more than", "≤": "is at most", "≥": "is at least", "/": "over", "×": "times",
}  # fmt: skip
_POWERS = {"2": "squared", "3": "cubed"}
_LONGEST = 120


def in_words(latex: str) -> str:
    """The formula as it is read, or "" where that would help nobody."""
    text = re.sub(r"\\(?:text|mathrm|mathbf|operatorname)\{([^{}]*)\}", r" \1 ", latex)
    for _ in range(4):
        text, changed = re.subn(r"\\[dt]?frac\{([^{}]*)\}\{([^{}]*)\}", r" \1 over \2 ", text)
        text, rooted = re.subn(r"\\sqrt\{([^{}]*)\}", r" the square root of \1 ", text)
        text, raised = re.subn(r"\^\{([^{}]*)\}|\^(\\?\w)", _power, text)
        text, lowered = re.subn(r"_\{([^{}]*)\}|_(\w)", r" sub \1\2 ", text)
        if not (changed or rooted or raised or lowered):
            break
    text = re.sub(r"\\([A-Za-z]+|[,;! ])", _name, text)
    text = re.sub(r"(?<=\w)'", " prime ", text)
    text = "".join(f" {_SIGNS[sign]} " if sign in _SIGNS else sign for sign in text)
    text = " ".join(text.replace("{", " ").replace("}", " ").split())
    plain = re.fullmatch(r"[\w\s.,()!%°'|:]+", text)
    return text if plain and len(text) <= _LONGEST else ""


def _power(found: re.Match[str]) -> str:
    power = (found.group(1) or found.group(2) or "").strip()
    if power in ("\\circ", "circ"):
        return " degrees "
    return f" {_POWERS[power]} " if power in _POWERS else f" to the power of {power} "


def _name(found: re.Match[str]) -> str:
    name = found.group(1)
    if name.lower() in _GREEK:
        return f" {name} "
    # What has no name here stays, so that the whole is not read.
    return f" {_NAMES[name]} " if name in _NAMES else found.group()
