"""The page in its reader's language: as the browser asks for it, or as chosen in the settings."""

import re

from playwright.sync_api import Browser, expect

from tests.browser.conftest import RunningParley, opened, ready


def test_the_page_speaks_as_the_browser_asks_until_another_is_chosen(
    parley: RunningParley, browser: Browser
) -> None:
    context = browser.new_context(locale="de-DE", viewport={"width": 1280, "height": 800})
    page, watch = opened(context, parley.url)
    expect(page.locator("#parley-new")).to_have_text("Neuer Chat")
    expect(page.locator("#parley-welcome h2")).to_have_text("Worüber wollen wir reden?")
    expect(page.locator("html")).to_have_attribute("lang", "de")
    page.locator("[data-do=settings]").first.click()
    page.get_by_label("Sprache").select_option(label="日本語")
    page.wait_for_function("document.documentElement.lang === 'ja'")
    ready(page)
    expect(page.locator("#parley-new")).not_to_have_text(re.compile("[A-Za-z]"))
    page.locator("[data-do=settings]").first.click()
    page.locator("select[name=settings-language]").select_option("")
    page.wait_for_function("document.documentElement.lang === 'de'")
    ready(page)
    expect(page.locator("#parley-new")).to_have_text("Neuer Chat")
    assert watch.complaints == []
    context.close()
