"""Turns a question into calls of the tools it needs."""

from collections.abc import Callable

from inference.offline.question import Answer, Ask, Question, Say
from inference.offline.rules.arithmetic import sums
from inference.offline.rules.calendar_days import days
from inference.offline.rules.clocks import times, unknown_place
from inference.offline.rules.measures import conversions
from inference.offline.rules.number_words import with_digits
from inference.offline.rules.wanted import Wanted

FINDERS: tuple[Callable[[str], list[Wanted]], ...] = (days, conversions, times, sums)
MOST_CALLS = 8


def needed_tools(question: Question) -> Answer | None:
    text = with_digits(question.words)
    wanted = [found for find in FINDERS for found in find(text)]
    wanted.sort(key=lambda w: w.start)
    offered = [w.call for w in wanted if w.call.name in question.tools]
    if offered:
        return Ask(tuple(offered[:MOST_CALLS]))
    if wanted:
        return Say(
            f"That is a job for the `{wanted[0].call.name}` tool, which was not offered to me "
            "this time, and I do not guess."
        )
    if place := unknown_place(question.words):
        return Say(
            f"I do not know the time zone of {place}. Name a large city near it, "
            "or its zone, such as `Europe/Paris`."
        )
    return None
