"""Takes the pictures of the documentation: a real Parley in a real Chromium, on scripted replies.

`make screenshots`, or `python -m docs.screenshots FOLDER` to keep all states elsewhere and look at them.
"""

import shutil
import sys
import tempfile
from pathlib import Path
from typing import Literal

from PIL import Image
from playwright.sync_api import Browser, BrowserContext, Page, ViewportSize, sync_playwright

from tests.browser.conftest import RunningParley, finished, launch, opened, replies, say
from tests.pictures import png
from tests.scripted_server import ScriptedServer, tone

FOLDER = Path(__file__).parent
DESK = ViewportSize(width=1280, height=800)
PHONE = ViewportSize(width=390, height=844)
Scheme = Literal["light", "dark"]
HEARS = ("--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream")
SCHEMES: tuple[Scheme, ...] = ("light", "dark")

KEPT = {
    "talk-light": "parley",
    "recalled-dark": "recalled",
    "settings-replies-light": "settings",
    "memory-dark": "memory",
    "phone-talk-dark": "phone",
}
"""The best of them, which the README shows."""

BREAD = """It is **just after seven** on Tuesday morning in Tokyo, so Aiko is up. For her loaf:

| for 500 g of flour | by weight | by share |
| --- | --- | --- |
| water | 375 g | 75 % |
| starter | 100 g | 20 % |
| salt | 10 g | 2 % |

```python
def water(flour_g: float, hydration: float = 0.75) -> float:
    return flour_g * hydration
```
"""


def main(folder: Path) -> None:
    with (
        tempfile.TemporaryDirectory() as data,
        ScriptedServer() as model,
        sync_playwright() as playwright,
    ):
        settings = {"PARLEY_BASE_URL": model.base_url, "PARLEY_MODEL": "qwen-3-32b"}
        settings |= {"PARLEY_VISION_MODEL": "gemma-3-27b", "PARLEY_SPEECH_MODEL": "kokoro-82m"}
        settings |= {"PARLEY_TRANSCRIBE_MODEL": "whisper-large-v3", "PARLEY_VOICE": "af_heart"}
        settings |= {"PARLEY_IMAGE_MODEL": "flux.1-schnell", "PARLEY_REQUESTS_PER_DAY": "60"}
        parley = RunningParley(Path(data), settings)
        newcomer = RunningParley(Path(data) / "new", {})
        newcomer.data.mkdir()
        parley.start()
        newcomer.start()
        browser = launch(playwright, *HEARS)
        try:
            for scheme in SCHEMES:
                _states(browser, parley, newcomer, model, folder, scheme)
        finally:
            browser.close()
            parley.end()
            newcomer.end()


def _states(
    browser: Browser,
    parley: RunningParley,
    newcomer: RunningParley,
    model: ScriptedServer,
    folder: Path,
    scheme: Scheme,
) -> None:
    desk = browser.new_context(viewport=DESK, color_scheme=scheme, device_scale_factor=2)
    page, _ = opened(desk, newcomer.url)
    page.wait_for_timeout(600)
    _take(page, folder, f"newcomer-{scheme}")
    page, _ = opened(desk, parley.url)
    _take(page, folder, f"empty-{scheme}")
    _talk(page, model)
    _take(page, folder, f"talk-{scheme}")
    _picture(page, model)
    _take(page, folder, f"picture-{scheme}")
    _streaming(page, model, folder, scheme)
    _failure(page, model)
    _take(page, folder, f"failure-{scheme}")
    _drawn(page, model)
    _take(page, folder, f"drawn-{scheme}")
    _commands(page, folder, scheme)
    _settings(page, folder, scheme)
    _call(page, folder, scheme)
    _memory(page, model, folder, scheme)
    _context(page, model, folder, scheme)
    _phone(browser, desk, page, folder, scheme)
    desk.close()


def _talk(page: Page, model: ScriptedServer) -> None:
    model.says("Noted: your sister lives in Tokyo.")
    say(page, "My sister Aiko lives in Tokyo and loves bread.")
    finished(page)
    page.locator("#parley-new").click()
    model.calls(
        ("calculate", {"expression": "75% of 500"}), ("clock", {"zone": "Asia/Tokyo"})
    ).says(*[f"{word} " for word in BREAD.split(" ")])
    say(
        page,
        "What time is it for my sister in Tokyo, and how much water for 500 g of flour at 75 %?",
    )
    finished(page)
    page.wait_for_timeout(400)


def _picture(page: Page, model: ScriptedServer) -> None:
    page.locator("#parley-new").click()
    page.locator("#parley-image input[type=file]").set_input_files(
        {
            "name": "board.png",
            "mimeType": "image/png",
            "buffer": png("Gate 14 · boarding 18:05\nSeat 22A", background="#fde68a"),
        }
    )
    page.locator("#parley-attachments img").wait_for()
    page.locator("#parley-speak input").check()
    model.says("Your flight boards at **18:05** at gate 14; you sit in **22A**, by the window.")
    model.speaks(tone(2.0))
    say(page, "When do I board?")
    finished(page)
    page.wait_for_timeout(400)
    page.locator("#parley-speak input").uncheck()


def _streaming(page: Page, model: ScriptedServer, folder: Path, scheme: Scheme) -> None:
    page.locator("#parley-new").click()
    model.thinks("The user wants a story. Keep it short.").says(
        *[f"{word} " for word in BREAD.split(" ") * 6], delay_s=0.05
    )
    say(page, "Tell me again, slowly")
    replies(page).get_by_text("Aiko").first.wait_for()
    _take(page, folder, f"streaming-{scheme}")
    page.keyboard.press("Escape")  # which stops it, unless it has ended on a slow machine
    finished(page)


def _failure(page: Page, model: ScriptedServer) -> None:
    page.locator("#parley-new").click()
    model.fails(401, {"error": {"message": "Incorrect API key provided"}})
    say(page, "One more")
    finished(page)
    page.wait_for_timeout(300)


def _drawn(page: Page, model: ScriptedServer) -> None:
    page.locator("#parley-new").click()
    model.draws(png("A quiet harbour", (640, 420), background="#cfe3ee"))
    say(page, "/image a quiet harbour in the morning")
    finished(page)
    page.wait_for_timeout(400)


def _commands(page: Page, folder: Path, scheme: Scheme) -> None:
    page.locator("#parley-new").click()
    page.locator("#parley-input textarea").press_sequentially("/")
    page.wait_for_timeout(300)
    _take(page, folder, f"commands-{scheme}")
    page.locator("#parley-input textarea").fill("")


def _settings(page: Page, folder: Path, scheme: Scheme) -> None:
    """Each section, and the sheet of shortcuts."""
    page.locator("[data-do=settings]").click()
    for tab in ("general", "replies", "models", "senses", "budget", "data"):
        page.locator(f"[data-tab={tab}]").click()
        page.wait_for_timeout(150)
        _take(page, folder, f"settings-{tab}-{scheme}")
    page.keyboard.press("Escape")
    page.locator(".side-foot [data-do=shortcuts]").click()
    page.wait_for_timeout(300)
    _take(page, folder, f"shortcuts-{scheme}")
    page.keyboard.press("Escape")


def _call(page: Page, folder: Path, scheme: Scheme) -> None:
    page.locator("#parley-new").click()
    page.locator("[data-do=call]").click()
    page.locator("#parley-call section").wait_for()
    page.wait_for_timeout(1200)
    _take(page, folder, f"call-{scheme}")
    page.locator(".hang-up").click()


def _memory(page: Page, model: ScriptedServer, folder: Path, scheme: Scheme) -> None:
    """What is remembered at once, what is recalled elsewhere, one card of it, and all of it."""
    for told, reply in (
        ("Remember that my sister Aiko is allergic to nuts.", "I shall keep nuts away from her."),
        ("Always give measures in metric units.", "Metric it is."),
    ):
        page.locator("#parley-new").click()
        model.says(reply)
        say(page, told)
        finished(page)
    page.wait_for_timeout(300)
    _take(page, folder, f"remembered-{scheme}")
    page.locator("#parley-new").click()
    model.says("A plain country loaf for **Aiko**: 375 g of water, and no walnuts in the dough.")
    say(page, "Which bread shall I bake for my sister Aiko?")
    finished(page).locator(".recalled .chip").nth(1).click()
    page.wait_for_timeout(300)
    _take(page, folder, f"recalled-{scheme}")
    page.keyboard.press("Escape")
    _panel(page)
    _take(page, folder, f"memory-{scheme}")
    page.keyboard.press("Escape")


def _panel(page: Page) -> None:
    page.locator("#parley-memory button").click()
    page.locator(".kept").first.wait_for()
    page.wait_for_timeout(300)


def _context(page: Page, model: ScriptedServer, folder: Path, scheme: Scheme) -> None:
    """A talk that has outgrown a small window: the marker, and the meter opened."""
    page.locator("#parley-new").click()
    model.models([{"id": "qwen-3-32b"}, {"id": "qwen-3-4b", "context_length": 8192}])
    page.locator("#parley-status button").click()
    page.locator("#parley-choice-refresh").click()
    page.get_by_role("radio", name="qwen-3-4b").check()
    page.locator("#parley-status").get_by_text("qwen-3-4b").wait_for()
    page.keyboard.press("Escape")
    for number, part in enumerate(("flour", "water", "salt", "the oven", "patience"), start=1):
        # The first two are long, the others as one would write them.
        more = "The dough rests, and the gluten finds its strength. " * (250 if number < 3 else 2)
        model.says(f"Of {part} one could say much. {more}")
        say(page, f"Tell me what {part} does to the bread, and why.")
        finished(page, number)
    page.locator("#parley-messages .marker").scroll_into_view_if_needed()
    page.locator("#parley-context button").first.click()
    page.wait_for_timeout(300)
    _take(page, folder, f"context-{scheme}")
    page.keyboard.press("Escape")


def _phone(
    browser: Browser, desk: BrowserContext, page: Page, folder: Path, scheme: Scheme
) -> None:
    phone = browser.new_context(
        viewport=PHONE,
        color_scheme=scheme,
        device_scale_factor=2,
        has_touch=True,
        storage_state=desk.storage_state(),
    )
    small, _ = opened(phone, page.url.split("?")[0])
    _take(small, folder, f"phone-empty-{scheme}")
    small.get_by_role("button", name="conversations").first.click()
    small.wait_for_timeout(400)
    _take(small, folder, f"phone-drawer-{scheme}")
    small.locator("#parley-conversations").get_by_text("What time is it").first.click()
    finished(small)
    small.wait_for_timeout(500)
    _take(small, folder, f"phone-talk-{scheme}")
    small.get_by_role("button", name="conversations").first.click()
    _panel(small)
    _take(small, folder, f"phone-memory-{scheme}")
    phone.close()


def _take(page: Page, folder: Path, name: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.png"
    page.screenshot(path=path)
    # A page has few colours: a palette of them takes a third of the room.
    with Image.open(path) as whole:
        whole.convert("RGB").quantize(128, dither=Image.Dither.NONE).save(path, optimize=True)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        main(Path(sys.argv[1]))
    else:
        with tempfile.TemporaryDirectory() as rest:
            main(Path(rest))
            for name, kept in KEPT.items():
                shutil.copy(Path(rest) / f"{name}.png", FOLDER / f"{kept}.png")
