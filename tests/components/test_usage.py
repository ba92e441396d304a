"""The pane that says what was spent."""

import re
from datetime import UTC, date, datetime, timedelta
from html import unescape
from html.parser import HTMLParser
from typing import Any, get_args
from xml.etree import ElementTree

from assistant import Answering, Lent
from components import usage
from components.words import speaking
from inference.usage import DayUse, UsageReport
from messages import Purpose

MIDNIGHT = datetime(2026, 11, 24, tzinfo=UTC).timestamp()
ONLINE = Answering("Oxlo.ai", "deepseek-v3.2", offline=False, advice="")
OFFLINE = Answering("Offline engine", "parley-offline", offline=True, advice="")
LAST_DAY = date(2026, 11, 23)
WEEKS: list[dict[str, int]] = [{}] * 10 + [
    {"answer": 3, "tool round": 1},
    {},
    {"answer": 1},
    {"answer": 2, "speech": 2},
]


def report(**changed: Any) -> UsageReport:
    first = LAST_DAY - timedelta(days=13)
    days = (DayUse((first + timedelta(n)).isoformat(), by) for n, by in enumerate(WEEKS))
    facts: dict[str, Any] = {
        "billing": "request",
        "used": 23,
        "limit": 60,
        "left": 37,
        "resets_at": MIDNIGHT,
        "minute_limit": 5,
        "minute_left": 5,
        "last_turn": {"answer": 1, "tool round": 1},
        "days": tuple(days),
        "tokens_in": 48_210,
        "tokens_out": 5_120,
        "tokens_guessed": False,
        "price": None,
        "price_partial": False,
    }
    return UsageReport(**{**facts, **changed})


def words(html: str) -> str:
    """What is read, tables for screen readers included, titles of drawings too."""
    return " ".join(re.sub(r"<[^>]+>", " ", html).split())


def drawing(html: str) -> ElementTree.Element:
    found = re.search(r'<svg viewBox.*?role="img".*?</svg>', html, re.DOTALL)
    assert found
    return ElementTree.fromstring(found[0])


def test_folded_it_says_what_is_used_and_left_and_when_it_comes_back() -> None:
    html = usage.pane(report(), ONLINE)
    folded = html[: html.index("</summary>")]
    assert html.startswith('<details class="spending"><summary>')
    assert "23 of 60 requests today" in words(folded)
    assert "37 left" in words(folded)
    assert 'datetime="2026-11-24T00:00:00+00:00"' in folded
    assert 'aria-valuenow="23"' in folded
    assert "width:38%" in folded


def test_opened_it_says_what_the_last_turn_spent_and_for_what() -> None:
    assert "Last turn 1 answer + 1 tool round" in words(usage.pane(report(), ONLINE))
    assert "2 spoken replies" in words(usage.pane(report(last_turn={"speech": 2}), ONLINE))
    assert "Last turn nothing yet" in words(usage.pane(report(last_turn={}), ONLINE))
    assert "A minute at most 5" in words(usage.pane(report(), ONLINE))


def test_a_day_is_a_bar_stacked_by_purpose_that_fills_the_height_at_its_highest() -> None:
    svg = drawing(usage.pane(report(), ONLINE))
    bars = svg.findall("g")
    assert len(bars) == 14
    kinds = [[r.get("class") for r in g.findall("rect")[1:]] for g in bars]
    assert [k for k in kinds if k] == [
        ["for-answer", "for-tool-round"],
        ["for-answer"],
        ["for-answer", "for-speech"],
    ]
    highest = [float(r.get("height", 0)) for r in bars[10].findall("rect")[1:]]
    assert highest == [42.0, 14.0]
    assert bars[10].findtext("title") == "20 Nov: 3 answers + 1 tool round"
    assert bars[9].findtext("title") == "19 Nov: nothing"


def test_the_drawing_is_told_to_those_who_cannot_see_it() -> None:
    html = usage.pane(report(), ONLINE)
    svg = drawing(html)
    named = (svg.get("aria-labelledby") or "").split()
    assert [svg.findtext(f"*[@id='{name}']") for name in named] == [
        "Requests a day by purpose",
        "9 in 14 days, at most 4 a day.",
    ]
    table = html[html.index("<table>") : html.index("</table>")]
    assert "Day answers tool rounds spoken replies" in words(table)
    assert "20 Nov 3 1 0" in words(table)
    assert table.count('scope="row"') == 14


def test_before_the_first_request_there_is_no_empty_drawing() -> None:
    none = tuple(DayUse(day.day, {}) for day in report().days)
    html = usage.pane(report(used=0, left=60, days=none, last_turn={}), ONLINE)
    assert 'role="img"' not in html
    assert "Your requests of two weeks are drawn here" in html


def test_who_hears_or_speaks_besides_has_a_count_and_a_bar_of_their_own() -> None:
    lent = (
        Lent("Oxlo.ai", ("transcription", "speech"), report(used=7, left=53)),
        Lent("Voices & Co", ("speech",), report(used=2, limit=None, left=None, days=())),
    )
    html = usage.pane(report(), ONLINE, lent)
    assert "Oxlo.ai hears and speaks 7 of 60 requests today" in words(html)
    assert "Voices & Co speaks 2 requests today" in unescape(words(html))
    named = re.findall(r'id="([^"]+)"', html)
    assert len(named) == len(set(named))
    free = usage.pane(report(billing="free", limit=None, left=None), OFFLINE, lent[:1])
    assert "no requests are spent Oxlo.ai hears and speaks 7 of 60" in words(free)


def test_tokens_are_told_and_whether_they_were_guessed() -> None:
    assert "Tokens today 48.2k in, 5,120 out" in words(usage.pane(report(), ONLINE))
    guessed = usage.pane(report(tokens_guessed=True, tokens_in=2_300_000), ONLINE)
    assert "about 2.3M in" in words(guessed)
    assert "Tokens" not in usage.pane(report(tokens_in=0, tokens_out=0), ONLINE)


def test_a_price_is_told_as_the_estimate_that_it_is() -> None:
    assert "Price" not in usage.pane(report(), ONLINE)
    assert "about $0.0123, estimated" in usage.pane(report(price=0.01234), ONLINE)
    assert "at least $1.50, estimated" in usage.pane(report(price=1.5, price_partial=True), ONLINE)


def test_without_a_limit_the_requests_are_only_counted() -> None:
    html = usage.pane(report(limit=None, left=None, used=1), ONLINE)
    assert "1 request today" in words(html)
    assert "meter" not in html


def test_what_others_spent_with_the_key_shows_in_the_bar() -> None:
    html = usage.pane(report(used=2, left=6), ONLINE)
    assert "2 of 60 requests today" in words(html)
    assert 'class="bar full"' in html
    assert "6 left" in words(html)


def test_at_nothing_left_it_says_so_without_being_opened_and_offers_a_way_on() -> None:
    html = usage.pane(report(used=60, left=0), ONLINE)
    assert "No requests left today" in words(html[: html.index("</summary>")])
    beside = html[html.index("</details>") :]
    assert "They return at 00:00" in words(beside)
    assert "a key of your own" in beside
    assert '<button type="button" class="plain" data-do="use-offline">' in beside
    composer = usage.forecast_at_nothing_left(MIDNIGHT)
    assert "None left until 00:00 Use the offline engine or your own key" in words(composer)
    for both in (beside, composer):
        assert 'data-do="use-offline"' in both
        assert 'data-do="own-key"' in both


def test_where_nothing_is_spent_there_is_nothing_to_unfold() -> None:
    assert usage.pane(report(), OFFLINE) == (
        '<p class="usage free">Offline engine: no requests are spent</p>'
    )
    own = Answering("Ollama <x>", "llama3.2", offline=False, advice="")
    free = usage.pane(report(billing="free", limit=None, left=None), own)
    assert "Ollama &lt;x&gt;: no requests are spent" in free


def test_it_is_told_in_the_readers_language() -> None:
    with speaking("de"):
        html = usage.pane(report(), ONLINE)
    assert "Anfragen heute" in html
    assert ". Nov." in html
    assert "Requests" not in html


def test_every_purpose_that_is_paid_for_has_a_name_and_a_colour_of_its_own() -> None:
    paid = {purpose: 2 for purpose in get_args(Purpose) if purpose != "models"}
    days = (*report().days[:-1], DayUse("2026-11-23", paid))
    with speaking("es"):
        html = usage.pane(report(days=days, last_turn=paid), ONLINE)
    assert "for-other" not in html
    assert "2 resúmenes" in html
    for english in ("summary", "reading", "transcription<"):
        assert english not in words(html)


def test_a_purpose_nobody_foresaw_is_drawn_and_escaped_too() -> None:
    odd = (*report().days[:-1], DayUse("2026-11-23", {"<b>new": 1}))
    html = usage.pane(report(days=odd, last_turn={"<b>new": 2}), ONLINE)
    assert "<b>new" not in html
    assert "2 &lt;b&gt;new" in html
    assert "for-other" in html


def test_every_element_is_closed() -> None:
    class Nesting(HTMLParser):
        def __init__(self) -> None:
            super().__init__()
            self.open: list[str] = []

        def handle_starttag(self, tag: str, attrs: object) -> None:
            self.open.append(tag)

        def handle_endtag(self, tag: str) -> None:
            assert self.open.pop() == tag

        def handle_startendtag(self, tag: str, attrs: object) -> None:
            pass

    for one in (report(), report(left=0), report(limit=None, left=None, price=0.2)):
        nesting = Nesting()
        nesting.feed(usage.pane(one, ONLINE))
        assert nesting.open == []
