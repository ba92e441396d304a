"""What takes longer than a second says so, and for how long."""

import re
import socket
import zipfile
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Route, expect

from tests.browser.conftest import RunningParley, finished, opened, ready, say
from tests.scripted_server import ScriptedServer, tone
from tests.tools.mcp_calls import hostile, written

pytestmark = pytest.mark.browser

WORDS = [f"word{n} " for n in range(12)]
SECONDS = re.compile(r"(\d+) s$")  # the dot before it is the style's
LIVE_REGIONS = """() => { window.told = [];
  for (const region of document.querySelectorAll("[aria-live], [role=status], [role=alert]"))
    new MutationObserver(() => window.told.push(region.textContent))
      .observe(region, { childList: true, subtree: true, characterData: true }); }"""


@pytest.fixture(scope="module")
def patient(
    provider: ScriptedServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningParley]:
    """Parley before a search engine that accepts and never answers, and a server that starts late."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        data = tmp_path_factory.mktemp("patient")
        written(data, {"slow": hostile("late", "3600")})
        running = RunningParley(
            data,
            {
                "PARLEY_BASE_URL": provider.base_url,
                "PARLEY_MODEL": "big",
                "PARLEY_SPEECH_MODEL": "speaking",
                "PARLEY_VOICE": "calm",
                "PARLEY_SEARXNG_URL": f"http://127.0.0.1:{silent.getsockname()[1]}",
            },
        )
        running.start()
        yield running
        running.end()


def counted(page: Page, where: str) -> int:
    """The seconds that stand there, once there are some."""
    box = page.locator(where).last
    expect(box).to_have_text(SECONDS)
    found = SECONDS.search(box.inner_text())
    assert found
    return int(found[1])


def test_a_wait_for_the_first_word_and_a_tool_are_counted_without_traffic_or_noise(
    patient: RunningParley, model: ScriptedServer, visitor: BrowserContext
) -> None:
    page, watch = opened(visitor, patient.url)
    model.hangs(2.5).calls("search_web", query="flour").says("Found.")
    frames: list[str | bytes] = []
    page.on("websocket", lambda line: line.on("framereceived", lambda frame: frames.append(frame)))
    page.reload()
    ready(page)
    say(page, "Where is flour?")
    expect(page.locator(".waiting")).to_have_text(re.compile(r"^Waiting for big[12] s$"))
    page.locator("#parley-stop").click()
    finished(page)

    say(page, "Then search for it.")
    expect(page.locator(".tool .state")).to_have_text(re.compile(r"^running\d+ s$"))
    page.evaluate(LIVE_REGIONS)
    heard, before = len(frames), counted(page, ".tool .state")
    expect(page.locator(".tool .state")).to_have_text(f"running{before + 2} s")
    assert len(frames) == heard  # nothing was asked, and nothing sent
    assert page.evaluate("window.told") == []
    name = page.locator(".tool summary").get_by_text("running", exact=True)
    expect(name).to_be_visible()
    assert page.locator(".tool parley-elapsed").get_attribute("aria-hidden") == "true"

    # Another window, and a reload, count from when it began and not from when they look.
    page.reload()
    ready(page)
    assert counted(page, ".tool .state") >= before + 2
    page.locator("#parley-stop").click()
    finished(page, 2)
    expect(page.locator("parley-elapsed")).to_have_count(0)
    assert watch.complaints == []


def test_thoughts_are_counted_in_the_readers_language_and_without_motion(
    patient: RunningParley, model: ScriptedServer, browser: Browser
) -> None:
    context = browser.new_context(locale="ja-JP", reduced_motion="reduce")
    page, watch = opened(context, patient.url)
    model.thinks("Flour, then.").hangs(30)
    say(page, "小麦粉は？")
    summary = page.locator(".reasoning summary")
    expect(summary).to_have_text(re.compile(r"^考え中[2-9] 秒$"))
    moving = page.evaluate("""document.getAnimations().filter((one) =>
      one.playState === "running" && one.effect.target.closest("article")).length""")
    assert moving == 0
    page.locator("#parley-stop").click()
    finished(page)
    expect(summary).not_to_have_text(re.compile("秒"))
    assert watch.complaints == []
    context.close()


def test_a_server_that_starts_is_counted_in_the_panel_of_tools(
    patient: RunningParley, visitor: BrowserContext
) -> None:
    page, watch = opened(visitor, patient.url)
    page.locator("#parley-toolbox").get_by_role("button").click()
    slow = page.get_by_role("region", name=re.compile("^slow"))
    expect(slow.locator(".server-state")).to_have_text(re.compile(r"^Starting\d+ (min|s)"))
    page.keyboard.press("Escape")
    assert watch.complaints == []


def test_a_reply_that_stands_still_says_so_beside_its_words_and_moves_nothing(
    patient: RunningParley, model: ScriptedServer, visitor: BrowserContext
) -> None:
    page, watch = opened(visitor, patient.url)
    page.evaluate(LIVE_REGIONS)
    model.says("One moment. ", "Then more. ", "And the end.", delay_s=5)
    say(page, "Take your time.")
    reply = page.locator("#parley-chat [data-role=assistant]")
    expect(reply).to_contain_text("One moment.")
    stalled = page.locator(".stalled")
    expect(stalled).to_have_count(0)
    height = reply.bounding_box()
    expect(stalled).to_have_text(re.compile(r"^Waiting for more[3-5] s$"))
    assert reply.bounding_box() == height
    expect(reply).to_contain_text("Then more.")
    expect(stalled).to_have_count(0)
    expect(stalled).to_have_text(re.compile(r"^Waiting for more[3-5] s$"))
    expect(finished(page)).to_contain_text("And the end.")
    expect(stalled).to_have_count(0)
    assert not [words for words in page.evaluate("window.told") if "Waiting for more" in words]
    assert watch.complaints == []


def test_a_reply_that_stands_still_is_counted_on_after_a_reload(
    patient: RunningParley, model: ScriptedServer, visitor: BrowserContext
) -> None:
    page, watch = opened(visitor, patient.url)
    model.begins("One moment. ").hangs(60)
    say(page, "Take your time.")
    before = counted(page, ".stalled")
    page.wait_for_timeout(2_000)
    page.reload()
    ready(page)
    expect(page.locator(".stalled")).to_have_text(SECONDS, timeout=2_000)
    assert counted(page, ".stalled") >= before + 2
    page.locator("#parley-stop").click()
    finished(page)
    expect(page.locator(".stalled")).to_have_count(0)
    assert watch.complaints == []


def test_the_first_sound_of_a_reply_is_waited_for_where_its_player_comes(
    patient: RunningParley, model: ScriptedServer, visitor: BrowserContext
) -> None:
    page, watch = opened(visitor, patient.url)
    page.locator("#parley-speak input").check()
    model.says("This is the first sentence, and it is long enough to be worth a request.")
    model.raw(tone(), content_type="audio/wav", delay_s=6, on="speech")
    say(page, "Say something.")
    waited = page.locator(".voicing")
    expect(waited).to_have_text(re.compile(r"^Preparing the voice3 s$"))
    expect(page.locator(".stalled")).to_have_count(0)
    height = page.locator(".spoken").evaluate("(box) => box.offsetHeight")
    page.reload()
    ready(page)
    assert counted(page, ".voicing") >= 3
    expect(page.locator(".spoken .player")).to_be_visible()
    expect(waited).to_have_count(0)
    assert page.locator(".spoken").evaluate("(box) => box.offsetHeight") == height
    finished(page)

    # No voice answers: nobody waits for one any longer, though the words still come.
    model.fails(400, {"error": {"message": "no such voice"}}, on="speech")
    model.says(
        "This is the first sentence, and it is long enough to be worth a request. ",
        *WORDS,
        delay_s=0.3,
    )
    say(page, "And again.")
    expect(finished(page, 2)).to_contain_text("no such voice")
    expect(waited).to_have_count(0)
    page.locator("#parley-speak input").uncheck()
    assert watch.complaints == []


def test_an_export_that_takes_long_is_counted_where_it_was_asked_for(
    patient: RunningParley, model: ScriptedServer, visitor: BrowserContext
) -> None:
    page, watch = opened(visitor, patient.url)
    say(page, "Something to take along.")
    finished(page)
    held: list[Route] = []
    page.route("**/parley/conversations.zip", lambda route: held.append(route))

    page.get_by_role("button", name="Import and export").click()
    page.get_by_role("menuitem", name="Export everything (zip)").click()
    toast = page.locator("#parley-toast")
    expect(toast).to_have_text(re.compile(r"^Exporting…[12] s$"))
    with page.expect_download() as coming:
        held.pop().continue_()
    assert coming.value.suggested_filename == "parley-conversations.zip"
    with zipfile.ZipFile(coming.value.path()) as saved:
        assert len(saved.namelist()) == 1
    expect(toast).to_have_text("Saved as parley-conversations.zip.")

    page.get_by_role("button", name="Settings").click()
    dialog = page.get_by_role("dialog", name="Settings")
    dialog.get_by_role("tab", name="Your data").click()
    dialog.get_by_role("link", name="Export").first.click()
    told = dialog.locator(".choice-told")
    expect(told).to_have_text(re.compile(r"^Exporting…[12] s$"))
    with page.expect_download():
        held.pop().continue_()
    expect(told).to_have_text("Saved as parley-conversations.zip.")
    dialog.get_by_role("link", name="Export").first.click()
    expect(told).to_have_text(re.compile(r"^Exporting…"))
    held.pop().abort()
    expect(told).to_have_text("The file could not be made. Check that Parley still runs.")
    assert [one for one in watch.complaints if "net::ERR_FAILED" not in one] == []
