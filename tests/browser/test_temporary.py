"""A temporary chat as a person sees it: plainly one, listed nowhere, and gone when it is left."""

import re
import shutil
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page, Playwright, expect

from tests.browser.conftest import QUIET, RunningParley, finished, opened, ready, replies, say
from tests.pictures import png
from tests.scripted_server import ScriptedServer

pytestmark = pytest.mark.browser
WORDS = "periwinkle-5150"


def attach(page: Page, name: str) -> None:
    chosen = {"name": name, "mimeType": "image/png", "buffer": png(WORDS)}
    page.set_input_files("#parley-image input[type=file]", chosen)  # type: ignore[arg-type]
    expect(page.locator(".attached.image:not(.busy)")).to_have_count(1)


def kept_by(page: Page) -> str:
    found: str = page.evaluate("JSON.stringify({ ...localStorage, ...sessionStorage })")
    return found


def test_a_temporary_chat_is_plainly_one_and_leaves_nothing(
    parley: RunningParley, model: ScriptedServer, visitor: BrowserContext
) -> None:
    page, watch = opened(visitor, parley.url)
    note = page.get_by_text("Temporary: nothing of this chat is kept.")
    expect(note).to_be_hidden()
    page.get_by_role("button", name="Temporary chat").click()
    expect(note).to_be_visible()
    expect(page.locator("#parley-title")).to_have_text("Temporary chat")
    expect(page.get_by_text("A chat that leaves no trace")).to_be_visible()
    expect(page.get_by_text("What shall we talk about?")).to_be_hidden()
    for card in ("Look back", "Keep in mind"):
        expect(page.get_by_role("button", name=card)).to_be_hidden()

    page.locator("#parley-input textarea").fill(f"A draft of {WORDS}")
    attach(page, f"{WORDS}.png")
    model.says("A colour.")
    say(page, f"What is {WORDS}?")
    expect(finished(page)).to_contain_text("A colour.")
    assert "data:image/png" in str(model.requests[-1]["messages"])
    expect(page.locator("[data-role=user] img")).to_be_visible()
    expect(page.get_by_role("button", name="Branch into a new chat")).to_be_hidden()
    page.reload()
    ready(page)
    expect(finished(page)).to_contain_text("A colour.")  # it outlives a reload
    expect(note).to_be_visible()
    expect(page).to_have_title("Temporary chat · Parley")
    expect(page.get_by_role("navigation", name="Conversations")).not_to_contain_text(WORDS)
    address = page.url

    attach(page, f"{WORDS}.png")
    page.locator("#parley-input textarea").fill(f"More of {WORDS}")
    page.locator("#parley-new").click()
    expect(note).to_be_hidden()
    expect(page.locator(".attached")).to_have_count(0)
    expect(page.locator("#parley-input textarea")).to_have_value("")
    assert WORDS not in kept_by(page)
    found = [p for p in parley.data.rglob("*") if p.is_file() and WORDS.encode() in p.read_bytes()]
    assert not found
    assert not watch.complaints and not watch.strangers

    page.goto(address)
    ready(page)
    expect(note).to_be_visible()
    expect(page.get_by_text("A chat that leaves no trace")).to_be_visible()
    expect(replies(page)).to_have_count(0)
    assert re.search(r"\?c=[0-9a-f]{32}", address)


def test_no_file_of_the_browser_has_a_word_of_it(
    parley: RunningParley, model: ScriptedServer, playwright: Playwright, tmp_path: Path
) -> None:
    found = shutil.which("chromium") or shutil.which("google-chrome")
    context = playwright.chromium.launch_persistent_context(
        str(tmp_path), executable_path=found, args=[*QUIET]
    )
    page, _ = opened(context, parley.url)
    page.get_by_role("button", name="Temporary chat").click()
    attach(page, f"{WORDS}.png")
    model.says("A colour, says zeppelin-2846.").says("As you say, ordinary-1887.")
    say(page, f"What is {WORDS}?")
    expect(finished(page)).to_contain_text("A colour")
    page.locator("#parley-input textarea").fill(f"A draft of {WORDS}")
    page.reload()
    ready(page)
    page.locator("#parley-new").click()
    say(page, "This is ordinary-1887.")
    expect(finished(page)).to_contain_text("As you say")
    page.locator("#parley-input textarea").fill("A draft of ordinary-1887")
    page.wait_for_timeout(3_000)  # until the browser writes down what it would restore
    context.close()
    written = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    for words, is_there in ((WORDS, False), ("zeppelin-2846", False), ("ordinary-1887", True)):
        assert any(words.encode(form) in written for form in ("utf-8", "utf-16-le")) is is_there


def test_what_waits_in_another_chat_stays_there(
    parley: RunningParley, visitor: BrowserContext
) -> None:
    page, watch = opened(visitor, parley.url)
    attach(page, "a.png")
    say(page, "/temporary")
    expect(page.get_by_text("A chat that leaves no trace")).to_be_visible()
    expect(page.locator(".attached")).to_have_count(0)
    expect(page.locator("#parley-input textarea")).to_have_value("")
    page.locator("#parley-new").click()
    expect(page.locator(".attached.image")).to_have_count(1)
    assert not watch.complaints


def test_it_stays_a_temporary_one_when_parley_begins_anew(
    parley: RunningParley, model: ScriptedServer, visitor: BrowserContext
) -> None:
    page, _ = opened(visitor, parley.url)
    page.get_by_role("button", name="Temporary chat").click()
    model.says("A colour.")
    say(page, f"What is {WORDS}?")
    expect(finished(page)).to_contain_text("A colour.")
    parley.end()
    parley.start()
    expect(page.get_by_text("A chat that leaves no trace")).to_be_visible(timeout=20_000)
    expect(page.locator("#parley-title")).to_have_text("Temporary chat")
