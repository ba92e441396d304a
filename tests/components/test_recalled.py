"""What was recalled for a reply, what is remembered of it, and what of the talk the model saw."""

import re
from dataclasses import replace

import pytest

from assistant import Fullness
from components.context import meter
from components.render import article, draw
from messages import Memory, Message, Provenance, Text
from tests.components.test_render import read

TALK, SAID = "c" * 32, "d" * 32
NOVEMBER_3, NOVEMBER_12 = 1_793_700_000.0, 1_794_480_000.0
ALLERGY = Memory(
    id="m1",
    text="I am allergic to <peanuts> & walnuts.",
    role="user",
    conversation_id=TALK,
    conversation_title="Trip to <Rome>",
    message_id=SAID,
    at=NOVEMBER_3,
)


def reply(about: Provenance, status: str = "done") -> Message:
    return Message("r1", "assistant", (Text("Well."),), NOVEMBER_12, status, about)  # type: ignore[arg-type]


def recalled(*memories: Memory) -> Message:
    return reply(Provenance(recalled=memories))


def piece(message: Message, key: str) -> str:
    return next((p.html for p in draw(message) if p.key == key), "")


def test_a_chip_opens_the_words_with_who_said_them_when_and_where() -> None:
    html = piece(recalled(ALLERGY), "recalled")
    words = read(recalled(ALLERGY))
    assert "Recalled and sent You said: I am allergic to <peanuts> & walnuts." in words
    assert "You said · 03 Nov 2026, 10:00 · in Trip to <Rome>" in words
    assert f'href="?c={TALK}&amp;m={SAID}" data-do="origin"' in html
    assert "<peanuts>" not in html
    assert "<Rome>" not in html


def test_what_went_along_is_never_called_used() -> None:
    kinds = [replace(ALLERGY, id=k, kind=k) for k in ("said", "fact", "instruction", "passage")]
    about = Provenance(recalled=tuple(kinds), remembered=tuple(kinds))
    assert not re.search(r"\bused\b", read(reply(about)), re.IGNORECASE)


@pytest.mark.parametrize(
    ("memory", "words"),
    [
        (replace(ALLERGY, role="assistant"), "Parley said: "),
        (replace(ALLERGY, kind="fact"), "Fact: "),
        (replace(ALLERGY, kind="instruction"), "Always: "),
        (
            replace(ALLERGY, kind="passage", conversation_title="<a>.pdf", page=3),
            "Passage: <a>.pdf, p. 3",
        ),
    ],
    ids=["reply", "fact", "instruction", "passage"],
)
def test_each_kind_of_memory_is_called_by_its_name(memory: Memory, words: str) -> None:
    assert words in read(recalled(memory))
    assert "<a>" not in piece(recalled(memory), "recalled")


def test_each_memory_can_be_edited_pinned_forgotten_and_called_wrong() -> None:
    words = read(recalled(ALLERGY))
    assert "Pin Edit Forget Wrong, answer again (1 request)" in words
    pinned = recalled(replace(ALLERGY, pinned=True))
    assert "Unpin Edit Forget" in read(pinned)
    assert 'aria-pressed="true"' in piece(pinned, "recalled")


def test_only_what_is_shown_whole_can_be_edited_and_a_page_of_a_document_never() -> None:
    long = replace(ALLERGY, text="so " * 1000)
    page = replace(ALLERGY, kind="passage", page=1)
    assert "Edit" not in read(recalled(long))
    assert "so so so…" in read(recalled(long))
    assert "Edit" not in read(recalled(page))


def test_a_fact_that_another_took_the_place_of_is_struck_out_with_both_dates() -> None:
    old = replace(ALLERGY, kind="fact", superseded_at=NOVEMBER_12)
    assert "<s>I am allergic" in piece(recalled(old), "recalled")
    assert "You told this · 03 Nov 2026, 10:00 · no longer holds since 12 Nov 2026, 10:40" in read(
        recalled(old)
    )


def test_a_fact_that_a_model_noted_is_not_put_in_the_readers_mouth() -> None:
    assert "You told this · " in read(recalled(replace(ALLERGY, kind="fact")))
    noted = replace(ALLERGY, kind="fact", role="assistant")
    assert "The model noted this · " in read(recalled(noted))


def test_a_page_of_a_document_is_kept_for_its_chat_or_for_all() -> None:
    page = replace(ALLERGY, kind="passage", message_id="", page=1)
    assert "In all chats Forget" in read(recalled(page))
    assert "Only in its chat Forget" in read(recalled(replace(page, pinned=True)))
    assert f'<a href="?c={TALK}" data-do="origin">its chat</a>' in piece(recalled(page), "recalled")


def test_what_was_brought_from_a_file_leads_nowhere() -> None:
    assert 'data-do="origin"' not in piece(
        recalled(replace(ALLERGY, conversation_id="")), "recalled"
    )


def test_more_than_four_are_folded_away_behind_their_number() -> None:
    many = [replace(ALLERGY, id=f"m{n}") for n in range(15)]
    html = piece(recalled(*many), "recalled")
    shown, folded = html.split('<span class="folded" hidden>')
    assert shown.count('class="chip said"') == 4
    assert folded.count('class="chip said"') == 11
    assert "+ 11 more" in shown
    assert "more" not in piece(recalled(*many[:5]), "recalled").replace("memory", "")


def test_what_was_noted_just_now_and_sent_as_well_is_shown_once() -> None:
    metric = replace(ALLERGY, id="m2", text="I prefer metric.", kind="instruction")
    told = reply(Provenance(recalled=(metric, ALLERGY), remembered=(metric,)))
    assert read(told).count("I prefer metric.") == 1
    assert "allergic" in piece(told, "recalled")
    assert piece(reply(Provenance(recalled=(metric,), remembered=(metric,))), "recalled") == ""


def test_chips_come_when_the_reply_is_whole_and_what_is_remembered_at_once() -> None:
    fact = replace(ALLERGY, kind="fact")
    about = Provenance(recalled=(ALLERGY,), remembered=(fact,))
    running = reply(about, "running")
    assert piece(running, "recalled") == ""
    assert "Will be remembered: I am allergic to <peanuts> & walnuts. Undo" in read(running)
    assert "Undo" in read(reply(about))


def test_a_standing_instruction_is_told_as_one() -> None:
    metric = replace(ALLERGY, kind="instruction", text="I prefer metric.")
    assert "Always: I prefer metric. Undo" in read(reply(Provenance(remembered=(metric,))))


def test_the_marker_says_what_became_of_the_earlier_messages() -> None:
    def told(dropped: int, summarised: int) -> str:
        about = Provenance(window=8192, dropped=dropped, summarised=summarised, sent_from='x"y')
        return read(reply(about))

    assert (
        "12 earlier messages are no longer sent word for word recall finds them again Send them again"
        in told(12, 0)
    )
    assert "word for word they stand in a summary " in told(12, 12)
    assert "word for word 8 stand in a summary, recall finds the others again " in told(12, 8)
    assert "1 earlier message is no longer sent word for word recall finds it again " in told(1, 0)
    assert "Send it again" in told(1, 0)
    html = article(reply(Provenance(window=8192, dropped=1, sent_from='x"y')))
    assert 'data-from="x&quot;y"' in html


def test_a_reply_that_dropped_nothing_takes_an_earlier_marker_away() -> None:
    html = piece(reply(Provenance(window=8192, tokens=12)), "sent-from")
    assert 'data-dropped="0"' in html
    assert "word for word" not in html
    assert piece(reply(Provenance()), "sent-from") == ""


def test_the_meter_says_how_full_the_window_is() -> None:
    half = Fullness(tokens=3277, window=8192)
    html = meter(half, can_summarise=True)
    assert 'aria-label="Context: 3.2K of 8K tokens"' in html
    assert "width:40%" in html
    assert "All of this conversation was sent word for word." in html
    assert meter(Fullness(), can_summarise=True) == ""
    assert "1M of 1M tokens" in meter(Fullness(1_000_000, 1_000_000), can_summarise=True)


def test_a_summary_is_offered_when_something_is_left_out_or_the_window_fills() -> None:
    offer = "Summarise the earlier part (1 request)"
    assert offer not in meter(Fullness(4000, 8192), can_summarise=True)
    assert offer in meter(Fullness(5000, 8192), can_summarise=True)
    assert offer in meter(Fullness(4000, 8192, dropped=3), can_summarise=True)
    assert offer not in meter(Fullness(4000, 8192, dropped=3, summarised=3), can_summarise=True)
    assert offer not in meter(Fullness(8000, 8192, dropped=3, whole=True), can_summarise=True)
    assert offer not in meter(Fullness(8000, 8192, dropped=3), can_summarise=False)


def test_sending_all_that_fits_is_a_switch() -> None:
    assert 'data-switch="whole">' in meter(Fullness(4, 8192), can_summarise=True)
    assert 'data-switch="whole" checked>' in meter(
        Fullness(4, 8192, whole=True), can_summarise=True
    )


def test_a_message_of_ones_own_can_be_sent_always() -> None:
    said = Message("u1", "user", (Text("The code is 4711."),), NOVEMBER_3)
    assert 'data-do="pin-message" aria-pressed="false" aria-label="Always send"' in article(said)
    assert 'aria-pressed="true"' in article(replace(said, pinned=True))
