"""Recorded turns, drawn as the page shows them."""

import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

from components.render import article, draw, seconds, spent
from components.tool_card import tool_card
from events import Event, TextDelta, TurnStarted, Waiting, from_jsonl
from exchange import Exchange, begin, grow
from messages import Document, Media, Message, Request, Text, ToolCall, ToolResult
from toolbox import REJECTED

TURNS = Path(__file__).parent / "turns"


def recorded(name: str) -> list[Event]:
    return from_jsonl((TURNS / f"{name}.jsonl").read_text(encoding="utf-8"))


def played(events: list[Event]) -> Exchange:
    first, *rest = events
    assert isinstance(first, TurnStarted)
    exchange = begin(first)
    for event in rest:
        exchange = grow(exchange, event)
    return exchange


class Words(HTMLParser):
    """What a reader sees: the text alone."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.text = ""
        self.feed(html)

    def handle_data(self, data: str) -> None:
        self.text += data + " "


def read(message: Message) -> str:
    return " ".join(Words(article(message)).text.split())


def test_a_turn_with_tools_shows_cards_answer_and_cost() -> None:
    words = read(played(recorded("tools")).reply)
    assert "local_time Asia/Tokyo 20 ms" in words
    assert "failed · 0.4 s" in words
    assert "Error Unknown name <b>; write numbers." in words
    assert "In Tokyo it is 06:31 , and 17% of 240 is 40.8" in words
    assert "deepseek-v3.2 your choice 2 requests: 1 tool round + 1 answer 2.4 s" in words
    assert "Recalled and sent You said: I travel to <Tokyo> & Osaka in spring." in words
    assert "Forget" in words


def test_results_stand_in_the_card_of_their_own_call() -> None:
    cards = {
        p.key: p.html for p in draw(played(recorded("tools")).reply) if p.key.startswith("tool")
    }
    assert len(cards) == 2
    clock = next(html for html in cards.values() if "local_time" in html)
    assert "2026-11-24T06:31:07+09:00" in clock
    assert "40.8" not in clock


def test_a_recording_shows_its_player_and_what_was_understood() -> None:
    exchange = played(recorded("spoken"))
    html = article(exchange.said)
    assert f'src="/parley/media/{"a" * 64}"' in html
    assert "what does the &lt;sign&gt; say" in html
    assert 'alt="sign&quot;.png" width="320" height="180"' in html
    assert f'src="/parley/media/{"c" * 64}"' in article(exchange.reply)
    assert "2 requests: 1 transcription + 1 answer" in read(exchange.reply)


def test_a_failed_turn_says_why_what_to_do_and_offers_retry() -> None:
    reply = played(recorded("failed")).reply
    words = read(reply)
    assert "Let me see" in words
    assert "Oxlo did not answer within 60 s. Try again, or choose another model." in words
    assert "Use your own key Continue Retry" in words
    assert 'data-status="failed"' in article(reply)
    assert "{not json" in words


@pytest.mark.parametrize(
    ("status", "words"), [("stopped", "Stopped."), ("interrupted", "was interrupted")]
)
def test_a_reply_that_was_cut_says_so(status: str, words: str) -> None:
    reply = replace(played(recorded("tools")).reply, status=status)  # type: ignore[arg-type]
    assert words in read(reply)


def test_a_reply_that_broke_off_offers_to_go_on_and_one_without_words_does_not() -> None:
    reply = replace(played(recorded("tools")).reply, status="interrupted")
    assert 'data-do="resume"' in article(reply)
    assert 'data-do="resume"' not in article(replace(reply, parts=()))
    assert 'data-do="resume"' not in article(replace(reply, status="done"))


def test_versions_are_counted_and_lead_to_their_neighbours() -> None:
    message = Message("b", "user", (Text("x"),), 0, versions=("a", "b", "c"))
    html = article(message)
    assert "2/3" in read(message)
    assert 'data-do="select" data-message="a"' in html
    assert 'data-do="select" data-message="c"' in html
    first = article(replace(message, id="a"))
    assert 'data-do="select" disabled' in first
    assert "1/3" in first
    assert "data-ids" not in article(replace(message, versions=()))


def test_a_growing_reply_says_already_which_version_it_is() -> None:
    reply = Message("b", "assistant", (), 0, "running", versions=("a", "b"))
    assert "2/2" in read(reply)
    assert 'data-do="rate"' not in article(reply)


def test_a_verdict_is_told_by_its_button() -> None:
    reply = played(recorded("tools")).reply
    for rating, pressed in ((0, []), (1, ["1"]), (-1, ["-1"])):
        html = article(replace(reply, rating=rating))  # type: ignore[arg-type]
        assert re.findall(r'data-rating="(-?1)" aria-pressed="true"', html) == pressed


def test_a_call_without_an_answer_is_running_only_while_the_turn_is() -> None:
    events = recorded("tools")[:9]
    reply = played(events).reply
    assert "running" in read(reply)
    assert "no answer" in read(replace(reply, status="interrupted"))


def test_a_reply_that_has_said_nothing_yet_says_what_it_waits_for() -> None:
    events = recorded("tools")
    assert "Getting ready" in read(played(events[:1]).reply)
    assert "Waiting for deepseek-v3.2" in read(played(events[:3]).reply)


def test_a_reply_that_must_wait_says_why_until_words_come() -> None:
    begun = recorded("tools")[:3]
    busy = Waiting("Oxlo is <busy>.", 4.2)
    assert "Oxlo is <busy>. Asking again in 4 s." in read(played([*begun, busy]).reply)
    assert "Asking again" not in read(played([*begun, busy, TextDelta("Well")]).reply)


def test_a_folded_card_says_why_its_call_failed() -> None:
    call = ToolCall("c1", "clock", '{"zone": "Nowhere"}')
    failed = tool_card(call, ToolResult("c1", "Unknown zone <Nowhere>.\nMore.", ok=False), False)
    summary = failed.partition("</summary>")[0]
    assert '<span class="why">Unknown zone &lt;Nowhere&gt;.</span>' in summary
    assert "More." not in summary
    for fine in (ToolResult("c1", "noon"), ToolResult("c1", REJECTED, ok=False), None):
        assert 'class="why"' not in tool_card(call, fine, False)


def test_a_tool_tells_how_long_it_took_where_it_ran() -> None:
    call = ToolCall("1", "clock", "{}")
    quick, never = ToolResult("1", "06:31", seconds=0.0002), ToolResult("1", "cut", ok=False)
    assert "clock <1 ms" in read(Message("1", "assistant", (call, quick), 0))
    assert "clock failed cut Arguments" in read(Message("1", "assistant", (call, never), 0))


def test_what_a_person_writes_is_shown_as_written() -> None:
    said = Message("1", "user", (Text("<b>no</b> **stars**\n  kept"),), 0)
    assert "&lt;b&gt;no&lt;/b&gt; **stars**\n  kept" in article(said)


def test_an_id_cannot_break_out_of_its_attribute() -> None:
    said = Message('"><script>', "user", (Text("x"),), 0)
    assert "<script>" not in article(said)


def test_requests_are_told_by_purpose() -> None:
    answer, speech = Request("answer", "m"), Request("speech", "m")
    assert spent(()) == "no requests"
    assert spent((answer,)) == "1 request"
    assert spent((answer, speech, speech)) == "3 requests: 1 answer + 2 speech"


def test_times_are_told_in_the_unit_one_would_say() -> None:
    told = [seconds(s) for s in (0.0004, 0.02, 0.31, 12.4, 125)]
    assert told == ["<1 ms", "20 ms", "0.3 s", "12 s", "2 min 5 s"]


def test_a_document_is_a_card_that_downloads_it() -> None:
    sheet = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    for document, words in (
        (Document(Media("d" * 64, "application/pdf", 1_234_567, 'a<b>".pdf'), 12, 900),
         'a<b>".pdf 12 pages · 1.2 MB'),
        (Document(Media("d" * 64, sheet, 400, "t.xlsx"), 1, 9), "t.xlsx 1 sheet · 1 kB"),
        (Document(Media("d" * 64, "application/pdf", 40_000, ""), 3, 0),
         "Document 3 pages · 40 kB · no text was found in it"),
    ):  # fmt: skip
        message = Message("1" * 32, "user", (document, Text("What is it?")), 0.0)
        html = article(message)
        assert f'href="/parley/media/{"d" * 64}" download=' in html
        assert words in read(message)
        assert "What is it?" in read(message)
