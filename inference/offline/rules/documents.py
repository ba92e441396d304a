"""Answers from attached documents, by quoting the place that shares most with the question."""

import math
import re
from collections import Counter
from collections.abc import Iterator, Sequence

from inference.offline.question import Answer, Passage, Question, Say
from inference.offline.rules.recall import is_question, stems
from inference.offline.rules.tool_calls import needed_tools

LONGEST = 500
"""Characters quoted: sentences and lines together up to that, and never two pages."""
ENOUGH = 0.5
"""The share of what the question asks for, rare words counting more, that a place must have."""
ALSO = 0.9
"""Other pages whose best place has such a share of the best one's score are named."""
MOST_ALSO = 4

ONLY_QUOTES = "I have no language model: I only quote what stands in your documents."
NO_PLACE = (
    f"{ONLY_QUOTES} No place in {{names}} shares enough words with your message. Ask with words that "
    "stand in it, and I quote the place with its page."
)
_SAID = re.compile(
    r"\b(?:i|we|you)\b[^.?!\n]{0,40}\b(?:say|said|tell|told|mention(?:ed)?|ask(?:ed)?|discuss(?:ed)?)\b"
    r"|\bremind me\b|\bremember\b|\brecall\b",
    re.IGNORECASE,
)
_SENTENCE = re.compile(r"[^.!?\n]+(?:[.!?](?!\s)[^.!?\n]*)*[.!?]*\s*")


def from_documents(question: Question) -> Answer | None:
    """A question whose words stand in a document; whoever attaches one just now gets an answer."""
    if not question.passages or _SAID.search(question.words) or needed_tools(question):
        return None
    if not (is_question(question.words) or question.attached):
        return None
    if found := _best(question):
        place, others = found
        also = f"\n\nAlso on {_listed(others)}." if others else ""
        quote = place.text.strip().replace("\n", "\n> ")
        return Say(f"{ONLY_QUOTES}\n\n> {quote}\n>\n> — {_origin(place)}{also}")
    if not question.attached:
        return None
    return Say(NO_PLACE.format(names=" or ".join(f"“{name}”" for name in question.attached)))


def _best(question: Question) -> tuple[Passage, list[Passage]] | None:
    """The best place, and those on other pages that are about as good."""
    places = [piece for passage in question.passages for piece in _pieces(passage)]
    words = [Counter(stems(place.text)) for place in places]
    holding = Counter(stem for counted in words for stem in counted)
    sought = {s: math.log(1 + (len(places) + 1) / (1 + holding[s])) for s in stems(question.words)}
    whole = sum(sought.values())
    scored = [
        (sum(worth for stem, worth in sought.items() if stem in counted), -len(place.text), at)
        for at, (place, counted) in enumerate(zip(places, words, strict=True))
    ]
    scored.sort(key=lambda found: (-found[0], -found[1], found[2]))
    if not scored or not whole or scored[0][0] < ENOUGH * whole:
        return None
    best, seen, others = places[scored[0][2]], set[tuple[str, int]](), list[Passage]()
    seen.add((best.name, best.page))
    for score, _, at in scored:
        if score >= ALSO * scored[0][0] and (places[at].name, places[at].page) not in seen:
            seen.add((places[at].name, places[at].page))
            others.append(places[at])
    return best, others[:MOST_ALSO]


def _pieces(passage: Passage) -> Iterator[Passage]:
    piece = ""
    for sentence in _SENTENCE.findall(passage.text):
        if piece and len(piece) + len(sentence) > LONGEST:
            yield Passage(piece, passage.name, passage.page)
            piece = ""
        piece += sentence[: LONGEST * 2]
    if piece.strip():
        yield Passage(piece, passage.name, passage.page)


def _listed(others: Sequence[Passage]) -> str:
    return ", ".join(sorted({_origin(one) for one in others}))


def _origin(place: Passage) -> str:
    return f"{place.name}, p. {place.page}"
