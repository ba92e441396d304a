"""All settings in one dialog: what is changed there holds, here and after a reload."""

import re

from playwright.sync_api import BrowserContext, Locator, Page, expect

from tests.browser.conftest import RunningParley, finished, opened, ready, say
from tests.pictures import png
from tests.scripted_server import ScriptedServer

OFFERED = [{"id": "big"}, {"id": "eagle-vl", "context_length": 131072}, {"id": "tts-2"}]


def settings(page: Page, tab: str) -> Locator:
    page.locator("[data-do=settings]").click()
    page.locator(f".parley-settings [data-tab={tab}]").click()
    return page.locator(f"#settings-{tab}")


def checked(models: Locator) -> None:
    """Until the list is the one of this test: a provider is asked once in ten seconds, whoever asks."""
    told = models.locator(".connected [data-told]").first
    for _ in range(12):
        models.get_by_role("button", name="Check Custom server").click()
        expect(told).to_contain_text("offers")
        if "offers 3 models" in told.inner_text():
            return
        models.page.wait_for_timeout(1_000)
    raise AssertionError(told.inner_text())


def test_the_theme_is_chosen_and_lasts(visitor: BrowserContext, parley: RunningParley) -> None:
    page, watch = opened(visitor, parley.url)
    general = settings(page, "general")
    general.get_by_label("Dark", exact=True).check()
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"
    page.reload()
    ready(page)
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"
    settings(page, "general").get_by_label("As the system").check()
    assert page.evaluate("document.documentElement.dataset.theme") == "light"
    page.emulate_media(color_scheme="dark")
    page.wait_for_function("document.documentElement.dataset.theme === 'dark'")
    assert not watch.complaints


def test_instructions_for_all_chats_and_for_one(
    visitor: BrowserContext, parley: RunningParley, model: ScriptedServer
) -> None:
    model.says("One").says("Two")
    page, _ = opened(visitor, parley.url)
    form = settings(page, "replies")
    save = form.get_by_role("button", name="Save")
    expect(save).to_be_disabled()
    form.get_by_role("button", name="Brief", exact=True).click()
    form.locator("#settings-temperature").fill("0.3")
    form.locator("#settings-longest").select_option("512")
    save.click()
    expect(form.locator(".settings-acts output")).to_have_text("Saved")
    form.get_by_label("This chat", exact=True).check()
    expect(form.locator("#settings-instructions")).to_have_value("")
    form.locator("#settings-instructions").fill("Answer like a sailor.")
    save.click()
    expect(form.locator(".settings-acts output")).to_have_text("Saved")
    page.keyboard.press("Escape")
    say(page, "Hello")
    finished(page)
    page.locator("#parley-new").click()
    say(page, "Hello again")
    finished(page)
    here, there = model.requests
    assert here["messages"][0]["content"].endswith("Answer like a sailor.")
    assert "fewest" not in there["messages"][0]["content"]
    assert "as few words" in there["messages"][0]["content"]
    assert (here["temperature"], here["max_tokens"]) == (0.3, 512)


def test_instructions_are_kept_under_a_name(visitor: BrowserContext, parley: RunningParley) -> None:
    page, _ = opened(visitor, parley.url)
    form = settings(page, "replies")
    form.locator("#settings-instructions").fill("Answer like a sailor.")
    form.get_by_role("button", name="Keep as a preset").click()
    form.get_by_label("Its name").fill("Sailor")
    form.get_by_role("button", name="Keep", exact=True).click()
    expect(form.get_by_role("button", name="Sailor", exact=True)).to_be_visible()
    expect(form.locator("#settings-instructions")).to_have_value("Answer like a sailor.")
    form.locator("#settings-instructions").fill("")
    form.get_by_role("button", name="Sailor", exact=True).click()
    expect(form.locator("#settings-instructions")).to_have_value("Answer like a sailor.")
    form.get_by_role("button", name="Delete the preset Sailor").click()
    expect(form.get_by_role("button", name="Sailor", exact=True)).to_have_count(0)


def test_the_key_is_checked_by_a_call_that_spends_nothing(
    visitor: BrowserContext, parley: RunningParley, model: ScriptedServer
) -> None:
    model.models(OFFERED)
    page, _ = opened(visitor, parley.url)
    models = settings(page, "models")
    expect(models.locator(".roles")).to_contain_text("seeing")
    checked(models)
    assert {hit.path for hit in model.hits} == {"/v1/models"}


def test_who_sees_and_speaks_is_chosen_and_holds(
    visitor: BrowserContext, parley: RunningParley, model: ScriptedServer
) -> None:
    model.models(OFFERED)
    page, watch = opened(visitor, parley.url)
    models = settings(page, "models")
    checked(models)
    page.keyboard.press("Escape")
    sees = settings(page, "models").get_by_label("Sees pictures")
    expect(sees.locator("option").first).to_have_text("Parley chooses: seeing")
    sees.select_option(label="eagle-vl · 128K tokens")
    page.reload()
    ready(page)
    expect(settings(page, "models").get_by_label("Sees pictures")).to_have_value(
        re.compile("eagle-vl")
    )
    answers = page.locator("#settings-models").get_by_label("Answers")
    answers.select_option(label="eagle-vl · 128K tokens")
    expect(page.locator("#parley-status")).to_contain_text("eagle-vl")
    answers.select_option("")
    expect(page.locator("#parley-status")).to_contain_text("big")
    page.keyboard.press("Escape")
    model.says("A gate.")
    page.locator("#parley-image input[type=file]").set_input_files(
        {"name": "gate.png", "mimeType": "image/png", "buffer": png("Gate 14")}
    )
    expect(page.locator("#parley-attachments")).to_contain_text("up to")
    say(page, "What is this?")
    expect(finished(page)).to_contain_text("eagle-vl")
    assert not watch.complaints


def test_the_sheets_behind_it_open_over_it_and_lead_back(
    visitor: BrowserContext, parley: RunningParley
) -> None:
    page, watch = opened(visitor, parley.url)
    senses = settings(page, "senses")
    senses.get_by_role("button", name="Look through").click()
    page.locator(".parley-memories .kept-body").wait_for()
    page.keyboard.press("Escape")
    expect(page.locator(".parley-memories")).not_to_be_visible()
    expect(senses).to_be_visible()
    senses.get_by_role("button", name="Change").click()
    expect(page.locator("#parley-voice")).to_be_focused()
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    expect(page.locator(".parley-settings")).not_to_be_visible()
    expect(page.locator("[data-do=settings]")).to_be_focused()
    assert not watch.complaints


def test_the_tabs_go_by_arrow_keys(visitor: BrowserContext, parley: RunningParley) -> None:
    page, _ = opened(visitor, parley.url)
    page.keyboard.press("Control+,")
    tab = page.get_by_role("tab", name="General")
    expect(tab).to_be_focused()
    tab.press("ArrowDown")
    expect(page.get_by_role("tab", name="Replies")).to_have_attribute("aria-selected", "true")
    page.get_by_role("tab", name="Replies").press("End")
    expect(page.locator("#settings-data")).to_be_visible()


def test_the_offline_engine_takes_no_temperature_and_says_why(
    visitor: BrowserContext, offline_parley: RunningParley
) -> None:
    page, _ = opened(visitor, offline_parley.url)
    form = settings(page, "replies")
    expect(form).to_contain_text("no language model to instruct")
    expect(form.locator("#settings-temperature")).to_have_count(0)


def test_the_shortcut_sheet_opens_by_a_question_mark_but_not_while_writing(
    visitor: BrowserContext, parley: RunningParley
) -> None:
    page, _ = opened(visitor, parley.url)
    page.locator("#parley-input textarea").press("?")
    expect(page.locator(".parley-shortcuts")).to_have_count(0)
    page.locator("#parley-header h1").click()
    page.keyboard.press("?")
    expect(page.locator(".parley-shortcuts")).to_contain_text("New chat")
    page.keyboard.press("Escape")
    expect(page.locator(".parley-shortcuts")).to_have_count(0)


def test_what_is_chosen_from_two_or_three_has_room_on_a_small_phone(
    visitor: BrowserContext, parley: RunningParley
) -> None:
    page, _ = opened(visitor, parley.url)
    page.set_viewport_size({"width": 360, "height": 640})
    page.locator(".drawer-open").click()
    switches = settings(page, "general").locator(".three")
    expect(switches).to_have_count(2)
    for one in switches.all():
        box = one.bounding_box()
        assert box
        assert box["x"] + box["width"] <= 360 - 16
        for words in one.locator("label span").all():
            padding = words.evaluate("(span) => parseFloat(getComputedStyle(span).paddingLeft)")
            assert padding >= 8
