"""Parley as a person uses it: typing, pictures, stopping, reloading, two tabs, a crash."""

import base64
import re
import time
from typing import Literal

import pytest
from playwright.sync_api import BrowserContext, FilePayload, Route, expect

from tests.browser.conftest import RunningParley, finished, opened, ready, replies, say
from tests.pictures import png
from tests.scripted_server import ScriptedServer

pytestmark = pytest.mark.browser

COUNT = [f"n{n} " for n in range(80)]


def test_a_typed_question_streams_its_answer_in_one_request(
    parley: RunningParley, model: ScriptedServer, visitor: BrowserContext
) -> None:
    page, watch = opened(visitor, parley.url)
    model.says(*COUNT, delay_s=0.03)
    say(page, "Count for me")
    reply = replies(page).first
    expect(reply).to_contain_text("n3")
    assert "n79" not in reply.inner_text()
    expect(reply).to_contain_text("n79", timeout=15_000)
    finished(page)
    expect(page.locator("#parley-chat [data-role=user]")).to_have_text(re.compile("Count for me"))
    expect(page.locator("#parley-input textarea")).to_have_value("")
    assert [hit.path for hit in model.hits] == ["/v1/chat/completions"]
    assert (watch.complaints, watch.strangers) == ([], [])


def test_opening_the_page_and_a_new_chat_sends_nothing(
    parley: RunningParley, model: ScriptedServer, visitor: BrowserContext
) -> None:
    page, watch = opened(visitor, parley.url)
    page.locator("#parley-new").click()
    page.wait_for_timeout(500)
    expect(page.locator("#parley-status")).to_contain_text("big")
    assert model.hits == []
    assert (watch.complaints, watch.strangers, watch.failures) == ([], [], [])


def test_what_is_sent_before_the_page_is_wired_is_sent_once_it_is(
    parley: RunningParley, model: ScriptedServer, visitor: BrowserContext
) -> None:
    page = visitor.new_page()
    held: list[Route] = []
    page.route(re.compile(r"main.*\.js"), lambda route: held.append(route))
    page.goto(parley.url)
    say(page, "Faster than the page")
    page.wait_for_timeout(500)
    assert model.hits == []
    for route in held:
        route.continue_()
    expect(page.locator("#parley-chat [data-role=user]")).to_have_text(
        re.compile("Faster than the page")
    )
    finished(page)
    assert len(model.hits) == 1


def test_a_tool_round_is_shown_as_cards_and_costs_two_requests(
    parley: RunningParley, model: ScriptedServer, visitor: BrowserContext
) -> None:
    page, _ = opened(visitor, parley.url)
    model.calls(("clock", {"zone": "Asia/Tokyo"}), ("calculate", {"expression": "17% of 240"}))
    model.says("It is late there, and **40.8**.")
    say(page, "Time in Tokyo, and 17% of 240?")
    reply = finished(page)
    expect(reply).to_contain_text("calculate")
    expect(reply.locator("strong")).to_have_text("40.8")
    expect(reply).to_contain_text("2 requests")
    assert len(model.hits) == 2


@pytest.mark.parametrize("way", ["chooser", "paste", "drop"])
def test_a_picture_reaches_the_vision_model(
    parley: RunningParley, model: ScriptedServer, visitor: BrowserContext, way: str
) -> None:
    page, _ = opened(visitor, parley.url)
    picture = png("Hello")
    if way == "chooser":
        with page.expect_file_chooser() as choosing:
            page.locator("#parley-image button").first.click()
        choosing.value.set_files({"name": "hello.png", "mimeType": "image/png", "buffer": picture})
    else:
        page.evaluate(GIVE_FILE[way], base64.b64encode(picture).decode())
    expect(page.locator("#parley-attachments img")).to_be_visible()
    model.says("A greeting.")
    say(page, "What does it say?")
    expect(finished(page)).to_contain_text("A greeting.")
    expect(page.locator("#parley-chat [data-role=user] img")).to_be_visible()
    assert len(model.hits) == 1
    assert model.requests[0]["model"] == "seeing"
    assert "data:image/png;base64," in str(model.requests[0]["messages"])


GIVE_FILE = {
    "paste": """(data) => {
        const bytes = Uint8Array.from(atob(data), c => c.charCodeAt(0));
        const carried = new DataTransfer();
        carried.items.add(new File([bytes], 'pasted.png', {type: 'image/png'}));
        const box = document.querySelector('#parley-input textarea');
        box.focus();
        const how = {clipboardData: carried, bubbles: true, cancelable: true};
        box.dispatchEvent(new ClipboardEvent('paste', how));
    }""",
    "drop": """(data) => {
        const bytes = Uint8Array.from(atob(data), c => c.charCodeAt(0));
        const carried = new DataTransfer();
        carried.items.add(new File([bytes], 'dropped.png', {type: 'image/png'}));
        const chat = document.querySelector('#parley-chat');
        const how = {dataTransfer: carried, bubbles: true, cancelable: true};
        for (const kind of ['dragenter', 'dragover', 'drop'])
            chat.dispatchEvent(new DragEvent(kind, how));
    }""",
}


def test_what_nobody_can_read_is_refused_beside_the_composer(
    parley: RunningParley, model: ScriptedServer, visitor: BrowserContext
) -> None:
    page, _ = opened(visitor, parley.url)
    page.locator("#parley-image input[type=file]").set_input_files(
        {"name": "photo.png", "mimeType": "image/png", "buffer": b"\x00\x01\x02"}
    )
    expect(page.get_by_text("no picture, recording or document")).to_be_visible()
    assert model.hits == []


def test_stop_ends_the_reply_and_the_providers_work(
    parley: RunningParley, model: ScriptedServer, visitor: BrowserContext
) -> None:
    page, _ = opened(visitor, parley.url)
    model.says(*COUNT, delay_s=0.1)
    say(page, "Count slowly")
    expect(replies(page).first).to_contain_text("n2")
    page.locator("#parley-stop").click()
    reply = finished(page)
    expect(reply).to_have_attribute("data-status", "stopped")
    assert model.disconnects == 1
    assert "n79" not in reply.inner_text()
    model.says("Yes.")
    say(page, "Still there?")
    expect(finished(page, 2)).to_contain_text("Yes.")


def test_a_reload_in_the_middle_shows_the_reply_going_on(
    parley: RunningParley, model: ScriptedServer, visitor: BrowserContext
) -> None:
    page, _ = opened(visitor, parley.url)
    model.says(*COUNT, delay_s=0.06)
    say(page, "Count on")
    expect(replies(page).first).to_contain_text("n3")
    page.reload()
    ready(page)
    reply = replies(page).first
    expect(reply).to_contain_text("n0 n1 n2")
    expect(reply).to_contain_text("n79", timeout=15_000)
    finished(page)
    assert len(model.hits) == 1
    assert model.disconnects == 0


def test_a_closed_tab_loses_nothing(
    parley: RunningParley, model: ScriptedServer, visitor: BrowserContext
) -> None:
    page, _ = opened(visitor, parley.url)
    model.says(*COUNT, delay_s=0.02)
    say(page, "Count without me")
    expect(replies(page).first).to_contain_text("n1")
    page.close()
    time.sleep(3)
    page, _ = opened(visitor, parley.url)
    page.locator("#parley-conversations").get_by_text("Count without me").click()
    expect(finished(page)).to_contain_text("n79")
    assert len(model.hits) == 1


def test_two_tabs_see_the_same_turn(
    parley: RunningParley, model: ScriptedServer, visitor: BrowserContext
) -> None:
    first, _ = opened(visitor, parley.url)
    model.says("Begun.")
    say(first, "A shared talk")
    finished(first)
    second, _ = opened(visitor, first.url)
    expect(finished(second)).to_contain_text("Begun.")
    model.says(*COUNT, delay_s=0.03)
    say(first, "Now count")
    expect(replies(second).nth(1)).to_contain_text("n3")
    expect(finished(second, 2)).to_contain_text("n79")
    expect(finished(first, 2)).to_contain_text("n79")
    say(second, "From the other tab")
    expect(finished(first, 3)).to_contain_text("ok")


def test_conversations_are_listed_opened_renamed_and_deleted(
    parley: RunningParley, model: ScriptedServer, visitor: BrowserContext
) -> None:
    page, _ = opened(visitor, parley.url)
    say(page, "First talk about gardens")
    finished(page)
    page.locator("#parley-new").click()
    expect(replies(page)).to_have_count(0)
    say(page, "Second talk about boats")
    finished(page)
    listed = page.locator("#parley-conversations")
    listed.get_by_text("First talk about gardens").click()
    expect(page.locator("#parley-chat [data-role=user]")).to_contain_text("gardens")
    row = listed.locator("[data-conversation]", has_text="Second talk")
    row.hover()
    row.get_by_role("button", name=re.compile("More for")).click()
    page.get_by_role("menuitem", name="Rename").click()
    field = listed.locator("li input")
    field.fill("Boats")
    field.press("Enter")
    expect(listed).to_contain_text("Boats")
    row = listed.locator("[data-conversation]", has_text="Boats")
    row.hover()
    row.get_by_role("button", name=re.compile("More for")).click()
    page.get_by_role("menuitem", name="Delete").click()
    page.get_by_role("button", name="Forget them too").click()
    expect(listed).not_to_contain_text("Boats")
    expect(listed).to_contain_text("gardens")


def test_a_failed_reply_says_why_and_can_be_tried_again(
    parley: RunningParley, model: ScriptedServer, visitor: BrowserContext
) -> None:
    page, _ = opened(visitor, parley.url)
    for _ in range(2):  # the first is tried once more by itself
        model.fails(503, {"error": {"message": "the model is overloaded"}})
    say(page, "Are you there?")
    reply = finished(page)
    expect(reply).to_contain_text("overloaded")
    model.says("Now I am.")
    reply.get_by_role("button", name=re.compile("Retry")).click()
    expect(replies(page)).to_contain_text("Now I am.")
    expect(replies(page)).to_have_count(1)


def test_a_visitor_sees_nothing_of_another(
    parley: RunningParley, model: ScriptedServer, visitor: BrowserContext
) -> None:
    page, _ = opened(visitor, parley.url)
    say(page, "The word is Rosebud")
    finished(page)
    assert visitor.browser
    stranger = visitor.browser.new_context()
    theirs, _ = opened(stranger, page.url)
    theirs.wait_for_timeout(500)
    assert "Rosebud" not in theirs.content()
    stranger.close()


def test_what_was_said_is_recalled_as_a_chip_and_can_be_forgotten(
    parley: RunningParley, model: ScriptedServer, visitor: BrowserContext
) -> None:
    page, _ = opened(visitor, parley.url)
    say(page, "I am allergic to peanuts and walnuts.")
    finished(page)
    page.locator("#parley-new").click()
    say(page, "What am I allergic to?")
    reply = finished(page)
    expect(reply).to_contain_text("peanuts")
    assert "peanuts" in str(model.requests[-1]["messages"])
    assert len(model.hits) == 2


def test_a_drafts_words_survive_a_reload(
    parley: RunningParley, model: ScriptedServer, visitor: BrowserContext
) -> None:
    page, _ = opened(visitor, parley.url)
    page.locator("#parley-input textarea").fill("Half a thought")
    page.wait_for_timeout(400)
    page.reload()
    ready(page)
    expect(page.locator("#parley-input textarea")).to_have_value("Half a thought")


def test_each_chat_has_a_draft_of_its_own_with_its_files(
    parley: RunningParley, model: ScriptedServer, visitor: BrowserContext
) -> None:
    page, watch = opened(visitor, parley.url)
    say(page, "First")
    finished(page)
    first = page.url
    page.locator("#parley-input textarea").fill("About the board:")
    files: list[FilePayload] = [
        {"name": "board.png", "mimeType": "image/png", "buffer": png("Gate 14")},
        {"name": "notes.txt", "mimeType": "text/plain", "buffer": b"Flour and water. " * 9},
    ]
    page.locator("#parley-image input[type=file]").set_input_files(files)
    waiting = page.locator("#parley-attachments .attached:not(.busy)")
    expect(waiting).to_have_count(2)
    page.locator("#parley-new").click()
    expect(waiting).to_have_count(0)
    expect(page.locator("#parley-input textarea")).to_have_value("")
    page.goto(first)
    ready(page)
    expect(waiting).to_have_count(2)
    expect(page.locator("#parley-attachments")).to_contain_text("tokens")
    expect(page.locator("#parley-input textarea")).to_have_value("About the board:")
    model.says("Gate 14.")
    page.locator("#parley-send").click()
    finished(page, 2)
    sent = str(model.requests[-1]["messages"][-1]["content"])
    assert "image_url" in sent
    assert "Flour and water." in sent
    page.reload()
    ready(page)
    expect(waiting).to_have_count(0)
    assert not watch.complaints


def test_words_that_are_dropped_anywhere_are_written(
    parley: RunningParley, visitor: BrowserContext
) -> None:
    page, _ = opened(visitor, parley.url)
    page.locator("#parley-input textarea").fill("Look at")
    page.locator("#parley-welcome").evaluate(
        """(target) => {
            const dataTransfer = new DataTransfer();
            dataTransfer.setData("text/plain", "https://example.org/");
            for (const name of ["dragover", "drop"])
                target.dispatchEvent(new DragEvent(name, {dataTransfer, bubbles: true, cancelable: true}));
        }"""
    )
    expect(page.locator("#parley-input textarea")).to_have_value("Look at https://example.org/")


def test_hostile_markdown_does_nothing(
    parley: RunningParley, model: ScriptedServer, visitor: BrowserContext
) -> None:
    page, watch = opened(visitor, parley.url)
    model.says(
        "<img src=x onerror=alert(1)> <script>alert(2)</script> ![p](http://evil.test/p.png) "
        "[go](javascript:alert(3)) <div style='position:fixed;inset:0'>over</div>"
    )
    page.on("dialog", lambda dialog: pytest.fail(dialog.message))
    say(page, "Be evil")
    reply = finished(page)
    page.wait_for_timeout(300)
    assert reply.locator("img, script, div[style*=fixed], a[href^=javascript]").count() == 0
    assert watch.strangers == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_phone_shows_it_without_sideways_scrolling(
    parley: RunningParley,
    model: ScriptedServer,
    visitor: BrowserContext,
    scheme: Literal["light", "dark"],
) -> None:
    assert visitor.browser
    phone = visitor.browser.new_context(
        viewport={"width": 360, "height": 740}, color_scheme=scheme, has_touch=True
    )
    page, _ = opened(phone, parley.url)
    model.says(
        "A table:\n\n|"
        + " column |" * 12
        + "\n|"
        + " --- |" * 12
        + "\n\n```\n"
        + "x" * 300
        + "\n```"
    )
    say(page, "Something wide")
    finished(page)
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
    light = sum(int(n) for n in re.findall(r"\d+", ground)[:3])
    assert (light > 384) == (scheme == "light")
    box = page.locator("#parley-input").bounding_box()
    assert box
    assert box["y"] + box["height"] <= 740
    phone.close()


def test_what_had_arrived_survives_a_crash(
    parley: RunningParley, model: ScriptedServer, visitor: BrowserContext
) -> None:
    page, _ = opened(visitor, parley.url)
    model.says(*COUNT, delay_s=0.05)
    say(page, "Count until the end")
    expect(replies(page).first).to_contain_text("n30")
    parley.kill()
    parley.start()
    page.reload()
    ready(page)
    reply = finished(page)
    expect(reply).to_contain_text("n0 n1 n2")
    expect(reply).to_have_attribute("data-status", "interrupted")
    model.says("All of it.")
    reply.get_by_role("button", name=re.compile("Retry")).click()
    expect(replies(page)).to_contain_text("All of it.")


def test_the_page_can_be_installed(parley: RunningParley, visitor: BrowserContext) -> None:
    page, watch = opened(visitor, parley.url)
    chromium = visitor.new_cdp_session(page)
    found = chromium.send("Page.getAppManifest")
    assert not found["errors"]
    assert '"Parley"' in found["data"]
    said = chromium.send("Page.getInstallabilityErrors")["installabilityErrors"]
    # A visitor of the tests has a profile that lasts no longer than they do.
    assert [one["errorId"] for one in said if one["errorId"] != "in-incognito"] == []
    icons = page.evaluate(
        "fetch('/manifest.json').then((r) => r.json()).then((m) => Promise.all("
        "m.icons.map((i) => fetch(i.src).then((r) => r.status))))"
    )
    assert set(icons) == {200}
    assert page.evaluate("navigator.serviceWorker.getRegistrations().then((r) => r.length)") == 0
    assert not watch.complaints
