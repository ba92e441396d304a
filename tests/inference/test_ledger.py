"""The ledger on a real database file: nothing is sent that is not written, nothing beyond the limit."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from inference.backend import BudgetSpent, Errand
from inference.budget import Limits
from inference.ledger import DONE, MIGRATIONS, UNKNOWN, UNREACHED, Ledger
from memory.database import open_database

ERRAND = Errand("ann", "c1", "t1", "answer")
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC).timestamp()
DAY = 86_400.0


class Clock:
    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> float:
        return self.now


@pytest.fixture
async def engine(database_url: str) -> AsyncIterator[AsyncEngine]:
    opened = await open_database(database_url, MIGRATIONS)
    yield opened
    await opened.dispose()


async def outcomes(engine: AsyncEngine) -> list[str]:
    async with engine.connect() as connection:
        rows = await connection.execute(sa.text("SELECT outcome FROM ledger_entries ORDER BY id"))
        return [row[0] for row in rows]


async def test_a_request_is_on_disk_before_it_is_sent(engine: AsyncEngine) -> None:
    await Ledger(engine).open(ERRAND, "oxlo", "big")
    other = create_async_engine(engine.url)
    assert await outcomes(other) == ["open"]
    await other.dispose()


async def test_a_request_is_closed_with_its_outcome_and_tokens(engine: AsyncEngine) -> None:
    ledger = Ledger(engine, clock=Clock())
    entry = await ledger.open(ERRAND, "oxlo", "big")
    await ledger.close(entry, DONE, 1.5, prompt_tokens=7, completion_tokens=9)
    async with engine.connect() as connection:
        row = (await connection.execute(sa.text("SELECT * FROM ledger_entries"))).mappings().one()
    assert dict(row) == {
        "id": entry,
        "day": "2026-11-23",
        "at": NOON,
        "owner": "ann",
        "pool": "",
        "conversation_id": "c1",
        "turn_id": "t1",
        "purpose": "answer",
        "provider": "oxlo",
        "model": "big",
        "outcome": "done",
        "seconds": 1.5,
        "prompt_tokens": 7,
        "completion_tokens": 9,
        "prompt_estimated": 0,
        "completion_estimated": 0,
        "replica": 0,
    }


async def test_a_ledger_of_the_first_version_is_brought_up_to_date_with_its_rows(
    tmp_path: Path,
) -> None:
    url = f"sqlite+aiosqlite:///{tmp_path / 'old.db'}"
    old = await open_database(url, MIGRATIONS[:1])
    async with old.begin() as connection:
        await connection.execute(
            sa.text(
                "INSERT INTO ledger_entries (day, at, owner, conversation_id, turn_id, purpose, provider,"
                " model, outcome, seconds, prompt_tokens, completion_tokens)"
                " VALUES ('2026-11-23', 1, 'ann', 'c1', 't1', 'answer', 'oxlo', 'big', 'done', 1, 7, 9)"
            )
        )
    await old.dispose()
    new = await open_database(url, MIGRATIONS)
    ledger = Ledger(new, clock=Clock())
    assert await ledger.last_turn("oxlo", "ann") == {"answer": 1}
    await ledger.open(ERRAND, "oxlo", "big")
    assert await ledger.last_turn("oxlo", "ann") == {"answer": 2}
    await new.dispose()


async def test_the_day_is_counted_for_all_and_purposes_for_each_owner(engine: AsyncEngine) -> None:
    ledger = Ledger(engine)
    await ledger.open(ERRAND, "oxlo", "big")
    await ledger.open(ERRAND, "oxlo", "big")
    await ledger.open(Errand("ann", "c1", "t1", "speech"), "oxlo", "voice")
    await ledger.open(Errand("bob", "c2", "t2", "answer"), "oxlo", "big")
    await ledger.open(ERRAND, "groq", "big")
    assert await ledger.used_today("oxlo") == 4
    assert await ledger.by_purpose("oxlo", "ann") == {"answer": 2, "speech": 1}
    assert await ledger.by_purpose("oxlo", "nobody") == {}


async def test_at_the_limit_nothing_is_written_and_the_return_is_told(engine: AsyncEngine) -> None:
    ledger = Ledger(engine, {"oxlo": Limits(2)}, Clock())
    await ledger.open(ERRAND, "oxlo", "big")
    await ledger.open(ERRAND, "oxlo", "big")
    with pytest.raises(BudgetSpent, match="All 2 requests") as caught:
        await ledger.open(ERRAND, "oxlo", "big")
    assert caught.value.resets_at == NOON + DAY / 2
    assert "12 h 0 min" in caught.value.advice
    assert await outcomes(engine) == ["open", "open"]
    assert await ledger.used_today("oxlo") == 2


async def test_a_limit_of_none_at_all_is_kept(engine: AsyncEngine) -> None:
    with pytest.raises(BudgetSpent):
        await Ledger(engine, {"oxlo": Limits(0)}).open(ERRAND, "oxlo", "big")


async def test_many_at_once_cannot_overspend(engine: AsyncEngine) -> None:
    ledgers = [Ledger(engine, {"oxlo": Limits(5)}) for _ in range(2)]
    asked = [ledgers[n % 2].open(ERRAND, "oxlo", "big") for n in range(20)]
    ended = await asyncio.gather(*asked, return_exceptions=True)
    assert sum(isinstance(e, BudgetSpent) for e in ended) == 15
    assert len({e for e in ended if isinstance(e, int)}) == 5
    assert await ledgers[0].used_today("oxlo") == 5


async def test_a_new_day_begins_at_midnight_utc(engine: AsyncEngine) -> None:
    clock = Clock()
    ledger = Ledger(engine, {"oxlo": Limits(1)}, clock)
    await ledger.open(ERRAND, "oxlo", "big")
    clock.now = NOON + DAY / 2
    assert await ledger.used_today("oxlo") == 0
    await ledger.open(ERRAND, "oxlo", "big")


async def test_a_clock_set_back_gives_nothing_anew(engine: AsyncEngine) -> None:
    clock = Clock()
    ledger = Ledger(engine, {"oxlo": Limits(1)}, clock)
    await ledger.open(ERRAND, "oxlo", "big")
    clock.now = NOON - 3 * DAY
    assert await ledger.used_today("oxlo") == 1
    assert await ledger.by_purpose("oxlo", "ann") == {"answer": 1}
    assert ledger.resets_at() == NOON + DAY / 2
    with pytest.raises(BudgetSpent):
        await ledger.open(ERRAND, "oxlo", "big")


async def test_a_request_that_reached_nobody_is_given_back(engine: AsyncEngine) -> None:
    ledger = Ledger(engine, {"oxlo": Limits(1)})
    entry = await ledger.open(ERRAND, "oxlo", "big")
    await ledger.close(entry, UNREACHED, 0.1)
    assert await ledger.used_today("oxlo") == 0
    assert await ledger.by_purpose("oxlo", "ann") == {}
    await ledger.open(ERRAND, "oxlo", "big")


async def test_a_request_is_given_back_once_however_often_it_is_closed(
    engine: AsyncEngine,
) -> None:
    ledger = Ledger(engine)
    await ledger.open(ERRAND, "oxlo", "big")
    entry = await ledger.open(ERRAND, "oxlo", "big")
    await ledger.close(entry, UNREACHED, 0.1)
    await ledger.close(entry, UNREACHED, 0.1)
    assert await ledger.used_today("oxlo") == 1


async def test_what_another_parley_took_for_lost_is_still_closed(engine: AsyncEngine) -> None:
    ledger = Ledger(engine)
    entry = await ledger.open(ERRAND, "oxlo", "big")
    await Ledger(engine).settle_open()
    await ledger.close(entry, DONE, 1.0, 5, 6)
    assert await outcomes(engine) == [DONE]


async def test_asking_what_models_there_are_is_written_down_but_not_counted(
    engine: AsyncEngine,
) -> None:
    ledger = Ledger(engine, {"oxlo": Limits(1, per_minute=1)})
    for _ in range(3):
        entry = await ledger.open(replace(ERRAND, purpose="models"), "oxlo", "")
    await ledger.close(entry, UNREACHED, 0.1)
    assert await outcomes(engine) == ["open", "open", UNREACHED]
    assert await ledger.used_today("oxlo") == 0
    assert await ledger.by_purpose("oxlo", "ann") == {}
    await ledger.open(ERRAND, "oxlo", "big")
    assert await ledger.used_today("oxlo") == 1


async def test_what_a_crash_left_open_is_settled_at_the_next_start(engine: AsyncEngine) -> None:
    ledger = Ledger(engine)
    done = await ledger.open(ERRAND, "oxlo", "big")
    await ledger.close(done, DONE, 1.0)
    await ledger.open(ERRAND, "oxlo", "big")
    assert await Ledger(engine).settle_open() == 1
    assert await outcomes(engine) == [DONE, UNKNOWN]
    assert await ledger.used_today("oxlo") == 2


async def test_what_another_parley_that_lives_has_open_is_left_alone(engine: AsyncEngine) -> None:
    await Ledger(engine, replica=7).open(ERRAND, "oxlo", "big")
    here = Ledger(engine, replica=8)
    await here.open(ERRAND, "oxlo", "big")
    assert await here.settle_open({7, 8}) == 0
    assert await outcomes(engine) == ["open", "open"]
    assert await here.settle_open({8}) == 1
    assert await outcomes(engine) == [UNKNOWN, "open"]
