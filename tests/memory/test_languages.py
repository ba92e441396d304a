"""What was said in other languages than English is found too, with the local default."""

import pytest

from memory.indexes import Indexes, Scope
from memory.recall import Recall
from messages import Message, Text, new_id
from tests.memory.language_cases import LIVES
from tests.memory.sayings import ANN


def spoken(text: str, at: float) -> Message:
    return Message(new_id(), "user", (Text(text),), at)


WANTED = 17
"""Of 20 answers, among the first ten: 85 of 100."""


@pytest.mark.parametrize("language", LIVES)
async def test_most_answers_are_among_the_first_ten(
    recall: Recall, indexes: Indexes, language: str
) -> None:
    life = LIVES[language]
    said = [answer for _, answer in life.told] + life.distractors
    for start in range(7):
        talk = [spoken(text, 1.7e9 + n) for n, text in enumerate(said[start::7])]
        await recall.remember(ANN, new_id(), talk)
    found = 0
    for question, answer in life.told:
        ranked = await indexes.ranked(Scope(ANN), question, limit=10, floor=False)
        found += answer in [(await recall.get(ANN, one.id)).text for one in ranked]
    assert len(life.told) == 20
    assert len(life.distractors) >= 60
    assert found >= WANTED
