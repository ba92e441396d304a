"""Gathers the sentences of a reply into few requests for speech, the first of them early."""

from collections.abc import Iterable

LONGEST = 4_000
"""Characters: speech endpoints refuse more than 4,096."""
_WORTH_IT = 60
"""Characters from which the first request is worth its price; two sentences are, too."""
_GROWS = 4
"""Each later piece is so many times as long: what is said meanwhile gives it time."""


class Pieces:
    """`most` requests at most, sentence by sentence where it is None.

    What does not fit the last of them is left out, and `cut` says so.
    """

    def __init__(self, most: int | None) -> None:
        self.cut = False
        self._most = most
        self._given = 0
        self._waiting: list[str] = []

    def feed(self, sentences: Iterable[str]) -> list[str]:
        """The pieces to be spoken now."""
        found: list[str] = []
        for sentence in sentences:
            self._waiting.append(sentence)
            if self._is_enough():
                found += self._take()
        return found

    def close(self) -> list[str]:
        """The pieces that are left; there may be more text after them, as of a new reply."""
        return self._take(last=True)

    def free(self) -> None:
        """Whoever speaks from now on counts no requests."""
        self._most = None

    def drop(self) -> None:
        """What was not given yet is not to be spoken."""
        self._waiting.clear()

    def _is_enough(self) -> bool:
        if self._most is None:
            return True
        if self._given >= self._most - 1:
            return False
        enough = _WORTH_IT * _GROWS**self._given
        long = sum(map(len, self._waiting)) >= enough
        return long or (not self._given and len(self._waiting) > 1)

    def _take(self, *, last: bool = False) -> list[str]:
        text, self._waiting = "".join(self._waiting), []
        parts = fitted(text)
        if self._most is not None:
            allowed = self._most - self._given if last else 1
            if len(parts) > allowed:
                if not last:
                    self._waiting = ["".join(parts[allowed:])]
                else:
                    self.cut = True
            parts = parts[:allowed]
        self._given += len(parts)
        return [part.strip() for part in parts]


def fitted(text: str) -> list[str]:
    """The text in parts that one request takes each, cut after a sentence, else after a word."""
    parts: list[str] = []
    while len(text) > LONGEST:
        places = [text.rfind(mark, 0, LONGEST - 1) for mark in ("\n", ". ", "! ", "? ", "。")]
        end = max(places) + 1
        if end < LONGEST // 2:
            end = max(text.rfind(mark, 0, LONGEST - 1) for mark in (", ", " ", "、")) + 1 or LONGEST
        parts.append(text[:end])
        text = text[end:]
    return [part for part in (*parts, text) if part.strip()]
