"""Finds sums in a sentence: "17% of 240", "12 * (3+4)", "the square root of 2", "6 times 7"."""

import ast
import re

from inference.offline.question import Call
from inference.offline.rules.wanted import Wanted

NUMBER = r"(?:\d+(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?|\.\d+)"
VALUE = rf"(?:{NUMBER}\s*%?|\([^()]*\))"
FUNCTIONS = "sqrt|factorial|log10|log2|log|ln|exp|sin|cos|tan|asin|acos|atan|round|abs|min|max"

# What is said → what the calculator reads. In order: a later one sees what an earlier one wrote.
SPOKEN: tuple[tuple[str, str], ...] = (
    (r"[−–](?=\s*[\d(])", "-"),
    (r"[×·]", "*"),
    (r"÷", "/"),
    (r"\^", "**"),
    (r"\bper ?cent\b", "%"),
    (r"(?<=\d)\s+%", "%"),
    (rf"({NUMBER})%\s*off(?:\s+of)?\s+[$€£]?({VALUE})", r"\2 * (1 - \1/100)"),
    (rf"({NUMBER})%\s*(?:tip|tax|vat|interest|discount|commission)?\s*(?:of|on|from)\s+[$€£]?({VALUE})",
     r"\1% of \2"),
    (rf"({NUMBER})\s*%\s*(?:von|de|del)\s+({VALUE})", r"\1% of \2"),
    (rf"({VALUE})\s*[の的]\s*({NUMBER})\s*%", r" \2% of \1 "),
    (rf"\b(?:square root|sqrt|root) of ({VALUE})", r"sqrt(\1)"),
    (rf"√\s*({VALUE})", r"sqrt(\1)"),
    (rf"\bcube root of ({VALUE})", r"(\1) ** (1/3)"),
    (rf"({VALUE}) squared\b", r"\1 ** 2"),
    (rf"({VALUE}) cubed\b", r"\1 ** 3"),
    (rf"\bsquare of ({VALUE})", r"\1 ** 2"),
    (rf"({VALUE}) (?:raised )?to the (?:power (?:of )?)?({NUMBER})(?:st|nd|rd|th)?(?: power)?\b",
     r"\1 ** \2"),
    (rf"\bfactorial of ({NUMBER})", r"factorial(\1)"),
    (rf"({NUMBER}) factorial\b", r"factorial(\1)"),
    (r"(?<![\w.])(\d+)!(?!\w)", r"factorial(\1)"),
    (rf"\b(?:a )?half of ({VALUE})", r"\1 / 2"),
    (rf"\b(?:a |one |1 )third of ({VALUE})", r"\1 / 3"),
    (rf"\b(?:a |one |1 )quarter of ({VALUE})", r"\1 / 4"),
    (rf"\badd ({VALUE}) (?:and|to) ({VALUE})", r"\1 + \2"),
    (rf"\bsubtract ({VALUE}) from ({VALUE})", r"\2 - \1"),
    (rf"\bmultiply ({VALUE}) (?:by|and|with) ({VALUE})", r"\1 * \2"),
    (rf"\bdivide ({VALUE}) by ({VALUE})", r"\1 / \2"),
    (r"\b(?:multiplied by|times)\b", "*"),
    (r"(?<=[\d)])\s*x\s*(?=[\d(])", " * "),
    (r"\b(?:divided by|over)\b", "/"),
    (r"\bplus\b", "+"),
    (r"\bminus\b", "-"),
    (r"\b(?:modulo|mod)\b", "%"),
)  # fmt: skip
RULES = tuple((re.compile(said, re.IGNORECASE), meant) for said, meant in SPOKEN)

TOKEN = rf"{NUMBER}|%\s*of\b|\*\*|//|[-+*/%(),]|(?:{FUNCTIONS})(?=\s*\()|\bpi\b"
SPAN = re.compile(rf"(?:(?:{TOKEN})\s*)+", re.IGNORECASE)
LISTED = re.compile(
    rf"\b(sum|total|average|mean|product) of "
    rf"((?:{NUMBER})(?:(?:\s*,\s*|\s+and\s+|\s*,\s*and\s+){NUMBER})+)",
    re.IGNORECASE,
)
CUE = re.compile(
    r"\b(what|calculate|compute|how much|evaluate|work out|solve|equals?)\b|=", re.IGNORECASE
)
NOT_SUMS = re.compile(
    r"\b\d{4}-\d\d-\d\d\b|\b\d\d?/\d\d?/\d{2,4}\b|\b24/7\b|\b\d+(?:\.\d+){2,}\b|```.*?```|`[^`\n]*`|https?://\S+",
    re.DOTALL,
)  # dates, versions, code, addresses
LONG = 400  # characters; in a longer text only what follows a cue is taken for a question


def sums(text: str) -> list[Wanted]:
    """The calls of `calculate` that the words ask for."""
    spoken = LISTED.sub(_listed, _blanked(text))
    for said, meant in RULES:
        spoken = said.sub(meant, spoken)
    found = []
    for span in SPAN.finditer(spoken):
        expression = _longest_sum(span.group())
        if expression and _is_meant(expression, spoken, span.start(), span.end()):
            call = Call("calculate", {"expression": expression})
            found.append(Wanted(span.start(), span.end(), call))
    return found


def _blanked(text: str) -> str:
    return NOT_SUMS.sub(lambda found: " " * len(found.group()), text)


def _listed(found: re.Match[str]) -> str:
    numbers = re.findall(NUMBER, found.group(2))
    if found.group(1).lower() == "product":
        return " * ".join(numbers)
    total = " + ".join(numbers)
    return total if found.group(1).lower() in ("sum", "total") else f"({total}) / {len(numbers)}"


def _longest_sum(span: str) -> str | None:
    """The longest start of the span that is a sum; a sentence's comma or dash may trail."""
    tokens = re.findall(TOKEN, span, re.IGNORECASE)
    text = span.strip()
    while tokens:
        if _is_sum(text):
            return re.sub(r"\s+", " ", text)
        last = tokens.pop()
        text = text[: text.rindex(last)].rstrip()
    return None


def _is_sum(text: str) -> bool:
    plain = re.sub(r"(?<=\d),(?=\d{3}\b)", "", text)
    plain = re.sub(r"%\s*of\b", "/100*", plain, flags=re.IGNORECASE)
    plain = re.sub(r"%(?=\s*($|[-+*/)]))", "/100", plain)
    try:
        tree = ast.parse(plain, mode="eval")
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        return False
    nodes = list(ast.walk(tree))
    works = any(isinstance(node, ast.BinOp | ast.Call) for node in nodes)
    if re.fullmatch(rf"\s*{NUMBER}\s*%\s*", text):  # a lone percentage asks nothing
        return False
    return works and not any(isinstance(node, ast.Tuple) for node in nodes)


def _is_meant(expression: str, text: str, start: int, end: int) -> bool:
    """Tell a sum from a range, a fraction in prose, a telephone number or a name with digits."""
    before, after = text[start - 1 : start], text[end : end + 1]
    if re.match(r"[\w@#$.]", before) or (
        after and re.match(r"[\w@]", after) and text[end - 1] != " "
    ):
        return False
    asked = CUE.search(text[max(0, start - 60) : start]) or text[end:].lstrip().startswith("=")
    alone = not re.search(r"[A-Za-z]{2}", text[:start] + text[end:])
    if asked or alone:
        return True
    if len(text) > LONG:
        return False
    plainly = re.search(r"\*\*|% of|[a-z]\(|[*+]|\(|\s[-/]\s", expression)
    return plainly is not None
