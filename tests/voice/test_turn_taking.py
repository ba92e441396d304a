"""Whose turn it is, by probabilities made by hand: frames of 32 ms."""

from itertools import groupby, pairwise

from hypothesis import given
from hypothesis import strategies as st

from voice.turn_taking import (
    FRAME,
    BargedIn,
    Event,
    NothingYet,
    Rested,
    SpeechBegan,
    TurnTaken,
    TurnTaking,
)

VOICE, PAUSE = 0.95, 0.02
SECOND = 31.25  # frames


def frames(seconds: float, probability: float) -> list[float]:
    return [probability] * round(seconds * SECOND)


def heard(taking: TurnTaking, *probabilities: list[float]) -> list[Event]:
    return [event for one in probabilities for p in one for event in taking.hear(p)]


def test_a_sentence_is_taken_with_a_little_before_and_after_it() -> None:
    events = heard(TurnTaking(), frames(1, PAUSE), frames(2, VOICE), frames(1, PAUSE))
    began, taken = events
    assert isinstance(began, SpeechBegan)
    assert isinstance(taken, TurnTaken)
    assert taken.first / 16_000 == 0.672  # 0.32 s before it began
    assert taken.last / 16_000 == 31 * 0.032 + 62 * 0.032 + 0.224
    assert not taken.cut


def test_a_click_and_a_short_cough_are_no_speech() -> None:
    assert heard(TurnTaking(), frames(0.5, PAUSE), frames(0.16, VOICE), frames(2, PAUSE)) == []
    clicks = [*frames(0.1, VOICE), *frames(0.3, PAUSE)]
    assert heard(TurnTaking(), clicks * 5) == []


def test_a_word_with_a_stop_in_it_is_speech() -> None:
    """Between the two halves of "up to" hardly anything is heard."""
    events = heard(TurnTaking(), frames(0.13, VOICE), frames(0.13, PAUSE), frames(0.13, VOICE))
    assert [type(event) for event in events] == [SpeechBegan]


def test_a_pause_to_think_does_not_end_a_turn() -> None:
    said = [*frames(1, VOICE), *frames(0.6, PAUSE)] * 3
    events = heard(TurnTaking(), said, frames(0.2, PAUSE))
    assert [type(event) for event in events] == [SpeechBegan, TurnTaken]


def test_a_turn_ends_after_seven_tenths_of_a_second() -> None:
    taking = TurnTaking()
    heard(taking, frames(1, VOICE))
    assert heard(taking, [PAUSE] * 21) == []
    assert [type(event) for event in heard(taking, [PAUSE])] == [TurnTaken]


def test_a_murmur_neither_ends_a_turn_nor_begins_one() -> None:
    taking = TurnTaking()
    assert heard(taking, frames(1, 0.45)) == []
    heard(taking, frames(1, VOICE))
    assert heard(taking, frames(5, 0.45)) == []


def test_nobody_speaking_is_said_once_and_rested_from_in_the_end() -> None:
    taking = TurnTaking()
    assert heard(taking, frames(7.9, PAUSE)) == []
    assert heard(taking, frames(0.2, PAUSE)) == [NothingYet()]
    assert heard(taking, frames(81, PAUSE)) == []
    assert heard(taking, frames(2, PAUSE)) == [Rested()]
    assert heard(taking, frames(5, VOICE)) == []
    taking.listen()
    assert [type(event) for event in heard(taking, frames(1, VOICE))] == [SpeechBegan]


def test_it_listens_again_after_the_reply() -> None:
    taking = TurnTaking()
    heard(taking, frames(1, VOICE), frames(1, PAUSE))
    assert taking.phase == "answering"
    taking.listen()
    assert heard(taking, frames(7.9, PAUSE)) == []  # the eight seconds begin anew
    assert [type(event) for event in heard(taking, frames(1, VOICE))] == [SpeechBegan]


def test_barging_in_needs_more_voice_than_beginning() -> None:
    taking = TurnTaking()
    heard(taking, frames(1, VOICE), frames(1, PAUSE))
    assert heard(taking, frames(0.3, VOICE), frames(0.5, PAUSE)) == []
    assert heard(taking, [VOICE] * 12) == []
    (barged,) = heard(taking, [VOICE])
    assert isinstance(barged, BargedIn)
    (taken,) = heard(taking, frames(1, VOICE), frames(0.7, PAUSE))
    assert isinstance(taken, TurnTaken)
    assert taken.first == barged.first  # what it began with is part of it


def test_a_deaf_ear_hears_nothing_of_a_loudspeaker() -> None:
    taking = TurnTaking()
    heard(taking, frames(1, VOICE), frames(1, PAUSE))
    taking.deaf = True
    assert heard(taking, frames(5, VOICE)) == []
    taking.deaf = False
    taking.listen()
    assert [type(event) for event in heard(taking, frames(1, VOICE))] == [SpeechBegan]


def test_who_never_stops_is_cut_and_does_not_barge_into_the_reply_to_it() -> None:
    taking = TurnTaking()
    events = heard(taking, frames(101, VOICE))
    assert [type(event) for event in events] == [SpeechBegan, TurnTaken]
    assert isinstance(events[1], TurnTaken)
    assert events[1].cut
    assert heard(taking, frames(5, VOICE)) == []
    heard(taking, frames(1, PAUSE))
    assert [type(event) for event in heard(taking, frames(1, VOICE))] == [BargedIn]


def test_no_sample_is_taken_twice() -> None:
    taking = TurnTaking()
    (_, one) = heard(taking, frames(1, VOICE), frames(0.72, PAUSE))
    taking.listen()
    (_, two) = heard(taking, frames(1, VOICE), frames(0.72, PAUSE))
    assert isinstance(one, TurnTaken)
    assert isinstance(two, TurnTaken)
    assert one.last <= two.first


PROBABILITY = st.one_of(st.floats(0, 1), st.sampled_from([VOICE, PAUSE]))
STRETCHES = st.lists(
    st.one_of(
        st.tuples(st.integers(1, 400), PROBABILITY),
        st.sampled_from(["listen", "rest", "answer", "deaf", "hearing"]),
    ),
    max_size=30,
)


@given(STRETCHES)
def test_turns_never_overlap_and_every_one_ends(script: list[tuple[int, float] | str]) -> None:
    taking = TurnTaking()
    events: list[Event] = []
    position = 0
    for act in script:
        if isinstance(act, str):
            began = taking.phase == "hearing"
            if act == "rest" and began:
                continue  # nobody lets it rest in mid-word
            if act == "deaf":
                taking.deaf = not taking.deaf
            elif not (began and act == "answer"):
                getattr(taking, act, lambda: None)()
            continue
        for _ in range(act[0]):
            needed = taking.needed
            position += FRAME
            for event in taking.hear(act[1]):
                events.append(event)
                if isinstance(event, TurnTaken):
                    assert needed <= event.first < event.last <= position
    events += [event for _ in range(40) for event in taking.hear(PAUSE)]
    ends = [
        isinstance(e, TurnTaken)
        for e in events
        if isinstance(e, TurnTaken | SpeechBegan | BargedIn)
    ]
    assert ends == [False, True] * (len(ends) // 2)
    takes = [event for event in events if isinstance(event, TurnTaken)]
    assert all(a.last <= b.first for a, b in pairwise(takes))


@given(st.lists(st.integers(0, 60), max_size=40))
def test_it_is_said_once_that_nobody_speaks(lengths: list[int]) -> None:
    taking = TurnTaking()
    events = heard(taking, [PAUSE] * (sum(lengths) % 2500))
    assert all(len(list(group)) == 1 for _, group in groupby(events))
    assert events.count(NothingYet()) <= 1
