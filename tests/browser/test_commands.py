"""Commands that begin a message, and what Enter does while one writes."""

from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect

from tests.browser.conftest import RunningParley, finished, opened, replies, say
from tests.scripted_server import ScriptedServer


def box(page: Page) -> Locator:
    return page.locator("#parley-input textarea")


def entries(page: Page) -> Locator:
    return page.locator("#parley-slash [role=option]")


def test_the_menu_completes_a_command_by_the_keyboard_alone(
    visitor: BrowserContext, parley: RunningParley, model: ScriptedServer
) -> None:
    page, watch = opened(visitor, parley.url)
    box(page).press_sequentially("/")
    assert entries(page).count() >= 7
    box(page).press_sequentially("sy")
    expect(entries(page)).to_have_count(1)
    assert box(page).get_attribute("aria-activedescendant") == "parley-slash-0"
    box(page).press("Tab")
    expect(box(page)).to_have_value("/system ")
    box(page).press_sequentially("Answer like a sailor.")
    box(page).press("Enter")
    expect(page.locator("#parley-notice")).to_contain_text("Answer like a sailor.")
    expect(box(page)).to_have_value("")
    assert model.requests == []  # a command is no message
    model.says("Ahoy")
    say(page, "Hello")
    finished(page)
    assert model.requests[0]["messages"][0]["content"].endswith("Answer like a sailor.")
    assert not watch.complaints


def test_a_model_is_chosen_by_part_of_its_name(
    visitor: BrowserContext, parley: RunningParley, model: ScriptedServer
) -> None:
    model.models([{"id": "big"}, {"id": "small"}, {"id": "hearing"}])
    page, _ = opened(visitor, parley.url)
    page.locator("#parley-status button").click()
    page.locator("#parley-choice-refresh").click()
    page.get_by_role("radio", name="small").wait_for()
    page.keyboard.press("Escape")
    box(page).press_sequentially("/model sma")
    expect(entries(page)).to_have_count(1)
    box(page).press("Enter")
    expect(page.locator("#parley-status")).to_contain_text("small")
    expect(page.locator("#parley-notice")).to_contain_text("answers here now")


def test_escape_closes_the_menu_and_unknown_commands_are_words(
    visitor: BrowserContext, parley: RunningParley, model: ScriptedServer
) -> None:
    page, _ = opened(visitor, parley.url)
    box(page).press_sequentially("/")
    box(page).press("Escape")
    expect(page.locator("#parley-slash")).to_be_hidden()
    model.says("A folder.")
    say(page, "/etc/hosts is what?")
    finished(page)
    assert "/etc/hosts" in str(model.requests[0]["messages"][-1]["content"])


def test_forget_looks_the_memory_up(visitor: BrowserContext, parley: RunningParley) -> None:
    page, _ = opened(visitor, parley.url)
    say(page, "/forget my sister")
    expect(page.locator(".parley-memories input[type=search]")).to_have_value("my sister")


def test_image_without_words_asks_for_them_and_the_forecast_tells_its_price(
    visitor: BrowserContext, parley: RunningParley, model: ScriptedServer
) -> None:
    page, _ = opened(visitor, parley.url)
    say(page, "/image")
    expect(page.locator("#parley-notice")).to_contain_text("what it shall show")
    box(page).fill("/image a lighthouse")
    expect(page.locator("#parley-forecast")).to_have_text("1 request")
    box(page).fill("a lighthouse")
    expect(page.locator("#parley-forecast")).to_contain_text("with tools")


def test_shift_enter_begins_a_line_and_enter_sends(
    visitor: BrowserContext, parley: RunningParley, model: ScriptedServer
) -> None:
    model.says("Two lines.")
    page, _ = opened(visitor, parley.url)
    box(page).press_sequentially("one")
    box(page).press("Shift+Enter")
    box(page).press_sequentially("two")
    box(page).press("Enter")
    finished(page)
    assert "one\ntwo" in str(model.requests[0]["messages"][-1]["content"])


def test_enter_that_ends_a_composition_sends_nothing(
    visitor: BrowserContext, parley: RunningParley, model: ScriptedServer
) -> None:
    page, _ = opened(visitor, parley.url)
    box(page).fill("かんじ")
    box(page).evaluate(
        "(e) => e.dispatchEvent(new KeyboardEvent('keydown', "
        "{key: 'Enter', isComposing: true, bubbles: true, cancelable: true}))"
    )
    page.wait_for_timeout(400)
    assert replies(page).count() == 0
    expect(box(page)).to_have_value("かんじ")


def test_on_a_telephone_enter_begins_a_line(
    browser: Browser, parley: RunningParley, model: ScriptedServer
) -> None:
    context = browser.new_context(
        viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True
    )
    page, _ = opened(context, parley.url)
    box(page).press_sequentially("one")
    box(page).press("Enter")
    box(page).press_sequentially("two")
    expect(box(page)).to_have_value("one\ntwo")
    assert model.requests == []
    context.close()


def test_export_saves_the_chat_as_a_file(
    visitor: BrowserContext, parley: RunningParley, model: ScriptedServer
) -> None:
    page, _ = opened(visitor, parley.url)
    say(page, "/export")
    expect(page.locator("#parley-notice")).to_contain_text("nothing to export")
    model.says("Ahoy")
    say(page, "Hello")
    finished(page)
    with page.expect_download() as saved:
        say(page, "/export")
    assert "Ahoy" in saved.value.path().read_text()
    with page.expect_download() as saved:
        say(page, "/export json")
    assert saved.value.suggested_filename.endswith(".json")


def test_a_shortcut_leads_to_the_search(visitor: BrowserContext, parley: RunningParley) -> None:
    page, _ = opened(visitor, parley.url)
    page.keyboard.press("Control+k")
    expect(page.locator(".find input")).to_be_focused()
