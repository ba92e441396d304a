"""What was spent, as the side of the page shows it: two lines, and behind them two weeks."""

from collections.abc import Mapping, Sequence
from datetime import date
from html import escape
from typing import Protocol

from assistant import Answering
from components.icons import icon
from components.own_key import offer, ways_on
from components.render import moment

_WIDTH, _HEIGHT, _GAP = 238, 56, 4
_KINDS = {
    "answer": ("answer", "answers"),
    "tool round": ("tool round", "tool rounds"),
    "image": ("picture", "pictures"),
    "transcription": ("transcription", "transcriptions"),
    "speech": ("spoken reply", "spoken replies"),
    "embedding": ("embedding", "embeddings"),
}
"""Purposes in the order they are drawn, in the singular and the plural; others come after them."""


class DayUse(Protocol):
    @property
    def day(self) -> str: ...
    @property
    def by_purpose(self) -> Mapping[str, int]: ...


class Report(Protocol):
    """What the pane needs to know; inference.usage.UsageReport says what each number means."""

    @property
    def billing(self) -> str: ...
    @property
    def used(self) -> int: ...
    @property
    def limit(self) -> int | None: ...
    @property
    def left(self) -> int | None: ...
    @property
    def resets_at(self) -> float: ...
    @property
    def minute_limit(self) -> int | None: ...
    @property
    def last_turn(self) -> Mapping[str, int]: ...
    @property
    def days(self) -> Sequence[DayUse]: ...
    @property
    def tokens_in(self) -> int: ...
    @property
    def tokens_out(self) -> int: ...
    @property
    def tokens_guessed(self) -> bool: ...
    @property
    def price(self) -> float | None: ...
    @property
    def price_partial(self) -> bool: ...


def pane(report: Report, answering: Answering) -> str:
    """Folded: used, left and when they come back. Opened: what for, since when, and what it costs."""
    if answering.offline or (report.billing == "free" and report.limit is None):
        who = "Offline engine" if answering.offline else escape(answering.provider)
        return f'<p class="usage free">{who}: no requests are spent</p>'
    spent = report.left == 0
    notice = f'<div class="spent-up">{_offer(report.resets_at)}</div>' if spent else ""
    return (
        f'<details class="spending"><summary>{_headline(report)}</summary>'
        f'<div class="more">{_facts(report)}{_fortnight(report.days)}</div></details>{notice}'
    )


def forecast_at_nothing_left(resets_at: float) -> str:
    """What the composer says then."""
    return (
        f'<span class="spent">None left until {moment(resets_at)}</span><span>'
        '<button type="button" class="link" data-do="use-offline">Use the offline engine</button>'
        f" or {offer('your own key')}</span>"
    )


def _offer(resets_at: float) -> str:
    return (
        f"<p>They return at {moment(resets_at)}. Until then use the offline engine, or a key of "
        f"your own.</p>{ways_on()}"
    )


def _headline(report: Report) -> str:
    if report.limit is None or report.left is None:
        noun = "request" if report.used == 1 else "requests"
        return f'<p class="usage"><b>{report.used:,}</b> {noun} today{icon("chevron")}</p>'
    limit, left = report.limit, report.left
    gone = max(0, limit - left)
    share = min(100, round(100 * gone / limit)) if limit else 100
    tone = " full" if share >= 90 else ""
    words, rest = "<b>No requests left</b> today", ""
    if left:
        words = f"<b>{report.used:,}</b> of {limit:,} requests today"
        resets = f"<small>Resets {moment(report.resets_at)}</small>"
        rest = f'<p class="rest"><small>{left:,} left</small>{resets}</p>'
    return (
        f'<p class="usage">{words}{icon("chevron")}</p>'
        f'<div class="bar{tone}" role="meter" aria-label="Requests used today" aria-valuemin="0" '
        f'aria-valuemax="{limit}" aria-valuenow="{gone}"><i style="width:{share}%"></i></div>{rest}'
    )


def _facts(report: Report) -> str:
    rows = [("Last turn", _counted(report.last_turn) or "nothing yet")]
    if report.minute_limit is not None:
        rows.append(("A minute", f"at most {report.minute_limit:,}"))
    if report.tokens_in or report.tokens_out:
        about = "about " if report.tokens_guessed else ""
        tokens = f"{about}{_short(report.tokens_in)} in, {_short(report.tokens_out)} out"
        rows.append(("Tokens today", tokens))
    if report.price is not None:
        words = "at least" if report.price_partial else "about"
        rows.append(("Price today", f"{words} {_dollars(report.price)}, estimated"))
    listed = "".join(f"<div><dt>{name}</dt><dd>{value}</dd></div>" for name, value in rows)
    return f"<dl>{listed}</dl>"


def _fortnight(days: Sequence[DayUse]) -> str:
    """A stacked bar a day. The drawing is for eyes; the table under it says the same to others."""
    kinds = _kinds(days)
    if not kinds:
        return '<p class="none">Your requests of two weeks are drawn here.</p>'
    legend = "".join(
        f'<li><i class="{_class(kind)}"></i>{escape(_named(kind, 2))}</li>' for kind in kinds
    )
    return (
        f"<figure><figcaption>Your last {len(days)} days</figcaption>{_drawing(days, kinds)}"
        f'<p class="ends" aria-hidden="true"><span>{_date(days[0].day)}</span><span>Today</span></p>'
        f'<ul role="list" aria-hidden="true">{legend}</ul>{_table(days, kinds)}</figure>'
    )


def _drawing(days: Sequence[DayUse], kinds: Sequence[str]) -> str:
    highest = max(sum(day.by_purpose.values()) for day in days)
    total = sum(sum(day.by_purpose.values()) for day in days)
    step = (_WIDTH + _GAP) / len(days)
    bars = "".join(
        _bar(day, kinds, x=number * step, width=step - _GAP, unit=_HEIGHT / highest)
        for number, day in enumerate(days)
    )
    return (
        f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT + 1}" role="img" '
        'aria-labelledby="parley-days-title parley-days-words">'
        '<title id="parley-days-title">Requests a day by purpose</title>'
        f'<desc id="parley-days-words">{total:,} in {len(days)} days, at most {highest:,} a day.'
        f"</desc>{bars}"
        f'<path class="ground" d="M0 {_HEIGHT + 0.5}H{_WIDTH}"/></svg>'
    )


def _bar(day: DayUse, kinds: Sequence[str], x: float, width: float, unit: float) -> str:
    """One day, its purposes from the ground up; the browser shows the words under the pointer."""
    drawn, ground = "", float(_HEIGHT)
    for kind in kinds:
        if count := day.by_purpose.get(kind, 0):
            ground -= count * unit
            drawn += (
                f'<rect class="{_class(kind)}" x="{x:.1f}" y="{ground:.1f}" width="{width:.1f}" '
                f'height="{count * unit:.1f}"/>'
            )
    told = _counted(day.by_purpose) or "nothing"
    whole = f'<rect class="day" x="{x:.1f}" y="0" width="{width:.1f}" height="{_HEIGHT}"/>'
    return f"<g><title>{_date(day.day)}: {told}</title>{whole}{drawn}</g>"


def _table(days: Sequence[DayUse], kinds: Sequence[str]) -> str:
    heads = "".join(f'<th scope="col">{escape(_named(kind, 2))}</th>' for kind in kinds)
    rows = "".join(
        f'<tr><th scope="row">{_date(day.day)}</th>'
        + "".join(f"<td>{day.by_purpose.get(kind, 0)}</td>" for kind in kinds)
        + "</tr>"
        for day in days
    )
    return (
        '<div class="unseen"><table><caption>Requests a day by purpose</caption>'
        f'<thead><tr><th scope="col">Day</th>{heads}</tr></thead><tbody>{rows}</tbody></table></div>'
    )


def _kinds(days: Sequence[DayUse]) -> list[str]:
    seen = {kind for day in days for kind, count in day.by_purpose.items() if count}
    order = list(_KINDS)
    return sorted(seen, key=lambda kind: (order.index(kind) if kind in order else 99, kind))


def _class(kind: str) -> str:
    return f"for-{kind.replace(' ', '-')}" if kind in _KINDS else "for-other"


def _named(kind: str, count: int) -> str:
    return _KINDS.get(kind, (kind, kind))[count != 1]


def _counted(by_purpose: Mapping[str, int]) -> str:
    """Such as "1 answer + 2 tool rounds"."""
    parts = [f"{n:,} {escape(_named(kind, n))}" for kind, n in by_purpose.items() if n]
    return " + ".join(parts)


def _date(day: str) -> str:
    """Such as "9 Nov"."""
    when = date.fromisoformat(day)
    return f"{when.day} {when:%b}"


def _short(count: int) -> str:
    """Such as "980", "12.3k" or "1.2M"."""
    if count < 10_000:
        return f"{count:,}"
    return f"{count / 1000:.1f}k" if count < 999_950 else f"{count / 1_000_000:.1f}M"


def _dollars(price: float) -> str:
    """Two digits that say something: "$0.0012", "$0.35", "$12.40"."""
    if price >= 0.1 or not price:
        return f"${price:,.2f}"
    return f"${price:.4f}" if price >= 0.0001 else "less than $0.0001"
