"""Pictures as a person shows them: several at once, refused ones named, enlarged, found again."""

import re

import pytest
from PIL import Image
from playwright.sync_api import Browser, BrowserContext, FilePayload, expect

from tests.browser.conftest import RunningParley, finished, opened, ready, say
from tests.papers import scan
from tests.pictures import encoded, paper, png
from tests.scripted_server import ScriptedServer

pytestmark = pytest.mark.browser

NAVY, TEAL = (Image.new("RGB", (300, 200), colour) for colour in ("navy", "teal"))
MOVING = encoded(NAVY, "GIF", save_all=True, append_images=[TEAL])


def upload(name: str, data: bytes, mime: str = "") -> FilePayload:
    return FilePayload(name=name, mimeType=mime, buffer=data)


def test_fifty_files_at_once_are_refused_in_one_sentence(
    parley: RunningParley, model: ScriptedServer, visitor: BrowserContext
) -> None:
    page, watch = opened(visitor, parley.url)
    page.locator("#parley-image input[type=file]").set_input_files(
        [upload(f"note {n}.txt", b"Water and flour.", "text/plain") for n in range(50)]
    )
    notice = page.locator("#parley-notice")
    expect(notice).to_contain_text("45 files were not taken.")
    expect(notice).to_contain_text(
        "note 5.txt, note 6.txt, note 7.txt, note 8.txt, …: A message takes 5 attachments."
    )
    assert notice.inner_text().count("A message takes 5 attachments.") == 1
    expect(page.locator("#parley-attachments .attached:not(.busy)")).to_have_count(5)
    assert watch.complaints == []


def test_several_pictures_at_once_and_each_refused_file_says_why(
    parley: RunningParley, model: ScriptedServer, visitor: BrowserContext
) -> None:
    page, watch = opened(visitor, parley.url)
    page.locator("#parley-image input[type=file]").set_input_files(
        [
            upload("sign.png", png("A sign"), "image/png"),
            upload("holiday.heic", b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(60)),
            upload("moving.gif", MOVING, "image/gif"),
            upload("broken.png", png("x")[:300], "image/png"),
        ]
    )  # fmt: skip
    notice = page.locator("#parley-notice")
    expect(notice).to_contain_text("2 files were not taken.")
    expect(notice).to_contain_text("holiday.heic: HEIC pictures cannot be read. Save it as JPEG")
    expect(notice).to_contain_text("broken.png: The picture is damaged.")
    expect(page.get_by_role("button", name="Take a photo")).to_be_hidden()  # no telephone
    tray = page.locator("#parley-attachments .attached")
    expect(tray).to_have_count(2)
    expect(tray.filter(has_text="first frame only")).to_have_count(1)
    expect(page.locator("#parley-attachments .busy")).to_have_count(0)
    page.get_by_role("button", name="Remove moving.gif").click()
    expect(tray).to_have_count(1)
    model.says("It says: *A sign.*")
    say(page, "What does it say?")
    finished(page)
    sent = str(model.requests[0]["messages"])
    assert sent.count("data:image/png;base64,") == 1
    assert len(model.hits) == 1
    page.reload()
    ready(page)
    # What a model said of it stands for it where it cannot be seen.
    expect(page.locator("#parley-chat .thumb img")).to_have_attribute("alt", "It says: A sign.")
    assert watch.strangers == []


def test_pictures_are_enlarged_and_found_again_by_keyboard(
    parley: RunningParley, model: ScriptedServer, visitor: BrowserContext
) -> None:
    page, watch = opened(visitor, parley.url)
    button = page.get_by_role("button", name="Pictures of this conversation")
    expect(button).to_be_hidden()
    model.says("A name.")
    chooser = page.locator("#parley-image input[type=file]")
    chooser.set_input_files(
        [upload("first.png", png("First")), upload("second.png", png("Second"))]
    )
    expect(page.locator("#parley-attachments .attached")).to_have_count(2)
    page.locator("#parley-send").click()
    finished(page)
    model.says("\n\n".join(f"Line {n}" for n in range(60)))
    say(page, "Go on")
    finished(page, 2)

    button.focus()
    page.keyboard.press("Enter")
    gallery = page.get_by_role("dialog", name="Pictures of this conversation")
    expect(gallery.get_by_role("heading")).to_have_text("2 pictures")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    large = page.locator("dialog.parley-lightbox")
    expect(large).to_have_attribute("aria-label", "Picture 2 of 2")
    page.keyboard.press("ArrowLeft")
    expect(large).to_have_attribute("aria-label", "Picture 1 of 2")
    expect(large.locator("img")).to_have_attribute("alt", re.compile("A name|first.png"))
    width = large.locator("img").bounding_box()["width"]  # type: ignore[index]
    page.keyboard.press("+")
    expect(large).to_have_attribute("data-zoomed", "yes")
    assert large.locator("img").bounding_box()["width"] > width  # type: ignore[index]
    page.keyboard.press("Escape")
    expect(large).to_have_count(0)
    expect(gallery).to_be_visible()

    page.keyboard.press("Enter")
    large.get_by_role("button", name="Show it in the conversation").click()
    expect(gallery).to_have_count(0)
    expect(page.locator("#parley-chat .thumb").first).to_be_in_viewport()
    page.locator("#parley-chat .thumb").nth(1).click()
    expect(large).to_have_attribute("aria-label", "Picture 2 of 2")
    large.get_by_role("button", name="Close").click()
    expect(large).to_have_count(0)
    assert (watch.complaints, watch.strangers) == ([], [])


def test_a_scan_says_what_it_is_and_a_telephone_offers_its_camera(
    parley: RunningParley, model: ScriptedServer, browser: Browser
) -> None:
    context = browser.new_context(
        viewport={"width": 360, "height": 740}, has_touch=True, is_mobile=True
    )
    page, watch = opened(context, parley.url)
    page.locator("#parley-image input[type=file]").set_input_files(
        upload("letter.pdf", scan(paper(["Dear Mrs Whitlock,"])))
    )
    expect(page.locator("#parley-attachments .paper")).to_contain_text("1 page · scanned")
    with page.expect_file_chooser() as choosing:
        page.get_by_role("button", name="Take a photo").click()
    camera = choosing.value.element
    assert camera.get_attribute("capture") == "environment"
    choosing.value.set_files(
        {"name": "photo.jpg", "mimeType": "image/jpeg", "buffer": paper(["A photo"])}
    )
    expect(page.locator("#parley-attachments img")).to_have_count(1)
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    assert (watch.complaints, watch.strangers) == ([], [])
    context.close()
