"""A running Parley in a process of its own, and a real Chromium in front of it."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from playwright.sync_api import (
    APIResponse,
    Browser,
    BrowserContext,
    ConsoleMessage,
    Locator,
    Page,
    Playwright,
    Route,
    expect,
    sync_playwright,
)

from tests.scripted_server import ScriptedServer

ROOT = Path(__file__).parents[2]
expect.set_options(timeout=10_000)

QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--autoplay-policy=user-gesture-required",
)


class RunningParley:
    """`python app.py` on a free port; `kill` ends it as a crash would, `start` begins anew."""

    def __init__(self, data: Path, environ: dict[str, str]) -> None:
        self.data = data
        self.environ = environ
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}/"
        self.log = data / "parley.log"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.command(), cwd=ROOT, env=self.environment(), stdout=log, stderr=log
            )
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            with suppress(OSError), urllib.request.urlopen(f"{self.url}healthz") as answer:
                if answer.status == 200:
                    return
            assert self.process.poll() is None, self.log.read_text()
            time.sleep(0.1)
        raise AssertionError(self.log.read_text())

    def command(self) -> list[str]:
        where = ["--port", str(self.port), "--data-dir", str(self.data)]
        return [sys.executable, "app.py", *where]

    def environment(self) -> dict[str, str]:
        clean = {k: v for k, v in os.environ.items() if not k.endswith("_API_KEY")}
        return {**clean, **self.environ}

    def end(self, how: int = signal.SIGTERM) -> None:
        if self.process and self.process.poll() is None:
            self.process.send_signal(how)
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait(5)
                raise

    def kill(self) -> None:
        self.end(signal.SIGKILL)


def let_in(users: Path, name: str, password: str) -> None:
    """Write somebody into the file of those who may log in."""
    subprocess.run(
        [sys.executable, "app.py", "--add-user", name],
        input=f"{password}\n".encode(),
        env={"PATH": os.environ["PATH"], "PARLEY_USERS": str(users)},
        cwd=ROOT,
        check=True,
    )


@pytest.fixture(scope="session")
def provider() -> Iterator[ScriptedServer]:
    with ScriptedServer() as server:
        yield server


@pytest.fixture
def model(provider: ScriptedServer) -> ScriptedServer:
    """The scripted provider, its script and record empty."""
    provider.reset()
    return provider


@pytest.fixture(scope="session")
def parley(
    provider: ScriptedServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningParley]:
    """Parley before the scripted provider; started once, for each test brings visitors of its own."""
    running = RunningParley(
        tmp_path_factory.mktemp("data"),
        {
            "PARLEY_BASE_URL": provider.base_url,
            "PARLEY_API_KEY": "k-scripted",
            "PARLEY_MODEL": "big",
            "PARLEY_VISION_MODEL": "seeing",
            "PARLEY_TRANSCRIBE_MODEL": "hearing",
            "PARLEY_SPEECH_MODEL": "speaking",
            "PARLEY_VOICE": "calm",
        },
    )
    running.start()
    yield running
    running.end()


@pytest.fixture(scope="session")
def offline_parley(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningParley]:
    """Parley as a newcomer has it: no key, and a PATH with no ffmpeg, espeak or browser."""
    running = RunningParley(tmp_path_factory.mktemp("offline"), {"PATH": "/nonexistent"})
    running.start()
    yield running
    running.end()


@pytest.fixture(scope="package")
def playwright() -> Iterator[Playwright]:
    with sync_playwright() as started:
        yield started


def launch(playwright: Playwright, *extra: str) -> Browser:
    found = shutil.which("chromium") or shutil.which("google-chrome")
    return playwright.chromium.launch(executable_path=found, args=[*QUIET, *extra])


@pytest.fixture(scope="package")
def browser(playwright: Playwright) -> Iterator[Browser]:
    opened = launch(playwright)
    yield opened
    opened.close()


@pytest.fixture
def visitor(browser: Browser) -> Iterator[BrowserContext]:
    """A fresh visitor: own cookie, own storage."""
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    context.set_default_timeout(15_000)
    yield context
    context.close()


class Watch:
    """What a page must not do: complain in its console, or reach for another host."""

    def __init__(self, page: Page, home: str) -> None:
        self.complaints: list[str] = []
        self.strangers: list[str] = []
        self.failures: list[str] = []
        self.home = home
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("request", lambda request: self._request(request.url))
        page.on("requestfailed", lambda request: self.failures.append(request.url))

    def _console(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.complaints.append(message.text)

    def _request(self, url: str) -> None:
        own = (self.home, self.home.replace("http", "ws", 1), "data:", "blob:")
        if not url.startswith(own):
            self.strangers.append(url)


def opened(context: BrowserContext, url: str) -> tuple[Page, Watch]:
    """A page of Parley that is ready to be used, and a watch over it from its first request on."""
    page = context.new_page()
    watch = Watch(page, url)
    page.goto(url)
    ready(page)
    return page, watch


def ready(page: Page) -> None:
    page.locator("#parley-input textarea").wait_for()
    page.wait_for_selector("html[data-live='open']")


def say(page: Page, words: str) -> None:
    page.locator("#parley-input textarea").fill(words)
    page.locator("#parley-send").click()


def replies(page: Page) -> Locator:
    return page.locator("#parley-chat [data-role=assistant]")


def finished(page: Page, number: int = 1) -> Locator:
    """The reply of that number (from 1), once it is whole."""
    reply = replies(page).nth(number - 1)
    reply.wait_for()
    expect(reply).not_to_have_attribute("data-status", "running", timeout=20_000)
    return reply


def answer_late(page: Page, do: Callable[[], None], shown: Callable[[], None]) -> None:
    """Let the page show what came of an order before it gets the order's answer."""
    answers: list[tuple[Route, APIResponse]] = []
    page.route("**/run/predict*", lambda route: answers.append((route, route.fetch())), times=1)
    do()
    shown()
    for _ in range(500):  # the answer is on its way to us, too
        if not answers:
            page.wait_for_timeout(20)
    [(route, answer)] = answers
    route.fulfill(response=answer)
