"""The ledger: every request to a provider is written down before it is sent, within the day's limit."""

import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Final

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from inference.backend import BudgetSpent, Errand

OPEN: Final = "open"
DONE: Final = "done"
UNREACHED: Final = "unreached"
"""The connection was refused: nothing was spent, and the day's count gets its request back."""
UNKNOWN: Final = "unknown"
"""Parley ended before the request did."""

_NO_LIMIT = 1_000_000_000

_entries = sa.table(
    "ledger_entries",
    sa.column("id", sa.Integer),
    sa.column("day", sa.String),
    sa.column("at", sa.Float),
    sa.column("owner", sa.String),
    sa.column("conversation_id", sa.String),
    sa.column("turn_id", sa.String),
    sa.column("purpose", sa.String),
    sa.column("provider", sa.String),
    sa.column("model", sa.String),
    sa.column("outcome", sa.String),
    sa.column("seconds", sa.Float),
    sa.column("prompt_tokens", sa.Integer),
    sa.column("completion_tokens", sa.Integer),
)
_days = sa.table(
    "ledger_days",
    sa.column("provider", sa.String),
    sa.column("day", sa.String),
    sa.column("used", sa.Integer),
)

# One statement both counts and reserves, so that two replicas cannot spend the same request. The
# day is the later of the clock's and the last one written: a clock set back gives nothing anew.
_RESERVE = sa.text("""
    INSERT INTO ledger_days (provider, day, used)
    SELECT :provider, CASE WHEN last.day > :today THEN last.day ELSE :today END, 1
    FROM (SELECT max(day) AS day FROM ledger_days WHERE provider = :provider) AS last
    WHERE true
    ON CONFLICT (provider, day) DO UPDATE SET used = ledger_days.used + 1
    WHERE ledger_days.used < :most
    RETURNING day
""")


def ledger_of_requests(connection: sa.Connection) -> None:
    """The ledger's first two tables."""
    tables = sa.MetaData()
    sa.Table(
        "ledger_entries",
        tables,
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("day", sa.String(10), nullable=False),
        sa.Column("at", sa.Float, nullable=False),
        sa.Column("owner", sa.String, nullable=False),
        sa.Column("conversation_id", sa.String, nullable=False),
        sa.Column("turn_id", sa.String, nullable=False),
        sa.Column("purpose", sa.String, nullable=False),
        sa.Column("provider", sa.String, nullable=False),
        sa.Column("model", sa.String, nullable=False),
        sa.Column("outcome", sa.String, nullable=False),
        sa.Column("seconds", sa.Float, nullable=False),
        sa.Column("prompt_tokens", sa.Integer, nullable=False),
        sa.Column("completion_tokens", sa.Integer, nullable=False),
        sa.Index("ledger_entries_by_owner", "provider", "day", "owner"),
    )
    sa.Table(
        "ledger_days",
        tables,
        sa.Column("provider", sa.String, primary_key=True),
        sa.Column("day", sa.String(10), primary_key=True),
        sa.Column("used", sa.Integer, nullable=False),
    )
    tables.create_all(connection)


MIGRATIONS: list[Callable[[sa.Connection], None]] = [ledger_of_requests]


class Ledger:
    """`limits` are requests a day (UTC) by provider name. `clock` gives seconds since 1970."""

    def __init__(
        self,
        engine: AsyncEngine,
        limits: Mapping[str, int] | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._engine = engine
        self._reading = engine.execution_options(parley_begin="BEGIN")
        self._limits = dict(limits or {})
        self._clock = clock
        self._last_day = ""

    async def open(self, errand: Errand, provider: str, model: str) -> int:
        """Reserve one request of the day and write it down; both are on disk when this returns.

        Gives the number of the entry. Raises BudgetSpent, and writes nothing, at the day's limit.
        """
        limit = self._limits.get(provider, _NO_LIMIT)
        asked = {"provider": provider, "today": self._today(), "most": limit}
        async with self._engine.begin() as connection:
            day = (await connection.execute(_RESERVE, asked)).scalar() if limit > 0 else None
            if day is None:
                raise self._spent(provider, limit)
            self._last_day = max(self._last_day, day)
            entry = sa.insert(_entries).values(
                day=day,
                at=self._clock(),
                owner=errand.owner,
                conversation_id=errand.conversation_id,
                turn_id=errand.turn_id,
                purpose=errand.purpose,
                provider=provider,
                model=model,
                outcome=OPEN,
                seconds=0.0,
                prompt_tokens=0,
                completion_tokens=0,
            )
            number = await connection.execute(entry.returning(_entries.c.id))
            return int(number.scalar_one())

    async def close(
        self,
        entry: int,
        outcome: str,
        seconds: float,
        prompt_tokens: int = 0,
        completion_tokens: int = 0,
    ) -> None:
        """Write how the request ended; tokens as the provider reported them."""
        ended = sa.update(_entries).where(_entries.c.id == entry)
        async with self._engine.begin() as connection:
            closed = await connection.execute(
                ended.values(
                    outcome=outcome,
                    seconds=seconds,
                    prompt_tokens=prompt_tokens,
                    completion_tokens=completion_tokens,
                ).returning(_entries.c.provider, _entries.c.day)
            )
            row = closed.one_or_none()
            if row and outcome == UNREACHED:
                day = sa.update(_days).where(_days.c.provider == row[0], _days.c.day == row[1])
                await connection.execute(day.values(used=_days.c.used - 1))

    async def used_today(self, provider: str) -> int:
        """Requests reserved today, by everybody."""
        today = await self._day(provider)
        asked = sa.select(_days.c.used).where(_days.c.provider == provider, _days.c.day == today)
        async with self._reading.connect() as connection:
            return (await connection.execute(asked)).scalar() or 0

    async def by_purpose(self, provider: str, owner: str) -> dict[str, int]:
        """Today's requests of one owner, counted by what they were for."""
        today = await self._day(provider)
        mine = sa.and_(
            _entries.c.provider == provider,
            _entries.c.day == today,
            _entries.c.owner == owner,
            _entries.c.outcome != UNREACHED,
        )
        asked = sa.select(_entries.c.purpose, sa.func.count()).where(mine)
        async with self._reading.connect() as connection:
            rows = await connection.execute(asked.group_by(_entries.c.purpose))
            return dict(rows.tuples().all())

    async def settle_open(self) -> int:
        """At start: requests that never closed ended with the Parley that sent them. Gives how many."""
        lost = sa.update(_entries).where(_entries.c.outcome == OPEN).values(outcome=UNKNOWN)
        async with self._engine.begin() as connection:
            return (await connection.execute(lost)).rowcount

    def resets_at(self) -> float:
        """When the day's count begins anew, in seconds since 1970: the next midnight, UTC."""
        day = datetime.fromisoformat(max(self._today(), self._last_day)).replace(tzinfo=UTC)
        return (day + timedelta(days=1)).timestamp()

    def _today(self) -> str:
        return datetime.fromtimestamp(self._clock(), UTC).date().isoformat()

    async def _day(self, provider: str) -> str:
        """Today, or the last day written where the clock was set back behind it."""
        asked = sa.select(sa.func.max(_days.c.day)).where(_days.c.provider == provider)
        async with self._reading.connect() as connection:
            last = (await connection.execute(asked)).scalar() or ""
        return max(last, self._today())

    def _spent(self, provider: str, limit: int) -> BudgetSpent:
        resets_at = self.resets_at()
        minutes = max(1, round((resets_at - self._clock()) / 60))
        left = f"{minutes // 60} h {minutes % 60} min" if minutes >= 60 else f"{minutes} min"
        return BudgetSpent(
            f"All {limit} requests of today at {provider} are spent.",
            f"They return at 00:00 UTC, in {left}. Nothing was sent.",
            resets_at,
        )
