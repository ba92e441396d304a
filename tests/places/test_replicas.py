"""Two Parleys with one PostgreSQL and one Chroma server, behind nginx as docs/scaling.md sets it up."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Playwright, expect

from tests.browser.conftest import (
    ROOT,
    RunningParley,
    finished,
    launch,
    opened,
    ready,
    replies,
    say,
)
from tests.memory.chroma_process import ChromaProcess
from tests.places.nginx import Nginx
from tests.postgres import Postgres
from tests.scripted_server import ScriptedServer

PER_DAY = 5


@dataclass
class Team:
    model: ScriptedServer
    parleys: list[RunningParley]
    url: str


@pytest.fixture(scope="module")
def browser(playwright: Playwright) -> Iterator[Browser]:
    opened = launch(playwright)
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def playwright() -> Iterator[Playwright]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as started:
        yield started


@pytest.fixture
def visitor(browser: Browser) -> Iterator[BrowserContext]:
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    context.set_default_timeout(20_000)
    yield context
    context.close()


@pytest.fixture
def team(postgres: Postgres, tmp_path: Path) -> Iterator[Team]:
    chroma = ChromaProcess(tmp_path / "chroma")
    chroma.start()
    with ScriptedServer() as model:
        environ = {
            "PARLEY_BASE_URL": model.base_url,
            "PARLEY_API_KEY": "k-scripted",
            "PARLEY_MODEL": "big",
            "PARLEY_REQUESTS_PER_DAY": str(PER_DAY),
            "DATABASE_URL": postgres.fresh().replace("postgresql+asyncpg", "postgresql"),
            "CHROMA_URL": chroma.url,
            "PARLEY_SHARED_DIR": str(tmp_path / "shared"),
            "PARLEY_COOKIE_KEY": "one key for all of them, of many characters",
            "PARLEY_PROXIES": "127.0.0.1",
        }
        folders = [tmp_path / "one", tmp_path / "two"]
        for folder in folders:
            folder.mkdir()
        parleys = [RunningParley(folder, environ) for folder in folders]
        servers = (ROOT / "deploy" / "nginx.conf").read_text()
        for parley, port in zip(parleys, (7861, 7862), strict=True):
            servers = servers.replace(str(port), str(parley.port))
        nginx = Nginx(tmp_path / "nginx", servers.replace("listen 80;", "listen 127.0.0.1:{port};"))
        try:
            for parley in parleys:
                parley.start()
            yield Team(model, parleys, f"http://127.0.0.1:{nginx.port}/")
        finally:
            for parley in parleys:
                parley.end()
            nginx.end()
            chroma.stop()


def at(page: Page, parley: RunningParley) -> Page:
    """The same visitor and conversation, by the other Parley's own port."""
    there = page.context.new_page()
    there.goto(parley.url + page.url.rpartition("/")[2])
    ready(there)
    return there


def test_a_talk_outlives_the_parley_it_was_begun_on(team: Team, visitor: BrowserContext) -> None:
    team.model.says("Noted.")
    page, _ = opened(visitor, team.url)
    say(page, "My boat is called Seewolf")
    finished(page)
    team.model.says(*(f"word{n} " for n in range(400)), delay_s=0.05)
    say(page, "Tell me a long story")
    expect(replies(page).nth(1)).to_contain_text("word3 ")
    running = _who_answers(team)
    others = next(one for one in team.parleys if one is not running)

    there = at(page, others)
    expect(replies(there).nth(0)).to_contain_text("Noted.")
    expect(there.locator("#parley-conversations")).to_contain_text("My boat is called Seewolf")
    expect(replies(there).nth(1)).to_contain_text("word60 ")  # it goes on, followed from elsewhere
    assert replies(there).nth(1).get_attribute("data-status") == "running"

    running.kill()
    expect(replies(there).nth(1)).to_have_attribute("data-status", "interrupted", timeout=20_000)
    expect(replies(there).nth(1)).to_contain_text("word60 ")
    expect(replies(page).nth(1)).to_have_attribute("data-status", "interrupted", timeout=20_000)
    team.model.says("Seewolf, you said.")
    say(page, "What is my boat called?")
    expect(finished(page, 3)).to_contain_text("Seewolf, you said.")
    expect(finished(there, 3)).to_contain_text("Seewolf, you said.")


def test_stop_reaches_the_parley_that_answers(team: Team, visitor: BrowserContext) -> None:
    team.model.says(*(f"word{n} " for n in range(400)), delay_s=0.05)
    page, _ = opened(visitor, team.url)
    say(page, "Tell me a long story")
    expect(replies(page).nth(0)).to_contain_text("word3 ")
    running = _who_answers(team)
    there = at(page, next(one for one in team.parleys if one is not running))
    expect(replies(there).nth(0)).to_contain_text("word3 ")
    there.locator("#parley-stop").click()
    expect(replies(there).nth(0)).to_have_attribute("data-status", "stopped")
    expect(replies(page).nth(0)).to_have_attribute("data-status", "stopped")


def test_the_budget_is_one_for_all(team: Team, browser: Browser) -> None:
    team.model.default("Yes.")
    contexts = [browser.new_context() for _ in range(2)]
    pages = []
    for context, parley in zip(contexts, team.parleys, strict=True):
        page, _ = opened(context, parley.url)
        pages.append(page)
    for number in range(PER_DAY + 1):
        page = pages[number % 2]
        say(page, f"Question {number}")
        finished(page, number // 2 + 1)
    assert len(team.model.requests) == PER_DAY
    expect(replies(pages[1]).last).to_contain_text("spent")
    for context in contexts:
        context.close()


def _who_answers(team: Team) -> RunningParley:
    """The Parley that holds a connection to the provider."""
    for parley in team.parleys:
        assert parley.process is not None
        ports = _connected_ports(parley.process.pid)
        if int(team.model.base_url.rpartition(":")[2].removesuffix("/v1")) in ports:
            return parley
    raise AssertionError("nobody asks the provider")


def _connected_ports(pid: int) -> set[int]:
    """Ports on this machine that a process is connected to."""
    sockets = set()
    for link in Path(f"/proc/{pid}/fd").iterdir():
        try:
            target = str(link.readlink())
        except OSError:
            continue
        if target.startswith("socket:["):
            sockets.add(target[8:-1])
    found = set()
    for line in Path(f"/proc/{pid}/net/tcp").read_text().splitlines()[1:]:
        fields = line.split()
        if fields[9] in sockets and fields[3] == "01":
            found.add(int(fields[2].split(":")[1], 16))
    return found
