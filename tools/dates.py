"""Weekdays and differences between dates."""

from datetime import date, datetime, timedelta

from tools.clock import zone_named
from tools.router import ToolError, tool


def _date(text: str, zone: str) -> date:
    if text.strip().lower() == "today":
        return datetime.now(zone_named(zone)).date()
    try:
        return date.fromisoformat(text.strip()[:10])
    except ValueError:
        raise ToolError(f"{text!r} is no date; write it as 2026-12-31, or say today.") from None


@tool
async def dates(start: str, end: str | None = None, add_days: int = 0, zone: str = "UTC") -> str:
    """Weekday of a date, the days between two dates, or the date some days later or earlier.

    Dates are ISO, such as 2026-12-31, or the word today (in the IANA time zone `zone`). Give `end`
    for a difference, `add_days` (may be negative) for another date.
    """
    first = _date(start, zone)
    if end is not None:
        last = _date(end, zone)
        days = (last - first).days
        weeks, rest = divmod(abs(days), 7)
        told = f" ({_counted(weeks, 'week')} and {_counted(rest, 'day')})" if weeks else ""
        return f"From {first:%A} {first} to {last:%A} {last}: {_counted(days, 'day')}{told}."
    try:
        then = first + timedelta(days=add_days)
    except OverflowError:
        raise ToolError("That date is beyond the years 1 to 9999.") from None
    return f"{then:%A} {then}, week {then.isocalendar().week} of {then.isocalendar().year}."


def _counted(number: int, what: str) -> str:
    return f"{number} {what}" if abs(number) == 1 else f"{number} {what}s"
