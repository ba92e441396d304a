"""The panel of all that is remembered."""

from dataclasses import replace

import pytest

from components import panes
from components.memory_panel import Asked, Section, asked, pane, shell
from memories import MemoryState
from tests.components.test_recalled import ALLERGY, NOVEMBER_12
from tests.components.test_render import Words

QUIET = MemoryState(3)
INSTRUCTION = replace(ALLERGY, id="m2", kind="instruction", text="Answer in German.")
FACT = replace(ALLERGY, id="m3", kind="fact", text="My name is <Ada>.")
PAGE = replace(ALLERGY, id="m4", kind="passage", conversation_title="lease.pdf", page=7)
ALL = [
    Section("instruction", (INSTRUCTION,)),
    Section("fact", (FACT,)),
    Section("said", (ALLERGY,)),
    Section("passage", (PAGE,)),
]


def read(html: str) -> str:
    return " ".join(Words(html).text.split())


def test_standing_instructions_come_first_then_facts_then_what_was_said() -> None:
    words = read(pane(QUIET, ALL, Asked()))
    order = ["Always sent", "Answer in German", "Facts", "Ada", "What was said", "peanuts"]
    places = [words.index(part) for part in [*order, "From documents", "lease.pdf, p. 7"]]
    assert places == sorted(places)


def test_every_entry_leads_to_its_origin_and_can_be_changed() -> None:
    html = pane(QUIET, ALL, Asked())
    assert html.count('data-do="origin"') == 4
    assert html.count('data-do="forget-memory"') == 4
    assert html.count('data-do="edit-memory"') == 3
    assert html.count('data-do="pin-memory"') == 3  # a standing instruction is sent always
    assert "<Ada>" not in html


def test_what_was_written_with_marks_is_listed_without_them_but_a_document_as_it_stands() -> None:
    written = "Bake for **Aiko**:\n- `375 g` of <water>"
    said = replace(ALLERGY, role="assistant", text=written)
    words = Words(pane(QUIET, [Section("said", (said,))], Asked())).text
    assert "Bake for Aiko:\n- 375 g of <water>" in words
    assert "**Aiko**" in read(
        pane(QUIET, [Section("passage", (replace(PAGE, text=written),))], Asked())
    )


def test_a_superseded_fact_stays_with_both_dates() -> None:
    old = replace(FACT, superseded_at=NOVEMBER_12)
    html = pane(QUIET, [Section("fact", (FACT, old))], Asked())
    assert "<s>My name is" in html
    assert "no longer holds since 12 Nov 2026" in read(html)
    assert html.count('data-do="edit-memory"') == 1
    assert html.count('data-do="forget-memory"') == 2


def test_a_section_with_others_offers_more_until_it_says_how_to_find_them() -> None:
    said = [Section("said", (ALLERGY,), more=True)]
    assert 'data-do="more-memories" data-kind="said"' in pane(QUIET, said, Asked())
    last = pane(QUIET, said, Asked(pages={"said": 20}))
    assert "more-memories" not in last
    assert "Search, or choose a time" in last


def test_an_entry_offers_to_show_its_chat_alone_until_that_is_shown() -> None:
    html = pane(QUIET, ALL, Asked())
    assert 'data-do="only-chat" data-chat=' in html
    assert "only-chat" not in pane(QUIET, ALL, Asked(here=True))
    nowhere = Section("said", (replace(ALLERGY, conversation_title=""),))
    assert "only-chat" not in pane(QUIET, [nowhere], Asked())


def test_nothing_found_is_said_by_what_was_looked_for() -> None:
    assert "Nothing is remembered yet" in pane(QUIET, [], Asked())
    assert "of “&lt;b&gt;”" in pane(QUIET, [], Asked(query="<b>"))
    assert "Nothing of this kind" in pane(QUIET, [], Asked(days=7))


def test_it_is_said_how_memory_stands() -> None:
    assert "paused" not in read(pane(QUIET, ALL, Asked()))
    here = pane(replace(QUIET, paused_here=True), ALL, Asked())
    assert "Memory is paused in this chat." in read(here)
    assert 'data-switch="pause-here" checked>' in here
    everywhere = pane(replace(QUIET, paused_everywhere=True), ALL, Asked())
    assert "Memory is paused everywhere." in read(everywhere)
    assert 'data-switch="pause-here" checked disabled>' in everywhere
    making = pane(replace(QUIET, made=1200, to_make=5000), ALL, Asked())
    assert "Making the memory's index again: 1,200 of 5,000" in read(making)
    assert 'aria-valuenow="1200"' in making
    by_words = pane(replace(QUIET, by_words="Only <words> for now."), ALL, Asked())
    assert "Only &lt;words&gt; for now." in by_words


def test_the_side_says_how_much_is_remembered_and_what_is_unusual() -> None:
    assert "Nothing remembered on this machine" in panes.memory(MemoryState(0))
    assert "1 thing remembered on this machine" in panes.memory(MemoryState(1))
    assert "1,200 things remembered" in panes.memory(MemoryState(1200))
    assert 'data-do="memories"' in panes.memory(MemoryState(0))
    assert "Paused in this chat" in panes.memory(MemoryState(1, paused_here=True))
    assert ">Paused<" in panes.memory(MemoryState(1, paused_everywhere=True))
    assert "Index made again: 1 of 2" in panes.memory(MemoryState(2, made=1, to_make=2))


@pytest.mark.parametrize(
    "frame",
    [
        None,
        False,
        "all",
        [],
        {"query": "x" * 301},
        {"query": {"$ne": ""}},
        {"days": 2},
        {"kind": "secret"},
        {"pages": {"said": 10**9}},
        {"pages": {"other": 1}},
    ],
)
def test_what_makes_no_sense_is_not_looked_for(frame: object) -> None:
    assert asked(frame) is None


def test_a_search_is_read_as_it_was_written() -> None:
    frame = {"query": "näh", "here": True, "kind": "fact", "days": 30, "pages": {"fact": 2}}
    assert asked(frame) == Asked("näh", here=True, kind="fact", days=30, pages={"fact": 2})


def test_the_dialog_names_its_parts_for_those_who_cannot_see_it() -> None:
    html = shell()
    assert 'role="search"' in html
    assert html.count("aria-label=") >= 5
    assert 'href="/parley/memories.json" data-do="save" download' in html
