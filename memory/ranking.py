"""Which memories of one owner a query means: words and vectors, exactly scored over all of them.

The score of a memory, z() being over all memories of the owner:

    z(BM25) + 0.3·(±1) + 0.2·(±2)           lexical, lent to neighbours in the same conversation
    + 1.2·z(cos) + 0.25·cos(±1)             meaning
    + 4·(said by the user; by the assistant where the query asks what it said)
    + 1.2·sqrt(min(characters, 2000))/45    longer ones say more
    − 8·(asks the same)                     a bare question with half of the words of the query

All but the last were tuned on half of LoCoMo, REALTALK and BEAM 100K and checked on the other half;
the last, and the floor below, on tests/memory/recall_cases.py: of 24 questions 23 find their answer
first, 20 without the last line; of 18 remarks that concern nothing known, none brings up anything.
"""

import math
import re
from array import array
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from memory.embedding import Vectors
from memory.words import STOPWORDS, folded, stem, terms

Scores = NDArray[np.float64]

NEAR, FAR = 0.3, 0.2
DENSE, DENSE_NEAR = 1.2, 0.25
SAID_BY = 4.0
LENGTH = 1.2 / 45
LENGTH_CHARS = 2_000
ASKS_SAME, SAME_WORDS = -8.0, 0.5
K1, B = 1.2, 0.75

# The floor: a memory is shown only if its share of the query's words (by rarity) and its cosine make
# ENOUGH together, or its cosine alone is NEAR_ENOUGH. In recall_cases.py, answers have at least 0.69
# together or 0.54 alone (but for one of 24), remarks that concern nothing known 0.42 and 0.34.
ENOUGH = 0.55
NEAR_ENOUGH = 0.45

BACKGROUND = 100
"""Rarity is counted as if so many more memories were there: a few tell little of words."""
STOPWORD_WEIGHT = 0.5

_ASKS_FOR_REPLY = re.compile(
    r"\byou (?:\w+ )?(?:said|told|suggested|recommended|advised|answered|gave|mentioned|explained)\b"
    r"|\b(?:did|have) you (?:\w+ )?(?:say|said|tell|told|suggest|recommend|advise|answer|mention)"
    r"|\byour (?:advice|answer|reply|suggestion|recommendation)",
    re.IGNORECASE,
)
_BARE_QUESTION = re.compile(r"[^.!?。！？]+[?？]+")
_WORD = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class Entry:
    """A memory as it is ranked."""

    position: int
    id: str
    conversation_id: str
    role: str
    text: str


class OwnerIndex:
    """All memories of one owner, held in memory: postings, lengths, vectors. One thread a time."""

    def __init__(self) -> None:
        self._entries: list[tuple[str, int, int]] = []  # id, conversation as a number, position
        self._numbers: dict[str, int] = {}
        self._row_of: dict[str, int] = {}
        self._postings: dict[str, tuple[array[int], array[int]]] = {}
        self._lengths = array("d")
        self._bonus = array("d")
        self._asks = array("b")
        self._by_user = array("b")
        self._vectors: Vectors = np.zeros((0, 0), np.float32)
        self._alive: NDArray[np.bool_] = np.zeros(0, np.bool_)

    def __len__(self) -> int:
        """Memories that are there, dropped ones not counted."""
        return len(self._row_of)

    @property
    def last_position(self) -> int:
        return self._entries[-1][2] if self._entries else 0

    def extend(self, entries: Sequence[Entry], vectors: Vectors) -> None:
        """Add `entries`, in order of position; `vectors` has one row for each, of length 1 or 0."""
        if not entries:
            return
        for entry in entries:
            self._add(entry)
        old = self._vectors if len(self._vectors) else np.zeros((0, vectors.shape[1]), np.float32)
        self._vectors = np.concatenate([old, vectors.astype(np.float32)])
        self._alive = np.concatenate([self._alive, np.ones(len(entries), np.bool_)])

    def drop(self, ids: Sequence[str]) -> None:
        for found in ids:
            row = self._row_of.pop(found, None)
            if row is not None:
                self._alive[row] = False

    def rarity(self, query: str) -> dict[str, float]:
        """How much each lower-case word of the query counts: by its rarity; stopwords little."""
        words = {word.casefold() for word in _WORD.findall(query)}
        return {
            word: STOPWORD_WEIGHT if word in STOPWORDS else self._rarity(stem(folded(word)))
            for word in words
        }

    def best(self, query: str, vector: Vectors, besides: str | None, limit: int) -> list[str]:
        """Ids of the `limit` best memories above the floor, best first; none of `besides`."""
        asked = sorted(set(terms(query)))
        if not asked or not self._row_of:
            return []
        bm25, share = self._lexical(asked)
        cosine = np.einsum("nd,d->n", self._vectors, vector.reshape(-1)).astype(np.float64)
        shown = self._alive & self._above_floor(share, cosine)
        if besides in self._numbers:
            shown &= self._conversation_numbers() != self._numbers[besides]
        rows = np.flatnonzero(shown)
        if not len(rows):
            return []
        same = np.asarray(self._asks, np.bool_) & (share >= SAME_WORDS)
        scores = (self._scores(query, bm25, cosine) + ASKS_SAME * same)[rows]
        order = rows[np.argsort(-scores, kind="stable")][:limit]
        return [self._entries[row][0] for row in order]

    def _add(self, entry: Entry) -> None:
        row = len(self._entries)
        number = self._numbers.setdefault(entry.conversation_id, len(self._numbers))
        self._entries.append((entry.id, number, entry.position))
        self._row_of[entry.id] = row
        counts = Counter(terms(entry.text))
        for term, count in counts.items():
            rows, times = self._postings.setdefault(term, (array("i"), array("i")))
            rows.append(row)
            times.append(count)
        self._lengths.append(sum(counts.values()))
        self._bonus.append(LENGTH * math.sqrt(min(len(entry.text), LENGTH_CHARS)))
        self._asks.append(_BARE_QUESTION.fullmatch(entry.text.strip()) is not None)
        self._by_user.append(entry.role == "user")

    def _rarity(self, term: str) -> float:
        having = len(self._postings[term][0]) if term in self._postings else 0
        return math.log1p((len(self._entries) + BACKGROUND - having + 0.5) / (having + 0.5))

    def _lexical(self, asked: Sequence[str]) -> tuple[Scores, Scores]:
        """BM25 of each row, and the share of the query's words it has, weighted by rarity."""
        lengths = np.asarray(self._lengths)
        norm = K1 * (1 - B + B * lengths / max(lengths.mean(), 1.0))
        bm25, share = np.zeros(len(lengths)), np.zeros(len(lengths))
        whole = sum(self._rarity(term) for term in asked)
        for term in asked:
            if term in self._postings:
                rows, times = (np.asarray(column) for column in self._postings[term])
                rarity = self._rarity(term)
                bm25[rows] += rarity * times * (K1 + 1) / (times + norm[rows])
                if not (term.isdigit() and len(term) < 3):  # small numbers are about anything
                    share[rows] += rarity / whole
        return bm25, share

    def _above_floor(self, share: Scores, cosine: Scores) -> NDArray[np.bool_]:
        above: NDArray[np.bool_] = (share + cosine >= ENOUGH) | (cosine >= NEAR_ENOUGH)
        return above

    def _scores(self, query: str, bm25: Scores, cosine: Scores) -> Scores:
        near, far = self._neighbours(1), self._neighbours(2)
        words, meaning = self._z(bm25), self._z(cosine)
        scores = words + NEAR * near(words) + FAR * far(words)
        scores += DENSE * meaning + DENSE_NEAR * near(meaning)
        by_user = np.asarray(self._by_user, np.bool_)
        wanted = ~by_user if _ASKS_FOR_REPLY.search(query) else by_user
        result: Scores = scores + SAID_BY * wanted + np.asarray(self._bonus)
        return result

    def _z(self, values: Scores) -> Scores:
        living = values[self._alive]
        spread = float(living.std())
        return (values - living.mean()) / spread if spread > 1e-9 else np.zeros(len(values))

    def _conversation_numbers(self) -> NDArray[np.int64]:
        return np.fromiter((number for _, number, _ in self._entries), np.int64)

    def _neighbours(self, distance: int) -> "Neighbours":
        return Neighbours(self._conversation_numbers(), distance)


class Neighbours:
    """Adds up, for each row, the values `distance` rows before and after it in its conversation."""

    def __init__(self, conversations: NDArray[np.int64], distance: int) -> None:
        self._order = np.argsort(conversations, kind="stable")
        grouped = conversations[self._order]
        self._distance = distance
        self._same = grouped[distance:] == grouped[:-distance]

    def __call__(self, values: Scores) -> Scores:
        grouped, lent = values[self._order], np.zeros(len(values))
        lent[self._distance :] += np.where(self._same, grouped[: -self._distance], 0.0)
        lent[: -self._distance] += np.where(self._same, grouped[self._distance :], 0.0)
        back = np.empty(len(values))
        back[self._order] = lent
        return back
