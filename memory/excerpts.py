"""The part of a long text that a question is about."""

from memory.words import terms

MARK = "…"


def clipped(text: str, length: int) -> str:
    """The beginning, at most `length` characters and a mark."""
    return text if len(text) <= length else text[:length].rstrip() + MARK


def excerpt(text: str, query: str, length: int) -> str:
    """The `length` characters with most of the terms of `query`; the beginning where all are alike."""
    if len(text) <= length:
        return text
    asked, quarter = set(terms(query)), max(1, length // 4)
    blocks = [
        asked.intersection(terms(text[at : at + quarter])) for at in range(0, len(text), quarter)
    ]
    counts = [len(set().union(*blocks[n : n + 4])) for n in range(max(1, len(blocks) - 3))]
    best = counts.index(max(counts))
    start = best * quarter if counts[best] > counts[0] else 0
    if start:
        # At a word's beginning, unless there is none near: some scripts have no spaces.
        space = text.find(" ", start - 1, start + 30)
        start = space + 1 if space >= 0 else start
    piece = text[start : start + length].strip()
    return f"{MARK if start else ''}{piece}{MARK if start + length < len(text) else ''}"
