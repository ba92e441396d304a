"""Weekdays and differences between dates."""

from datetime import UTC, date, datetime, timedelta

from tools.router import ToolError, tool


def _date(text: str) -> date:
    if text.strip().lower() == "today":
        return datetime.now(UTC).date()
    try:
        return date.fromisoformat(text.strip()[:10])
    except ValueError:
        raise ToolError(f"{text!r} is no date; write it as 2026-12-31, or say today.") from None


@tool
async def dates(start: str, end: str | None = None, add_days: int = 0) -> str:
    """Weekday of a date, the days between two dates, or the date some days later or earlier.

    Dates are ISO, such as 2026-12-31, or the word today (UTC). Give `end` for a difference,
    `add_days` (may be negative) for another date.
    """
    first = _date(start)
    if end is not None:
        last = _date(end)
        days = (last - first).days
        weeks = f" ({abs(days) // 7} weeks and {abs(days) % 7} days)" if abs(days) >= 7 else ""
        return f"From {first:%A} {first} to {last:%A} {last}: {days} days{weeks}."
    try:
        then = first + timedelta(days=add_days)
    except OverflowError:
        raise ToolError("That date is beyond the years 1 to 9999.") from None
    return f"{then:%A} {then}, week {then.isocalendar().week} of {then.isocalendar().year}."
