"""A tool call that a question's words ask for, and where in the words."""

from dataclasses import dataclass

from inference.offline.question import Call


@dataclass(frozen=True, slots=True)
class Wanted:
    """`start` and `end` are places in the text: answers come in the order of the questions."""

    start: int
    end: int
    call: Call
