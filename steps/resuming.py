"""A reply that broke off runs on: the model is asked for the rest, which is joined without a seam.

No request parameter for it is understood everywhere, so the model is asked in words. What it was
about to say ends in the middle of a word, mostly: it is cut back to the last whole one, so that no
space is missing or doubled where the rest begins. Models like to repeat what they had said last, or
to begin anew: that is taken out again while it streams.
"""

import re
from dataclasses import replace

from messages import Message, Part, Provenance, Reasoning, Text, new_id

ASK = (
    "Your reply broke off before its end. Write the rest of it, beginning with the very next word "
    "after your last one, as if there had been no break. Repeat nothing, do not start again, and say "
    "nothing about the break. If nothing is missing, answer with a single space."
)
LONGEST_WORD = 40
"""Characters. What is longer is no word, or of a script without spaces: it is not cut back."""
LEAST_REPEATED = 10
"""Characters that stand twice, before and after the break, and are taken for a repetition."""

_LAST_WORD = re.compile(rf"(?:\A|(?<=\s))\S{{1,{LONGEST_WORD}}}\Z")
_FENCE = re.compile(r"^ {0,3}(`{3,}|~{3,})", re.MULTILINE)
_OPENING = re.compile(r"(?:`{3,}|~{3,})[^\n`]+\n")


def resumed(reply: Message) -> Message:
    """The reply as it runs on: up to its last whole word, without what told how it ended."""
    parts = _before_thoughts(reply.parts)
    if parts and isinstance(last := parts[-1], Text):
        words = _LAST_WORD.sub("", last.text)
        parts = (*parts[:-1], Text(words)) if words.strip() else _before_thoughts(parts[:-1])
    about = replace(
        reply.provenance or Provenance(),
        fault=None,
        waiting="",
        asking=(),
        json=None,
        spoken=None,
        spoken_s=0.0,
        starts=(),
        pieces=(),
        voicing=0.0,
        unvoiced="",
        voice_note="",
    )
    return replace(reply, parts=parts, status="running", provenance=about)


def _before_thoughts(parts: tuple[Part, ...]) -> tuple[Part, ...]:
    """Thoughts that led to nothing are thought anew."""
    while parts and isinstance(parts[-1], Reasoning):
        parts = parts[:-1]
    return parts


def asks_for_the_rest(reply: Message) -> tuple[Message, ...]:
    """What is said to the model after its reply, where that ends in the middle of its words."""
    if reply.parts and isinstance(reply.parts[-1], Text):
        return (Message(new_id(), "user", (Text(ASK),), reply.at),)
    return ()


class Seam:
    """Joins what comes to what is there: pieces go in, and come out without what is there already.

    A piece is held back only while it may still be a repetition.
    """

    def __init__(self, before: str) -> None:
        self._before = before
        self._inside_code = len(_FENCE.findall(before)) % 2 == 1
        self._held = ""
        self._joined = not before

    def take(self, piece: str) -> str:
        if self._joined:
            return piece
        self._held += piece
        words = self._words()
        if words is None or words in self._before:
            return ""
        return self.end()

    def end(self) -> str:
        """What was held back, as far as it is new; nothing more is to come."""
        if self._joined:
            return ""
        self._joined = True
        words = self._held.lstrip() if (found := self._words()) is None else found
        if repeated := self._repeated(words):
            return words[repeated:]
        return self._space() + words if words else ""

    def _words(self) -> str | None:
        """What came, without the space before it and without a fence that opens code which is open
        already; None while that cannot be told."""
        words = self._held.lstrip()
        if not words:
            return None
        if self._inside_code and words[0] in "`~":
            if opening := _OPENING.match(words):
                return words[opening.end() :]
            if "\n" not in words and len(words) <= LONGEST_WORD:
                return None
        return words

    def _repeated(self, words: str) -> int:
        """How many characters of it stand at the end already."""
        least = min(LEAST_REPEATED, len(self._before))
        for length in range(min(len(words), len(self._before)), least - 1, -1):
            if self._before.endswith(words[:length]):
                return length
        return 0

    def _space(self) -> str:
        """The space before the rest, as far as it is not there already."""
        there = self._before[len(self._before.rstrip()) :]
        space = self._held[: len(self._held) - len(self._held.lstrip())]
        for length in range(min(len(space), len(there)), 0, -1):
            if there.endswith(space[:length]):
                space = space[length:]
                break
        return space.lstrip(" ") if there and "\n" not in there else space
