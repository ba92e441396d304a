"""The budget on a real database file: nobody overspends, and everybody is told when requests return."""

import asyncio
import sys
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from inference.backend import BudgetSpent, Errand, RateLimited
from inference.budget import Limits, limits_of
from inference.ledger import DONE, MIGRATIONS, UNREACHED, Aside, Ledger
from inference.provider import load_providers
from inference.rate_headers import Told, told
from memory.database import open_database

ROOT = Path(__file__).parents[2]
ERRAND = Errand("ann", "c1", "t1", "answer")
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC).timestamp()
MIDNIGHT = NOON + 43_200


class Clock:
    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def engine(database_url: str) -> AsyncIterator[AsyncEngine]:
    opened = await open_database(database_url, MIGRATIONS)
    yield opened
    await opened.dispose()


async def spend(ledger: Ledger, times: int, errand: Errand = ERRAND, model: str = "big") -> None:
    for _ in range(times):
        await ledger.open(errand, "oxlo", model)


async def answered(ledger: Ledger, word: Told, model: str = "big") -> None:
    """One request, and in its answer's headers what the provider says is left."""
    entry = await ledger.open(ERRAND, "oxlo", model)
    await ledger.close(entry, DONE, 1.0, aside=Aside(told=word))


# ── nobody overspends ───────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(("day", "minute"), [(25, 0), (0, 25), (40, 25)])
async def test_processes_with_a_hundred_tasks_each_cannot_overspend(
    engine: AsyncEngine, day: int, minute: int
) -> None:
    url = engine.url.render_as_string(hide_password=False)
    arguments = ("-m", "tests.inference.spender", url, str(day), str(minute), "100")
    running = [
        await asyncio.create_subprocess_exec(
            sys.executable, *arguments, cwd=ROOT, stdout=asyncio.subprocess.PIPE
        )
        for _ in range(2)
    ]
    printed = await asyncio.gather(*(process.communicate() for process in running))
    let = [int(out) for out, _ in printed]
    assert sum(let) == 25
    async with engine.connect() as connection:
        rows = await connection.execute(sa.text("SELECT count(*) FROM ledger_entries"))
        assert rows.scalar() == 25
    assert await Ledger(engine).used_today("oxlo") == 25


# ── the minute ──────────────────────────────────────────────────────────────────────────────────


async def test_over_the_minutes_limit_nothing_is_written_and_the_wait_is_told(
    engine: AsyncEngine, clock: Clock
) -> None:
    ledger = Ledger(engine, {"oxlo": Limits(60, 2, label="Oxlo.ai")}, clock)
    await spend(ledger, 1)
    clock.now += 20
    await spend(ledger, 1)
    clock.now += 10
    with pytest.raises(RateLimited, match=r"Oxlo\.ai takes 2 requests a minute") as caught:
        await spend(ledger, 1)
    assert caught.value.retry_at == NOON + 60
    assert "Wait 30 seconds" in caught.value.advice
    assert await ledger.used_today("oxlo") == 2


async def test_the_minute_slides(engine: AsyncEngine, clock: Clock) -> None:
    ledger = Ledger(engine, {"oxlo": Limits(per_minute=2)}, clock)
    await spend(ledger, 1)
    clock.now += 50
    await spend(ledger, 1)
    clock.now += 10.5  # the first has left the minute, the second has not
    await spend(ledger, 1)
    with pytest.raises(RateLimited) as caught:
        await spend(ledger, 1)
    assert caught.value.retry_at == NOON + 110
    assert (await ledger.left("oxlo")).minute_left == 0


async def test_a_request_that_reached_nobody_leaves_the_minute_too(engine: AsyncEngine) -> None:
    ledger = Ledger(engine, {"oxlo": Limits(per_minute=1)})
    entry = await ledger.open(ERRAND, "oxlo", "big")
    await ledger.close(entry, UNREACHED, 0.1)
    await spend(ledger, 1)


async def test_a_clock_set_back_does_not_hold_up_the_minute(
    engine: AsyncEngine, clock: Clock
) -> None:
    ledger = Ledger(engine, {"oxlo": Limits(per_minute=1)}, clock)
    await spend(ledger, 1)
    clock.now -= 3600
    await spend(ledger, 1)
    with pytest.raises(RateLimited):
        await spend(ledger, 1)


# ── shares ──────────────────────────────────────────────────────────────────────────────────────

VISITORS = {"oxlo": Limits(60, reserve=20, label="Oxlo.ai")}


def visitor(name: str, network: str) -> Errand:
    return replace(ERRAND, owner=name, pool=network)


async def test_a_visitor_has_an_eighth_of_what_is_not_reserved(engine: AsyncEngine) -> None:
    ledger = Ledger(engine, VISITORS)
    await spend(ledger, 5, visitor("vic", "203.0.113.0/24"))
    with pytest.raises(BudgetSpent, match="your share of today, 5 requests"):
        await spend(ledger, 1, visitor("vic", "203.0.113.0/24"))
    await spend(ledger, 1, visitor("eve", "203.0.113.0/24"))
    assert await ledger.used_today("oxlo") == 6  # what was refused took nothing, in no scope


async def test_a_network_has_three_eighths_however_many_cookies_it_makes(
    engine: AsyncEngine,
) -> None:
    ledger = Ledger(engine, VISITORS)
    for number in range(15):
        await spend(ledger, 1, visitor(f"v{number}", "203.0.113.0/24"))
    with pytest.raises(BudgetSpent, match="Your network"):
        await spend(ledger, 1, visitor("one-more", "203.0.113.0/24"))


async def test_visitors_together_leave_the_operators_reserve(engine: AsyncEngine) -> None:
    ledger = Ledger(engine, VISITORS)
    for number in range(40):
        await spend(ledger, 1, visitor(f"v{number}", f"net {number}"))
    with pytest.raises(BudgetSpent, match=r"requests for visitors at Oxlo\.ai"):
        await spend(ledger, 1, visitor("one-more", "another"))
    await spend(ledger, 20)
    with pytest.raises(BudgetSpent, match="All 60 requests"):
        await spend(ledger, 1)


async def test_on_a_private_desk_no_share_binds(engine: AsyncEngine) -> None:
    ledger = Ledger(engine, {"oxlo": Limits(60)})
    await spend(ledger, 30)
    await spend(ledger, 30, visitor("vic", "203.0.113.0/24"))


async def test_what_reached_nobody_is_given_back_to_the_visitor_as_well(
    engine: AsyncEngine,
) -> None:
    ledger = Ledger(engine, VISITORS)
    errand = visitor("vic", "203.0.113.0/24")
    for _ in range(8):
        await ledger.close(await ledger.open(errand, "oxlo", "big"), UNREACHED, 0.1)
    await spend(ledger, 5, errand)


# ── whose number holds ──────────────────────────────────────────────────────────────────────────


def test_the_plan_says_the_limits_and_the_operator_has_the_last_word() -> None:
    oxlo, offline = load_providers()["oxlo"], load_providers()["offline"]
    assert limits_of(oxlo) == Limits(60, 5, label="Oxlo.ai", day_by_plan=True, minute_by_plan=True)
    assert limits_of(oxlo, per_day=10, reserve=4) == Limits(
        10, 5, 4, "Oxlo.ai", minute_by_plan=True
    )
    assert limits_of(load_providers()["custom"], per_minute=3).per_minute == 3
    assert limits_of(offline, per_day=10, per_minute=1) == Limits(label="Offline engine")


async def test_the_providers_own_limit_goes_before_the_plans(
    engine: AsyncEngine, clock: Clock
) -> None:
    ledger = Ledger(engine, {"oxlo": Limits(2, day_by_plan=True)}, clock)
    await answered(ledger, Told("day", 1000, 990, NOON, 0.0, MIDNIGHT))
    assert (await ledger.left("oxlo", "big")).limit == 1000
    await spend(ledger, 5)


async def test_the_operators_limit_is_not_widened_by_the_provider(
    engine: AsyncEngine, clock: Clock
) -> None:
    ledger = Ledger(engine, {"oxlo": Limits(2)}, clock)
    await answered(ledger, Told("day", 1000, 990, NOON, 0.0, MIDNIGHT))
    await spend(ledger, 1)
    with pytest.raises(BudgetSpent, match="All 2 requests"):
        await spend(ledger, 1)


async def test_what_others_spent_with_the_same_key_is_believed(
    engine: AsyncEngine, clock: Clock
) -> None:
    ledger = Ledger(engine, {"oxlo": Limits(60, label="Oxlo.ai")}, clock)
    await answered(ledger, Told("day", 60, 2, NOON, 0.0, MIDNIGHT))
    left = await ledger.left("oxlo", "big")
    assert (left.used, left.limit, left.left, left.resets_at) == (1, 60, 2, MIDNIGHT)
    await spend(ledger, 2)
    with pytest.raises(BudgetSpent, match=r"Oxlo\.ai says that all 60 requests") as caught:
        await spend(ledger, 1)
    assert caught.value.resets_at == MIDNIGHT
    await spend(ledger, 1, model="another")  # a provider counts each model on its own
    clock.now = MIDNIGHT + 1
    await spend(ledger, 1)


async def test_what_is_on_its_way_is_not_spent_twice(engine: AsyncEngine, clock: Clock) -> None:
    ledger = Ledger(engine, {}, clock)
    await spend(ledger, 3)  # open: the provider may not have counted them when it answered
    await answered(ledger, Told("day", 100, 5, NOON, 0.0, MIDNIGHT))
    assert (await ledger.left("oxlo", "big")).left == 2


async def test_a_bucket_refills_one_by_one(engine: AsyncEngine, clock: Clock) -> None:
    ledger = Ledger(engine, {}, clock)
    await answered(ledger, Told("minute", 60, 1, NOON, 1.0, NOON + 59))
    await spend(ledger, 1)
    with pytest.raises(RateLimited, match="60 requests a minute") as caught:
        await spend(ledger, 1)
    assert caught.value.retry_at == NOON + 1
    clock.now += 3
    assert (await ledger.left("oxlo", "big")).minute_left == 3
    await spend(ledger, 3)
    with pytest.raises(RateLimited):
        await spend(ledger, 1)


# ── headers ─────────────────────────────────────────────────────────────────────────────────────


def headers(limit: str, remaining: str, reset: str = "") -> dict[str, str]:
    named = {
        "X-RateLimit-Limit-Requests": limit,
        "X-RateLimit-Remaining-Requests": remaining,
        "X-RateLimit-Reset-Requests": reset,
    }
    return {name: value for name, value in named.items() if value}


def test_a_day_that_refills_as_groq_counts_it() -> None:
    word = told("day", headers("14400", "14370", "2m59.56s"), NOON)
    assert word == Told("day", 14_400, 14_370, NOON, 6.0, NOON + 180)


def test_a_minute_that_refills_as_openai_counts_it() -> None:
    word = told("minute", headers("60", "59", "1s"), NOON)
    assert word == Told("minute", 60, 59, NOON, 1.0, NOON + 1)


@pytest.mark.parametrize(
    "reset", ["12h0m0s", "43200", str(int(MIDNIGHT)), str(int(MIDNIGHT * 1000))]
)
def test_a_window_that_ends_at_a_time(reset: str) -> None:
    assert told("day", headers("60", "2", reset), NOON) == Told("day", 60, 2, NOON, 0.0, MIDNIGHT)


def test_a_limit_without_a_reset_is_taken_for_a_bucket() -> None:
    word = told("minute", headers("30", "0"), NOON)
    assert word == Told("minute", 30, 0, NOON, 2.0, NOON + 60)


@pytest.mark.parametrize(
    "sent", [{}, headers("60", ""), headers("", "3"), headers("0", "0"), headers("-1", "x")]
)
def test_headers_that_say_nothing_sure_are_passed_over(sent: dict[str, str]) -> None:
    assert told("day", sent, NOON) is None


def test_a_server_of_which_nobody_knows_what_it_counts_is_not_believed() -> None:
    assert told("", headers("60", "0", "1s"), NOON) is None
