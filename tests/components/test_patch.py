"""A page that applies what it is sent shows what was drawn, however the events came in."""

import re

from hypothesis import given, settings
from hypothesis import strategies as st

from components.patch import Drawn, Frame, cut
from components.render import draw
from events import Event, TextDelta, TurnStarted
from exchange import begin, grow
from tests.components.test_render import recorded


class Page:
    """What static/chat.js does with a frame, without a browser."""

    def __init__(self) -> None:
        self.pieces: dict[str, dict[str, str]] = {}
        self.status: dict[str, str] = {}

    def apply(self, frame: Frame) -> None:
        name = str(frame["id"])
        if "article" in frame:
            html = str(frame["article"])
            inner = re.split(r'<div data-key="([^"]+)">', html.removesuffix("</article>"))[1:]
            whole = zip(inner[::2], inner[1::2], strict=True)
            self.pieces[name] = {key: text.removesuffix("</div>") for key, text in whole}
            return
        mine = self.pieces[name]
        for key, change in frame.get("set", {}).items():  # type: ignore[attr-defined]
            mine[key] = change if isinstance(change, str) else self._joined(mine[key], *change)
        if "keys" in frame:
            self.pieces[name] = {key: mine[key] for key in frame["keys"]}  # type: ignore[attr-defined]

    @staticmethod
    def _joined(before: str, kept: int, more: str) -> str:
        units = before.encode("utf-16-le", "surrogatepass")[: kept * 2]
        return units.decode("utf-16-le", "surrogatepass") + more


def play(events: list[Event], cuts: set[int]) -> tuple[Page, list[Frame], list[tuple[str, str]]]:
    """The page after all events, updated after those numbered in `cuts` and after the last."""
    page, drawn, sent = Page(), Drawn(), []
    first = events[0]
    assert isinstance(first, TurnStarted)
    exchange = begin(first)
    for number, event in enumerate(events):
        exchange = grow(exchange, event)
        if number in cuts or number == len(events) - 1:
            for frame in drawn.update(exchange):
                page.apply(frame)
                sent.append(frame)
    return page, sent, [(p.key, p.html) for p in draw(exchange.reply)]


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(["tools", "spoken", "failed"]), st.sets(st.integers(0, 18)))
def test_any_pace_ends_in_the_same_page(name: str, cuts: set[int]) -> None:
    page, _, wanted = play(recorded(name), cuts)
    assert list(page.pieces["2" * 32].items()) == wanted


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.sampled_from(["**a** ", "\U0001f600", "\n\n", "```py\nx = 1\n", "```\n", "- i\n", "é"])
    )
)
def test_a_growing_text_ends_as_it_would_be_drawn_whole(tokens: list[str]) -> None:
    started = recorded("tools")[0]
    events = [started, *(TextDelta(token * 40) for token in tokens)]
    page, _, wanted = play(events, set(range(len(events))))
    assert list(page.pieces["2" * 32].items()) == wanted


def test_a_long_reply_sends_only_its_end() -> None:
    started = recorded("tools")[0]
    events = [started, *(TextDelta(f"Sentence number {n} of one paragraph. ") for n in range(200))]
    _, sent, _ = play(events, set(range(len(events))))
    assert max(len(str(frame)) for frame in sent[12:]) < 150


def test_nothing_new_sends_nothing() -> None:
    drawn = Drawn()
    started = recorded("tools")[0]
    assert isinstance(started, TurnStarted)
    assert len(drawn.update(begin(started))) == 2
    assert drawn.update(begin(started)) == []


def test_a_cut_counts_as_javascript_does() -> None:
    before = "\U0001f600" * 300
    assert cut(before, before + "!") == [600, "!"]
