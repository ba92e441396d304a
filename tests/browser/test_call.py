"""The hands-free call in a real browser, whose microphone plays a WAV of real speech."""

import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page, Playwright, expect

from tests.browser.conftest import RunningParley, finished, launch, opened
from tests.scripted_server import ScriptedServer, tone
from tests.speech import silence, speech, wav

pytestmark = pytest.mark.browser

Speaker = Callable[[bytes], BrowserContext]
LOUD = 0.05
SOUNDED = f"""() => {{
  const heard = window.parleySpeaker?.captured() ?? [];
  let loud = 0;
  for (const sample of heard) loud += Math.abs(sample) > {LOUD};
  return loud / (window.parleySpeaker?.context()?.sampleRate ?? 1);
}}"""
"""Seconds that were really loud at the loudspeaker."""
NOTE_VOICE = """
  window.voiced = [];  // when the microphone's frames were loud
  const send = WebSocket.prototype.send;
  WebSocket.prototype.send = function (data) {
    const loud = data instanceof ArrayBuffer && new Int16Array(data).some((x) => Math.abs(x) > 1000);
    if (loud) voiced.push(performance.now());
    return send.call(this, data);
  };
"""
BROKE_IN_S = f"""() => {{
  const samples = parleySpeaker.captured(), rate = parleySpeaker.context().sampleRate;
  const last = samples.findLastIndex((x) => Math.abs(x) > {LOUD});
  const silent = performance.now() - (1000 * (samples.length - last)) / rate;
  const begun = voiced.findLast((at, n) => at - (voiced[n - 1] ?? 0) > 2000);
  return (silent - begun) / 1000;
}}"""
"""From the first sound of who breaks in until the loudspeaker is silent."""


@pytest.fixture
def speaker(playwright: Playwright, tmp_path: Path) -> Iterator[Speaker]:
    """Somebody whose microphone hears these samples, once, from when it is opened."""
    browsers = []

    def speaking(pcm: bytes) -> BrowserContext:
        (tmp_path / "said.wav").write_bytes(wav(pcm, 48_000))
        browser = launch(
            playwright,
            "--use-fake-ui-for-media-stream",
            "--use-fake-device-for-media-stream",
            f"--use-file-for-fake-audio-capture={tmp_path / 'said.wav'}%noloop",
        )
        browsers.append(browser)
        context = browser.new_context(permissions=["microphone"])
        context.set_default_timeout(20_000)
        return context

    yield speaking
    for browser in browsers:
        browser.close()


def state(page: Page, words: str, timeout: float = 20_000) -> None:
    expect(page.locator("#parley-call .call-state b")).to_have_text(words, timeout=timeout)


def test_two_turns_without_a_hand_then_one_breaks_into_a_reply(
    parley: RunningParley, model: ScriptedServer, speaker: Speaker
) -> None:
    said = [
        silence(0.5), speech("What is the capital of France?"), silence(6),
        speech("Tell me a story about it."), silence(5),
        speech("Stop it now, please. That is enough."), silence(30),
    ]  # fmt: skip
    model.hears("What is the capital of France?").says("Paris.").speaks(tone(0.5))
    model.hears("Tell me a story about it.").says("Once upon a time.").speaks(tone(12.0))
    model.hears("Stop it now, please.").says("As you wish.").speaks(tone(0.3))
    caller = speaker(b"".join(said))
    caller.add_init_script(NOTE_VOICE)
    page, watch = opened(caller, parley.url)
    page.get_by_role("button", name="Call: talk hands-free").click()
    expect(page.locator(".call-meter")).to_contain_text(
        "A call turn costs 2 requests (transcription, answer) plus speech."
    )
    state(page, "Thinking")
    expect(page.locator(".call-heard q")).to_have_text("What is the capital of France?")
    state(page, "Speaking")
    state(page, "Listening")
    expect(finished(page)).to_contain_text("Paris.")
    assert 0.3 < page.evaluate(SOUNDED) < 0.6
    expect(page.locator(".call-meter")).to_contain_text("This call: 3 requests")
    expect(page.locator(".call-heard q")).to_have_text("Tell me a story about it.")
    state(page, "Speaking")
    page.wait_for_function(f"({SOUNDED})() > 1")
    state(page, "Hearing you")  # the next words broke in
    loud = page.evaluate(SOUNDED)
    assert loud < 9
    assert 0.3 < page.evaluate(BROKE_IN_S) < 0.4 + 0.3 + 0.7  # the last of it for a busy machine
    expect(finished(page, 3)).to_contain_text("As you wish.")
    state(page, "Listening")
    assert page.evaluate(SOUNDED) < loud + 1  # nothing more of the story
    assert len(model.hits) == 9
    page.keyboard.press("Escape")
    expect(page.locator("#parley-call section")).to_be_hidden()
    expect(page.locator("#parley-input textarea")).to_be_visible()
    # A piece of speech may be gone already, and is then played from the whole.
    assert [what for what in watch.complaints if "404" not in what] == []


SLOW_LINE = """
  const Socket = WebSocket;  // what the page is told comes four seconds late
  window.WebSocket = class extends Socket {
    set onmessage(tell) {
      const late = this.url.includes("/parley/live") ? 4000 : 0;
      super.onmessage = (event) => setTimeout(() => tell(event), late);
    }
  };
"""


def test_sound_that_comes_after_its_turn_was_broken_off_is_not_heard(
    parley: RunningParley, model: ScriptedServer, speaker: Speaker
) -> None:
    model.hears("What is the capital of France?").says("Paris.").speaks(tone(6.0))
    caller = speaker(silence(3) + speech("What is the capital of France?") + silence(40))
    caller.add_init_script(SLOW_LINE)
    page, _ = opened(caller, parley.url)
    page.get_by_role("button", name="Call: talk hands-free").click()
    state(page, "Thinking")
    deadline = time.monotonic() + 20
    while not any(hit.path.endswith("/speech") for hit in model.hits):
        assert time.monotonic() < deadline
        page.wait_for_timeout(20)
    # So long nothing is heard: it is said for how long.
    expect(page.locator(".call-state parley-elapsed")).to_have_text(re.compile(r"^\d s$"))
    page.get_by_role("button", name="Interrupt").click()
    finished(page).locator(".spoken").wait_for()  # it came, and is kept
    page.wait_for_timeout(1_500)
    assert page.evaluate(SOUNDED) == 0


def test_silence_costs_nothing_and_the_microphone_is_given_back(
    parley: RunningParley, model: ScriptedServer, speaker: Speaker
) -> None:
    context = speaker(silence(40))
    context.add_init_script(
        "const ask = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);"
        "navigator.mediaDevices.getUserMedia = async (what) => (window.given = await ask(what));"
    )
    page, _ = opened(context, parley.url)
    page.get_by_role("button", name="Call: talk hands-free").click()
    state(page, "Listening")
    expect(page.locator(".call-state parley-elapsed")).to_have_count(0)
    expect(page.locator("#parley-call-said")).to_have_text("Listening")
    expect(page.locator(".call-state p")).to_contain_text("Nothing was heard yet", timeout=20_000)
    state(page, "Listening")
    page.get_by_role("button", name="End call").click()
    expect(page.locator("#parley-call section")).to_be_hidden()
    assert page.evaluate("given.getTracks().map((track) => track.readyState)") == ["ended"]
    assert model.hits == []


def test_a_refused_microphone_explains_itself_and_ends_the_call(
    parley: RunningParley, visitor: BrowserContext
) -> None:
    page, _ = opened(visitor, parley.url)
    page.get_by_role("button", name="Call: talk hands-free").click()
    expect(page.locator("#parley-notice")).to_contain_text("microphone")
    expect(page.locator("#parley-call section")).to_be_hidden()
    expect(page.locator("#parley-input textarea")).to_be_visible()
