"""What a question asks for, in view of what its owner has: terms, rarity, names, sentences."""

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from memory.chunks import sentences
from memory.weights import Weights
from memory.words import STOPWORDS, hashed, keys, terms

_ASKS_FOR_REPLY = re.compile(
    r"\byou (?:\w+ )?(?:said|told|suggested|recommended|advised|answered|gave|mentioned|explained)\b"
    r"|\b(?:did|have) you (?:\w+ )?(?:say|said|tell|told|suggest|recommend|advise|answer|mention)"
    r"|\byour (?:advice|answer|reply|suggestion|recommendation)"
    r"|\b(?:hast|hattest) du (?:\w+ ){0,4}?(?:gesagt|empfohlen|vorgeschlagen|geraten|erklärt)"
    r"|\b(?:me|nos) (?:dijiste|recomendaste|sugeriste|aconsejaste|explicaste)\b"
    r"|\bты (?:\w+ ){0,2}?(?:говорил|сказал|советовал|посоветовал|предложил|рекомендовал)"
    r"|你(?:\w{0,6})(?:说过|建议|推荐|告诉我)|(?:勧めて|教えて|提案して)くれた",
    re.IGNORECASE,
)
_WORD = re.compile(r"\w+")
_SMALL = re.compile(r"\d{1,2}")

Names = Mapping[int, frozenset[int]]
"""Of the people who speak: who (hashed), and the terms of the name."""


@dataclass(frozen=True, slots=True)
class Question:
    """`meaning` is what to embed: the text without the names of those who speak in the log.

    `rarity` says how much each of its lower-case words counts there, `terms` (hashed) how much each
    counts among the words. `telling` are those that can lift a memory above the floor. `speaker` is
    the one person it names, or 0. `parts` are its sentences, where it has several.
    """

    meaning: str
    rarity: Mapping[str, float]
    terms: Mapping[int, float]
    telling: frozenset[int]
    speaker: int
    for_reply: bool
    parts: tuple["Question", ...] = ()


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads questions to one owner. `rarity_of` a term (hashed), by how many memories have it."""

    rarity_of: Callable[[int], float]
    names: Names
    weights: Weights

    def read(self, text: str) -> Question:
        several = (self._one(part) for part in sentences(text, self.weights.sentences))
        parts = tuple(p for p in several if len(p.terms) >= self.weights.sentence_terms)
        return replace(self._one(text), parts=parts)

    def _one(self, text: str) -> Question:
        asked = {hashed(term): term for term in terms(text)}
        said = [word.group() for word in _WORD.finditer(text)]
        names = {word for word in said if self._names(word)} if len(self.names) > 1 else set()
        bare = _WORD.sub(lambda word: "" if word.group() in names else word.group(), text)
        return Question(
            meaning=bare if bare.strip(" ?!.,'’") else text,
            rarity={word.casefold(): self._rarity(word.casefold()) for word in said},
            terms={term: self.rarity_of(term) for term in asked},
            # Small numbers are about anything.
            telling=frozenset(k for k, term in asked.items() if not _SMALL.fullmatch(term)),
            speaker=self._speaker(names),
            for_reply=_ASKS_FOR_REPLY.search(text) is not None,
        )

    def _rarity(self, word: str) -> float:
        found = keys(word)
        if word in STOPWORDS or not found:
            return self.weights.stopword
        return sum(self.rarity_of(key) for key in found) / len(found)

    def _names(self, word: str) -> bool:
        """Whether it is part of a speaker's name; "will" is none where "Will" speaks."""
        if word.casefold() in STOPWORDS and not word[:1].isupper():
            return False
        found = frozenset(keys(word))
        return bool(found) and any(found <= name for name in self.names.values())

    def _speaker(self, names: set[str]) -> int:
        """The one person named: who has most of the names, if nobody else has as many."""
        told = frozenset(key for name in names for key in keys(name))
        shared = sorted(((len(told & name), who) for who, name in self.names.items()), reverse=True)
        if not shared or not shared[0][0]:
            return 0
        [(most, who), *others] = shared
        rest = told - self.names[who]
        alone = not any(count == most or rest & self.names[other] for count, other in others)
        return who if alone else 0


def rarity(having: int, among: int) -> float:
    """The idf of BM25 as Lucene has it, never below 0: of what `having` of `among` have."""
    return math.log1p((among - having + 0.5) / (having + 0.5))
