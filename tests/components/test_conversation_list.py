"""The list of conversations as it is drawn, and how what was found is shown."""

import re
from datetime import UTC, datetime, timedelta, timezone

from archive import Contents, Folder, Found, Piece
from components.conversation_list import MOST_ROWS, PAGE, Asked, asked, pane
from components.conversation_search import results
from memory.search import Hit
from messages import Conversation, Role

NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
HOSTILE = '"><img src=x onerror="x">'


def talk(title: str, at: datetime = NOON, folder: str = "") -> Conversation:
    return Conversation("a" * 32, title, at.timestamp(), at.timestamp(), folder=folder)


def shown(*listed: Conversation) -> str:
    return pane(Contents(recent=listed), Asked(), NOON)


def test_conversations_stand_under_their_time() -> None:
    hours = (1, 20, 70, 24 * 12, 24 * 60, 24 * 400)
    html = shown(*(talk(f"talk {h}", NOON - timedelta(hours=h)) for h in hours))
    assert re.findall(r"<h2 [^>]*>([\w ]+)</h2>|>(talk \d+)</a>", html) == [
        ("Today", ""),
        ("", "talk 1"),
        ("Yesterday", ""),
        ("", "talk 20"),
        ("Last 7 days", ""),
        ("", "talk 70"),
        ("Last 30 days", ""),
        ("", "talk 288"),
        ("September", ""),
        ("", "talk 1440"),
        ("October 2025", ""),
        ("", "talk 9600"),
    ]


def test_the_day_is_the_readers_own() -> None:
    late = Contents(recent=(talk("late", datetime(2026, 11, 23, 23, 30, tzinfo=UTC)),))
    east = NOON.astimezone(timezone(timedelta(hours=9)))
    assert "Yesterday" in pane(late, Asked(), NOON)
    assert "Today" in pane(late, Asked(), east)


def test_each_list_is_named_after_its_heading() -> None:
    contents = Contents((talk("p"),), (Folder("Work", 1, True, (talk("w"),)),), (talk("r"),))
    html = pane(contents, Asked(), NOON)
    for heading in ("Pinned", "Today"):
        name = re.search(rf'<h2 id="([\w-]+)">{heading}', html)
        assert name
        assert f'<ul role="list" aria-labelledby="{name[1]}">' in html
    assert '<ul role="list" aria-label="Work">' in html


def test_names_are_shown_as_text() -> None:
    contents = Contents(
        (talk(HOSTILE, folder=HOSTILE),), (Folder(HOSTILE, 1),), (talk(HOSTILE),)
    )  # fmt: skip
    found = Found("a" * 32, (Piece(HOSTILE, match=True),), (), 0, 0.0)
    hit = Hit("b" * 32, "user", 0.0, (Piece(HOSTILE), Piece(HOSTILE, match=True)))
    every = pane(contents, Asked(), NOON) + results([found], HOSTILE) + results([], HOSTILE)
    every += results([Found("a" * 32, (), (hit,), 2, 0.0)], "x")
    assert "<img" not in every


def excerpted(*pieces: str, role: Role = "assistant") -> str:
    hit = Hit("b" * 32, role, 0.0, tuple(Piece(text) for text in pieces))
    html = results([Found("a" * 32, (), (hit,), 0, 0.0)], "x")
    found = re.search(r'</small><span dir="auto">(.*?)</span></a>', html)
    assert found
    return found[1]


def test_a_table_that_was_found_reads_as_words_and_code_as_it_stands() -> None:
    assert (
        excerpted("| flour | water | |---|:-:| | **rye** | 75 %") == " · flour · water · rye · 75 %"
    )
    assert excerpted("rye | 75 | ", "| wheat | 65 |") == "rye · 75 ·  · wheat · 65 · "
    for code in ("if a || b: stop", "cat notes | sort | uniq", "int | None", "a || b || c"):
        assert excerpted(code) == code
    assert excerpted("| x | | y | and ", "a || b") == " · x · y · and a || b"
    assert excerpted("| a | | b |", role="user") == "| a | | b |"


def test_more_is_offered_until_there_is_much() -> None:
    some = Contents(recent=(talk("x"),), more=True)
    assert "Show more" in pane(some, Asked(PAGE), NOON)
    assert "Show more" not in pane(some, Asked(MOST_ROWS), NOON)
    assert "Search to find the older ones" in pane(some, Asked(MOST_ROWS), NOON)


def test_a_page_that_asks_for_nonsense_gets_the_list_as_it_is_at_first() -> None:
    assert asked({"rows": 120, "unfolded": ["Work"]}) == Asked(120, ("Work",))
    every: list[object] = [None, [], "x", {"rows": 10**9}, {"rows": 0}]
    every += [{"unfolded": ["x"] * 21}, {"unfolded": ["x" * 101]}, {"unfolded": [{}]}]
    for nonsense in every:
        assert asked(nonsense) == Asked()
