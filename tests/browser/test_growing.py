"""While a reply grows: whoever listens is told once, at its end, and nothing that is read moves."""

import re
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page, WebSocketRoute, expect

from tests.browser.conftest import RunningParley, finished, opened, replies, say
from tests.scripted_server import ScriptedServer

pytestmark = pytest.mark.browser

PARAGRAPHS = [
    f"{piece} "
    for n in range(40)
    for piece in (f"Paragraph {n}:", "some words\nin **two** lines.\n\n")
]
BLOCKS = (
    "## A heading\n\n- one\n- two, and more of it\n\n| flour | water |\n| --- | --- |\n| 500 g | 375 g |\n\n"
    "```python\ndef water(flour_g):\n    return 0.75 * flour_g\n```\n\nMass is $m = \\rho V$.\n\n> Said.\n\n"
)
OF_ALL_KINDS = [f"{word} " for word in (BLOCKS * 4).split(" ")]

LISTEN = """() => {
  const region = document.querySelector("#parley-announcer");
  window.told = [];
  new MutationObserver((changes) => changes.forEach((change) => window.told.push({
    words: [...change.addedNodes].map((node) => node.textContent).join(""),
    status: document.querySelector("#parley-messages > :last-child").dataset.status,
  }))).observe(region, { childList: true, characterData: true, subtree: true });
}"""

WATCH = """(message) => {
  const chat = document.querySelector("#parley-scroll");
  const top = () => message.getBoundingClientRect().top;
  const [begun, height] = [top(), chat.scrollHeight];
  const seen = window.seen = { moved_px: 0, grown_px: 0, frames: 0, shifts: [] };
  const look = () => {
    seen.moved_px = Math.max(seen.moved_px, Math.abs(top() - begun));
    seen.grown_px = chat.scrollHeight - height;
    seen.frames += 1;
    requestAnimationFrame(look);
  };
  look();
  const named = ({ node }) => (node?.closest?.("[id], [data-key]") ?? node)?.outerHTML?.slice(0, 80);
  new PerformanceObserver((list) => {
    for (const shift of list.getEntries())
      if (!shift.hadRecentInput) seen.shifts.push([shift.value, ...shift.sources.map(named)]);
  }).observe({ type: "layout-shift" });
}"""


def assert_still(seen: dict[str, Any]) -> None:
    """What was watched stood where it was, and nothing else in the window made room."""
    assert seen["moved_px"] <= 1, seen
    assert sum(shift[0] for shift in seen["shifts"]) < 0.001, seen


def told(page: Page) -> list[str]:
    """What those who listen were told of replies so far; never while one grew."""
    found: list[dict[str, str]] = page.evaluate("window.told")
    assert all(one["status"] != "running" for one in found), found
    return [one["words"] for one in found]


def shown_below(page: Page) -> float:
    """How much of the conversation is below what is shown, in pixels."""
    where = "({ scrollHeight, scrollTop, clientHeight }) => scrollHeight - scrollTop - clientHeight"
    return float(page.locator("#parley-scroll").evaluate(where))


def test_a_finished_reply_is_announced_once_and_nothing_while_it_grows(
    parley: RunningParley, model: ScriptedServer, visitor: BrowserContext
) -> None:
    page, watch = opened(visitor, parley.url)
    page.evaluate(LISTEN)
    model.thinks("Flour, then. ").says(*PARAGRAPHS[:40], delay_s=0.02)
    say(page, "I bake with rye. How much?")
    expect(replies(page).first).to_contain_text("Paragraph 9")
    live = "[aria-live]:not([aria-live=off]), [role=status], [role=alert], [role=log]"
    inside = f"(reply) => reply.closest('{live}') || reply.querySelector('{live}')"
    assert not replies(page).first.evaluate(inside)
    finished(page)
    page.wait_for_timeout(1500)  # it is counted and remembered afterwards
    [words] = told(page)
    assert words.startswith("Parley: Paragraph 0: some words")
    assert "Paragraph 19" in words
    assert "Flour, then." not in words

    say(page, "And now?")  # a reply that comes at once
    finished(page, 2)
    expect(replies(page).nth(1)).to_contain_text("ok")
    page.wait_for_timeout(500)
    assert told(page)[1:] == ["Parley: ok"]
    assert watch.complaints == []


def test_a_reply_that_ended_while_the_line_was_cut_is_announced_once(
    parley: RunningParley, model: ScriptedServer, visitor: BrowserContext
) -> None:
    lines: list[WebSocketRoute] = []
    holds: list[bool] = []

    def route(line: WebSocketRoute) -> None:
        if holds:
            line.close()
            return
        line.connect_to_server()
        lines.append(line)

    page = visitor.new_page()
    page.route_web_socket(re.compile("/parley/live"), route)
    page.goto(parley.url)
    page.wait_for_selector("html[data-live='open']")
    page.evaluate(LISTEN)
    model.says(*PARAGRAPHS[:20], delay_s=0.05)
    say(page, "Go on while I am away")
    expect(replies(page).first).to_contain_text("Paragraph 2")
    holds.append(True)
    lines[-1].close()
    page.wait_for_selector("html[data-live='closed']")
    page.wait_for_timeout(1500)
    assert told(page) == []
    holds.clear()
    expect(finished(page)).to_contain_text("Paragraph 9")
    page.wait_for_timeout(500)
    [words] = told(page)
    assert "Paragraph 9" in words


def test_what_the_reader_scrolled_to_stays_while_the_reply_grows(
    parley: RunningParley, model: ScriptedServer, visitor: BrowserContext
) -> None:
    page, watch = opened(visitor, parley.url)
    model.says(*PARAGRAPHS)
    say(page, "A long one first")
    finished(page)
    model.says(*OF_ALL_KINDS, delay_s=0.03)
    say(page, "Now one of all kinds")
    growing = replies(page).nth(1)
    expect(growing.locator("h2, h3, h4")).not_to_have_count(0)
    page.mouse.move(700, 300)
    page.mouse.wheel(0, -900)
    page.wait_for_timeout(600)  # wheel and what follows within half a second are the reader's own
    read = replies(page).first.locator("p").nth(30)
    page.evaluate(WATCH, read.element_handle())
    newer = page.locator("#parley-newer")
    expect(newer).to_be_visible()
    page.wait_for_timeout(1200)
    while_growing = page.evaluate("window.seen")
    assert growing.get_attribute("data-status") == "running"
    finished(page, 2)
    page.wait_for_timeout(500)
    seen = page.evaluate("window.seen")
    assert while_growing["grown_px"] > 100, while_growing
    assert seen["grown_px"] > 400, seen
    assert seen["frames"] > 20, seen
    assert_still(seen)
    assert watch.complaints == []


def test_a_reply_is_read_from_its_middle_while_its_end_grows(
    parley: RunningParley, model: ScriptedServer, visitor: BrowserContext
) -> None:
    page, _ = opened(visitor, parley.url)
    model.says(*PARAGRAPHS[:30], *OF_ALL_KINDS, delay_s=0.02)
    say(page, "One of all kinds")
    growing = replies(page).first
    page.locator("#parley-newer").click()
    expect(growing.locator("h2, h3, h4")).not_to_have_count(0)
    page.mouse.move(700, 300)
    page.mouse.wheel(0, -500)
    page.wait_for_timeout(600)
    page.evaluate(WATCH, growing.locator("p").nth(8).element_handle())
    finished(page)
    page.wait_for_timeout(500)
    seen = page.evaluate("window.seen")
    assert seen["grown_px"] > 400, seen
    assert_still(seen)


def test_nothing_around_a_reply_moves_that_grows_in_view(
    parley: RunningParley, model: ScriptedServer, visitor: BrowserContext
) -> None:
    page, _ = opened(visitor, parley.url)
    say(page, "A short one first")
    finished(page)
    model.thinks("Flour, then. ").says(*OF_ALL_KINDS, delay_s=0.02)
    say(page, "Now one of all kinds")
    page.evaluate(WATCH, page.locator("#parley-input").element_handle())
    expect(page.locator("#parley-newer")).to_be_visible()  # the question is as high as it goes
    around = page.evaluate("window.seen")
    assert around["grown_px"] > 100, around
    assert_still(around)
    page.wait_for_timeout(600)
    question = page.locator("#parley-chat [data-role=user]").nth(1)
    page.evaluate(WATCH, question.element_handle())
    finished(page, 2)
    page.wait_for_timeout(1500)
    seen = page.evaluate("window.seen")
    assert seen["grown_px"] > 200, seen
    assert_still(seen)


def test_a_button_brings_the_reader_back_to_the_end_of_a_growing_reply(
    parley: RunningParley, model: ScriptedServer, visitor: BrowserContext
) -> None:
    page, _ = opened(visitor, parley.url)
    model.says(*PARAGRAPHS)
    say(page, "A long one first")
    finished(page)
    newer = page.locator("#parley-newer")
    newer.click()
    expect(newer).to_be_hidden()
    model.says(*PARAGRAPHS, delay_s=0.03)
    say(page, "And another")
    growing = replies(page).nth(1)
    expect(growing).to_contain_text("Paragraph 1:")
    expect(newer).to_be_hidden()  # the end is in view
    page.mouse.move(700, 300)
    page.mouse.wheel(0, -600)
    expect(newer).to_be_visible()
    newer.focus()
    page.keyboard.press("Enter")
    expect(newer).to_be_hidden()
    assert shown_below(page) < 2
    expect(growing).to_contain_text("Paragraph 30")
    assert growing.get_attribute("data-status") == "running"
    assert shown_below(page) < 60  # and the end is followed from there
    expect(newer).to_be_hidden()
    finished(page, 2)
    page.wait_for_timeout(300)
    assert shown_below(page) < 2
