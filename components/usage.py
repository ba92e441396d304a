"""What was spent, as the side of the page shows it: two lines, and behind them two weeks."""

from collections.abc import Mapping, Sequence
from datetime import date
from html import escape
from typing import Protocol

from assistant import Answering
from components.icons import icon
from components.own_key import offer, ways_on
from components.render import moment
from components.words import count, number, say, told, word

_WIDTH, _HEIGHT, _GAP = 238, 56, 4
_KINDS = {
    "answer": (word("answers"), word("1 answer"), word("{n} answers")),
    "tool round": (word("tool rounds"), word("1 tool round"), word("{n} tool rounds")),
    "image": (word("pictures"), word("1 picture"), word("{n} pictures")),
    "transcription": (
        word("transcriptions"),
        word("1 transcription"),
        word("{n} transcriptions"),
    ),
    "speech": (word("spoken replies"), word("1 spoken reply"), word("{n} spoken replies")),
    "embedding": (word("embeddings"), word("1 embedding"), word("{n} embeddings")),
    "summary": (word("summaries"), word("1 summary"), word("{n} summaries")),
    "reading": (word("pictures read"), word("1 picture read"), word("{n} pictures read")),
}
"""Purposes in the order they are drawn, by name, and counted; others come after them."""
_DAYS = (
    word("{day} Jan"),
    word("{day} Feb"),
    word("{day} Mar"),
    word("{day} Apr"),
    word("{day} May"),
    word("{day} Jun"),
    word("{day} Jul"),
    word("{day} Aug"),
    word("{day} Sep"),
    word("{day} Oct"),
    word("{day} Nov"),
    word("{day} Dec"),
)


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


class LentReport(Protocol):
    @property
    def label(self) -> str: ...
    @property
    def senses(self) -> Sequence[str]: ...
    @property
    def report(self) -> Report: ...


def pane(report: Report, answering: Answering, lent: Sequence[LentReport] = ()) -> str:
    """Folded: used, left and when they come back. Opened: what for, since when, and what it costs.

    Those who hear or speak besides who answers follow, each with what was sent to them.
    """
    return _whole(report, answering) + "".join(map(_lent, lent))


def _lent(one: LentReport) -> str:
    alone = {"transcription": word("{who} hears"), "speech": word("{who} speaks")}
    does = word("{who} hears and speaks")
    if len(one.senses) == 1:
        does = alone[one.senses[0]]
    who = say(does, who=escape(told(one.label)))
    days = _fortnight(one.report.days).replace("parley-days", f"parley-days-{one.senses[0]}")
    return (
        f'<details class="spending lent"><summary><p class="whose">{who}</p>'
        f'{_headline(one.report)}</summary><div class="more">{_facts(one.report)}{days}</div></details>'
    )


def _whole(report: Report, answering: Answering) -> str:
    if answering.offline or (report.billing == "free" and report.limit is None):
        who = say("Offline engine") if answering.offline else escape(answering.provider)
        return f'<p class="usage free">{say("{who}: no requests are spent", who=who)}</p>'
    spent = report.left == 0
    notice = f'<div class="spent-up">{_offer(report.resets_at)}</div>' if spent else ""
    return (
        f'<details class="spending"><summary>{_headline(report)}</summary>'
        f'<div class="more">{_facts(report)}{_fortnight(report.days)}</div></details>{notice}'
    )


def forecast_at_nothing_left(resets_at: float) -> str:
    """What the composer says then."""
    return (
        f'<span class="spent">{say("None left until {time}", time=moment(resets_at))}</span><span>'
        '<button type="button" class="link" data-do="use-offline">'
        f"{say('Use the offline engine')}</button> {say('or')} {offer(say('your own key'))}</span>"
    )


def _offer(resets_at: float) -> str:
    words = say(
        "They return at {time}. Until then use the offline engine, or a key of your own.",
        time=moment(resets_at),
    )
    return f"<p>{words}</p>{ways_on()}"


def _headline(report: Report) -> str:
    if report.limit is None or report.left is None:
        words = count(report.used, "<b>1</b> request today", "<b>{n}</b> requests today")
        return f'<p class="usage">{words}{icon("chevron")}</p>'
    limit, left = report.limit, report.left
    gone = max(0, limit - left)
    share = min(100, round(100 * gone / limit)) if limit else 100
    tone = " full" if share >= 90 else ""
    words, rest = say("<b>No requests left</b> today"), ""
    if left:
        used, of = number(report.used), number(limit)
        words = say("<b>{used}</b> of {of} requests today", used=used, of=of)
        resets = f"<small>{say('Resets {time}', time=moment(report.resets_at))}</small>"
        rest = f'<p class="rest"><small>{say("{n} left", n=number(left))}</small>{resets}</p>'
    return (
        f'<p class="usage">{words}{icon("chevron")}</p>'
        f'<div class="bar{tone}" role="meter" aria-label="{say("Requests used today")}" '
        f'aria-valuemin="0" aria-valuemax="{limit}" aria-valuenow="{gone}">'
        f'<i style="width:{share}%"></i></div>{rest}'
    )


def _facts(report: Report) -> str:
    rows = [(say("Last turn"), _counted(report.last_turn) or say("nothing yet"))]
    if report.minute_limit is not None:
        rows.append((say("A minute"), say("at most {n}", n=number(report.minute_limit))))
    if report.tokens_in or report.tokens_out:
        rows.append((say("Tokens today"), _tokens(report)))
    if report.price is not None:
        price = _dollars(report.price)
        words = say("about {price}, estimated", price=price)
        if report.price_partial:
            words = say("at least {price}, estimated", price=price)
        rows.append((say("Price today"), words))
    listed = "".join(f"<div><dt>{name}</dt><dd>{value}</dd></div>" for name, value in rows)
    return f"<dl>{listed}</dl>"


def _tokens(report: Report) -> str:
    heard, said = _short(report.tokens_in), _short(report.tokens_out)
    if report.tokens_guessed:
        return say("about {heard} in, {said} out", heard=heard, said=said)
    return say("{heard} in, {said} out", heard=heard, said=said)


def _fortnight(days: Sequence[DayUse]) -> str:
    """A stacked bar a day. The drawing is for eyes; the table under it says the same to others."""
    kinds = _kinds(days)
    if not kinds:
        return f'<p class="none">{say("Your requests of two weeks are drawn here.")}</p>'
    legend = "".join(
        f'<li><i class="{_class(kind)}"></i>{escape(_named(kind))}</li>' for kind in kinds
    )
    return (
        f"<figure><figcaption>{say('Your last {n} days', n=len(days))}</figcaption>"
        f'{_drawing(days, kinds)}<p class="ends" aria-hidden="true">'
        f"<span>{_date(days[0].day)}</span><span>{say('Today')}</span></p>"
        f'<ul role="list" aria-hidden="true">{legend}</ul>{_table(days, kinds)}</figure>'
    )


def _drawing(days: Sequence[DayUse], kinds: Sequence[str]) -> str:
    highest = max(sum(day.by_purpose.values()) for day in days)
    total = sum(sum(day.by_purpose.values()) for day in days)
    step = (_WIDTH + _GAP) / len(days)
    bars = "".join(
        _bar(day, kinds, x=place * step, width=step - _GAP, unit=_HEIGHT / highest)
        for place, day in enumerate(days)
    )
    words = say(
        "{total} in {days} days, at most {highest} a day.",
        total=number(total),
        days=len(days),
        highest=number(highest),
    )
    return (
        f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT + 1}" role="img" '
        'aria-labelledby="parley-days-title parley-days-words">'
        f'<title id="parley-days-title">{say("Requests a day by purpose")}</title>'
        f'<desc id="parley-days-words">{words}</desc>{bars}'
        f'<path class="ground" d="M0 {_HEIGHT + 0.5}H{_WIDTH}"/></svg>'
    )


def _bar(day: DayUse, kinds: Sequence[str], x: float, width: float, unit: float) -> str:
    """One day, its purposes from the ground up; the browser shows the words under the pointer."""
    drawn, ground = "", float(_HEIGHT)
    for kind in kinds:
        if spent := day.by_purpose.get(kind, 0):
            ground -= spent * unit
            drawn += (
                f'<rect class="{_class(kind)}" x="{x:.1f}" y="{ground:.1f}" width="{width:.1f}" '
                f'height="{spent * unit:.1f}"/>'
            )
    told = _counted(day.by_purpose) or say("nothing")
    whole = f'<rect class="day" x="{x:.1f}" y="0" width="{width:.1f}" height="{_HEIGHT}"/>'
    return f"<g><title>{_date(day.day)}: {told}</title>{whole}{drawn}</g>"


def _table(days: Sequence[DayUse], kinds: Sequence[str]) -> str:
    heads = "".join(f'<th scope="col">{escape(_named(kind))}</th>' for kind in kinds)
    rows = "".join(
        f'<tr><th scope="row">{_date(day.day)}</th>'
        + "".join(f"<td>{day.by_purpose.get(kind, 0)}</td>" for kind in kinds)
        + "</tr>"
        for day in days
    )
    return (
        f'<div class="unseen"><table><caption>{say("Requests a day by purpose")}</caption>'
        f'<thead><tr><th scope="col">{say("Day")}</th>{heads}</tr></thead><tbody>{rows}</tbody></table></div>'
    )


def _kinds(days: Sequence[DayUse]) -> list[str]:
    seen = {kind for day in days for kind, n in day.by_purpose.items() if n}
    order = list(_KINDS)
    return sorted(seen, key=lambda kind: (order.index(kind) if kind in order else 99, kind))


def _class(kind: str) -> str:
    return f"for-{kind.replace(' ', '-')}" if kind in _KINDS else "for-other"


def _named(kind: str) -> str:
    return say(_KINDS[kind][0]) if kind in _KINDS else kind


def _counted(by_purpose: Mapping[str, int]) -> str:
    """Such as "1 answer + 2 tool rounds"."""
    return " + ".join(_of_a_kind(kind, n) for kind, n in by_purpose.items() if n)


def _of_a_kind(kind: str, times: int) -> str:
    if kind not in _KINDS:
        return f"{number(times)} {escape(kind)}"
    _, one, many = _KINDS[kind]
    return count(times, one, many)


def _date(day: str) -> str:
    """Such as "9 Nov"."""
    when = date.fromisoformat(day)
    return say(_DAYS[when.month - 1], day=when.day)


def _short(tokens: int) -> str:
    """Such as "980", "12.3k" or "1.2M"."""
    if tokens < 10_000:
        return number(tokens)
    return (
        f"{number(tokens / 1000, 1)}k" if tokens < 999_950 else f"{number(tokens / 1_000_000, 1)}M"
    )


def _dollars(price: float) -> str:
    """Two digits that say something: "$0.0012", "$0.35", "$12.40"."""
    if price >= 0.1 or not price:
        return f"${number(price, 2)}"
    return (
        f"${number(price, 4)}"
        if price >= 0.0001
        else say("less than ${least}", least=number(0.0001, 4))
    )
