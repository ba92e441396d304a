"""The ledger: every request to a provider is written down before it is sent, within the budget."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from inference.backend import BackendError, Errand
from inference.budget import UNCOUNTED, Budget, Left, Limits
from inference.budget import UNREACHED as UNREACHED
from inference.ledger_tables import MIGRATIONS as MIGRATIONS
from inference.ledger_tables import days, entries, shares
from inference.rate_headers import Told

log = logging.getLogger(__name__)

OPEN: Final = "open"
DONE: Final = "done"
UNKNOWN: Final = "unknown"
"""Parley ended before the request did."""


@dataclass(frozen=True, slots=True)
class Aside:
    """What is known of an ended request besides what the provider counted.

    `told` is what its headers said is left (rate_headers.told). The estimates are of tokens.
    """

    prompt_estimated: int = 0
    completion_estimated: int = 0
    told: Told | None = None


@dataclass(frozen=True, slots=True)
class Spending:
    """Requests of one owner on one day for one purpose to one model, added up.

    Tokens are as reported, else as estimated; `guessed` says that some were.
    """

    day: str
    purpose: str
    model: str
    requests: int
    prompt_tokens: int
    completion_tokens: int
    guessed: bool


@dataclass(frozen=True, slots=True)
class Closed:
    """A request that ended, for those who count."""

    provider: str
    purpose: str
    outcome: str
    seconds: float = 0.0


class Ledger:
    """`limits` by provider name; a provider without any is only counted. `clock`: seconds since 1970.

    `on_close` is told of every request that ended. `replica` is the number of this Parley among those
    that write in the same ledger.
    """

    def __init__(
        self,
        engine: AsyncEngine,
        limits: Mapping[str, Limits] | None = None,
        clock: Callable[[], float] = time.time,
        replica: int = 0,
    ) -> None:
        self._engine = engine
        self._replica = replica
        self._reading = engine.execution_options(parley_begin="BEGIN")
        self._single = engine.execution_options(parley_begin="")  # of one statement
        self._budget = Budget(limits, clock)
        self._clock = clock
        self.on_close: Callable[[Closed], None] = _nobody_listens
        self._late: list[Callable[[], Awaitable[None]]] = []  # what could not be written yet

    async def open(self, errand: Errand, provider: str, model: str) -> int:
        """Reserve one request and write it down; both are on disk when this returns.

        Gives the number of the entry. Raises BudgetSpent of the day or RateLimited of the minute,
        and writes nothing then. Stopped meanwhile, it gives the request back: nothing was sent.
        """
        # To its end, whoever stops: a statement that is left half read holds the write lock.
        writing = asyncio.ensure_future(self._reserve(errand, provider, model))
        try:
            return await asyncio.shield(writing)
        except asyncio.CancelledError:
            giving_back = asyncio.ensure_future(self._give_back(writing))
            await asyncio.shield(giving_back)
            raise

    async def _give_back(self, writing: "asyncio.Future[int]") -> None:
        with suppress(BackendError):
            await self.close(await writing, UNREACHED, 0.0)

    async def _reserve(self, errand: Errand, provider: str, model: str) -> int:
        async with self._engine.begin() as connection:
            day = await self._budget.reserve(connection, errand, provider, model)
            entry = {
                "day": day,
                "at": self._clock(),
                "owner": errand.owner,
                "pool": errand.pool,
                "conversation_id": errand.conversation_id,
                "turn_id": errand.turn_id,
                "purpose": errand.purpose,
                "provider": provider,
                "model": model,
                "outcome": OPEN,
                "seconds": 0.0,
                "prompt_tokens": 0,
                "completion_tokens": 0,
                "replica": self._replica,
            }
            return int((await connection.execute(_OPENED, entry)).scalar_one())

    async def close(
        self,
        entry: int,
        outcome: str,
        seconds: float,
        prompt_tokens: int = 0,
        completion_tokens: int = 0,
        aside: Aside | None = None,
    ) -> None:
        """Write how the request ended; tokens as the provider reported them.

        The first closing counts: a second one changes nothing, and gives nothing back. What cannot
        be written now is written with the next one: the answer that came is not lost for it.
        """
        ending = (outcome, seconds, prompt_tokens, completion_tokens, aside or Aside())
        self._late.append(partial(self._close, entry, *ending))
        while self._late:
            closing = self._late.pop()
            try:
                await closing()
            except sa.exc.SQLAlchemyError:
                log.exception("How a request ended could not be written down yet")
                self._late.append(closing)
                return

    async def _close(
        self,
        entry: int,
        outcome: str,
        seconds: float,
        prompt_tokens: int,
        completion_tokens: int,
        aside: Aside,
    ) -> None:
        ending = {
            "of_entry": entry,
            "outcome": outcome,
            "seconds": seconds,
            "prompt_tokens": prompt_tokens,
            "completion_tokens": completion_tokens,
            "prompt_estimated": aside.prompt_estimated,
            "completion_estimated": aside.completion_estimated,
        }
        more = aside.told is not None or outcome == UNREACHED
        async with (self._engine if more else self._single).begin() as connection:
            row = (await connection.execute(_CLOSED, ending)).one_or_none()
            if row is None:
                return
            self.on_close(Closed(row.provider, row.purpose, outcome, seconds))
            if aside.told is not None:
                await self._budget.heed(connection, row.provider, row.model, aside.told)
            if outcome == UNREACHED:
                errand = Errand(row.owner, row.conversation_id, row.turn_id, row.purpose, row.pool)
                await self._budget.give_back(connection, errand, row.provider, row.day)

    async def used_today(self, provider: str) -> int:
        """Requests reserved today, by everybody."""
        async with self._reading.connect() as connection:
            return (await self._budget.today(connection, provider))[1]

    async def left(self, provider: str, model: str = "") -> Left:
        """What is left for everybody, today and this minute, as far as anybody said."""
        async with self._reading.connect() as connection:
            return await self._budget.left(connection, provider, model)

    async def by_purpose(self, provider: str, owner: str) -> dict[str, int]:
        """Today's requests of one owner, counted by what they were for."""
        async with self._reading.connect() as connection:
            day, _ = await self._budget.today(connection, provider)
            of = {"of_provider": provider, "of_owner": owner, "of_day": day}
            return dict((await connection.execute(_BY_PURPOSE, of)).tuples().all())

    async def spending(self, provider: str, owner: str, since: str) -> list[Spending]:
        """What one owner spent on each day from `since` (ISO date) on, the earliest first."""
        of = {"of_provider": provider, "of_owner": owner, "since": since}
        async with self._reading.connect() as connection:
            rows = (await connection.execute(_SPENDING, of)).all()
        return [Spending(d, p, m, n, i, o, guess > 0) for d, p, m, n, i, o, guess in rows]

    async def last_turn(self, provider: str, owner: str) -> dict[str, int]:
        """The requests of the owner's latest turn that asked this provider, by purpose."""
        of = {"of_provider": provider, "of_owner": owner}
        async with self._reading.connect() as connection:
            return dict((await connection.execute(_LAST_TURN, of)).tuples().all())

    async def forget(self, owner: str) -> None:
        """Who asked, and for what, is erased; how many were sent in all is still counted."""
        async with self._engine.begin() as connection:
            await connection.execute(sa.delete(entries).where(entries.c.owner == owner))

    async def hand_over(self, before: str, owner: str) -> None:
        """What was asked for `before` was asked for this owner."""
        async with self._engine.begin() as connection:
            mine = sa.update(entries).where(entries.c.owner == before)
            await connection.execute(mine.values(owner=owner))

    async def settle_open(self, alive: Collection[int] = ()) -> int:
        """Requests that never closed ended with the Parley that sent them, which is none of `alive`.

        Gives how many there were.
        """
        unclosed = sa.and_(entries.c.outcome == OPEN, entries.c.replica.not_in(alive))
        async with self._reading.connect() as connection:
            if (await connection.execute(sa.select(entries.c.id).where(unclosed))).first() is None:
                return 0
        lost = sa.update(entries).where(unclosed).values(outcome=UNKNOWN)
        async with self._engine.begin() as connection:
            return (await connection.execute(lost)).rowcount

    async def drop_old_shares(self) -> None:
        """Shares of days that are over say nothing any more."""
        newest = sa.select(sa.func.max(days.c.day)).where(days.c.provider == shares.c.provider)
        over = sa.delete(shares).where(shares.c.day < newest.scalar_subquery())
        async with self._engine.begin() as connection:
            await connection.execute(over)

    def resets_at(self) -> float:
        """When the day's count begins anew, in seconds since 1970: the next midnight, UTC."""
        return self._budget.resets_at()


def _nobody_listens(_request: Closed) -> None:
    pass


_e = entries.c
_SPENT = (
    _e.provider == sa.bindparam("of_provider"),
    _e.owner == sa.bindparam("of_owner"),
    _e.outcome != UNREACHED,
    _e.purpose.not_in(UNCOUNTED),
)
_OPENED = sa.insert(entries).returning(_e.id)
# UNKNOWN too: another Parley that started meanwhile took it for lost.
_CLOSED = (
    sa.update(entries)
    .where(_e.id == sa.bindparam("of_entry"), _e.outcome.in_((OPEN, UNKNOWN)))
    .returning(*_e)
)
_BY_PURPOSE = (
    sa.select(_e.purpose, sa.func.count())
    .where(*_SPENT, _e.day == sa.bindparam("of_day"))
    .group_by(_e.purpose)
)


def _spending() -> sa.Select[Any]:
    """By day, purpose and model: requests, tokens asked, tokens answered, those of them guessed."""
    asked_of = sa.func.coalesce(sa.func.nullif(_e.prompt_tokens, 0), _e.prompt_estimated)
    answered = sa.func.coalesce(sa.func.nullif(_e.completion_tokens, 0), _e.completion_estimated)
    guess = sa.case((_e.prompt_tokens + _e.completion_tokens > 0, 0), else_=asked_of + answered)
    groups = (_e.day, _e.purpose, _e.model)
    added = [sa.func.count(), sa.func.sum(asked_of), sa.func.sum(answered), sa.func.sum(guess)]
    asked = sa.select(*groups, *added).where(*_SPENT, _e.day >= sa.bindparam("since"))
    return asked.group_by(*groups).order_by(*groups)


def _last_turn() -> sa.Select[Any]:
    newest = sa.select(_e.turn_id).where(*_SPENT, _e.turn_id != "")
    newest = newest.order_by(_e.day.desc(), _e.id.desc()).limit(1)
    asked = sa.select(_e.purpose, sa.func.count())
    asked = asked.where(_e.turn_id == newest.scalar_subquery(), *_SPENT)
    return asked.group_by(_e.purpose).order_by(sa.func.min(_e.id))


_SPENDING, _LAST_TURN = _spending(), _last_turn()
