"""Times and durations as a reader would say them."""

from datetime import UTC, datetime

from components.words import number, say


def moment(at: float, date: bool = False) -> str:
    """A time that the browser rewrites in its own zone and language; UTC until then."""
    when = datetime.fromtimestamp(at, UTC)
    shown = when.strftime("%d %b %Y, %H:%M" if date else "%H:%M")
    kind = "date" if date else "time"
    return f'<time datetime="{when.isoformat()}" data-as="{kind}">{shown}</time>'


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
