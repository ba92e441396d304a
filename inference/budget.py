"""What may still be sent: the day's and the minute's limits, and the shares of visitors."""

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from inference.backend import BudgetSpent, Errand, RateLimited
from inference.ledger_tables import days, entries, shares
from inference.ledger_tables import told as told_table
from inference.provider import Provider
from inference.rate_headers import SPAN_S, Span, Told

UNREACHED: Final = "unreached"
"""The connection was refused: nothing was spent, and the day's count gets its request back."""
UNCOUNTED: Final = frozenset({"models"})
"""Purposes that no provider counts: asking what models there are."""

_NO_LIMIT = 1_000_000_000
_EIGHTHS_OF_A_NETWORK = 3
"""Of what is not reserved, one visitor may use an eighth a day and one network three."""
GUESTS: Final = "guests"
"""The pool of those whose browser sends no cookie back: together they may use what one visitor may."""
_LONGEST_S = 600.0
"""What is open for longer was lost by a replica that died."""
_SKEW_S = 60.0
"""How far the clocks of two replicas may differ; what lies further ahead was written before a clock
was set back, and must not hold up the minute."""

# One statement both counts and reserves, so that two replicas cannot spend the same request. The
# day is the later of the clock's and the last one written: a clock set back gives nothing anew.
_RESERVE_DAY = sa.text("""
    INSERT INTO ledger_days (provider, day, used)
    SELECT :provider, CASE WHEN last.day > :today THEN last.day ELSE :today END, 1
    FROM (SELECT max(day) AS day FROM ledger_days WHERE provider = :provider) AS last
    WHERE true
    ON CONFLICT (provider, day) DO UPDATE SET used = ledger_days.used + 1
    WHERE ledger_days.used < :most
    RETURNING day
""")
_RESERVE_SHARE = sa.text("""
    INSERT INTO ledger_shares (provider, day, scope, used) VALUES (:provider, :day, :scope, 1)
    ON CONFLICT (provider, day, scope) DO UPDATE SET used = ledger_shares.used + 1
    WHERE ledger_shares.used < :most
    RETURNING used
""")
_LAST_DAY = (
    sa.select(days.c.day, days.c.used)
    .where(days.c.provider == sa.bindparam("of_provider"))
    .order_by(days.c.day.desc())
    .limit(1)
)
_t = told_table.c
_WORDS = (
    sa.select(_t.span, _t.most, _t.left_over, _t.at, _t.each_s, _t.resets_at)
    .where(_t.provider == sa.bindparam("of_provider"), _t.model == sa.bindparam("of_model"))
    .order_by(_t.span)
)
_WORDS_TO_TAKE = _WORDS.with_for_update()
_TELL = sa.text("""
    INSERT INTO ledger_told (provider, model, span, most, left_over, at, each_s, resets_at)
    VALUES (:provider, :model, :span, :most, :left_over, :at, :each_s, :resets_at)
    ON CONFLICT (provider, model, span) DO UPDATE SET most = excluded.most,
    left_over = excluded.left_over, at = excluded.at, each_s = excluded.each_s,
    resets_at = excluded.resets_at
""")


@dataclass(frozen=True, slots=True)
class Limits:
    """Requests a provider takes, None where nobody said. `reserve` of a day are the operator's alone.

    `day_by_plan` and `minute_by_plan`: the number comes from the provider's file, which may be
    mistaken about the account's plan; what the provider itself says then goes before it.
    """

    per_day: int | None = None
    per_minute: int | None = None
    reserve: int = 0
    label: str = ""
    day_by_plan: bool = False
    minute_by_plan: bool = False

    def with_word(self, words: Mapping[Span, Told]) -> tuple[int | None, int | None]:
        """The limits of day and minute, the provider's own word considered."""
        day, minute = self.per_day, self.per_minute
        if self.day_by_plan and "day" in words:
            day = words["day"].most
        if self.minute_by_plan and "minute" in words:
            minute = words["minute"].most
        return day, minute


def limits_of(
    provider: Provider, per_day: int = 0, per_minute: int = 0, reserve: int = 0
) -> Limits:
    """The plan's limits; numbers of the operator, where they are not 0, go before them.

    The offline engine has none, whatever the operator set for a provider.
    """
    if provider.offline:
        return Limits(label=provider.label)
    plan = provider.limit
    return Limits(
        per_day=per_day or plan.requests_per_day,
        per_minute=per_minute or plan.requests_per_minute,
        reserve=reserve,
        label=provider.label,
        day_by_plan=not per_day and plan.requests_per_day is not None,
        minute_by_plan=not per_minute and plan.requests_per_minute is not None,
    )


def usual_reserve(provider: Provider, per_day: int = 0) -> int:
    """A third of the day, where strangers come and the operator said nothing else."""
    return 0 if provider.offline else (per_day or provider.limit.requests_per_day or 0) // 3


@dataclass(frozen=True, slots=True)
class Left:
    """What is used and left of a provider, by everybody. None where no limit is known.

    `resets_at` is when the day's requests come back, in seconds since 1970.
    """

    used: int
    limit: int | None
    left: int | None
    minute_limit: int | None
    minute_left: int | None
    resets_at: float


class Budget:
    """Reserves requests inside the caller's transaction. `clock` gives seconds since 1970."""

    def __init__(
        self, limits: Mapping[str, Limits] | None = None, clock: Callable[[], float] = time.time
    ) -> None:
        self._limits = dict(limits or {})
        self._clock = clock
        self._last_day = ""

    async def reserve(
        self, connection: AsyncConnection, errand: Errand, provider: str, model: str
    ) -> str:
        """Take one request from every count that it falls under; gives the day it belongs to.

        Raises BudgetSpent or RateLimited, upon which the transaction must be rolled back. Counts
        are locked in one order, the provider's words and then its day: whoever holds the day's
        row sees every request of that provider.
        """
        now = self._clock()
        if errand.purpose in UNCOUNTED:
            return (await self.today(connection, provider))[0]
        limits = self._limits.get(provider, Limits())
        words = await self._words(connection, provider, model, lock=True)
        per_day, per_minute = limits.with_word(words)
        day = await self._take_day(connection, provider, per_day)
        if per_day is not None and errand.pool and limits.reserve:
            await self._take_shares(connection, errand, (provider, day), per_day - limits.reserve)
        if per_minute is not None:
            await self._check_minute(connection, provider, per_minute)
        for word in words.values():
            await self._take_told(connection, (provider, model), word, now)
        return day

    async def give_back(
        self, connection: AsyncConnection, errand: Errand, provider: str, day: str
    ) -> None:
        """Undo a reservation of which nothing reached the provider."""
        if errand.purpose in UNCOUNTED:
            return
        mine = sa.and_(days.c.provider == provider, days.c.day == day, days.c.used > 0)
        await connection.execute(sa.update(days).where(mine).values(used=days.c.used - 1))
        if errand.pool:
            held = sa.and_(
                shares.c.provider == provider,
                shares.c.day == day,
                shares.c.scope.in_(_scopes(errand)),
                shares.c.used > 0,
            )
            await connection.execute(sa.update(shares).where(held).values(used=shares.c.used - 1))

    async def heed(
        self, connection: AsyncConnection, provider: str, model: str, word: Told
    ) -> None:
        """Keep what the provider said was left, less what it cannot have counted when it said so."""
        e = entries.c
        uncounted = sa.and_(
            e.provider == provider,
            e.model == model,
            e.at > word.at - _LONGEST_S,
            sa.or_(e.outcome == "open", e.at > word.at),
            e.outcome != UNREACHED,
            e.purpose.not_in(UNCOUNTED),
        )
        asked = sa.select(sa.func.count()).select_from(entries).where(uncounted)
        on_its_way = (await connection.execute(asked)).scalar_one()
        await self._keep(connection, (provider, model), word, word.left - on_its_way)

    async def left(self, connection: AsyncConnection, provider: str, model: str = "") -> Left:
        """What is left for everybody; `model` adds what the provider said of that model."""
        now = self._clock()
        words = await self._words(connection, provider, model)
        limit, minute = self._limits.get(provider, Limits()).with_word(words)
        day, used = await self.today(connection, provider)
        lefts = [] if limit is None else [max(0, limit - used)]
        resets_at = _midnight_after(day)
        if word := words.get("day"):
            lefts.append(int(word.left_at(now)))
            if limit is None:
                limit, resets_at = word.most, max(now, word.resets_at)
        minutes = []
        if minute is not None:
            minutes.append(max(0, minute - await self._this_minute(connection, provider)))
        if word := words.get("minute"):
            minutes.append(int(word.left_at(now)))
            minute = word.most if minute is None else minute
        return Left(
            used,
            limit,
            min(lefts, default=None),
            minute,
            min(minutes, default=None),
            resets_at,
        )

    def resets_at(self) -> float:
        """When the day's count begins anew, in seconds since 1970: the next midnight, UTC."""
        return _midnight_after(max(self._today(), self._last_day))

    # ── the counts ──────────────────────────────────────────────────────────────────────────────

    async def _take_day(self, connection: AsyncConnection, provider: str, limit: int | None) -> str:
        most = _NO_LIMIT if limit is None else limit
        asked = {"provider": provider, "today": self._today(), "most": most}
        day = (await connection.execute(_RESERVE_DAY, asked)).scalar() if most > 0 else None
        if day is None:
            raise self._spent(
                f"All {limit} requests of today at {self._label(provider)} are spent."
            )
        self._last_day = max(self._last_day, str(day))
        return str(day)

    async def _take_shares(
        self, connection: AsyncConnection, errand: Errand, where: tuple[str, str], total: int
    ) -> None:
        """Visitors, their network, and the visitor: whoever comes too often is stopped first."""
        provider, day = where
        eighths = 1 if errand.pool == GUESTS else _EIGHTHS_OF_A_NETWORK
        mosts = (total, max(1, total * eighths // 8), max(1, total // 8))
        told_of = (
            f"Today's requests for visitors at {self._label(provider)} are spent.",
            "Your network has used its share of today's requests.",
            f"You have used your share of today, {mosts[2]} requests.",
        )
        for scope, most, words in zip(_scopes(errand), mosts, told_of, strict=True):
            asked = {"provider": provider, "day": day, "scope": scope, "most": most}
            taken = (
                (await connection.execute(_RESERVE_SHARE, asked)).scalar() if total > 0 else None
            )
            if taken is None:
                raise self._spent(words)

    async def _check_minute(self, connection: AsyncConnection, provider: str, limit: int) -> None:
        """Raises RateLimited where the last `limit` requests all lie within a minute."""
        asked = sa.select(entries.c.at).where(self._recent(provider))
        nth = asked.order_by(entries.c.at.desc()).limit(1).offset(limit - 1)
        oldest = (await connection.execute(nth)).scalar()
        if oldest is not None:
            raise self._too_fast(provider, limit, oldest + SPAN_S["minute"])

    async def _take_told(
        self, connection: AsyncConnection, where: tuple[str, str], word: Told, now: float
    ) -> None:
        over = word.left_at(now)
        if over >= 1:
            await self._keep(connection, where, word, over - 1, now)
        elif word.span == "minute":
            raise self._too_fast(where[0], word.most, word.next_at(now))
        else:
            raise self._spent(
                f"{self._label(where[0])} says that all {word.most} requests of today "
                f"for {where[1]} are spent.",
                word.next_at(now),
            )

    async def _keep(
        self,
        connection: AsyncConnection,
        where: tuple[str, str],
        word: Told,
        left_over: float,
        now: float | None = None,
    ) -> None:
        """Write a word down with what is left over; a request that is taken puts off the refill."""
        at = word.at if now is None else now
        left_over = max(0.0, left_over)
        full_at = at + (word.most - left_over) * word.each_s
        resets_at = full_at if word.each_s else word.resets_at
        if not word.each_s and at >= resets_at:  # a new window, of which only its length is known
            resets_at = at + SPAN_S[word.span]
        await connection.execute(
            _TELL,
            {
                "provider": where[0],
                "model": where[1],
                "span": word.span,
                "most": word.most,
                "left_over": left_over,
                "at": at,
                "each_s": word.each_s,
                "resets_at": resets_at,
            },
        )

    async def _words(
        self, connection: AsyncConnection, provider: str, model: str, lock: bool = False
    ) -> dict[Span, Told]:
        of = {"of_provider": provider, "of_model": model}
        rows = await connection.execute(_WORDS_TO_TAKE if lock else _WORDS, of)
        return {row[0]: Told(*row) for row in rows}

    async def today(self, connection: AsyncConnection, provider: str) -> tuple[str, int]:
        """Today, or the last day written where the clock was set back behind it; and what it used."""
        last = (await connection.execute(_LAST_DAY, {"of_provider": provider})).first()
        today = self._today()
        if last is None or last.day < today:
            return today, 0
        self._last_day = max(self._last_day, last.day)
        return last.day, last.used

    async def _this_minute(self, connection: AsyncConnection, provider: str) -> int:
        asked = sa.select(sa.func.count()).select_from(entries).where(self._recent(provider))
        return (await connection.execute(asked)).scalar_one()

    def _recent(self, provider: str) -> sa.ColumnElement[bool]:
        now = self._clock()
        return sa.and_(
            entries.c.provider == provider,
            entries.c.at > now - SPAN_S["minute"],
            entries.c.at < now + _SKEW_S,
            entries.c.outcome != UNREACHED,
            entries.c.purpose.not_in(UNCOUNTED),
        )

    def _today(self) -> str:
        return datetime.fromtimestamp(self._clock(), UTC).date().isoformat()

    def _label(self, provider: str) -> str:
        return self._limits.get(provider, Limits()).label or provider

    # ── what is refused ─────────────────────────────────────────────────────────────────────────

    def _spent(self, words: str, returns_at: float | None = None) -> BudgetSpent:
        at = self.resets_at() if returns_at is None else returns_at
        when = "at 00:00 UTC, in " if returns_at is None else "in "
        error = BudgetSpent(
            words, f"They return {when}{_span(at - self._clock())}. Nothing was sent.", at
        )
        error.sent = False
        return error

    def _too_fast(self, provider: str, limit: int, retry_at: float) -> RateLimited:
        wait_s = max(1, math.ceil(retry_at - self._clock()))
        error = RateLimited(
            f"{self._label(provider)} takes {limit} requests a minute, and so many were just sent.",
            f"Wait {wait_s} seconds, then retry. Nothing was sent.",
            retry_at,
        )
        error.sent = False
        return error


def _scopes(errand: Errand) -> tuple[str, str, str]:
    return ("visitors", f"pool:{errand.pool}", f"owner:{errand.owner}")


def _midnight_after(day: str) -> float:
    start = datetime.fromisoformat(day).replace(tzinfo=UTC)
    return (start + timedelta(days=1)).timestamp()


def _span(seconds: float) -> str:
    minutes = max(1, round(seconds / 60))
    return f"{minutes // 60} h {minutes % 60} min" if minutes >= 60 else f"{minutes} min"
