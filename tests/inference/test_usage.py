"""What was spent, read back from a real ledger."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import cast

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from inference.backend import Errand
from inference.budget import limits_of
from inference.ledger import DONE, MIGRATIONS, UNREACHED, Aside, Ledger
from inference.provider import Billing, Model, Provider, load_providers
from inference.usage import UsageReport, usage_report
from memory.database import open_database
from messages import Purpose

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC).timestamp()
DAY = 86_400.0


class Book:
    """A ledger whose clock the test turns, and one line for a request that was sent and ended."""

    def __init__(self, engine: AsyncEngine, provider: Provider) -> None:
        self.now = NOON
        self.provider = provider
        self.ledger = Ledger(engine, {provider.name: limits_of(provider)}, lambda: self.now)

    async def sent(
        self,
        purpose: str = "answer",
        tokens: tuple[int, int] = (0, 0),
        guess: tuple[int, int] = (0, 0),
        who: str = "ann",
        turn: str = "t1",
        model: str = "big",
        outcome: str = DONE,
    ) -> None:
        errand = Errand(who, "c1", turn, cast(Purpose, purpose))
        entry = await self.ledger.open(errand, self.provider.name, model)
        await self.ledger.close(entry, outcome, 1.0, *tokens, Aside(*guess))
        self.now += 15  # a plan of five a minute is kept

    async def report(self, who: str = "ann") -> UsageReport:
        return await usage_report(self.ledger, self.provider, who)


@pytest.fixture
async def engine(tmp_path: Path) -> AsyncIterator[AsyncEngine]:
    opened = await open_database(f"sqlite+aiosqlite:///{tmp_path / 'parley.db'}", MIGRATIONS)
    yield opened
    await opened.dispose()


@pytest.fixture
def book(engine: AsyncEngine) -> Book:
    return Book(engine, load_providers()["oxlo"])


def priced(billing: Billing = "token") -> Provider:
    models = {"big": Model(price_in=2.0, price_out=10.0), "unknown": Model()}
    return replace(load_providers()["custom"], billing=billing, models=models)


async def test_the_day_is_everybodys_and_the_purposes_are_ones_own(book: Book) -> None:
    await book.sent("answer")
    await book.sent("tool round")
    await book.sent("answer", who="bob")
    report = await book.report()
    assert (report.used, report.limit, report.left) == (3, 60, 57)
    assert report.by_purpose == {"answer": 1, "tool round": 1}
    assert report.resets_at == NOON + DAY / 2


async def test_the_minute_is_told_where_the_plan_has_a_limit(book: Book) -> None:
    await book.sent()
    await book.sent()
    report = await book.report()
    assert (report.minute_limit, report.minute_left) == (5, 3)


async def test_the_last_turn_is_counted_by_what_it_was_for(book: Book) -> None:
    await book.sent("answer", turn="t1")
    await book.sent("transcription", turn="t2")
    await book.sent("answer", turn="t2")
    await book.sent("tool round", turn="t2")
    await book.sent("tool round", turn="t2")
    await book.sent("answer", turn="t9", who="bob")
    report = await book.report()
    assert list(report.last_turn.items()) == [
        ("transcription", 1),
        ("answer", 1),
        ("tool round", 2),
    ]
    assert (await book.report("nobody")).last_turn == {}


async def test_two_weeks_are_told_day_by_day_with_the_empty_ones(book: Book) -> None:
    for days_ago in (20, 13, 2, 2, 0):
        book.now = NOON - days_ago * DAY
        await book.sent()
    days = (await book.report()).days
    assert [day.day for day in days][:2] == ["2026-11-10", "2026-11-11"]
    assert [sum(day.by_purpose.values()) for day in days] == [1, *[0] * 10, 2, 0, 1]


async def test_a_turn_after_midnight_begins_a_new_day(book: Book) -> None:
    await book.sent()
    book.now = NOON + DAY / 2 + 60
    report = await book.report()
    assert (report.used, report.left, report.by_purpose) == (0, 60, {})
    assert (report.days[-1].day, report.days[-2].by_purpose) == ("2026-11-24", {"answer": 1})


async def test_what_reached_nobody_or_was_no_request_is_not_told(book: Book) -> None:
    await book.sent()
    await book.sent("answer", outcome=UNREACHED, turn="t2")
    await book.sent("models", turn="")
    report = await book.report()
    assert (report.used, report.by_purpose, report.last_turn) == (1, {"answer": 1}, {"answer": 1})


async def test_tokens_are_as_reported_or_else_as_estimated_which_is_said(book: Book) -> None:
    await book.sent(tokens=(100, 20), guess=(90, 10))
    exact = await book.report()
    assert (exact.tokens_in, exact.tokens_out, exact.tokens_guessed) == (100, 20, False)
    await book.sent(guess=(50, 5))
    partly = await book.report()
    assert (partly.tokens_in, partly.tokens_out, partly.tokens_guessed) == (150, 25, True)


async def test_tokens_have_a_price_where_they_are_billed_and_it_is_public(
    engine: AsyncEngine,
) -> None:
    book = Book(engine, priced())
    await book.sent(tokens=(1000, 100))
    report = await book.report()
    assert report.price == pytest.approx(0.003)
    assert not report.price_partial
    await book.sent(tokens=(5, 5), model="unknown")
    partly = await book.report()
    assert partly.price == pytest.approx(0.003)
    assert partly.price_partial


async def test_there_is_no_price_where_nobody_knows_one_or_requests_are_billed(
    engine: AsyncEngine,
) -> None:
    for provider in (priced("request"), replace(priced(), models={})):
        book = Book(engine, provider)
        await book.sent(tokens=(1000, 100))
        report = await book.report()
        assert (report.price, report.price_partial) == (None, False)


async def test_the_questions_are_answered_by_an_index(book: Book, engine: AsyncEngine) -> None:
    await book.sent()
    asked = {
        "provider = 'oxlo' AND owner = 'ann' AND day >= '2026-11-10'": "ledger_entries_of_owner",
        "provider = 'oxlo' AND at > 1 ORDER BY at DESC LIMIT 1": "ledger_entries_by_time",
        "turn_id = 't1'": "ledger_entries_of_turn",
    }
    async with engine.connect() as connection:
        for where, index in asked.items():
            plan = sa.text(f"EXPLAIN QUERY PLAN SELECT id FROM ledger_entries WHERE {where}")
            assert index in str((await connection.execute(plan)).all())
