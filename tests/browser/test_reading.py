"""Reading while a reply grows, and finding one's way without a mouse."""

import re

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.browser.conftest import RunningParley, finished, opened, replies, say
from tests.scripted_server import ScriptedServer

pytestmark = pytest.mark.browser

LONG = [f"{piece} " for n in range(40) for piece in (f"Paragraph {n}:", "some words.\n\n")]


def top(page: Page, number: int) -> float:
    """Where the question of that number (from 1) begins, in pixels below the window's edge."""
    box = page.locator("#parley-chat [data-role=user]").nth(number - 1).bounding_box()
    assert box
    return box["y"]


def below(page: Page) -> float:
    """How much of the conversation is below what is shown, in pixels."""
    return float(
        page.evaluate(
            "(() => { const s = document.querySelector('#parley-scroll');"
            " return s.scrollHeight - s.scrollTop - s.clientHeight; })()"
        )
    )


def test_a_long_reply_is_read_from_its_beginning_with_the_question_in_view(
    parley: RunningParley, model: ScriptedServer, visitor: BrowserContext
) -> None:
    page, _ = opened(visitor, parley.url)
    say(page, "A short one first")
    finished(page)
    model.says(*LONG, delay_s=0.02)
    say(page, "Now a long one")
    expect(replies(page).nth(1)).to_contain_text("Paragraph 25")
    while_growing = top(page, 2)
    assert 0 < while_growing < 200
    finished(page, 2)
    page.wait_for_timeout(200)
    assert top(page, 2) == while_growing
    assert below(page) > 200
    page.get_by_role("button", name="More below").click()
    expect(page.get_by_role("button", name="More below")).to_be_hidden()
    assert below(page) < 2


def test_who_asks_for_the_end_follows_it_and_who_scrolls_up_is_left_alone(
    parley: RunningParley, model: ScriptedServer, visitor: BrowserContext
) -> None:
    page, _ = opened(visitor, parley.url)
    model.says(*LONG, delay_s=0.03)
    say(page, "A long one")
    page.get_by_role("button", name="More below").click()
    expect(replies(page).first).to_contain_text("Paragraph 30")
    page.wait_for_timeout(100)
    assert below(page) < 60
    page.mouse.move(700, 300)
    page.mouse.wheel(0, -300)
    page.wait_for_timeout(200)
    here = top(page, 1)
    finished(page)
    page.wait_for_timeout(200)
    assert top(page, 1) == here


def test_the_list_is_used_by_keyboard(
    parley: RunningParley, model: ScriptedServer, visitor: BrowserContext
) -> None:
    page, _ = opened(visitor, parley.url)
    for words in ("Talk of boats", "Talk of gardens"):
        page.locator("#parley-new").click()
        say(page, words)
        finished(page)
    listed = page.get_by_role("navigation", name="Conversations")
    expect(listed.get_by_role("list", name="Today").get_by_role("listitem")).to_have_count(2)
    newer, older = (
        listed.get_by_role("link", name=n) for n in ("Talk of gardens", "Talk of boats")
    )
    expect(newer).to_have_attribute("aria-current", "page")
    page.locator("#parley-new").focus()
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Temporary chat")).to_be_focused()
    page.keyboard.press("Tab")
    expect(page.get_by_role("searchbox", name="Search everything that was said")).to_be_focused()
    page.keyboard.press("ArrowDown")
    expect(newer).to_be_focused()
    page.keyboard.press("ArrowDown")
    expect(older).to_be_focused()
    page.keyboard.press("Tab")
    expect(listed.get_by_role("button", name="More for Talk of boats")).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("ArrowDown")
    expect(page.get_by_role("menuitem", name="Rename")).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.type("Ships")
    page.keyboard.press("Enter")
    renamed = listed.get_by_role("link", name="Ships")
    expect(renamed).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#parley-chat [data-role=user]")).to_contain_text("boats")
    expect(renamed).to_have_attribute("aria-current", "page")


def test_on_a_phone_the_list_takes_the_focus_and_gives_it_back(
    parley: RunningParley, visitor: BrowserContext
) -> None:
    assert visitor.browser
    phone = visitor.browser.new_context(viewport={"width": 360, "height": 740}, has_touch=True)
    page, _ = opened(phone, parley.url)
    opener = page.locator(".drawer-open")
    expect(opener).to_have_attribute("aria-expanded", "false")
    assert page.locator("#parley-side").evaluate("side => side.inert")
    opener.focus()
    page.keyboard.press("Enter")
    expect(opener).to_have_attribute("aria-expanded", "true")
    expect(page.get_by_role("button", name="Close the list")).to_be_focused()
    page.keyboard.press("Escape")
    expect(opener).to_be_focused()
    expect(opener).to_have_attribute("aria-expanded", "false")
    phone.close()


def test_what_a_turn_may_cost_is_said_before_it_is_sent(
    parley: RunningParley, model: ScriptedServer, visitor: BrowserContext
) -> None:
    page, _ = opened(visitor, parley.url)
    forecast = page.locator("#parley-forecast")
    expect(forecast).to_have_text(re.compile(r"1 request, up to 7 with tools"))
    page.locator("#parley-speak input").check()
    expect(forecast).to_have_text(re.compile(r"2 requests, up to 11 with tools"))
    page.locator("#parley-speak input").uncheck()
    expect(forecast).to_have_text(re.compile(r"1 request, up to 7 with tools"))
