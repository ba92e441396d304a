"""How many requests a reply is spoken in, and which words each of them takes."""

from hypothesis import given
from hypothesis import strategies as st

from voice.pieces import LONGEST, Pieces, fitted

LONG = "This sentence alone is long enough to be worth a whole request of its own. "


def test_the_first_long_sentence_goes_at_once_and_the_rest_together() -> None:
    pieces = Pieces(2)
    assert pieces.feed([LONG]) == [LONG.strip()]
    assert pieces.feed(["More. ", "And more. ", LONG]) == []
    assert pieces.close() == [f"More. And more. {LONG}".strip()]
    assert not pieces.cut


def test_two_short_sentences_are_worth_a_request() -> None:
    pieces = Pieces(2)
    assert pieces.feed(["Yes. "]) == []
    assert pieces.feed(["It is.\n"]) == ["Yes. It is."]


def test_a_short_reply_is_one_request() -> None:
    pieces = Pieces(2)
    assert pieces.feed([]) == []
    assert [*pieces.feed(["Yes."]), *pieces.close()] == ["Yes."]


def test_with_one_request_everything_waits_for_the_end() -> None:
    pieces = Pieces(1)
    assert pieces.feed([LONG, LONG]) == []
    assert pieces.close() == [f"{LONG}{LONG}".strip()]


def test_a_free_voice_speaks_sentence_by_sentence() -> None:
    assert Pieces(None).feed(["Yes. ", "No. "]) == ["Yes.", "No."]


def test_what_does_not_fit_the_requests_is_left_out_and_said() -> None:
    pieces = Pieces(2)
    given_ = pieces.feed([LONG])
    given_ += pieces.feed([LONG] * 200) + pieces.close()
    assert len(given_) == 2
    assert pieces.cut
    assert LONGEST - len(LONG) < len(given_[1]) <= LONGEST
    assert given_[1].endswith("own.")


def test_what_was_dropped_is_not_spoken() -> None:
    pieces = Pieces(2)
    pieces.feed(["Let me look. "])
    pieces.drop()
    assert pieces.feed(["Found. "]) + pieces.close() == ["Found."]


@given(st.lists(st.text("ab .,。\n", min_size=1, max_size=9_000), max_size=4))
def test_no_part_is_too_long_and_nothing_is_lost(texts: list[str]) -> None:
    text = "".join(texts)
    parts = fitted(text)
    assert all(len(part) <= LONGEST for part in parts)
    assert "".join("".join(parts).split()) == "".join(text.split())


@given(st.lists(st.text("ab", min_size=1, max_size=200), max_size=30), st.integers(1, 4))
def test_no_more_requests_than_allowed(sentences: list[str], most: int) -> None:
    pieces = Pieces(most)
    found = [piece for one in sentences for piece in pieces.feed([one])] + pieces.close()
    assert len(found) <= most
    assert "".join(found) == "".join(sentences)
