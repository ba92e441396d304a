"""Times and durations as a reader would say them."""

from datetime import UTC, datetime

from components.words import language, number, say

_MONTHS = {
    "en": "January February March April May June July August September October November December",
    "de": "Januar Februar März April Mai Juni Juli August September Oktober November Dezember",
    "es": "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre",
    "fr": "janvier février mars avril mai juin juillet août septembre octobre novembre décembre",
}
_DAYS = {"de": "{day}. {month} {year}", "es": "{day} de {month} de {year}"}


def moment(at: float, date: bool = False) -> str:
    """A time that the browser rewrites in its own zone and language; UTC until then."""
    when = datetime.fromtimestamp(at, UTC)
    shown = when.strftime("%d %b %Y, %H:%M" if date else "%H:%M")
    kind = "date" if date else "time"
    return f'<time datetime="{when.isoformat()}" data-as="{kind}">{shown}</time>'


def day(at: float) -> str:
    """Such as "29 November 2026", as one writes it in the reader's language; UTC.

    For a page without a script, where no browser rewrites it.
    """
    when, spoken = datetime.fromtimestamp(at, UTC), language()
    if spoken in ("ja", "zh"):
        return f"{when.year}年{when.month}月{when.day}日"
    name = _MONTHS.get(spoken, _MONTHS["en"]).split()[when.month - 1]
    first = "1er" if spoken == "fr" and when.day == 1 else when.day
    written = _DAYS.get(spoken, "{day} {month} {year}")
    return written.format(day=first, month=name, year=when.year)


def seconds(length_s: float) -> str:
    """Such as "<1 ms", "20 ms", "0.3 s", "12 s" or "2 min 5 s"."""
    if length_s < 0.001:
        return "<1 ms"
    if length_s < 0.1:
        return f"{length_s * 1000:.0f} ms"
    if length_s < 10:
        return say("{n} s", n=number(length_s, 1))
    if length_s < 60:
        return say("{n} s", n=f"{length_s:.0f}")
    return say("{minutes} min {n} s", minutes=int(length_s) // 60, n=int(length_s) % 60)


def elapsed(since: float) -> str:
    """The seconds from `since` on, which static/elapsed.js counts; nothing where it is not known.

    Those who listen are not told each of them.
    """
    return (
        f'<parley-elapsed since="{since:.2f}" aria-hidden="true"></parley-elapsed>' if since else ""
    )
