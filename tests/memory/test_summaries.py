"""Summaries are kept beside their conversation, and go with it and with what they cover."""

from contextlib import suppress
from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from memory.edge import Missing
from memory.summaries import Summaries, Summary
from messages import new_id
from tests.memory.sayings import ANN, BOB, HOSTILE

HERE, LAST = new_id(), new_id()
KEPT = Summary("They spoke of roofs.", LAST, 12, "small-model", 1_795_132_800.0)


@pytest.fixture
def summaries(engine: AsyncEngine) -> Summaries:
    return Summaries(engine)


async def test_a_summary_is_kept_by_owner_and_conversation(summaries: Summaries) -> None:
    await summaries.put(ANN, HERE, Summary("Older.", new_id(), 4, "m", 1.0))
    await summaries.put(ANN, HERE, KEPT)
    assert await summaries.get(ANN, HERE) == KEPT
    assert await summaries.get(BOB, HERE) is None
    assert await summaries.get(ANN, new_id()) is None


async def test_a_failure_is_remembered_beside_the_summary_before(summaries: Summaries) -> None:
    tried = new_id()
    await summaries.failed(ANN, HERE, tried)
    assert await summaries.get(ANN, HERE) == Summary(tried=tried)
    await summaries.put(ANN, HERE, KEPT)
    await summaries.failed(ANN, HERE, tried)
    found = await summaries.get(ANN, HERE)
    assert found is not None
    assert (found.text, found.upto, found.tried) == (KEPT.text, LAST, tried)


async def test_forgetting_touches_nobody_else(summaries: Summaries) -> None:
    there = new_id()
    for owner, place in ((ANN, HERE), (ANN, there), (BOB, HERE)):
        await summaries.put(owner, place, KEPT)
    await summaries.forget(ANN, HERE)
    assert await summaries.get(ANN, there) == await summaries.get(BOB, HERE) == KEPT


@pytest.mark.files
async def test_forgotten_words_stand_nowhere_on_disk(summaries: Summaries, tmp_path: Path) -> None:
    secret = Summary("The password is XYLOPHONE-7.", LAST, 1, "m", 0.0)
    await summaries.put(ANN, HERE, secret)
    await summaries.forget(ANN, HERE)
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert files
    assert not [path for path in files if b"XYLOPHONE" in path.read_bytes()]


@pytest.mark.parametrize("owner", HOSTILE, ids=lambda owner: repr(owner)[:20])
async def test_hostile_owners_find_nothing(summaries: Summaries, owner: str) -> None:
    await summaries.put(ANN, HERE, KEPT)
    with suppress(Missing):
        assert await summaries.get(owner, HERE) is None
    with pytest.raises(Missing):
        await summaries.get(ANN, owner)
    assert await summaries.get(ANN, HERE) == KEPT


async def test_words_that_no_database_takes_are_made_storable(summaries: Summaries) -> None:
    await summaries.put(ANN, HERE, Summary("a\x00b\ud800", LAST, 1, "m\ud800", 0.0))
    found = await summaries.get(ANN, HERE)
    assert found is not None
    assert (found.text, found.model) == ("a\ufffdb\ufffd", "m\ufffd")
