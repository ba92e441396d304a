"""Takes the pictures of the documentation: a real Parley in a real Chromium, on scripted replies.

`make screenshots` takes those of the README. `python -m docs.screenshots FOLDER [LOCALE]` keeps every state
in FOLDER to be looked at: on telephones and desks, light and dark, in the language of LOCALE (such as de-DE).
"""

import socket
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Literal

from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

from docs import states
from docs.states import SIZES, Scene
from tests.browser.conftest import RunningParley, launch, let_in, opened
from tests.scripted_server import ScriptedServer

FOLDER = Path(__file__).parent
HEARS = ("--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream")
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
KEPT = {
    "talk-desk-light": "parley",
    "recalled-desk-dark": "recalled",
    "tool-running-desk-light": "tools",
    "call-desk-dark": "call",
    "picture-desk-light": "picture",
    "memory-desk-dark": "memory",
    "settings-models-desk-light": "settings",
    "talk-phone-dark": "phone",
}
"""The best of them, which the README shows."""
LARGE = ("parley", "phone")


class Camera:
    """Takes what a page shows at every size and in every scheme; `wanted` are the names it keeps."""

    def __init__(self, folder: Path, wanted: Callable[[str], bool]) -> None:
        self._folder = folder
        self._wanted = wanted
        folder.mkdir(parents=True, exist_ok=True)

    def __call__(self, page: Page, name: str, *sizes: str) -> None:
        """`sizes` are all, if none is named. Afterwards the page is as wide as it was."""
        before = page.viewport_size
        for size in sizes or tuple(SIZES):
            for scheme in SCHEMES:
                if not self._wanted(whole := f"{name}-{size}-{scheme}"):
                    continue
                page.set_viewport_size(SIZES[size])
                page.emulate_media(color_scheme=scheme)
                page.wait_for_timeout(250)  # what glides or fades has ended then
                page.screenshot(path=self._folder / f"{whole}.png")
        if before:
            page.set_viewport_size(before)
        page.emulate_media(color_scheme="light")


def main(
    folder: Path, locale: str = "en-GB", wanted: Callable[[str], bool] = lambda _: True
) -> int:
    """Every state, one after the other; those that go wrong are told and counted, the others taken."""
    sharp = 2 if folder.name == "kept" else 1
    with house() as (scene, browser):
        scene.visitor = partial(
            browser.new_context,
            viewport=SIZES["desk"],
            device_scale_factor=sharp,
            locale=locale,
            color_scheme="light",
        )
        context = scene.visitor()
        context.set_default_timeout(15_000)
        scene.page, _ = opened(context, scene.parley.url)
        camera, missed = Camera(folder, wanted), 0
        for state in states.ALL:
            scene.model.reset()
            try:
                state(scene, camera)
            except Exception as error:  # the next states are worth a look all the same
                missed += 1
                sys.stderr.write(f"{state.__name__}: {str(error)[:600]}\n")
                scene.page, _ = opened(context, scene.parley.url)
            scene.clear()
        context.close()
    return missed


@contextmanager
def house() -> Iterator[tuple[Scene, Browser]]:
    """Everything that a state may need: a Parley with a model, one without, and one behind a login."""
    with ExitStack() as stack:
        data = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        model = stack.enter_context(ScriptedServer())
        # A search engine that takes its time: it accepts, and never answers.
        silent = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        users = data / "users"
        let_in(users, "ann", "a good one")
        settings = {"PARLEY_BASE_URL": model.base_url, "PARLEY_MODEL": "qwen-3-32b"}
        settings |= {"PARLEY_VISION_MODEL": "gemma-3-27b", "PARLEY_SPEECH_MODEL": "kokoro-82m"}
        settings |= {"PARLEY_TRANSCRIBE_MODEL": "whisper-large-v3", "PARLEY_VOICE": "af_heart"}
        settings |= {"PARLEY_IMAGE_MODEL": "flux.1-schnell", "PARLEY_REQUESTS_PER_DAY": "120"}
        settings |= {"PARLEY_SEARXNG_URL": f"http://127.0.0.1:{silent.getsockname()[1]}"}
        running = {
            "parley": RunningParley(data / "parley", settings),
            "newcomer": RunningParley(data / "new", {"PATH": "/nonexistent"}),
            "locked": RunningParley(data / "locked", {"PARLEY_USERS": str(users)}),
        }
        for one in running.values():
            one.data.mkdir()
            one.start()
            stack.callback(one.end)
        browser = launch(stack.enter_context(sync_playwright()), *HEARS)
        stack.callback(browser.close)
        yield Scene(model=model, **running), browser


def small(path: Path, kept: Path) -> None:
    """A page has few colours: a palette of them takes a third of the room. What the README shows small
    need not be large."""
    with Image.open(path) as whole:
        picture = whole.convert("RGB")
    if kept.stem not in LARGE:
        picture.thumbnail((1280, 1280), Image.Resampling.LANCZOS)
    picture.quantize(128, dither=Image.Dither.NONE).save(kept, optimize=True)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        sys.exit(main(Path(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else "en-GB"))
    with tempfile.TemporaryDirectory() as rest:
        taken = Path(rest) / "kept"
        failed = main(taken, wanted=KEPT.__contains__)
        for name, kept in KEPT.items():
            small(taken / f"{name}.png", FOLDER / f"{kept}.png")
    sys.exit(failed)
