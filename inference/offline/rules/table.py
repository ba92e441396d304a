"""The rules in the order they are tried; the first that has an answer gives it."""

from collections.abc import Callable

from inference.offline.question import Answer, Question
from inference.offline.rules.by_name import named_tool
from inference.offline.rules.documents import from_documents
from inference.offline.rules.recall import asked_to_remember, past, perhaps_past
from inference.offline.rules.results import worded_results
from inference.offline.rules.seen import ReadText, seen
from inference.offline.rules.small_talk import (
    connecting,
    greeting,
    help_text,
    lost_picture,
    otherwise,
    thanks,
)
from inference.offline.rules.tool_calls import needed_tools

Rule = Callable[[Question], Answer | None]

RULES: tuple[Rule, ...] = (
    worded_results,
    named_tool,
    asked_to_remember,
    help_text,
    from_documents,
    past,
    needed_tools,
    connecting,
    greeting,
    thanks,
    lost_picture,
    perhaps_past,
)


async def answer(question: Question, read: ReadText) -> Answer:
    """Pictures come first, for they were put in front of us; then the first rule that fits."""
    if question.pictures and not question.results:
        return await seen(question, read)
    for rule in RULES:
        if (given := rule(question)) is not None:
            return given
    return otherwise(question)
