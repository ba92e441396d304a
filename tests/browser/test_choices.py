"""Choosing who answers and in which form, as a person does it."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Locator, Page, expect

from tests.browser.conftest import RunningParley, finished, opened, ready, replies, say
from tests.scripted_server import ScriptedServer

pytestmark = pytest.mark.browser

SCHEMA = {
    "type": "object",
    "properties": {"city": {"type": "string"}, "people": {"type": "integer"}},
    "required": ["city", "people"],
    "additionalProperties": False,
}
OFFERED: list[dict[str, Any]] = [
    {"id": "big"},
    {"id": "small-and-quick", "context_length": 131072},
    {"id": "seeing"},
    *({"id": f"model-{n}"} for n in range(12)),
]


def chats(model: ScriptedServer) -> list[str]:
    return [hit.path for hit in model.hits if hit.path.endswith("completions")]


def sheet(page: Page) -> Locator:
    """The sheet behind the status line, opened."""
    page.locator("#parley-status button").click()
    found = page.get_by_role("dialog", name="Who answers here")
    expect(found.get_by_role("radio", name="Parley chooses")).to_be_visible()
    return found


def refreshed(page: Page, model: ScriptedServer, rows: list[dict[str, Any]]) -> Locator:
    model.models(rows)
    found = sheet(page)
    found.get_by_role("button", name="Refresh the list").click()
    small = found.get_by_role("radio", name=re.compile("small-and-quick"))
    expect(small).to_be_visible(timeout=30_000)  # the SDK is loaded meanwhile
    return found


def switch(found: Locator, name: str) -> None:
    """As a person does: the words are clicked, not the box."""
    found.get_by_text(name, exact=True).click()


def test_refreshing_lists_what_the_server_offers_and_asks_no_model(
    parley: RunningParley, model: ScriptedServer, visitor: BrowserContext
) -> None:
    page, watch = opened(visitor, parley.url)
    found = refreshed(page, model, OFFERED)
    expect(found).to_contain_text("128K tokens")
    expect(found.get_by_role("radio", name=re.compile("^model-"))).to_have_count(12)
    assert {hit.path for hit in model.hits} == {"/v1/models"}
    assert (watch.complaints, watch.strangers, watch.failures) == ([], [], [])


def test_on_a_small_phone_one_thing_scrolls_and_a_long_list_is_shown_to_its_end_when_wanted(
    parley: RunningParley, model: ScriptedServer, visitor: BrowserContext
) -> None:
    page, watch = opened(visitor, parley.url)
    page.set_viewport_size({"width": 360, "height": 640})
    found = refreshed(page, model, OFFERED)
    body, listed = found.locator(".choice-body"), found.locator(".choice-list")

    def scrollable() -> list[str]:
        return list(
            found.evaluate("""(sheet) => [...sheet.querySelectorAll("*")]
          .filter((box) => /auto|scroll/.test(getComputedStyle(box).overflowY))
          .filter((box) => box.scrollHeight > box.clientHeight + 1 && box.tagName !== "TEXTAREA")
          .map((box) => box.className)""")
        )

    assert scrollable() == ["choice-body"]
    last = found.get_by_role("radio", name="model-11")
    switches = found.locator(".choice-acts")
    assert switches.evaluate("(box) => box.offsetTop") < 640  # a long list is not in the way
    found.get_by_role("button", name="Show all").click()
    expect(found.get_by_role("button", name="Show all")).to_be_hidden()
    assert scrollable() == ["choice-body"]
    body.evaluate("(box) => box.scrollTop = 0")
    last.scroll_into_view_if_needed()
    assert last.bounding_box()

    # With the keyboard, the list opens as soon as it is left at its end.
    page.keyboard.press("Escape")
    sheet(page)
    expect(listed).to_have_class(re.compile("folded"))
    found.get_by_role("radio", name="Parley chooses").focus()
    for _ in range(10):
        page.keyboard.press("ArrowDown")
    expect(listed).not_to_have_class(re.compile("folded"))
    expect(page.locator(".parley-choice :focus")).to_be_in_viewport()
    page.keyboard.press("Escape")
    assert watch.complaints == []


def test_another_model_answers_from_the_middle_of_a_conversation_on(
    parley: RunningParley, model: ScriptedServer, visitor: BrowserContext
) -> None:
    page, watch = opened(visitor, parley.url)
    say(page, "First")
    expect(finished(page)).to_contain_text("big")
    found = refreshed(page, model, OFFERED)
    found.get_by_role("radio", name=re.compile("small-and-quick")).check()
    expect(page.locator("#parley-status")).to_contain_text("small-and-quick")
    page.keyboard.press("Escape")
    expect(found).to_be_hidden()
    say(page, "Second")
    expect(finished(page, 2)).to_contain_text("small-and-quick")
    assert [request["model"] for request in model.requests] == ["big", "small-and-quick"]
    page.locator("#parley-new").click()
    expect(page.locator("#parley-status")).to_contain_text("big")
    assert (watch.complaints, watch.strangers) == ([], [])


def test_a_model_for_new_chats_too_stays_until_parley_chooses_again(
    parley: RunningParley, model: ScriptedServer, visitor: BrowserContext
) -> None:
    page, _ = opened(visitor, parley.url)
    found = refreshed(page, model, OFFERED)
    switch(found, "Also for new chats")
    found.get_by_role("radio", name=re.compile("small-and-quick")).check()
    expect(page.locator("#parley-status")).to_contain_text("small-and-quick")
    page.keyboard.press("Escape")
    say(page, "Something, so that a new chat is another")
    finished(page)
    page.locator("#parley-new").click()
    expect(replies(page)).to_have_count(0)
    expect(page.locator("#parley-status")).to_contain_text("small-and-quick")
    found = sheet(page)
    expect(found.get_by_role("switch", name="Also for new chats")).to_be_checked()
    found.get_by_role("radio", name="Parley chooses").check()
    expect(page.locator("#parley-status")).to_contain_text("big")
    page.reload()
    ready(page)
    expect(page.locator("#parley-status")).to_contain_text("big")


def test_a_long_list_is_filtered_and_chosen_from_by_keyboard_alone(
    parley: RunningParley, model: ScriptedServer, visitor: BrowserContext
) -> None:
    page, _ = opened(visitor, parley.url)
    refreshed(page, model, OFFERED)
    page.keyboard.press("Escape")
    expect(page.locator("#parley-status button")).to_be_focused()
    page.keyboard.press("Enter")
    found = page.get_by_role("dialog", name="Who answers here")
    expect(found.get_by_role("radio", name="Parley chooses")).to_be_focused()
    page.keyboard.press("Shift+Tab")
    page.keyboard.type("model-1")
    expect(found.get_by_role("radio", name=re.compile("small-and-quick"))).to_be_hidden()
    expect(found.get_by_role("radio", name=re.compile("^model-"))).to_have_count(3)
    page.keyboard.press("Tab")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    expect(page.locator("#parley-status")).to_contain_text("model-10")
    expect(found.get_by_role("radio", name="model-10")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.locator("#parley-status button")).to_be_focused()
    assert chats(model) == []


def test_a_reply_in_json_fits_its_schema_and_is_downloaded(
    parley: RunningParley, model: ScriptedServer, visitor: BrowserContext, tmp_path: Path
) -> None:
    page, watch = opened(visitor, parley.url)
    found = sheet(page)
    switch(found, "Answer in JSON")
    found.get_by_label("JSON Schema").fill(json.dumps(SCHEMA))
    found.get_by_role("button", name="Keep this schema").click()
    expect(found.get_by_text("Kept")).to_be_visible()
    found.get_by_role("button", name="Close").click()
    expect(page.locator("#parley-composer").get_by_role("button", name="JSON")).to_be_visible()
    model.says('{"city":"Par', 'is","people":2102650}')
    say(page, "Paris in figures")
    reply = finished(page)
    expect(reply.locator("code")).to_have_text('{\n  "city": "Paris",\n  "people": 2102650\n}')
    expect(reply).to_contain_text("Fits")
    expect(page.locator("#parley-title")).to_have_text("Paris in figures")
    form = model.requests[0]["response_format"]
    assert form["json_schema"]["schema"] == SCHEMA
    with page.expect_download() as coming:
        reply.get_by_role("button", name="Download").click()
    assert coming.value.suggested_filename == "Paris in figures.json"
    coming.value.save_as(tmp_path / "reply.json")
    kept = json.loads((tmp_path / "reply.json").read_text())
    assert kept == {"city": "Paris", "people": 2102650}
    assert len(model.hits) == 1
    assert (watch.complaints, watch.strangers) == ([], [])


def test_a_reply_that_does_not_fit_says_why_and_is_asked_for_again_only_on_demand(
    parley: RunningParley, model: ScriptedServer, visitor: BrowserContext
) -> None:
    page, _ = opened(visitor, parley.url)
    found = sheet(page)
    switch(found, "Answer in JSON")
    found.locator("input[type=file]").set_input_files(
        {"name": "s.json", "mimeType": "application/json", "buffer": json.dumps(SCHEMA).encode()}
    )
    expect(found.get_by_text("Kept")).to_be_visible()
    page.keyboard.press("Escape")
    model.says('{"city": "Paris"}')
    say(page, "Paris in figures")
    reply = finished(page)
    expect(reply).to_contain_text("'people' is a required property")
    page.wait_for_timeout(500)
    assert len(model.hits) == 1
    model.says('{"city": "Paris", "people": 1}')
    reply.get_by_role("button", name="Ask again (1 request)").click()
    expect(finished(page, 2)).to_contain_text("Fits")
    assert len(model.hits) == 2
    assert "'people' is a required property" in str(model.requests[1]["messages"][-1])
    expect(page.get_by_role("button", name="Ask again (1 request)")).to_have_count(0)


def test_what_is_no_schema_is_refused_where_it_was_written(
    parley: RunningParley, model: ScriptedServer, visitor: BrowserContext
) -> None:
    page, _ = opened(visitor, parley.url)
    found = sheet(page)
    switch(found, "Answer in JSON")
    expect(page.locator("#parley-composer").get_by_role("button", name="JSON")).to_be_visible()
    found.get_by_label("JSON Schema").fill('{"type": "objekt"}')
    found.get_by_role("button", name="Keep this schema").click()
    expect(found.get_by_role("alert")).to_contain_text("This is no JSON Schema")
    expect(found.get_by_label("JSON Schema")).to_have_value('{"type": "objekt"}')


def test_the_offline_engine_answers_when_it_is_chosen_and_leads_back(
    parley: RunningParley, model: ScriptedServer, visitor: BrowserContext
) -> None:
    page, _ = opened(visitor, parley.url)
    sheet(page).get_by_role("radio", name=re.compile("offline")).check()
    expect(page.locator("#parley-status")).to_contain_text("Offline engine")
    page.keyboard.press("Escape")
    say(page, "What is 17% of 240?")
    expect(finished(page)).to_contain_text("40.8")
    assert model.hits == []
    page.locator("#parley-banner").get_by_role("button", name="Choose a model").click()
    found = page.get_by_role("dialog", name="Who answers here")
    found.get_by_role("radio", name="Parley chooses").check()
    expect(page.locator("#parley-banner")).to_be_empty()
    expect(page.locator("#parley-status")).to_contain_text("big")


@pytest.mark.parametrize("width", [360, 1280])
def test_the_sheet_fits_its_window(
    parley: RunningParley, model: ScriptedServer, visitor: BrowserContext, width: int
) -> None:
    page, _ = opened(visitor, parley.url)
    page.set_viewport_size({"width": width, "height": 740})
    found = refreshed(page, model, OFFERED)
    switch(found, "Answer in JSON")
    expect(found.get_by_label("JSON Schema")).to_be_visible()
    box = found.bounding_box()
    assert box
    assert box["x"] >= 0
    assert box["y"] >= 0
    assert box["x"] + box["width"] <= width
    assert box["y"] + box["height"] <= 740
    assert found.evaluate(
        "(d) => [...d.querySelectorAll('*')].every(e => e.matches('textarea') || "
        "getComputedStyle(e).overflowX !== 'auto' || e.scrollWidth <= e.clientWidth)"
    )
