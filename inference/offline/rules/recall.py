"""Answers questions about what was said, by quoting memory and this conversation."""

import math
import re
from collections import Counter
from collections.abc import Sequence
from datetime import date

from inference.offline.question import Answer, Question, Recollection, Say

MOST_QUOTES = 3
LONGEST_QUOTE = 400  # characters

REMEMBER = re.compile(
    r"^\s*(?:please\s+|can you\s+|could you\s+)*(?:remember|don'?t forget|keep in mind|note)\b"
    r"(?!\s+(?:when|what|where|who|how|me\b))[\s:,]*(?:that\b)?\s*(.*)",
    re.IGNORECASE | re.DOTALL,
)
_SAID = (
    r"(?:say|said|tell|told|mention(?:ed)?|ask(?:ed)?|talk(?:ed)?|discuss(?:ed)?"
    r"|write|wrote|written)"
)
PAST = re.compile(
    rf"\b(?:i|we|you)\b[^.?!\n]{{0,40}}\b{_SAID}\b"
    r"|\b(?:do|can|did) you (?:still )?(?:remember|recall)\b"
    r"|\bremind me\b|\bwhat do you (?:know|remember) about\b|\bdo you know my\b"
    r"|\b(?:what|who|where|when|which)(?:'s|’s| is| are| was| were) (?:my|our)\b"
    r"|\b(?:what|who|where|when|which|how)\b[^.?!\n]{0,30} "
    r"(?:did|do|have|had|was|were|am) (?:i|we|my|our)\b"
    r"|\bam i (?:allergic|vegetarian|vegan)\b|\bwhich \w+ (?:was it|did we|did i)\b",
    re.IGNORECASE,
)
ABOUT_ME = re.compile(r"\b(?:my|mine|our|i|me|we)\b", re.IGNORECASE)
ASKING = re.compile(
    r"^\s*(?:what|who|where|when|which|why|how|do|does|did|can|could|is|are|am|was|were|tell|remind)\b",
    re.IGNORECASE,
)
# About ability, not about the past.
NOT_PAST = re.compile(
    r"\bhow (?:do|can|should) (?:i|we)\b|\bwhat (?:should|can) (?:i|we)\b", re.IGNORECASE
)
COMMON = """
    a about again all also am an and any are as at be been before but by call called can
    could did do does earlier ever for from get had has have he her his how i if in is it
    its just know last like me mention mentioned my name of on once or our please recall
    remember remind said say she so some something still talk talked tell than that the
    their them then there they thing this time to told us was we were what when where which
    who whose why will with would you your yours discuss discussed ask asked
"""
STOP = frozenset(COMMON.split())

# Beginnings of the engine's own replies: quoting those would be an echo.
FOUND = "This is what I found:"
MAYBE_FOUND = "You said something about this before:"
NOT_FOUND = "I found nothing about that"
CLOSEST = "Nothing I was given shares a word with your question."
OWN_WORDS = (
    *(FOUND, MAYBE_FOUND, NOT_FOUND, CLOSEST, "Noted.", "That takes a language model"),
    *("I am Parley's offline", "Hello! I am Parley's offline", "To connect a language model"),
)


def asked_to_remember(question: Question) -> Answer | None:
    """Nothing needs to be done: every turn is kept. It is said plainly."""
    told = REMEMBER.match(question.words)
    if not told or question.words.rstrip().endswith("?"):
        return None
    kept = told.group(1).strip()
    quote = f"\n\n> {_quoted(kept)}" if kept else ""
    return Say(
        f"Noted.{quote}\n\nParley keeps every turn, so I can find it again: "
        "just ask me about it, here or in another conversation."
    )


def past(question: Question) -> Answer | None:
    """Questions that plainly ask what was said."""
    if not PAST.search(question.words) or NOT_PAST.search(question.words):
        return None
    best = _ranked(question)
    if best:
        return Say(_quotes(FOUND, [line for _, line in best]))
    if close := [line for line in _lines(question) if line.day]:
        return Say(
            _quotes(
                f"{CLOSEST} The closest memories are:",
                close[:MOST_QUOTES],
            )
        )
    return Say(f"{NOT_FOUND} in what you said before, here or in your other conversations.")


def perhaps_past(question: Question) -> Answer | None:
    """A question that does not ask for the past, yet the past holds two of its rarer words."""
    if not is_question(question.words):
        return None
    least = 1 if ABOUT_ME.search(question.words) else 2
    best = [line for shared, line in _ranked(question) if shared >= least]
    return Say(_quotes(MAYBE_FOUND, best)) if best else None


def _ranked(question: Question) -> list[tuple[int, Recollection]]:
    """The best lines, with the number of words they share with the question, the best first."""
    lines = _lines(question)
    words = [Counter(stems(line.text)) for line in lines]
    sought = set(stems(question.words))
    if not sought:
        return []
    holding = Counter(stem for counted in words for stem in counted)
    scored = []
    for line, counted in zip(lines, words, strict=True):
        shared = sought & counted.keys()
        score = sum(math.log(1 + len(lines) / holding[stem]) for stem in shared)
        score *= 0.6 if line.role != "user" else 1.0
        if shared:
            scored.append((score / (1 + 0.05 * math.log(1 + sum(counted.values()))), shared, line))
    scored.sort(key=lambda found: -found[0])
    return _first_of_each(
        [(len(shared), line) for score, shared, line in scored if score >= 0.55 * scored[0][0]]
    )


def _lines(question: Question) -> list[Recollection]:
    """What may be quoted, this conversation first, its newest first; of two alike the newer wins.

    Questions hold no answer: they are left out, unless it is asked what was asked.
    """
    lines = [Recollection(text) for text in reversed(question.earlier) if text.strip()]
    lines += [line for line in question.recalled if not line.text.startswith(OWN_WORDS)]
    if re.search(r"\bask", question.words, re.IGNORECASE):
        return lines
    return [line for line in lines if not is_question(line.text)]


def _first_of_each(ranked: list[tuple[int, Recollection]]) -> list[tuple[int, Recollection]]:
    """At most three, and the same words only once."""
    seen: set[str] = set()
    kept = []
    for shared, line in ranked:
        key = " ".join(line.text.lower().split())
        if key not in seen:
            seen.add(key)
            kept.append((shared, line))
    return kept[:MOST_QUOTES]


def stems(text: str) -> list[str]:
    """Words without their endings, the common ones left out."""
    found = re.findall(r"[^\W_]+", text.lower().replace("'s", "").replace("’s", ""))
    return [_stem(word) for word in found if word not in STOP and (len(word) > 1 or word.isdigit())]


def _stem(word: str) -> str:
    for ending in ("ingly", "ing", "ies", "ied", "ed", "es", "ly", "ic", "y", "s"):
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            word = word.removesuffix(ending)
            break
    return word.removesuffix("e")


def is_question(text: str) -> bool:
    return text.rstrip().endswith("?") or bool(ASKING.match(text))


def _quotes(opening: str, lines: Sequence[Recollection]) -> str:
    quotes = [f"> {_quoted(line.text)}\n>\n> — {_origin(line)}" for line in lines]
    return "\n\n".join([opening, *quotes])


def _quoted(text: str) -> str:
    clipped = text.strip()
    if len(clipped) > LONGEST_QUOTE:
        clipped = clipped[:LONGEST_QUOTE].rsplit(" ", 1)[0] + " …"
    return clipped.replace("\n", "\n> ")


def _origin(line: Recollection) -> str:
    who = "you" if line.role == "user" else "the reply"
    if not line.day:
        return f"{who}, earlier in this conversation"
    try:
        day = date.fromisoformat(line.day)
        said_on = f"{day.day} {day:%B %Y}"
    except ValueError:
        said_on = line.day
    return f"{who}, {said_on}" + (f", in “{line.title}”" if line.title else "")
