"""The page in its reader's language: as the browser asks for it, or as chosen in the settings."""

import re

from playwright.sync_api import Browser, expect

from tests.browser.conftest import RunningParley, opened, ready
from tests.scripted_server import ScriptedServer


def test_the_page_speaks_as_the_browser_asks_until_another_is_chosen(
    parley: RunningParley, browser: Browser
) -> None:
    context = browser.new_context(locale="de-DE", viewport={"width": 1280, "height": 800})
    page, watch = opened(context, parley.url)
    expect(page.locator("#parley-new")).to_have_text("Neuer Chat")
    expect(page.locator("#parley-welcome h2:visible")).to_have_text("Worüber wollen wir reden?")
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


def test_one_reply_is_read_by_each_in_their_own_language(
    parley: RunningParley, browser: Browser, model: ScriptedServer
) -> None:
    model.says("```python\nprint(1)\n```\n\nThat is all.")
    context = browser.new_context(locale="de-DE", viewport={"width": 1280, "height": 800})
    page, watch = opened(context, parley.url)
    page.locator("#parley-input textarea").fill("Show me some code.")
    page.keyboard.press("Enter")
    reply = page.locator("article.assistant")
    expect(reply.locator(".requests")).to_have_text("1 Anfrage")
    expect(reply.locator("[data-do=copy-code]")).to_have_text("Kopieren")
    expect(page.get_by_role("heading", name="Heute")).to_be_visible()
    page.locator("[data-do=conversation-menu]").first.click()
    expect(page.get_by_role("menuitem", name="Löschen …")).to_be_visible()
    page.keyboard.press("Escape")
    # What was drawn for a German reader, and kept, is not what a French one reads.
    page.context.add_cookies([{"name": "parley-language", "value": "fr", "url": parley.url}])
    page.reload()
    ready(page)
    expect(reply.locator(".requests")).to_have_text("1 requête")
    expect(reply.locator("[data-do=copy-code]")).to_have_text("Copier")
    assert watch.complaints == []
    context.close()


def test_the_settings_and_the_memories_are_in_german(
    parley: RunningParley, browser: Browser
) -> None:
    context = browser.new_context(locale="de-DE", viewport={"width": 1280, "height": 800})
    page, watch = opened(context, parley.url)
    page.locator("[data-do=settings]").first.click()
    dialog = page.get_by_role("dialog", name="Einstellungen")
    expect(dialog.get_by_role("tab")).to_have_text(
        [
            "Allgemein",
            "Antworten",
            "Modelle und Schlüssel",
            "Stimme, Gedächtnis, Werkzeuge",
            "Anfragen",
            "Deine Daten",
        ]
    )
    dialog.get_by_role("tab", name="Antworten").click()
    dialog.get_by_role("button", name="Kurz", exact=True).click()
    expect(dialog.locator("#settings-instructions")).to_have_value(re.compile("^Antworte mit so"))
    dialog.get_by_role("button", name="Speichern").click()
    expect(dialog.locator(".settings-acts output")).to_have_text("Gespeichert")
    dialog.get_by_role("tab", name="Stimme").click()
    dialog.get_by_role("button", name="Durchsehen").click()
    memories = page.get_by_role("dialog", name="Was gemerkt ist")
    expect(memories.get_by_label("Gemerktes durchsuchen")).to_be_focused()
    page.keyboard.press("Escape")
    dialog.get_by_role("tab", name="Deine Daten").click()
    dialog.locator("[data-do=erase]").click()
    sure = page.locator("dialog.parley-ask")
    sure.get_by_label("Gib löschen ein, um fortzufahren").fill("löschen")
    expect(sure.get_by_role("button", name="Alles löschen")).to_be_enabled()
    sure.get_by_role("button", name="Abbrechen").click()
    page.keyboard.press("Escape")
    page.locator("#parley-input textarea").fill("/")
    expect(page.locator("#parley-slash")).to_contain_text("Ein Bild zeichnen: 1 Anfrage")
    assert watch.complaints == []
    context.close()
