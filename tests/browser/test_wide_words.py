"""Words that run the other way, and tables that are wider than the page."""

import pytest
from playwright.sync_api import BrowserContext, Locator, expect

from tests.browser.conftest import RunningParley, finished, opened, say
from tests.scripted_server import ScriptedServer

pytestmark = pytest.mark.browser

ARABIC = """إليك القائمة:

- أولاً `a || b`
- ثانياً

English again.
"""
CELLS = [f"value of {n}" for n in range(14)]
TABLE = "\n".join(f"| {' | '.join(row)} |" for row in (CELLS, ["---"] * 14, CELLS))


def direction(box: Locator) -> str:
    return str(box.evaluate("(box) => getComputedStyle(box).direction"))


def test_arabic_begins_at_the_right_and_what_stands_beside_it_where_it_does(
    parley: RunningParley, model: ScriptedServer, visitor: BrowserContext
) -> None:
    page, watch = opened(visitor, parley.url)
    model.says(ARABIC)
    box = page.locator("#parley-input textarea")
    box.fill("مرحبا")
    assert box.evaluate("(box) => getComputedStyle(box).unicodeBidi") == "plaintext"
    say(page, "مرحبا\nHello there, how are you?")
    reply = finished(page)
    assert direction(reply.locator("p").first) == direction(reply.locator("li").first) == "rtl"
    assert direction(reply.locator("code")) == direction(reply.locator("p").last) == "ltr"

    # Each line of what was said begins at its own side.
    sides = page.locator(".bubble").evaluate("""(bubble) => {
      const range = document.createRange(), words = bubble.firstChild;
      const inside = bubble.getBoundingClientRect();
      return [[0, 5], [6, words.length]].map(([from, to]) => {
        range.setStart(words, from); range.setEnd(words, to);
        const { left, right } = range.getBoundingClientRect();
        return left - inside.left > inside.right - right ? "right" : "left";
      });
    }""")
    assert sides[0] == "right"

    # A title that is too long loses its end, and not its beginning.
    title = page.locator("#parley-conversations a").first
    expect(title).to_contain_text("مرحبا")
    assert direction(title) == direction(page.locator("#parley-title")) == "rtl"
    assert watch.complaints == []


def test_the_words_of_a_wide_table_stay_whole_and_the_table_scrolls(
    parley: RunningParley, model: ScriptedServer, visitor: BrowserContext
) -> None:
    page, watch = opened(visitor, parley.url)
    page.set_viewport_size({"width": 360, "height": 640})
    model.says(f"{TABLE}\n\n| a | https://example.org/{'long-' * 40} |\n|---|---|\n| b | c |")
    say(page, "All of them.")
    table = finished(page).locator(".table").first
    cell = table.locator("td").first
    least = cell.evaluate("""(cell) => {
      const range = document.createRange();
      range.setStart(cell.firstChild, 0); range.setEnd(cell.firstChild, 5);
      return range.getClientRects().length;
    }""")
    assert least == 1  # "value" stands on one line
    assert table.evaluate("(box) => box.scrollWidth > box.clientWidth")
    assert (
        page.locator("#parley-scroll").evaluate("(box) => box.scrollWidth - box.clientWidth") == 0
    )
    widest = page.locator(".table th").last.evaluate("(cell) => cell.offsetWidth")
    assert widest < 500  # one long word does not push the rest out of reach
    assert watch.complaints == []
