"""axe-core looks for what keeps people out: nothing serious or critical in any state of the page."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, FilePayload, Page, Playwright, ViewportSize

from tests.browser.conftest import RunningParley, finished, launch, let_in, opened, replies, say
from tests.pictures import png
from tests.scripted_server import ScriptedServer, tone

AXE = Path(sys.executable).parents[1] / "axe/node_modules/axe-core/axe.min.js"
pytestmark = pytest.mark.skipif(not AXE.exists(), reason="axe-core is not installed")

WORDS = """It is **just after seven** in [Tokyo](https://example.org).

| flour | water |
| --- | --- |
| 500 g | 375 g |

```python
def water(flour_g: float, hydration: float = 0.75) -> float:
    return flour_g * hydration  # in grams
```
"""
DESK, PHONE = ViewportSize(width=1280, height=800), ViewportSize(width=390, height=844)


def barriers(page: Page) -> list[str]:
    """What axe finds that is serious or critical, each with where it stands: all in light, colours in
    dark too. Behind an open dialog nothing can be reached: it is looked at alone."""
    page.wait_for_timeout(250)  # what fades in has its colours then
    page.evaluate(AXE.read_text())
    every = _found(page, "{resultTypes: ['violations']}")
    page.emulate_media(color_scheme="dark")
    page.wait_for_timeout(100)
    page.evaluate(
        "new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)))"
    )
    page.wait_for_function(
        "!document.getAnimations().some((one) => one instanceof CSSTransition)"
    )  # what fades from light to dark has its colours then
    dark = _found(page, "{resultTypes: ['violations'], runOnly: ['color-contrast']}")
    page.emulate_media(color_scheme="light")
    return every + [f"in the dark: {one}" for one in dark]


def _found(page: Page, options: str) -> list[str]:
    where = "[...document.querySelectorAll('dialog[open]')].at(-1) ?? document"
    found = page.evaluate(f"axe.run({where}, {options}).then((r) => r.violations)")
    return [
        f"{one['id']} ({one['impact']}): {node['html'][:160]} {node['failureSummary'][:300]}"
        for one in found
        if one["impact"] in ("serious", "critical")
        for node in one["nodes"]
    ]


@pytest.fixture(scope="module")
def hearing(playwright: Playwright) -> Iterator[Browser]:
    """With a microphone, for the call."""
    opened = launch(
        playwright, "--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream"
    )
    yield opened
    opened.close()


State = Callable[[Page, ScriptedServer], None]


def empty(page: Page, _: ScriptedServer) -> None:
    page.locator("#parley-welcome").wait_for()


def talk(page: Page, model: ScriptedServer) -> None:
    model.thinks("A short table.").calls("calculate", expression="75% of 500").says(WORDS)
    model.says(WORDS)
    say(page, "How much water for 500 g of flour?")
    finished(page)


def failure(page: Page, model: ScriptedServer) -> None:
    model.fails(401, {"error": {"message": "Incorrect API key provided"}})
    say(page, "Hello")
    finished(page)


def streaming(page: Page, model: ScriptedServer) -> None:
    model.thinks("Slowly.").says(*(f"{word} " for word in WORDS.split(" ") * 3), delay_s=0.2)
    say(page, "Slowly, please")
    replies(page).get_by_text("just after").last.wait_for()


def attached(page: Page, model: ScriptedServer) -> None:
    files: list[FilePayload] = [
        {"name": "board.png", "mimeType": "image/png", "buffer": png("Gate 14")},
        {"name": "notes.txt", "mimeType": "text/plain", "buffer": b"Water, flour, salt. " * 40},
        {"name": "say.wav", "mimeType": "audio/wav", "buffer": tone(1.0)},
    ]
    page.locator("#parley-image input[type=file]").set_input_files(files)
    page.locator("#parley-attachments").get_by_text("page · about").wait_for()


def commands(page: Page, _: ScriptedServer) -> None:
    page.locator("#parley-input textarea").press_sequentially("/")
    page.locator("#parley-slash [role=option]").first.wait_for()


def shortcuts(page: Page, _: ScriptedServer) -> None:
    page.locator("#parley-header h1").click()
    page.keyboard.press("?")
    page.locator(".parley-shortcuts").wait_for()


def settings(tab: str) -> State:
    def shown(page: Page, _: ScriptedServer) -> None:
        page.keyboard.press("Control+,")
        page.locator(f"[data-tab={tab}]").click()

    shown.__name__ = f"settings_{tab}"
    return shown


def choice(page: Page, _: ScriptedServer) -> None:
    page.locator("#parley-status button").click()
    page.locator(".parley-choice .offer").first.wait_for()


def memory(page: Page, model: ScriptedServer) -> None:
    model.says("Noted.")
    say(page, "Remember that my sister Aiko lives in Tokyo.")
    finished(page)
    page.locator("#parley-memory button").click()
    page.locator(".kept").first.wait_for()


def tools(page: Page, _: ScriptedServer) -> None:
    page.locator("#parley-toolbox button").click()
    page.locator(".tool-row").first.wait_for()


def drawer(page: Page, model: ScriptedServer) -> None:
    talk(page, model)
    page.locator(".drawer-open").click()


def lightbox(page: Page, model: ScriptedServer) -> None:
    model.says("It says Gate 14.")
    page.locator("#parley-image input[type=file]").set_input_files(
        {"name": "board.png", "mimeType": "image/png", "buffer": png("Gate 14")}
    )
    page.locator("#parley-attachments .note").wait_for()
    say(page, "What does it say?")
    finished(page)
    page.locator("#parley-chat .thumb").click()
    page.locator("dialog.parley-lightbox img").wait_for()


def gallery(page: Page, model: ScriptedServer) -> None:
    lightbox(page, model)
    page.keyboard.press("Escape")
    page.locator("#parley-pictures").click()
    page.locator("dialog[open]").wait_for()


def calling(page: Page, _: ScriptedServer) -> None:
    page.locator("[data-do=call]").click()
    page.locator("#parley-call section[data-state=listening]").wait_for()


def search(page: Page, model: ScriptedServer) -> None:
    talk(page, model)
    page.get_by_role("searchbox").fill("flour")
    page.locator("#parley-found li").first.wait_for()


CHATS: tuple[State, ...] = (empty, talk, failure, streaming, attached, commands, search, calling)
DIALOGS: tuple[State, ...] = (
    shortcuts,
    *map(settings, ("general", "replies", "models", "senses", "budget", "data")),
    choice,
    memory,
    tools,
    lightbox,
    gallery,
)
ON_THE_PHONE: tuple[State, ...] = (talk, drawer, attached, settings("replies"), calling, lightbox)


@pytest.mark.parametrize(
    ("states", "size"),
    [(CHATS, DESK), (DIALOGS, DESK), (ON_THE_PHONE, PHONE)],
    ids=["chats", "dialogs", "phone"],
)
def test_nothing_serious_stands_in_anybodys_way(
    hearing: Browser,
    parley: RunningParley,
    model: ScriptedServer,
    states: tuple[State, ...],
    size: ViewportSize,
) -> None:
    found: dict[str, list[str]] = {}
    context = hearing.new_context(viewport=size, reduced_motion="reduce")
    page, _ = opened(context, parley.url)
    for state in states:
        model.reset()
        state(page, model)
        if barred := barriers(page):
            found[state.__name__] = barred
        # Closed, left and emptied for the next one.
        page.keyboard.press("Escape")
        page.keyboard.press("Escape")
        for hang_up in page.locator(".hang-up:visible").all():
            hang_up.click()
        page.evaluate("localStorage.clear()")
        page.locator("#parley-new").evaluate("(button) => button.click()")
        page.locator("#parley-input textarea").fill("")
        for button in page.locator("#parley-attachments .remove").all():
            button.click()
    context.close()
    assert not found


def test_nobody_is_barred_from_logging_in(browser: Browser, tmp_path: Path) -> None:
    users = tmp_path / "users"
    let_in(users, "ann", "a good one")
    locked = RunningParley(tmp_path, {"PARLEY_USERS": str(users)})
    locked.start()
    page = browser.new_page(viewport=PHONE)
    try:
        page.goto(locked.url)
        found = barriers(page)
        page.locator("[name=name]").fill("ann")
        page.locator("[name=password]").fill("no")
        page.keyboard.press("Enter")
        page.locator(".wrong").wait_for()
        assert not found + barriers(page)
    finally:
        page.close()
        locked.end()


def test_nobody_is_barred_from_reading_what_is_shared(
    browser: Browser, parley: RunningParley, model: ScriptedServer
) -> None:
    context = browser.new_context(viewport=DESK)
    page, _ = opened(context, parley.url)
    talk(page, model)
    page.locator("[data-do=conversation-menu]").first.click()
    page.get_by_role("menuitem", name="Share a link").click()
    page.get_by_role("button", name="Make a link").click()
    page.goto(page.get_by_label("Link").input_value())
    assert not barriers(page)
    context.close()


def test_a_newcomer_meets_no_barrier(browser: Browser, offline_parley: RunningParley) -> None:
    context = browser.new_context(viewport=DESK)
    page, _ = opened(context, offline_parley.url)
    page.locator(".banner summary").click()
    assert not barriers(page)
    context.close()
