"""What stands around the chat."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from assistant import Answering, Lent, Usage
from components import panes
from inference.provider import Billing
from inference.usage import DayUse, UsageReport

NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
OFFLINE = Answering("Offline engine", "parley-offline", offline=True, advice="No key was found.")
ONLINE = Answering("Oxlo", "deepseek-v3.2", offline=False, advice="")


def used(count: int, limit: int | None, billing: Billing = "request", most: int = 7) -> Usage:
    report = UsageReport(
        billing=billing,
        used=count,
        limit=limit,
        left=None if limit is None else max(0, limit - count),
        resets_at=NOON.timestamp(),
        minute_limit=None,
        minute_left=None,
        last_turn={},
        days=(DayUse("2026-11-24", {"answer": count}),),
        tokens_in=0,
        tokens_out=0,
        tokens_guessed=False,
        price=None,
        price_partial=False,
    )
    return Usage(report, most)


def test_the_offline_engine_says_what_it_is_and_how_to_connect_a_model() -> None:
    assert "no language model" in panes.status(OFFLINE)
    banner = panes.banner(OFFLINE)
    assert "It has no language model" in banner
    assert "OXLO_API_KEY" in banner
    assert "No key was found." in banner
    assert panes.banner(ONLINE) == ""


def test_who_answers_is_named() -> None:
    assert "deepseek-v3.2" in panes.status(ONLINE)
    assert "Oxlo" in panes.status(ONLINE)


def test_spent_requests_are_counted_against_the_limit() -> None:
    html = panes.usage(used(23, 60), ONLINE)
    assert "<b>23</b> of 60 requests today" in html
    assert "width:38%" in html
    assert "Resets" in html
    assert "bar full" in panes.usage(used(58, 60), ONLINE)
    assert "<b>1</b> request today" in panes.usage(used(1, None), ONLINE)
    assert "no requests are spent" in panes.usage(used(9, None, "free"), OFFLINE)


def test_the_forecast_says_what_the_next_turn_may_cost() -> None:
    assert "1 request, up to 7 with tools" in panes.forecast(used(23, 60), ONLINE)
    assert "37 of 60 left" in panes.forecast(used(23, 60), ONLINE)
    assert "1 request, up to 4 with tools" in panes.forecast(used(0, None, most=4), ONLINE)
    last = panes.forecast(used(59, 60, most=1), ONLINE)
    assert ">1 request<" in last
    assert "1 of 60 left" in last


def test_the_forecast_knows_whose_requests_hearing_and_speaking_are() -> None:
    spent = used(23, 60)
    lent = replace(spent, speech_requests=2, lent=(Lent("Oxlo.ai", ("speech",), spent.report),))
    html = panes.forecast(lent, ONLINE)
    assert 'data-hearing="1" data-speech="2" data-lent="speech"' in html
    own = Answering("Ollama", "llama3.2", offline=False, advice="")
    free = panes.forecast(replace(used(0, None, "free"), lent=lent.lent), own)
    assert 'data-least="0" data-most="0"' in free


def test_the_forecast_says_when_the_days_requests_are_spent_and_when_they_return() -> None:
    spent = panes.forecast(used(61, 60, most=0), ONLINE)
    assert "None left until" in spent
    assert "2026-11-24T12:00:00" in spent


def test_the_forecast_says_where_nothing_is_spent() -> None:
    assert "No requests: offline engine" in panes.forecast(used(0, None, "free"), OFFLINE)
    own = Answering("Ollama", "llama3.2", offline=False, advice="")
    assert "Nothing is spent" in panes.forecast(used(0, None, "free"), own)
    assert "Ollama: no requests are spent" in panes.usage(used(0, None, "free"), own)


def test_a_clock_offset_that_cannot_be_is_kept_within_a_day() -> None:
    assert panes.local_now(10**9).utcoffset() == timedelta(hours=14)
