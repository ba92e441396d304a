"""Memory and context as a person sees them: chips, facts, the panel, the marker and the meter."""

import json
import re
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Locator, Page, expect

from tests.browser.conftest import RunningParley, answer_late, finished, opened, ready, say
from tests.scripted_server import ScriptedServer

pytestmark = pytest.mark.browser


def told(page: Page, model: ScriptedServer, words: str, reply: str = "Noted.") -> None:
    """Said in a chat of its own, and answered; a new chat is open then."""
    model.says(reply)
    say(page, words)
    finished(page)
    page.locator("#parley-new").click()
    expect(page.locator("#parley-messages article")).to_have_count(0)


def panel(page: Page) -> Locator:
    page.locator("#parley-memory").get_by_role("button").click()
    return page.get_by_role("dialog", name="What is remembered")


def entry(found: Locator, words: str) -> Locator:
    """By its own words, not by the title of the chat they are from."""
    return found.get_by_role("listitem").filter(
        has=found.page.locator(".kept-words", has_text=words)
    )


def test_what_was_recalled_opens_its_origin_and_is_forgotten_for_good(
    parley: RunningParley, model: ScriptedServer, visitor: BrowserContext
) -> None:
    page, watch = opened(visitor, parley.url)
    told(page, model, "The harbour code is 4711, by the way.", "A quiet harbour.")
    say(page, "What is the harbour code?")
    reply = finished(page)
    expect(reply).to_contain_text("Recalled and sent")
    chip = reply.get_by_role("button", name="You said: The harbour code is 4711")
    chip.click()
    card = reply.get_by_role("dialog", name="You said")
    expect(card).to_contain_text("The harbour code is 4711, by the way.")
    card.get_by_role("link").click()
    origin = page.locator("#parley-chat [data-role=user]")
    expect(origin).to_have_text(re.compile("The harbour code is 4711"))
    expect(origin).to_be_focused()
    page.go_back()
    expect(reply).to_contain_text("Recalled and sent")
    chip.click()
    card.get_by_role("button", name="Forget", exact=True).click()
    expect(chip).to_be_attached()
    card.get_by_role("button", name="Forget for good").click()
    expect(chip).to_have_count(0)
    page.reload()
    ready(page)
    finished(page)
    expect(chip).to_have_count(0)
    found = panel(page)
    expect(entry(found, "A quiet harbour.")).to_be_visible()
    expect(entry(found, "The harbour code is 4711")).to_have_count(0)
    assert (watch.complaints, watch.strangers, len(model.hits)) == ([], [], 2)


def test_a_wrong_memory_is_forgotten_and_the_reply_asked_for_again(
    parley: RunningParley, model: ScriptedServer, visitor: BrowserContext
) -> None:
    page, _ = opened(visitor, parley.url)
    told(page, model, "The ferry to Korsika leaves at nine in the morning.", "Early!")
    model.says("At nine.")
    say(page, "When does the ferry to Korsika leave?")
    reply = finished(page)
    reply.get_by_role("button", name="You said: The ferry to Korsika").click()
    model.says("I do not know.")
    reply.get_by_role("button", name="Wrong, answer again (1 request)").click()
    expect(page.locator("#parley-composer")).to_contain_text("1 request")
    expect(page.locator("#parley-composer")).to_contain_text("answering again without it")
    expect(finished(page)).to_contain_text("I do not know.")
    assert len(model.hits) == 3
    assert "nine in the morning" not in str(model.requests[-1]["messages"])


def test_a_fact_is_shown_at_once_and_undone(
    parley: RunningParley, model: ScriptedServer, visitor: BrowserContext
) -> None:
    page, watch = opened(visitor, parley.url)
    model.says(*[f"w{n} " for n in range(60)], delay_s=0.05)
    say(page, "Remember that my cat is called Minka.")
    line = page.locator(".remembered p")
    expect(line).to_contain_text("Will be remembered:")
    expect(line).to_contain_text("Minka")
    expect(page.locator("#parley-chat [data-role=assistant]")).to_have_attribute(
        "data-status", "running"
    )
    line.get_by_role("button", name="Undo").click()
    expect(line).to_have_count(0)
    finished(page)
    expect(line).to_have_count(0)
    page.reload()
    ready(page)
    finished(page)
    expect(line).to_have_count(0)
    found = panel(page)
    expect(found.get_by_role("heading", name="What is remembered")).to_be_visible()
    expect(found.get_by_role("region", name=re.compile("Facts"))).to_have_count(0)
    assert watch.complaints == []


def test_standing_instructions_are_listed_first_and_always_sent(
    parley: RunningParley, model: ScriptedServer, visitor: BrowserContext
) -> None:
    page, _ = opened(visitor, parley.url)
    model.says("Gern.")
    say(page, "Always answer in German.")
    expect(finished(page)).to_contain_text("Always: ")
    page.locator("#parley-new").click()
    say(page, "How far is the moon?")
    finished(page)
    assert "Always answer in German" in str(model.requests[-1]["messages"])
    first = panel(page).get_by_role("region").first
    expect(first).to_contain_text("Always sent")
    expect(first).to_contain_text("Always answer in German")


def test_the_panel_is_searched_and_changed_by_keyboard_alone(
    parley: RunningParley, model: ScriptedServer, visitor: BrowserContext
) -> None:
    page, watch = opened(visitor, parley.url)
    told(page, model, "The garden wants water on Tuesdays.")
    told(page, model, "The boat leaves at nine.")
    page.locator("#parley-memory").get_by_role("button").focus()
    page.keyboard.press("Enter")
    found = page.get_by_role("dialog", name="What is remembered")
    expect(found.get_by_role("searchbox")).to_be_focused()
    expect(entry(found, "The garden wants water")).to_be_visible()
    page.keyboard.type("boat")
    expect(entry(found, "The garden wants water")).to_have_count(0)
    boat = entry(found, "The boat leaves at nine.")
    boat.get_by_role("button", name="Edit").focus()
    page.keyboard.press("Enter")
    expect(found.get_by_role("textbox", name="The words of this memory")).to_be_focused()
    page.keyboard.press("Escape")
    expect(found).to_be_visible()
    expect(boat.get_by_role("button", name="Edit")).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("Control+A")
    page.keyboard.type("The boat leaves at ten.")
    page.keyboard.press("Control+Enter")
    later = entry(found, "The boat leaves at ten.")
    expect(later).to_be_visible()
    later.get_by_role("button", name="Forget").focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Enter")
    expect(later).to_have_count(0)
    expect(found.get_by_role("searchbox")).to_be_focused()
    page.keyboard.press("Escape")  # empties the field, as it does everywhere
    expect(entry(found, "The garden wants water")).to_be_visible()
    page.keyboard.press("Escape")
    expect(found).to_be_hidden()
    expect(page.locator("#parley-memory").get_by_role("button")).to_be_focused()
    assert (watch.complaints, watch.strangers) == ([], [])


def test_what_is_shown_anew_before_the_answer_comes_keeps_the_keyboard(
    parley: RunningParley, model: ScriptedServer, visitor: BrowserContext
) -> None:
    page, watch = opened(visitor, parley.url)
    for words in ("The garden wants water.", "The boat leaves at nine.", "The shed is green."):
        told(page, model, words)
    found = panel(page)
    boat, status = entry(found, "The boat leaves at nine."), found.get_by_role("status")

    def forgotten() -> None:
        boat.get_by_role("button", name="Forget").focus()
        page.keyboard.press("Enter")
        page.keyboard.press("Enter")

    answer_late(page, forgotten, lambda: expect(boat).to_have_count(0))
    expect(status).to_have_text("Forgotten.")
    assert page.evaluate("document.activeElement.dataset.do") == "forget-memory"
    garden = entry(found, "The garden wants water.")

    def pinned() -> None:
        garden.get_by_role("button", name="Pin").focus()
        page.keyboard.press("Enter")

    answer_late(page, pinned, lambda: expect(garden).to_contain_text("Always sent"))
    expect(status).to_have_text("Pinned: always sent.")
    expect(garden.get_by_role("button", name="Unpin")).to_be_focused()
    assert watch.complaints == []


def test_more_memories_than_a_page_come_when_asked_for(
    parley: RunningParley, model: ScriptedServer, visitor: BrowserContext
) -> None:
    page, _ = opened(visitor, parley.url)
    file = {
        "format": "parley-memories",
        "version": 1,
        "memories": [
            {"id": f"{n:032x}", "kind": "said", "role": "user", "at": n, "text": f"Row {n} of many"}
            for n in range(1, 71)
        ],
    }
    found = panel(page)
    found.get_by_text("Your data").click()
    with page.expect_file_chooser() as choosing:
        found.get_by_role("button", name="Import").click()
    choosing.value.set_files(
        {"name": "m.json", "mimeType": "application/json", "buffer": json.dumps(file).encode()}
    )
    expect(found).to_contain_text("70 memories were added.")
    expect(found.get_by_role("listitem")).to_have_count(30)
    for count in (60, 70):
        found.get_by_role("button", name="More", exact=True).click()
        expect(found.get_by_role("listitem")).to_have_count(count)
    expect(found.get_by_role("button", name="More", exact=True)).to_have_count(0)
    expect(found.get_by_role("listitem").last).to_contain_text("Row 1 of many")


def test_the_memories_of_any_one_chat_are_shown_alone_and_forgotten(
    parley: RunningParley, model: ScriptedServer, visitor: BrowserContext
) -> None:
    page, watch = opened(visitor, parley.url)
    told(page, model, "The boat leaves at nine.")
    told(page, model, "The train leaves at ten.")
    found = panel(page)
    found.get_by_role("listitem").filter(has_text="The boat leaves at nine.").first.get_by_role(
        "button", name="Only its chat"
    ).click()
    expect(entry(found, "The train leaves at ten.")).to_have_count(0)
    expect(entry(found, "The boat leaves at nine.")).to_be_visible()
    one_chat = found.get_by_role("checkbox", name="The boat leaves at nine.")
    expect(one_chat).to_be_focused()
    found.get_by_text("Your data").click()
    found.get_by_role("button", name="Forget what was said in “The boat leaves at nine.”").click()
    page.locator("dialog.parley-ask").get_by_role("button", name="Forget").click()
    expect(found).to_contain_text("Nothing of this kind is remembered.")
    one_chat.press("Space")
    expect(entry(found, "The train leaves at ten.")).to_be_visible()
    expect(found.get_by_role("checkbox", name="This chat")).not_to_be_checked()
    assert (watch.complaints, watch.strangers) == ([], [])


def test_memory_is_paused_here_and_everywhere(
    parley: RunningParley, model: ScriptedServer, visitor: BrowserContext
) -> None:
    page, _ = opened(visitor, parley.url)
    told(page, model, "The harbour code is 4711, by the way.")
    found = panel(page)
    found.get_by_text("Pause memory in this chat").click()
    expect(found).to_contain_text("Memory is paused in this chat.")
    page.keyboard.press("Escape")
    expect(page.locator("#parley-memory")).to_contain_text("Paused in this chat")
    say(page, "What is the harbour code?")
    expect(finished(page)).not_to_contain_text("Recalled")
    assert "4711" not in str(model.requests[-1]["messages"])
    page.locator("#parley-new").click()
    expect(page.locator("#parley-memory")).not_to_contain_text("Paused")
    found = panel(page)
    found.get_by_text("Pause memory everywhere").click()
    expect(found.get_by_role("switch", name="Pause memory in this chat")).to_be_disabled()
    page.reload()
    ready(page)
    expect(page.locator("#parley-memory")).to_contain_text("Paused")


def test_memories_are_exported_and_other_files_refused_where_they_were_chosen(
    parley: RunningParley, model: ScriptedServer, visitor: BrowserContext, tmp_path: Path
) -> None:
    page, watch = opened(visitor, parley.url)
    told(page, model, "The boat leaves at nine.")
    found = panel(page)
    found.get_by_text("Your data").click()
    with page.expect_download() as coming:
        found.get_by_role("link", name="Export").click()
    assert coming.value.suggested_filename == "parley-memories.json"
    coming.value.save_as(tmp_path / "memories.json")
    assert "The boat leaves at nine." in (tmp_path / "memories.json").read_text()
    found.locator("input[type=file]").set_input_files(
        {"name": "x.json", "mimeType": "application/json", "buffer": b"{}"}
    )
    expect(found.get_by_role("alert")).to_contain_text("no file of memories")
    found.locator("input[type=file]").set_input_files(str(tmp_path / "memories.json"))
    expect(found.get_by_role("alert")).to_contain_text("All of this is remembered already.")
    assert [c for c in watch.complaints if "422" not in c] == []


def test_everything_is_erased_after_the_word_was_typed(
    parley: RunningParley, model: ScriptedServer, visitor: BrowserContext
) -> None:
    page, _ = opened(visitor, parley.url)
    told(page, model, "The boat leaves at nine.")
    found = panel(page)
    found.get_by_text("Your data").click()
    found.get_by_role("button", name="Erase all my data").click()
    ask = page.locator("dialog.parley-ask")
    expect(ask.get_by_role("button", name="Erase everything")).to_be_disabled()
    ask.get_by_role("textbox").fill("Erase")
    ask.get_by_role("button", name="Erase everything").click()
    expect(page.locator("#parley-memory")).to_contain_text("Nothing remembered")
    expect(page.locator("#parley-conversations")).to_contain_text("is listed here")
    expect(ask).to_have_count(0)


def test_a_message_is_sent_always_and_says_so_after_a_reload(
    parley: RunningParley, model: ScriptedServer, visitor: BrowserContext
) -> None:
    page, _ = opened(visitor, parley.url)
    say(page, "The code is 4711.")
    finished(page)
    said = page.locator("#parley-chat [data-role=user]")
    said.hover()
    pin = said.get_by_role("button", name="Always send")
    pin.click()
    expect(pin).to_have_attribute("aria-pressed", "true")
    page.reload()
    ready(page)
    expect(pin).to_have_attribute("aria-pressed", "true")
    expect(said).to_contain_text("Always sent")


def small_window(page: Page, model: ScriptedServer) -> None:
    """The model that answers is found out to have a window of 8,192 tokens."""
    model.models([{"id": "big", "context_length": 8192}])
    page.locator("#parley-status button").click()
    sheet = page.get_by_role("dialog", name="Who answers here")
    sheet.get_by_role("button", name="Refresh the list").click()
    expect(sheet).to_contain_text("8K tokens")
    page.keyboard.press("Escape")


def a_long_talk(page: Page, model: ScriptedServer) -> None:
    """Six questions and answers of about a thousand tokens each."""
    filler = "and the road went on over the hills, " * 110
    for number in range(1, 7):
        model.says(f"Answer {number}: {filler}")
        say(page, f"Question {number}: {filler}")
        finished(page, number)


def test_what_no_longer_fits_is_marked_shown_and_sent_again(
    parley: RunningParley, model: ScriptedServer, visitor: BrowserContext
) -> None:
    page, watch = opened(visitor, parley.url)
    small_window(page, model)
    a_long_talk(page, model)
    marker = page.locator("#parley-messages .marker")
    expect(marker).to_contain_text("no longer sent word for word")
    sent = [m["content"] for m in model.requests[-1]["messages"] if m["role"] == "user"]
    first = re.match(r"Question (\d)", str(sent[0]))
    assert first
    after = marker.locator("xpath=following-sibling::article[1]")
    expect(after).to_contain_text(f"Question {first[1]}:")
    place = marker.inner_text()
    page.reload()
    ready(page)
    finished(page, 6)
    expect(marker).to_have_text(place, use_inner_text=True)
    expect(page.locator("#parley-messages .unsent").first).to_contain_text("Question 1")
    marker.get_by_role("button", name="Show").click()
    before = marker.locator("xpath=preceding-sibling::article[1]")
    expect(before).to_be_in_viewport()
    meter = page.get_by_role("button", name=re.compile("^Context: "))
    meter.click()
    card = page.get_by_role("dialog", name="What the model sees")
    expect(card).to_contain_text("not sent word for word")
    expect(
        card.get_by_role("button", name="Summarise the earlier part (1 request)")
    ).to_be_visible()
    page.keyboard.press("Escape")
    marker.get_by_role("button", name="Send them again").click()
    expect(marker).to_contain_text("All that fits goes along from your next message on.")
    meter.click()
    expect(card.get_by_role("switch", name="Send all that fits")).to_be_checked()
    assert (watch.complaints, watch.strangers) == ([], [])


def test_the_earlier_part_is_summarised_in_one_request(
    parley: RunningParley, model: ScriptedServer, visitor: BrowserContext
) -> None:
    page, _ = opened(visitor, parley.url)
    small_window(page, model)
    a_long_talk(page, model)
    marker = page.locator("#parley-messages .marker")
    before, was = len(model.requests), marker.inner_text()
    model.says("They talked of a road over the hills.")
    page.get_by_role("button", name=re.compile("^Context: ")).click()
    page.get_by_role("button", name="Summarise the earlier part (1 request)").click()
    expect(page.locator("#parley-composer")).to_contain_text("The earlier part is summarised.")
    assert len(model.requests) == before + 1
    expect(marker).to_contain_text("stand in a summary")
    expect(marker).not_to_have_text(was, use_inner_text=True)
    say(page, "And then?")
    finished(page, 7)
    assert "They talked of a road over the hills." in str(model.requests[-1]["messages"])
    expect(marker).to_contain_text("stand in a summary")


def test_a_phone_shows_the_panel_without_sideways_scrolling(
    parley: RunningParley, model: ScriptedServer, visitor: BrowserContext
) -> None:
    assert visitor.browser
    phone = visitor.browser.new_context(viewport={"width": 360, "height": 740}, has_touch=True)
    page, _ = opened(phone, parley.url)
    say(page, "Remember that my cat is called " + "M" * 200)
    finished(page)
    page.locator(".drawer-open").click()
    found = panel(page)
    expect(found.get_by_role("listitem").first).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    for part in (found, page.locator(".sought"), page.locator(".kept-body")):
        assert part.evaluate("box => box.scrollWidth <= box.clientWidth")
    box = found.bounding_box()
    assert box
    assert (box["x"], box["width"]) == (0, 360)
    phone.close()
