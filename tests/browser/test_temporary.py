"""A temporary chat as a person sees it: plainly one, listed nowhere, and gone when it is left."""

import re

import pytest
from playwright.sync_api import BrowserContext, expect

from tests.browser.conftest import RunningParley, finished, opened, ready, replies, say
from tests.scripted_server import ScriptedServer

pytestmark = pytest.mark.browser
WORDS = "periwinkle-5150"


def test_a_temporary_chat_is_plainly_one_and_leaves_nothing(
    parley: RunningParley, model: ScriptedServer, visitor: BrowserContext
) -> None:
    page, watch = opened(visitor, parley.url)
    note = page.get_by_text("Temporary: nothing of this chat is kept.")
    expect(note).to_be_hidden()
    page.get_by_role("button", name="Temporary chat").click()
    expect(note).to_be_visible()
    expect(page.locator("#parley-title")).to_have_text("Temporary chat")
    expect(page.get_by_role("button", name="Record")).to_be_hidden()

    page.locator("#parley-input textarea").fill(f"A draft of {WORDS}")
    model.says("A colour.")
    say(page, f"What is {WORDS}?")
    expect(finished(page)).to_contain_text("A colour.")
    page.reload()
    ready(page)
    expect(finished(page)).to_contain_text("A colour.")  # it outlives a reload
    expect(note).to_be_visible()
    expect(page).to_have_title("Temporary chat · Parley")
    expect(page.get_by_role("navigation", name="Conversations")).not_to_contain_text(WORDS)
    address = page.url

    page.evaluate(
        """() => {
          const held = new DataTransfer();
          held.items.add(new File(["a note"], "note.txt", { type: "text/plain" }));
          document.dispatchEvent(new ClipboardEvent("paste", { clipboardData: held, bubbles: true }));
        }"""
    )
    expect(page.locator("#parley-notice")).to_contain_text("takes words alone")
    assert watch.complaints and all("422" in one for one in watch.complaints)
    assert not watch.strangers
    assert WORDS not in page.evaluate("JSON.stringify({ ...localStorage, ...sessionStorage })")
    found = [p for p in parley.data.rglob("*") if p.is_file() and WORDS.encode() in p.read_bytes()]
    assert not found

    page.locator("#parley-new").click()
    expect(note).to_be_hidden()
    expect(page.get_by_role("button", name="Record")).to_be_visible()
    page.goto(address)
    ready(page)
    expect(note).to_be_visible()
    expect(page.get_by_text("What shall we talk about?")).to_be_visible()
    expect(replies(page)).to_have_count(0)
    assert re.search(r"\?c=[0-9a-f]{32}", address)
