"""What was spent, for the one who pays: today's count, the last turn, two weeks, tokens and their price."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final

from inference.ledger import Ledger, Spending
from inference.provider import Billing, Provider

DAYS: Final = 14


@dataclass(frozen=True, slots=True)
class DayUse:
    """Requests of one owner on a day (ISO date, UTC), by purpose."""

    day: str
    by_purpose: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class UsageReport:
    """`used` to `minute_left` are of everybody, since they share the limit; the rest is one owner's.

    None stands for a limit or a price that nobody knows. `resets_at` is in seconds since 1970.
    `last_turn` counts the requests of the latest turn by purpose. `days` are the last DAYS, today
    last, days without requests too. Tokens are today's; `tokens_guessed` where the provider did not
    count them all. `price` is an estimate in US dollars from public prices, of today;
    `price_partial` says that for a model in use none is known.
    """

    billing: Billing
    used: int
    limit: int | None
    left: int | None
    resets_at: float
    minute_limit: int | None
    minute_left: int | None
    last_turn: Mapping[str, int]
    days: tuple[DayUse, ...]
    tokens_in: int
    tokens_out: int
    tokens_guessed: bool
    price: float | None
    price_partial: bool

    @property
    def by_purpose(self) -> Mapping[str, int]:
        """Today's requests of this owner."""
        return self.days[-1].by_purpose


async def usage_report(
    ledger: Ledger, provider: Provider, owner: str, model: str = ""
) -> UsageReport:
    """Read the ledger; `model` is the one that answers, of which the provider may have told a limit."""
    left = await ledger.left(provider.name, model or provider.chat)
    # The ledger's own day: it does not go back with the clock, and midnight may have just passed.
    today = datetime.fromtimestamp(ledger.resets_at() - 1, UTC).date()
    first = today - timedelta(days=DAYS - 1)
    rows = await ledger.spending(provider.name, owner, first.isoformat())
    last_turn = await ledger.last_turn(provider.name, owner)
    todays = [row for row in rows if row.day == today.isoformat()]
    price, partial = _price(provider, todays)
    return UsageReport(
        billing=provider.billing,
        used=left.used,
        limit=left.limit,
        left=left.left,
        resets_at=left.resets_at,
        minute_limit=left.minute_limit,
        minute_left=left.minute_left,
        last_turn=last_turn,
        days=_by_day(rows, first),
        tokens_in=sum(row.prompt_tokens for row in todays),
        tokens_out=sum(row.completion_tokens for row in todays),
        tokens_guessed=any(row.guessed for row in todays),
        price=price,
        price_partial=partial,
    )


def _by_day(rows: Iterable[Spending], first: date) -> tuple[DayUse, ...]:
    counted: dict[str, Counter[str]] = {
        (first + timedelta(days=n)).isoformat(): Counter() for n in range(DAYS)
    }
    for row in rows:
        if row.day in counted:
            counted[row.day][row.purpose] += row.requests
    return tuple(DayUse(day, dict(uses)) for day, uses in counted.items())


def _price(provider: Provider, rows: Iterable[Spending]) -> tuple[float | None, bool]:
    """US dollars, and whether some of it is unknown; None where nothing is billed or known."""
    if provider.billing != "token":
        return None, False
    price: float | None = None
    partial = False
    for row in rows:
        known = provider.models.get(row.model)
        if known is None or known.price_in is None or known.price_out is None:
            partial = True
            continue
        millions = row.prompt_tokens * known.price_in + row.completion_tokens * known.price_out
        price = (price or 0.0) + millions / 1_000_000
    return price, partial and price is not None
