"""Every number of the ranking of memories, in one table, with where it comes from."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Weights:
    """Of the formula in memory/ranking.py.

    Down to `length_chars` they were tuned on half of the conversations of LoCoMo, REALTALK and BEAM
    100K and checked on the other half; those of asking and of the floor on
    tests/memory/recall_cases.py: of its 24 questions 23 find their answer first (20 without
    `asks` and `asks_same`), and none of its 18 remarks that concern nothing known brings up anything.
    """

    words: float = 1.0
    words_near: float = 0.3
    words_far: float = 0.2
    meaning: float = 1.2
    """2.0 with MiniLM, which knows more; see `weights_for`."""
    meaning_near: float = 0.25
    session_words: float = 0.4
    session_meaning: float = 0.25
    said_by: float = 4.0
    said_by_long: float = 6.0
    """In long histories the replies are so many that more is needed (BEAM 500K: +0.6 to +6)."""
    short_history: int = 400_000
    long_history: int = 2_000_000
    """Characters the assistant said, about those of BEAM 100K and 500K; in between, in between."""
    speaker: float = 12.0
    length: float = 1.2 / 45
    length_chars: int = 2_000

    k1: float = 1.2
    b: float = 0.75
    """Those of SQLite's FTS5, Lucene and the literature; not tuned."""
    background: int = 100
    """Rarity is counted as if so many more memories were there: a few tell little of words."""
    stopword: float = 0.5
    """What a stopword counts in the question's vector, where a rare word counts 5 to 9."""

    asks: float = -2.0
    asks_same: float = -8.0
    same_words: float = 0.5
    enough: float = 0.55
    """The floor: the share of the question's words (by rarity) and the cosine together, or"""
    near_enough: float = 0.45
    """the cosine alone. In recall_cases.py answers have at least 0.69 together or 0.54 alone (but
    for one of 24), remarks that concern nothing known 0.42 and 0.34."""
    many_parts: float = 0.4
    """From such a share of its parts on, a word is taken to be there by that share; else not."""
    alike: float = 0.3
    """By so much more two texts in other scripts than Latin are alike for WordLlama, whatever they
    say: of tests/memory/language_cases.py unrelated ones have cosines of 0.5 (German 0.1)."""
    of_oneself: float = 0.25
    of_oneself_first: int = 3
    """Where a question is about whoever asks, the first few memories need only this: vectors know
    less of other languages than English, and "which ankle did I hurt?" shares no word with "I twisted
    my foot"."""
    ahead: float = 1.5
    ahead_share: float = 0.15
    ahead_of: int = 20
    """Or, of at least so many memories, the best one alone: if it leaves the second so many standard
    deviations behind and has that share of the words. With this 3 more of 20 answers in Japanese are
    shown, and none of the 45 remarks in five languages brings up more."""
    company: float = 0.75
    company_share: float = 0.25
    """Once something is above the floor, what is so many standard deviations above the mean comes
    along, and at least this share of what the best is. Of the evidence in tests/memory/talks.json the
    ranking has 81 % among its first ten; 79 or 80 are sent so, and 48 with what is above the floor alone."""
    number: float = 3.0
    """What has a number where one is asked for, in other languages than English, of which vectors know
    less: of 150 questions in five languages 5 more are answered among the first ten."""
    sentences: int = 8
    """So many sentences of a long message may each pass the floor for it,"""
    sentence_terms: int = 2
    """if they have so many terms: "good morning" within a message asks for nothing."""


WEIGHTS = Weights()


def weights_for(embedding: str) -> Weights:
    """By the embedding's name: what was tuned with WordLlama trusts its vectors less."""
    return WEIGHTS if embedding.startswith("wordllama") else Weights(meaning=2.0, alike=0.0)
