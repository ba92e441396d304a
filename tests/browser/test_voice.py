"""Speaking with Parley: a fake microphone fed by a WAV, and replies that are heard."""

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, FilePayload, Page, Playwright, expect

from tests.browser.conftest import RunningParley, finished, launch, opened, replies
from tests.scripted_server import ScriptedServer
from tests.speech import silence, speech, wav
from tests.voice.sounds import encoded

pytestmark = pytest.mark.browser

# On a busy machine the detector of speech takes its time to start.
SOON = 30_000
HEARD, ANSWERED = "/v1/audio/transcriptions", "/v1/chat/completions"
Hear = Callable[[bytes], BrowserContext]


@pytest.fixture
def microphone(playwright: Playwright, tmp_path: Path) -> Iterator[Hear]:
    """A visitor whose microphone plays these samples, again and again."""
    with ExitStack() as stack:

        def play(pcm: bytes) -> BrowserContext:
            sound = tmp_path / "said.wav"
            sound.write_bytes(wav(pcm, 48_000))
            browser = launch(
                playwright,
                "--use-fake-ui-for-media-stream",
                "--use-fake-device-for-media-stream",
                f"--use-file-for-fake-audio-capture={sound}",
            )
            stack.callback(browser.close)
            context = browser.new_context(permissions=["microphone"])
            context.set_default_timeout(15_000)
            return context

        yield play


@pytest.fixture
def speaker(microphone: Hear) -> BrowserContext:
    return microphone(speech("What is the capital of France?") + silence(0.2))


def record(page: Page, seconds: int = 3) -> None:
    """Begin, and wait until so much was recorded."""
    page.get_by_role("button", name="Record", exact=True).click()
    expect(page.locator("#parley-mic [role=timer]")).to_have_text(f"0:0{seconds}")


def finish(page: Page) -> None:
    page.get_by_role("button", name="Finish recording").click()


def paths(model: ScriptedServer) -> list[str]:
    return [hit.path for hit in model.hits]


def test_a_dictated_question_is_read_corrected_and_sent(
    parley: RunningParley, model: ScriptedServer, speaker: BrowserContext
) -> None:
    page, watch = opened(speaker, parley.url)
    heard = b'{"text": "what is the capital of frans"}'
    model.raw(heard, content_type="application/json", delay_s=2.2, on="transcription")
    model.says("Paris.")
    record(page)
    expect(page.locator("#parley-forecast")).to_contain_text("2 requests")
    finish(page)
    doing = page.locator("#parley-attachments .words .doing")
    expect(doing).to_have_text(re.compile(r"^Writing down what was said …[12] s$"), timeout=SOON)
    draft = page.get_by_role("textbox", name="What was understood")
    expect(draft).to_have_value("what is the capital of frans", timeout=SOON)
    expect(draft).to_be_focused()
    expect(page.locator("#parley-forecast")).to_contain_text("1 request")
    assert paths(model) == [HEARD]
    assert b"RIFF" in model.hits[0].body
    page.reload()  # what was paid for is not lost
    expect(draft).to_have_value("what is the capital of frans")
    draft.fill("What is the capital of France?")
    draft.press("Enter")
    expect(finished(page)).to_contain_text("Paris.")
    said = page.locator("#parley-chat [data-role=user]")
    expect(said).to_contain_text("What is the capital of France?")
    said.get_by_role("button", name="Play").click()
    page.wait_for_function("document.querySelector('[data-role=user] audio').currentTime > 0")
    expect(finished(page)).to_contain_text("2 requests: 1 transcription + 1 answer")
    expect(draft).to_have_count(0)
    assert paths(model) == [HEARD, ANSWERED]
    assert "capital of France?" in str(model.requests[0]["messages"][-1])
    assert watch.complaints == []


def test_whoever_wants_it_is_sent_at_once_and_that_is_remembered(
    parley: RunningParley, model: ScriptedServer, speaker: BrowserContext
) -> None:
    page, watch = opened(speaker, parley.url)
    model.hears("what is the capital of France").says("Paris.")
    record(page, 2)
    page.get_by_role("switch", name="Send at once").check()
    finish(page)
    replies(page).first.wait_for(timeout=SOON)
    expect(finished(page)).to_contain_text("Paris.")
    expect(page.locator("#parley-chat [data-role=user]")).to_contain_text("the capital of France")
    assert paths(model) == [HEARD, ANSWERED]
    page.reload()
    record(page, 1)
    expect(page.get_by_role("switch", name="Send at once")).to_be_checked()
    page.keyboard.press("Escape")
    expect(page.locator("#parley-mic .level")).to_be_hidden()
    expect(page.locator("#parley-attachments")).to_be_empty()
    assert paths(model) == [HEARD, ANSWERED]
    assert watch.complaints == []


def test_silence_costs_nothing(
    parley: RunningParley, model: ScriptedServer, microphone: Hear
) -> None:
    page, watch = opened(microphone(silence(3)), parley.url)
    record(page, 2)
    page.get_by_role("switch", name="Send at once").check()
    finish(page)
    expect(page.locator("#parley-notice")).to_contain_text("No speech was heard", timeout=SOON)
    expect(page.locator("#parley-attachments")).to_be_empty()
    expect(replies(page)).to_have_count(0)
    assert model.hits == []
    assert watch.complaints == []


def test_a_take_that_fails_is_kept_and_tried_again(
    parley: RunningParley, model: ScriptedServer, speaker: BrowserContext
) -> None:
    page, _ = opened(speaker, parley.url)
    model.fails(400, {"error": {"message": "ears are closed"}}, on="transcription")
    model.hears("what is the capital of France")
    record(page, 2)
    finish(page)
    expect(page.locator(".take [role=alert]")).to_contain_text("ears are closed", timeout=SOON)
    assert paths(model) == [HEARD]
    page.get_by_role("button", name="Try again").click()
    draft = page.get_by_role("textbox", name="What was understood")
    expect(draft).to_have_value("what is the capital of France", timeout=SOON)
    assert paths(model) == [HEARD, HEARD]


def test_what_only_this_machine_understood_is_read_before_it_is_sent(
    offline_parley: RunningParley, microphone: Hear
) -> None:
    page, _ = opened(microphone(speech("go forward ten meters") + silence(0.3)), offline_parley.url)
    record(page)
    page.get_by_role("switch", name="Send at once").check()
    finish(page)
    draft = page.get_by_role("textbox", name="What was understood")
    expect(draft).to_be_visible(timeout=60_000)
    expect(page.locator(".take small")).to_contain_text("Roughly understood by this machine")
    expect(replies(page)).to_have_count(0)
    draft.fill("What is 2 + 2?")
    page.locator("#parley-send").click()
    expect(finished(page)).to_contain_text("4")


def test_a_refused_microphone_explains_itself(
    parley: RunningParley, model: ScriptedServer, visitor: BrowserContext
) -> None:
    page, _ = opened(visitor, parley.url)
    page.get_by_role("button", name="Record", exact=True).click()
    notice = page.locator("#parley-notice")
    expect(notice).to_contain_text("microphone")
    expect(notice).to_contain_text("press the microphone again")
    expect(notice).to_contain_text("attach a recording")
    assert model.hits == []


def test_recordings_of_any_kind_are_attached_with_their_names_and_kept_playable(
    parley: RunningParley, model: ScriptedServer, visitor: BrowserContext
) -> None:
    page, watch = opened(visitor, parley.url)
    page.locator("#parley-image input[type=file]").set_input_files(
        [
            FilePayload(name="memo.m4a", mimeType="audio/x-m4a", buffer=encoded("m4a")),
            FilePayload(name="talk.webm", mimeType="video/webm", buffer=encoded("webm")),
        ]
    )
    tray = page.locator("#parley-attachments .attached.audio")
    expect(tray).to_have_count(2, timeout=SOON)
    expect(tray.first).to_contain_text("memo.m4a")
    expect(tray.last).to_contain_text("talk.webm")
    expect(page.locator("#parley-forecast")).to_contain_text("3 requests")
    model.hears("the first").hears("the second").says("Two memos.")
    page.locator("#parley-send").click()
    expect(finished(page)).to_contain_text("3 requests: 2 transcription + 1 answer")
    page.reload()
    said = page.locator("#parley-chat [data-role=user] .bubble")
    expect(said.first).to_contain_text("memo.m4a")
    expect(said.first).to_contain_text("the first")
    said.last.get_by_role("button", name="Play").click()
    page.wait_for_function("document.querySelectorAll('[data-role=user] audio')[1].currentTime > 0")
    assert watch.complaints == []
