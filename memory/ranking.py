"""Which memories of one owner a question means: words and vectors, exactly scored over all of them.

The score of a memory, z() being over all memories of the owner and ± its neighbours in a session:

    z(BM25) + 0.3·(±1) + 0.2·(±2)                            words, lent to neighbours
    + 1.2·z(cos) + 0.25·(±1)                                 meaning
    + 0.4·z(BM25 of its session) + 0.25·z(cos of its session's centroid)
    + 4·(said by the user; by the assistant where the question asks what it said)
    + 12·(said by the one person the question names)         in logs of several people
    + 1.2·sqrt(min(characters, 2000))/45                     longer ones say more
    + 3·(has a number)                                       asked how many or when, but not in English
    − 2·(asks)                                               a bare question tells little
    − 8·(asks the same)                                      one with half of the words; it lends none

BM25 and cosine of a long memory are those of its best piece of about 90 words.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from memory.embedding import Vectors
from memory.owner_index import OwnerIndex
from memory.postings import Rows
from memory.questions import Question, Reader, Word, rarity
from memory.weights import WEIGHTS, Weights

Scores = NDArray[np.float64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Ranked:
    id: str
    score: float


Floor = Literal["none", "each", "first"]
"""Whether a memory may come that merely is the best there is: any may; none; or, once one concerns the
question, so may those that stand out from the rest."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """How many, none of session `besides`."""

    limit: int
    besides: str = ""
    floor: Floor = "each"


@dataclass(slots=True)
class Ranking:
    """One question's look at one owner's index."""

    index: OwnerIndex
    weights: Weights = WEIGHTS
    _found: dict[int, tuple[Rows, NDArray[np.uint8]]] = field(default_factory=dict)

    def question(self, text: str) -> Question:
        return Reader(self._rarity, self.index.names, self.weights).read(text)

    def best(self, asked: Question, vectors: Sequence[Vectors], wanted: Wanted) -> list[Ranked]:
        """The best memories, best first. `vectors`: of the question, then of each of its sentences,
        as far as they are known."""
        if not len(self.index):
            return []
        cosine = self._cosine(vectors[0] if vectors else None)
        share = self._share(asked)
        same = self.index["asks"] & (self._best_piece(share) >= self.weights.same_words)
        scores = self.scores(asked, cosine, silent=None if wanted.floor == "none" else same)
        shown = np.ones(len(scores), np.bool_)
        if wanted.besides:
            shown &= self.index["session"] != self.index.session(wanted.besides)
        if wanted.floor != "none":
            scores += self.weights.asks * self.index["asks"] + self.weights.asks_same * same
            above = self._above_floor(asked, self._nearness(asked, vectors, share, cosine), scores)
            if asked.abroad:
                above |= self._far_ahead(scores, self._best_piece(share), shown)
            told = asked.for_reply or asked.speaker or (above & shown).any()
            if wanted.floor == "first" and told:
                above |= self._in_company(scores)
            shown &= above
        rows = np.flatnonzero(shown)
        rows = rows[_first(scores[rows], wanted.limit)]
        ids = self.index["id"]
        return [Ranked(ids[row].decode(), float(scores[row])) for row in rows]

    def scores(self, asked: Question, cosine: Scores, silent: Bools | None = None) -> Scores:
        """Of each memory, by the formula above without its last lines; `cosine` of each piece.

        The `silent` lend nothing to their neighbours.
        """
        w = self.weights
        words = _z(self._best_piece(self._bm25(asked)))
        known = self._best_piece(self.index["sound"])
        meaning = _z(self._best_piece(cosine), known)
        lent = words if silent is None else np.where(silent, 0.0, words)
        scores: Scores = w.words * (words + w.words_near * self._lent(lent, 1))
        scores += w.words * w.words_far * self._lent(lent, 2)
        scores += w.meaning * meaning + w.meaning_near * self._lent(meaning, 1)
        session = self.index.layout.session
        scores += w.session_words * _z(self._bm25_of_sessions(asked)[session])
        scores += w.session_meaning * _z(self._centroids(cosine)[session], known)
        by_user = self.index["by_user"]
        scores += self._said_by() * (~by_user if asked.for_reply else by_user)
        if asked.speaker:
            scores += w.speaker * (self.index["speaker"] == np.uint64(asked.speaker))
        if asked.for_number:
            scores += w.number * self.index["numbers"]
        scores += w.length * np.sqrt(np.minimum(self.index["chars"], w.length_chars))
        return scores

    def _postings(self, term: int) -> tuple[Rows, NDArray[np.uint8]]:
        if term not in self._found:
            self._found[term] = self.index.postings.of(term)
        return self._found[term]

    def _rarity(self, term: int) -> float:
        having = len(self._postings(term)[0])
        return rarity(having, len(self.index["terms"]) + self.weights.background)

    def _bm25(self, asked: Question) -> Scores:
        """Of each piece."""
        lengths = self.index["terms"]
        mean, found = max(float(lengths.mean()), 1.0), np.zeros(len(lengths))
        for term in asked.terms:
            rows, times = self._postings(term)
            found[rows] += self._rarity(term) * self._saturated(times, lengths[rows] / mean)
        return found

    def _bm25_of_sessions(self, asked: Question) -> Scores:
        """Of each session as one text."""
        of, count = self.index.layout.session_of, len(self.index["name"])
        lengths = np.bincount(of, weights=self.index["terms"], minlength=count)
        mean, found = max(float(lengths.mean()), 1.0), np.zeros(count)
        for term in asked.terms:
            rows, times = self._postings(term)
            summed = np.bincount(of[rows], weights=times, minlength=count)
            rare = rarity(int(np.count_nonzero(summed)), count)
            found += rare * self._saturated(summed, lengths / mean)
        return found

    def _saturated(self, times: NDArray[np.generic], length: Scores) -> Scores:
        k1, b = self.weights.k1, self.weights.b
        many: Scores = np.asarray(times, np.float64)
        return many * (k1 + 1) / (many + k1 * (1 - b + b * length))

    def _share(self, asked: Question) -> Scores:
        """Of each piece: how much of what the question says it has too, by rarity."""
        share = np.zeros(len(self.index["terms"]))
        for word in asked.telling:
            share += word.rarity / asked.whole * self._has(word)
        return share

    def _has(self, word: Word) -> Scores:
        """Of each piece: 1 where it has the word, less where it has many of its parts."""
        has = np.zeros(len(self.index["terms"]))
        for part in word.parts:
            has[self._postings(part)[0]] += 1 / len(word.parts)
        has[has < self.weights.many_parts] = 0.0
        has[self._postings(word.stem)[0]] = 1.0
        return has

    def _cosine(self, vector: Vectors | None) -> Scores:
        """Of each piece; 0 where a vector is missing."""
        vectors = self.index.vectors
        if vector is None or vector.size != vectors.shape[1]:
            return np.zeros(len(self.index["terms"]))
        # einsum, not @: OpenBLAS would wake a thread per core for a product as small as this.
        found: Scores = np.einsum("nd,d->n", vectors, vector.reshape(-1)).astype(np.float64)
        return found

    def _centroids(self, cosine: Scores) -> Scores:
        """Of each session: the cosine of the sum of its vectors."""
        spreads = self.index.spreads
        summed = np.bincount(self.index.layout.session_of, weights=cosine, minlength=len(spreads))
        centroids: Scores = summed / np.maximum(spreads, 1e-9)
        return centroids

    def _nearness(
        self, asked: Question, vectors: Sequence[Vectors], share: Scores, cosine: Scores
    ) -> Scores:
        """Of each memory, to the question or to one of its sentences: at least `enough` where it
        concerns what is asked."""
        near = self._near(asked, share, cosine)
        for number, one in enumerate(asked.sentences, 1):
            vector = vectors[number] if number < len(vectors) else None
            np.maximum(near, self._near(one, self._share(one), self._cosine(vector)), out=near)
        return self._best_piece(near)

    def _near(self, asked: Question, share: Scores, cosine: Scores) -> Scores:
        w = self.weights
        if not asked.telling:  # small words alone ask for nothing, whatever they are like
            return np.zeros(len(cosine))
        told = cosine - w.alike if asked.unlike_latin else cosine
        near: Scores = told + np.maximum(share, w.enough - w.near_enough)
        return near

    def _above_floor(self, asked: Question, near: Scores, scores: Scores) -> Bools:
        w = self.weights
        above: Bools = near >= w.enough
        if asked.of_oneself:
            first = _first(scores, w.of_oneself_first)
            above[first] |= near[first] >= w.of_oneself
        return above

    def _far_ahead(self, scores: Scores, share: Scores, shown: Bools) -> Bools:
        """The best one, where it leaves the second far behind and has enough of the question's words."""
        w, ahead = self.weights, np.zeros(len(scores), np.bool_)
        rows = np.flatnonzero(shown)
        if len(rows) >= w.ahead_of:
            first, second = rows[_first(scores[rows], 2)]
            far = scores[first] - scores[second] >= w.ahead * scores.std()
            ahead[first] = far and share[first] >= w.ahead_share
        return ahead

    def _in_company(self, scores: Scores) -> Bools:
        """Those that stand out from the rest, and are not far behind the best."""
        w, mean = self.weights, scores.mean()
        least = max(w.company * scores.std(), w.company_share * (scores.max() - mean))
        company: Bools = scores >= mean + least
        return company

    def _best_piece(self, values: NDArray[Any]) -> NDArray[Any]:
        """From pieces to memories."""
        if len(values) == len(self.index):
            return values
        return np.maximum.reduceat(values, self.index.layout.first_piece)

    def _lent(self, values: Scores, distance: int) -> Scores:
        """The sum of those `distance` before and after, where these are of the same session."""
        order, same = self.index.layout.order, self.index.layout.adjacent[distance]
        grouped, lent, back = values[order], np.zeros(len(values)), np.empty(len(values))
        lent[distance:] += np.where(same, grouped[:-distance], 0.0)
        lent[:-distance] += np.where(same, grouped[distance:], 0.0)
        back[order] = lent
        return back

    def _said_by(self) -> float:
        w = self.weights
        said = float(self.index["chars"][~self.index["by_user"]].sum())
        long = (said - w.short_history) / (w.long_history - w.short_history)
        return w.said_by + (w.said_by_long - w.said_by) * min(max(long, 0.0), 1.0)


def _z(values: Scores, known: Bools | None = None) -> Scores:
    """In standard deviations from the mean, over those `known`; 0 for the others and where all are
    alike."""
    if known is None or known.all():
        known = np.ones(len(values), np.bool_)
    spread = float(values[known].std()) if known.any() else 0.0
    if spread <= 1e-9:
        return np.zeros(len(values))
    scaled: Scores = np.where(known, (values - values[known].mean()) / spread, 0.0)
    return scaled


def _first(scores: Scores, limit: int) -> NDArray[np.int64]:
    """Where the `limit` greatest are, greatest first; of equals, the earlier."""
    if len(scores) > 4 * limit:
        least = np.partition(scores, -limit)[-limit]
        rows = np.flatnonzero(scores >= least)
    else:
        rows = np.arange(len(scores))
    return rows[np.argsort(-scores[rows], kind="stable")][:limit]
