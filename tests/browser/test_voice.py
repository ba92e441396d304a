"""Speaking with Parley: a fake microphone fed by a WAV, and replies that are heard."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page, Playwright, expect

from tests.browser.conftest import RunningParley, finished, launch, opened, say
from tests.scripted_server import ScriptedServer, tone

pytestmark = pytest.mark.browser


@pytest.fixture
def speaker(playwright: Playwright, tmp_path: Path) -> Iterator[BrowserContext]:
    """A visitor whose microphone plays a WAV."""
    wav = tmp_path / "said.wav"
    wav.write_bytes(tone(3.0, rate=48_000))
    browser = launch(
        playwright,
        "--use-fake-ui-for-media-stream",
        "--use-fake-device-for-media-stream",
        f"--use-file-for-fake-audio-capture={wav}%noloop",
    )
    context = browser.new_context(permissions=["microphone"])
    context.set_default_timeout(15_000)
    yield context
    browser.close()


def record(page: Page, seconds: float) -> None:
    button = page.locator("#parley-mic button").first
    button.click()
    page.wait_for_timeout(int(seconds * 1000))
    button.click()


def test_a_spoken_question_is_transcribed_and_answered_in_two_requests(
    parley: RunningParley, model: ScriptedServer, speaker: BrowserContext
) -> None:
    page, watch = opened(speaker, parley.url)
    model.hears("what is the capital of France")
    model.says("Paris.")
    record(page, 1.5)
    expect(finished(page)).to_contain_text("Paris.")
    said = page.locator("#parley-chat [data-role=user]")
    expect(said).to_contain_text("what is the capital of France")
    expect(said.locator("audio")).to_have_count(1)
    assert [hit.path for hit in model.hits] == ["/v1/audio/transcriptions", "/v1/chat/completions"]
    assert b"RIFF" in model.hits[0].body
    assert watch.complaints == []


def test_a_reply_is_heard_when_replies_are_spoken(
    parley: RunningParley, model: ScriptedServer, visitor: BrowserContext
) -> None:
    page, _ = opened(visitor, parley.url)
    page.locator("#parley-speak input").check()
    model.says("Good morning.")
    model.speaks(tone(2.0))
    say(page, "Greet me aloud")
    sound = finished(page).locator("audio")
    expect(sound).to_have_count(1)
    page.wait_for_function(
        "document.querySelector('#parley-chat [data-role=assistant] audio').currentTime > 0.2"
    )
    assert len(model.hits) == 2


def test_a_refused_microphone_explains_itself(
    parley: RunningParley, model: ScriptedServer, visitor: BrowserContext
) -> None:
    page, _ = opened(visitor, parley.url)
    page.locator("#parley-mic button").first.click()
    expect(page.get_by_text("microphone", exact=False).filter(visible=True).first).to_be_visible()
    assert model.hits == []
