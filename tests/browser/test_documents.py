"""Documents as a person attaches them: by the button, dropped and pasted; whole, in passages, refused."""

import base64
import re

import pytest
from playwright.sync_api import BrowserContext, expect

from tests.browser.conftest import RunningParley, finished, opened, say
from tests.papers import pdf, word_file
from tests.scripted_server import ScriptedServer

pytestmark = pytest.mark.browser

GIVE = """([data, way]) => {
    const bytes = Uint8Array.from(atob(data), c => c.charCodeAt(0));
    const carried = new DataTransfer();
    carried.items.add(new File([bytes], 'report.docx', {type: ''}));
    if (way === 'paste') {
        const how = {clipboardData: carried, bubbles: true, cancelable: true};
        document.querySelector('#parley-input textarea').dispatchEvent(new ClipboardEvent('paste', how));
        return;
    }
    const how = {dataTransfer: carried, bubbles: true, cancelable: true};
    for (const kind of ['dragenter', 'dragover', 'drop'])
        document.querySelector('#parley-chat').dispatchEvent(new DragEvent(kind, how));
}"""


def prompt(model: ScriptedServer) -> str:
    """All words of the first request."""
    told = (message["content"] for message in model.requests[0]["messages"])
    return "\n".join(text if isinstance(text, str) else str(text) for text in told)


def test_a_pdf_goes_along_with_its_page_marks_and_can_be_had_back(
    parley: RunningParley, model: ScriptedServer, visitor: BrowserContext
) -> None:
    page, watch = opened(visitor, parley.url)
    document = pdf("Pears ripen in August.", "Plums ripen in July.", "Quinces ripen in October.")
    with page.expect_file_chooser() as choosing:
        page.locator("#parley-image button").first.click()
    choosing.value.set_files(
        {"name": "fruit.pdf", "mimeType": "application/pdf", "buffer": document}
    )
    chip = page.locator("#parley-attachments .paper")
    expect(chip).to_contain_text("fruit.pdf")
    expect(chip).to_contain_text(re.compile(r"3 pages · about \d+ tokens"))
    model.says("In July (p. 2).")
    say(page, "When do plums ripen?")
    expect(finished(page)).to_contain_text("In July (p. 2).")
    assert len(model.hits) == 1
    told = prompt(model)
    for number, words in enumerate(("Pears ripen", "Plums ripen", "Quinces ripen"), start=1):
        assert f'<page n="{number}">\n{words}' in told
    assert '<document name="fruit.pdf" pages="3">' in told
    assert "When do plums ripen?" in told
    expect(page.locator("#parley-attachments")).to_be_empty()
    card = page.locator("#parley-chat [data-role=user] a.paper")
    expect(card).to_contain_text(re.compile("fruit.pdf.*3 pages", re.DOTALL))
    with page.expect_download() as download:
        card.click()
    assert download.value.suggested_filename == "fruit.pdf"
    assert download.value.path().read_bytes() == document
    assert (watch.complaints, watch.strangers) == ([], [])


@pytest.mark.parametrize("way", ["drop", "paste"])
def test_a_word_file_may_be_dropped_and_pasted(
    parley: RunningParley, model: ScriptedServer, visitor: BrowserContext, way: str
) -> None:
    page, watch = opened(visitor, parley.url)
    page.evaluate(GIVE, [base64.b64encode(word_file()).decode(), way])
    expect(page.locator("#parley-attachments .paper")).to_contain_text("tokens")
    model.says("4,200 kg.")
    page.locator("#parley-send").click()  # a document says enough by itself
    expect(finished(page)).to_contain_text("4,200 kg.")
    assert "The harvest was good" in prompt(model)
    expect(page.locator("#parley-conversations")).to_contain_text("report.docx")
    assert watch.complaints == []


def test_a_document_larger_than_the_window_goes_along_in_passages(
    parley: RunningParley, model: ScriptedServer, visitor: BrowserContext
) -> None:
    page, _ = opened(visitor, parley.url)
    filler = "The weather was mild and nothing of note happened in the village that day.\n" * 40
    pages = [f"Day {n}.\n{filler}" for n in range(400)]
    pages[250] = f"The mayor hid the golden key under the old mill.\n{filler}"
    page.locator("#parley-image input[type=file]").set_input_files(
        {"name": "chronicle.pdf", "mimeType": "application/pdf", "buffer": pdf(*pages)}
    )
    expect(page.locator("#parley-attachments .paper")).to_contain_text("400 pages", timeout=60_000)
    model.says("Under the old mill (p. 251).")
    say(page, "Where did the mayor hide the golden key?")
    reply = finished(page)
    expect(reply).to_contain_text("Under the old mill (p. 251).")
    told = prompt(model)
    assert "[document chronicle.pdf, 400 pages: the best passages are quoted" in told
    assert "golden key under the old mill" in told
    assert told.count("Day ") < 200
    assert len(model.hits) == 1


def test_a_document_is_added_to_the_memory_of_all_chats_and_taken_out_again(
    parley: RunningParley, model: ScriptedServer, visitor: BrowserContext
) -> None:
    page, watch = opened(visitor, parley.url)
    page.locator("#parley-image input[type=file]").set_input_files(
        {
            "name": "fruit.pdf",
            "mimeType": "application/pdf",
            "buffer": pdf("The quinces of the abbey ripen in October.", "Plums ripen in July."),
        }
    )
    expect(page.locator("#parley-attachments .paper")).to_contain_text("2 pages")
    say(page, "Read this.")
    finished(page)
    said = page.locator("#parley-chat [data-role=user]")
    said.get_by_role("button", name="Add to your memory").click()
    undo = said.get_by_role("button", name="In your memory: Undo")
    expect(undo).to_be_focused()
    page.reload()
    expect(undo).to_be_visible()
    address = page.url
    page.locator("#parley-new").click()
    say(page, "When do the quinces of the abbey ripen?")
    chip = finished(page).get_by_role("button", name="Passage: fruit.pdf, p. 1")
    expect(chip).to_be_visible()
    assert "quinces of the abbey ripen in October" in str(model.requests[-1]["messages"])
    page.goto(address)
    undo.click()
    expect(said.get_by_role("button", name="Add to your memory")).to_be_visible()
    page.locator("#parley-new").click()
    say(page, "When do the quinces of the abbey ripen?")
    expect(finished(page)).not_to_contain_text("fruit.pdf")
    assert len(model.hits) == 3
    assert watch.complaints == []


def test_a_scan_a_locked_file_and_a_disguised_one_explain_themselves(
    parley: RunningParley, model: ScriptedServer, visitor: BrowserContext
) -> None:
    page, _ = opened(visitor, parley.url)
    chooser = page.locator("#parley-image input[type=file]")
    chooser.set_input_files({"name": "a.pdf", "mimeType": "application/pdf", "buffer": pdf("", "")})
    expect(page.locator("#parley-attachments")).to_contain_text("2 pages · no text was found")
    chooser.set_input_files(
        {"name": "photo.png", "mimeType": "image/png", "buffer": pdf("I am a PDF")}
    )
    expect(page.locator("#parley-attachments .paper")).to_have_count(2)
    expect(page.locator("#parley-attachments img")).to_have_count(0)
    chooser.set_input_files(
        {
            "name": "old.doc",
            "mimeType": "",
            "buffer": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(99),
        }
    )
    expect(page.get_by_text("from before 2007")).to_be_visible()
    expect(page.locator("#parley-attachments .paper")).to_have_count(2)
    assert model.hits == []
