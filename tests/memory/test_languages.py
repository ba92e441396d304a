"""What was said in other languages than English is found too, with the local default."""

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from memory.indexes import Indexes, Scope
from tests.memory.language_cases import ASIDE, LIVES
from tests.memory.later_language_cases import LATER
from tests.memory.rows import written
from tests.memory.sayings import ANN

MINE = Scope(ANN)
SHOWN = {"German": 14, "Spanish": 16, "Russian": 16, "Chinese": 17, "Japanese": 16}
"""Of 20 answers, those above the floor; one less than measured."""
BROUGHT_UP = {"German": 3, "Spanish": 1, "Russian": 1, "Chinese": 1, "Japanese": 3}
"""Of 9 remarks that concern nothing, those that bring up something; at most one more than measured."""


@pytest.mark.parametrize("language", LIVES)
async def test_17_of_20_answers_are_among_the_first_ten(
    engine: AsyncEngine, indexes: Indexes, language: str
) -> None:
    life = LIVES[language]
    said = [answer for _, answer in life.told] + life.distractors
    texts: dict[str, str] = {}
    for start in range(7):
        entries = await written(engine, ANN, said[start::7])
        await indexes.added(MINE, entries)
        texts |= {entry.id: entry.text for entry in entries}
    found = shown = 0
    for question, answer in life.told:
        ranked = await indexes.ranked(MINE, question, limit=10, floor="none")
        found += answer in [texts[one.id] for one in ranked]
        ranked = await indexes.ranked(MINE, question, limit=10)
        shown += answer in [texts[one.id] for one in ranked]
    brought_up = [aside for aside in ASIDE[language] if await indexes.ranked(MINE, aside)]
    assert len(life.told) == 20
    assert len(life.distractors) >= 60
    assert found >= 17
    assert shown >= SHOWN[language]
    assert len(brought_up) <= BROUGHT_UP[language]


@pytest.mark.parametrize("language", LATER)
async def test_8_of_10_that_nothing_was_tuned_on_are_found_and_sent(
    engine: AsyncEngine, indexes: Indexes, language: str
) -> None:
    life = LIVES[language]
    answers = [answer for _, answer in LATER[language]]
    said = [*(answer for _, answer in life.told), *answers, *life.distractors]
    texts: dict[str, str] = {}
    for start in range(7):
        entries = await written(engine, ANN, said[start::7])
        await indexes.added(MINE, entries)
        texts |= {entry.id: entry.text for entry in entries}
    found = sent = 0
    for question, answer in LATER[language]:
        ranked = await indexes.ranked(MINE, question, limit=10, floor="none")
        found += answer in [texts[one.id] for one in ranked]
        ranked = await indexes.ranked(MINE, question, limit=80, floor="first")
        sent += answer in [texts[one.id] for one in ranked]
    assert found >= 8
    assert sent >= 8
