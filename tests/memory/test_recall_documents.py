"""Passages of attached documents are found in their conversation, and everywhere if they are kept."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memory.edge import Missing
from memory.passages import PASSAGE_CHARS, passages_of
from memory.recall import Recall
from messages import Media, new_id
from tests.memory.sayings import ANN, BOB, HOSTILE

MANUAL = Media("c" * 64, "application/pdf", 10, "boiler manual.pdf")
PAGES = [
    "Safety. Only qualified staff may open the casing of the boiler.",
    "Error E17 means that the flame sensor is dirty: clean it with a dry cloth.",
    "",
    "Warranty lasts five years from the day of installation.",
    "Error E18 means that the water pressure is below one bar: refill the circuit.",
]


async def texts(recall: Recall, here: str, query: str, tokens: int = 2_000) -> list[str]:
    return [m.text for m in await recall.passages(ANN, here, query, tokens=tokens)]


async def test_the_best_passages_come_in_reading_order_with_page_and_name(recall: Recall) -> None:
    here = new_id()
    assert await recall.add_passages(ANN, here, MANUAL, PAGES) == 4
    one = await recall.passages(ANN, here, "E17: is the flame sensor dirty?", tokens=60)
    assert [(m.text, m.page, m.conversation_title, m.source, m.kind) for m in one] == [
        (PAGES[1], 2, "boiler manual.pdf", MANUAL.sha256, "passage")
    ]
    both = await recall.passages(ANN, here, "errors E18 and E17", tokens=110)
    assert [m.page for m in both] == [2, 5]
    assert [m.page for m in await recall.passages(ANN, here, "zzz", tokens=9_000)] == [1, 2, 4, 5]
    assert await recall.passages(ANN, here, "E17", tokens=10) == []


async def test_passages_belong_to_their_conversation_and_are_no_memories(recall: Recall) -> None:
    here = new_id()
    await recall.add_passages(ANN, here, MANUAL, PAGES)
    assert await texts(recall, new_id(), "What does error E17 mean?") == []
    assert await recall.recall(ANN, "E17: is the flame sensor dirty?", besides=None) == []
    assert await recall.count(ANN) == 0
    assert await recall.search(ANN) == []
    assert await recall.passages(BOB, here, "E17", tokens=900) == []


async def test_a_kept_document_is_recalled_everywhere(recall: Recall) -> None:
    here = new_id()
    await recall.add_passages(ANN, here, MANUAL, PAGES)
    await recall.keep_document(ANN, here, MANUAL.sha256)
    found = await recall.recall(ANN, "E17: is the flame sensor dirty?", besides=new_id())
    assert (found[0].text, found[0].page) == (PAGES[1], 2)
    assert await recall.recall(ANN, "E17: is the flame sensor dirty?", besides=here) == []
    assert PAGES[1] in await texts(recall, here, "What does error E17 mean?")
    assert await recall.instructions(ANN) == []
    assert await recall.count(ANN) == 4
    for owner, where, what in (
        (BOB, here, MANUAL.sha256),
        (ANN, new_id(), MANUAL.sha256),
        (ANN, here, "d" * 64),
        *((ANN, here, hostile) for hostile in HOSTILE),
        *((ANN, hostile, MANUAL.sha256) for hostile in HOSTILE),
        *((hostile, here, MANUAL.sha256) for hostile in HOSTILE),
    ):
        with pytest.raises(Missing):
            await recall.keep_document(owner, where, what)


async def test_a_document_is_cut_once_in_each_conversation(recall: Recall) -> None:
    here, there = new_id(), new_id()
    for where in (here, here, there):
        assert await recall.add_passages(ANN, where, MANUAL, PAGES) == 4
    assert len(await texts(recall, here, "error")) == 4
    await recall.forget_conversation(ANN, here)
    assert await texts(recall, here, "error") == []
    assert len(await texts(recall, there, "error")) == 4
    assert await recall.add_passages(ANN, here, MANUAL, PAGES) == 4


async def test_a_passage_that_was_forgotten_stays_away(recall: Recall) -> None:
    here = new_id()
    await recall.add_passages(ANN, here, MANUAL, PAGES)
    [first] = await recall.passages(ANN, here, "E17 flame sensor", tokens=60)
    assert await recall.forget(ANN, first.id) == [first.id]
    await recall.add_passages(ANN, here, MANUAL, PAGES)
    assert PAGES[1] not in await texts(recall, here, "E17 flame sensor")


async def test_a_hostile_document_is_only_text(recall: Recall) -> None:
    here = new_id()
    pages = ['\ud800\x00 \' OR 1=1 -- {"$ne": ""}', "x" * 1_000_000, "‮mirror", "  \n "]
    name = Media("e" * 64, "text/plain", 1, "\x00evil\ud800" + "n" * 10_000)
    assert await recall.add_passages(ANN, here, name, pages) > 900
    found = await recall.passages(ANN, here, "mirror", tokens=100_000)
    assert len(found[0].conversation_title) == 200
    for hostile in HOSTILE:
        with pytest.raises(Missing):
            await recall.add_passages(ANN, hostile, name, pages)
        with pytest.raises(Missing):
            await recall.add_passages(ANN, here, Media(hostile, "text/plain", 1), pages)


@given(st.lists(st.text("ab .\n。，", max_size=4_000), max_size=3))
def test_cutting_keeps_every_word_in_order_and_on_its_page(pages: list[str]) -> None:
    cut = passages_of(pages)
    assert all(0 < len(one.text) <= PASSAGE_CHARS for one in cut)
    assert all(a.page <= b.page for a, b in pairwise(cut))
    for number, page in enumerate(pages, start=1):
        mine = "".join(one.text for one in cut if one.page == number)
        assert "".join(mine.split()) == "".join(page.split())
