"""Parley as a newcomer has it: no key, no network, nothing but Python."""

import re

import pytest
from playwright.sync_api import BrowserContext, expect

from tests.browser.conftest import RunningParley, finished, opened, say
from tests.browser.test_speech import until_heard
from tests.pictures import png

pytestmark = pytest.mark.browser


def test_it_says_what_answers_and_how_to_connect_a_model(
    offline_parley: RunningParley, visitor: BrowserContext
) -> None:
    page, watch = opened(visitor, offline_parley.url)
    expect(page.get_by_text(re.compile("offline engine", re.IGNORECASE)).first).to_be_visible()
    expect(page.get_by_text("OXLO_API_KEY").first).to_be_attached()
    assert (watch.complaints, watch.strangers, watch.failures) == ([], [], [])


def test_it_calculates_and_tells_the_time(
    offline_parley: RunningParley, visitor: BrowserContext
) -> None:
    page, _ = opened(visitor, offline_parley.url)
    say(page, "What time is it in Tokyo, and what is 17% of 240?")
    reply = finished(page)
    expect(reply).to_contain_text("40.8")
    expect(reply).to_contain_text("Tokyo")


def test_it_quotes_the_text_of_a_picture(
    offline_parley: RunningParley, visitor: BrowserContext
) -> None:
    page, _ = opened(visitor, offline_parley.url)
    page.locator("#parley-image input[type=file]").set_input_files(
        {"name": "note.png", "mimeType": "image/png", "buffer": png("Meet me at seven")}
    )
    expect(page.locator("#parley-attachments img")).to_be_visible()
    say(page, "What does it say?")
    expect(finished(page)).to_contain_text("Meet me at seven", timeout=40_000)


def test_it_speaks(offline_parley: RunningParley, visitor: BrowserContext) -> None:
    page, _ = opened(visitor, offline_parley.url)
    page.locator("#parley-speak input").check()
    say(page, "Hello")
    expect(finished(page).locator("audio")).to_have_count(1)
    until_heard(page, 0.3)


def test_every_suggestion_of_the_empty_page_does_something(
    offline_parley: RunningParley, visitor: BrowserContext
) -> None:
    page, _ = opened(visitor, offline_parley.url)
    expect(page.locator("#parley-chat")).to_be_visible()
    for name in ("image", "document"):
        with page.expect_file_chooser():
            page.locator(f"[data-card={name}]").click()
        expect(page.locator("#parley-input textarea")).not_to_have_value("")
        page.locator("#parley-input textarea").fill("")
    page.locator("[data-card=memory]").click()
    page.keyboard.type("lighthouses?")
    expect(page.locator("#parley-input textarea")).to_have_value(
        "What did I say about lighthouses?"
    )
    page.locator("[data-card=keep]").click()
    page.keyboard.type("I bake.")
    expect(page.locator("#parley-input textarea")).to_have_value("Remember that I bake.")
    page.locator("[data-card=tools]").click()
    expect(finished(page)).to_contain_text("40.8")
