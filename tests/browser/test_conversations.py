"""One walk through all that can be done with conversations, by mouse, by keyboard and on a phone."""

import json
import re
from pathlib import Path

import pytest
from playwright.sync_api import (
    Browser,
    BrowserContext,
    Locator,
    Page,
    Route,
    WebSocketRoute,
    expect,
)

from tests.browser.conftest import RunningParley, finished, opened, ready, replies, say
from tests.scripted_server import ScriptedServer

pytestmark = pytest.mark.browser
FILES = Path(__file__).parents[1] / "porting_files"


def act(page: Page, title: str, name: str) -> None:
    """An act of the menu of a conversation."""
    row = page.locator("nav [data-conversation]", has_text=title).first
    row.hover()
    row.get_by_role("button", name=re.compile("^More for")).click()
    page.get_by_role("menuitem", name=name).click()


def talk(page: Page, words: str) -> None:
    page.locator("#parley-new").click()
    expect(replies(page)).to_have_count(0)
    say(page, words)
    finished(page)


def found(page: Page, words: str) -> Locator:
    page.get_by_role("searchbox", name="Search everything that was said").fill(words)
    return page.locator("#parley-found li")


def test_on_a_phone_on_its_side_the_list_keeps_its_room_and_all_below_is_reached(
    parley: RunningParley, model: ScriptedServer, visitor: BrowserContext
) -> None:
    page, watch = opened(visitor, parley.url)
    say(page, "How much water for rye?")
    finished(page)
    page.set_viewport_size({"width": 844, "height": 390})
    entry = page.locator("#parley-conversations nav a").first
    expect(entry).to_be_in_viewport(ratio=1)
    listed = page.locator("#parley-conversations").bounding_box()
    below = page.locator("#parley-memory").bounding_box()
    assert listed
    assert below
    assert listed["y"] + listed["height"] <= below["y"] + 1
    page.get_by_role("button", name="Settings").click()
    expect(page.get_by_role("dialog", name="Settings")).to_be_visible()
    assert watch.complaints == []


def test_what_takes_long_shows_that_it_is_on_its_way(
    visitor: BrowserContext, parley: RunningParley, model: ScriptedServer
) -> None:
    slow = visitor.new_page()
    held: list[tuple[WebSocketRoute, str | bytes]] = []
    waits = False

    def line(socket: WebSocketRoute) -> None:
        server = socket.connect_to_server()
        server.on_message(lambda word: held.append((socket, word)) if waits else socket.send(word))

    slow.route_web_socket(re.compile("/parley/live"), line)
    slow.goto(parley.url)
    ready(slow)
    model.says("Of tin.")
    say(slow, "What is a whistle made of?")
    finished(slow)
    slow.locator("#parley-new").click()
    expect(slow.locator("#parley-welcome")).to_be_visible()
    listed = slow.locator("#parley-conversations li a").first
    expect(listed).to_be_visible()  # it comes by the line that is about to be held
    waits = True
    listed.click()
    expect(slow.locator("#parley-column > .skeletons")).to_be_visible()
    expect(slow.locator("#parley-welcome")).to_be_hidden()
    waits = False
    for socket, word in held:
        socket.send(word)
    expect(replies(slow)).to_contain_text("Of tin.")
    expect(slow.locator("#parley-column > .skeletons")).to_be_hidden()
    asked: list[Route] = []
    slow.route("**/parley/search", lambda route: asked.append(route))
    slow.get_by_role("searchbox").fill("whistle")
    expect(slow.locator("#parley-found .skeletons")).to_be_visible()
    asked[0].continue_()
    expect(slow.locator("#parley-found .skeletons")).to_have_count(0)
    expect(slow.locator("#parley-found mark").first).to_have_text("whistle")


def test_conversations_are_found_placed_shared_taken_along_and_deleted(
    parley: RunningParley, model: ScriptedServer, visitor: BrowserContext, browser: Browser
) -> None:
    page, watch = opened(visitor, parley.url)
    model.says("The Pharos of Alexandria was the first.")
    say(page, "Which lighthouse was the first?")
    finished(page)
    model.says("東京タワーは333メートルです。")
    talk(page, "How high is the tower?")
    listed = page.get_by_role("navigation", name="Conversations")

    hits = found(page, "pharos first")
    expect(hits).to_have_count(1)
    expect(hits.locator(".hit mark")).to_have_text(["Pharos", "first"])
    hits.locator(".hit").click()
    expect(page.locator("#parley-title")).to_have_text("Which lighthouse was the first?")
    expect(replies(page)).to_be_focused()  # the message that was found
    expect(found(page, "東京")).to_have_count(1)
    expect(page.locator("#parley-found mark")).to_have_text(["東京"])
    expect(found(page, "dinosaur")).to_have_count(0)
    expect(page.locator("#parley-found")).to_contain_text("Nothing was said of")
    page.keyboard.press("Escape")
    expect(listed).to_be_visible()

    act(page, "lighthouse", "Pin")
    expect(listed.get_by_role("list", name="Pinned").get_by_role("listitem")).to_have_count(1)
    act(page, "tower", "Move to a folder")
    page.get_by_label("A new folder").fill("Travel")
    page.get_by_role("button", name="Create and move").click()
    expect(listed.get_by_role("list", name="Travel")).to_contain_text("How high is the tower?")
    page.get_by_role("button", name=re.compile("^Travel")).click()
    expect(listed.get_by_role("list", name="Travel")).to_have_count(0)

    act(page, "lighthouse", "Share a link")
    page.get_by_role("button", name="Make a link").click()
    link = page.get_by_label("Link").input_value()
    anybody = browser.new_context()
    reader = anybody.new_page()
    reader.goto(link)
    expect(reader.get_by_role("heading", level=1)).to_have_text("Which lighthouse was the first?")
    expect(reader.locator("body")).to_contain_text("The Pharos of Alexandria")
    assert anybody.cookies() == []
    page.get_by_role("button", name="Withdraw the link").click()
    expect(page.locator("#parley-toast")).to_contain_text("shows nothing any more")
    assert (gone := reader.reload()) is not None
    assert gone.status == 404
    anybody.close()

    with page.expect_download() as coming:
        act(page, "lighthouse", "Export as a page")
    saved = Path(coming.value.path())
    assert coming.value.suggested_filename == "Which lighthouse was the first.html"
    assert "The Pharos of Alexandria" in saved.read_text()
    with page.expect_download() as coming:
        act(page, "lighthouse", "Export as JSON")
    assert json.loads(Path(coming.value.path()).read_text())["format"] == "parley-conversations"

    act(page, "lighthouse", "Delete")
    page.get_by_role("button", name="Keep the memories").click()
    expect(listed).not_to_contain_text("lighthouse")
    expect(page.locator("#parley-title")).to_have_text("New chat")
    page.locator("#parley-toast").get_by_role("button", name="Undo").click()
    expect(listed.get_by_role("list", name="Pinned")).to_contain_text("lighthouse")
    expect(page.locator("#parley-title")).to_have_text("Which lighthouse was the first?")
    assert watch.complaints == []
    assert watch.strangers == []


def test_files_of_other_programs_are_brought_in_and_gone_on_with(
    parley: RunningParley, model: ScriptedServer, visitor: BrowserContext
) -> None:
    page, watch = opened(visitor, parley.url)
    for file in ("chatgpt.json", "open_webui.json", "chatgpt.json"):
        page.get_by_role("button", name="Import and export").click()
        with page.expect_file_chooser() as chooser:
            page.get_by_role("menuitem", name="Import conversations").click()
        chooser.value.set_files(FILES / file)
        expect(page.locator("#parley-toast")).to_contain_text("came in.")
    expect(page.locator("#parley-toast")).to_contain_text("2 were here already")
    page.get_by_role("button", name=re.compile("^ChatGPT")).click()
    inside = page.get_by_role("list", name="ChatGPT")
    inside.get_by_role("link", name="Lighthouses").click()
    expect(replies(page)).to_have_count(2)
    expect(replies(page).first).to_contain_text("The Pharos stood in Alexandria.")
    say(page, "And then?")
    finished(page, 3)
    assert "The Pharos stood in Alexandria." in json.dumps(model.requests[-1]["messages"])
    page.reload()
    ready(page)
    expect(replies(page)).to_have_count(3)
    assert watch.complaints == []


def test_the_list_is_used_by_keyboard_and_on_a_phone(
    parley: RunningParley, model: ScriptedServer, browser: Browser
) -> None:
    phone = browser.new_context(viewport={"width": 390, "height": 780}, has_touch=True)
    page, _ = opened(phone, parley.url)
    model.says("Yes.")
    say(page, "Is there a bakery nearby?")
    finished(page)
    page.get_by_role("button", name="Conversations").click()
    search = page.get_by_role("searchbox", name="Search everything that was said")
    search.fill("bakery")
    expect(page.locator("#parley-found li")).to_have_count(1)
    page.keyboard.press("Escape")
    page.keyboard.press("ArrowDown")
    entry = page.get_by_role("link", name="Is there a bakery nearby?")
    expect(entry).to_be_focused()
    page.keyboard.press("F2")
    page.keyboard.type("Bread")
    page.keyboard.press("Enter")
    renamed = page.get_by_role("link", name="Bread")
    expect(renamed).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_role("menuitem", name="Pin")).to_be_focused()
    page.keyboard.press("End")
    expect(page.get_by_role("menuitem", name="Delete")).to_be_focused()
    # Another tab brings a chat: the list is drawn anew while its menu is open.
    beside, _ = opened(phone, parley.url)
    model.says("Both.")
    say(beside, "Rye or wheat?")
    finished(beside)
    expect(page.locator("#parley-conversations li")).to_have_count(2)
    page.bring_to_front()
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="More for Bread")).to_be_focused()
    phone.close()
