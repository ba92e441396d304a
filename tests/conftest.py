"""What the tests share: the scripted provider, and a whole house on a data directory of its own."""

import gc
import resource
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from events import Event
from house import House, open_house
from inference.connection import connect
from inference.provider import load_providers
from messages import Message, Part, Text, new_id
from settings import Settings
from tests.postgres import Postgres
from tests.postgres import postgres as postgres
from tests.scripted_server import ScriptedServer

OWNER = "a-visitor"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--postgres", action="store_true", help="keep what the stores keep in a real PostgreSQL"
    )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """With --postgres only what has to do with a database is passed again."""
    if config.getoption("--postgres"):
        about = {item: {"database_url", "postgres"} & set(_fixtures(item)) for item in items}
        config.hook.pytest_deselected(items=[item for item in items if not about[item]])
        items[:] = [item for item in items if about[item]]
        for item in items:
            if item.get_closest_marker("files"):
                item.add_marker(pytest.mark.skip(reason="about SQLite's files"))


def _fixtures(item: pytest.Item) -> list[str]:
    return item.fixturenames if isinstance(item, pytest.Function) else []


def pytest_collection_finish() -> None:
    """All that was imported stays; to look through it for garbage again and again takes a fifth of the
    time. So what one file of tests leaves is swept up together, at its end."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(700, 10, 1_000_000)


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> None:
    if nextitem is None or nextitem.path != item.path:
        gc.collect()


@pytest.fixture
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database: a file, or with --postgres one on a real server."""
    if request.config.getoption("--postgres"):
        server: Postgres = request.getfixturevalue("postgres")
        return server.fresh()
    return f"sqlite+aiosqlite:///{tmp_path}/data/parley.db"


@pytest.fixture
def model() -> Iterator[ScriptedServer]:
    with ScriptedServer() as server:
        yield server


@contextmanager
def _no_room() -> Iterator[None]:
    most, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (most, hard))


@pytest.fixture
def full_disk() -> Callable[[], AbstractContextManager[None]]:
    """While it is entered, no file of this process can be written."""
    return _no_room


@pytest.fixture
async def house(
    model: ScriptedServer, tmp_path: Path, request: pytest.FixtureRequest, database_url: str
) -> AsyncIterator[House]:
    """A house that talks to the scripted provider."""
    chosen = Settings(
        base_url=model.base_url,
        model="big",
        vision_model="seeing",
        transcribe_model="hearing",
        speech_model="speaking",
        voice="calm",
        data_dir=tmp_path,
        database_url=database_url if request.config.getoption("--postgres") else "",
    )
    async with open_house(chosen, connect(load_providers(), model.base_url, "k-1", {})) as opened:
        yield opened


def said(*parts: Part | str) -> Message:
    """A user's message; a bare str is its text."""
    whole = tuple(Text(p) if isinstance(p, str) else p for p in parts)
    return Message(new_id(), "user", whole, at=1_700_000_000.0)


def kinds(events: list[Event]) -> list[str]:
    """The events' kinds in order, runs of deltas written once."""
    found: list[str] = []
    for event in events:
        if not (found and event.kind == found[-1] and event.kind.endswith("_delta")):
            found.append(event.kind)
    return found
