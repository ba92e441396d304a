"""A real Parley before the scripted provider, and what makes its machine fail."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.faults.checker import Checker
from tests.faults.cutting_proxy import CuttingProxy
from tests.faults.failing import Failing, compiled
from tests.faults.parley_process import Parley
from tests.faults.person import Person, arrived, with_a_tool
from tests.scripted_server import ScriptedServer


@pytest.fixture(scope="module")
def server() -> Iterator[ScriptedServer]:
    """The provider of all tests of a file: each turn calls a tool, then says three sentences."""
    with ScriptedServer() as scripted:
        yield scripted.improvises(with_a_tool)


@pytest.fixture(scope="module")
def failing(tmp_path_factory: pytest.TempPathFactory) -> Failing:
    folder = tmp_path_factory.mktemp("failing")
    return Failing(compiled(folder), folder / "order")


@pytest.fixture(scope="module")
def frail(
    server: ScriptedServer, failing: Failing, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Parley]:
    """A Parley whose machine fails when `failing` says so."""
    data = tmp_path_factory.mktemp("frail") / "data"
    parley = Parley(data, server.base_url, **failing.environment).start()
    yield parley
    parley.close()


@pytest.fixture(scope="module")
def parley(server: ScriptedServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Parley]:
    """A Parley on a sound machine."""
    found = Parley(tmp_path_factory.mktemp("sound") / "data", server.base_url).start()
    yield found
    found.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A data directory that is still to be made."""
    return tmp_path / "data"


@pytest.fixture(scope="module")
def checks(server: ScriptedServer, parley: Parley) -> Checker:
    """One for the whole life of `parley`."""
    return Checker(parley.data, server)


@pytest.fixture
async def person(parley: Parley, checks: Checker) -> AsyncIterator[Person]:
    async with arrived(parley.address, checks) as somebody:
        yield somebody


@pytest.fixture
async def failing_line(
    server: ScriptedServer, tmp_path: Path
) -> AsyncIterator[tuple[CuttingProxy, Parley, Person]]:
    """A Parley whose line to the provider breaks when it is told to."""
    with CuttingProxy(int(server.base_url.split(":")[2].split("/")[0])) as proxy:
        parley = Parley(tmp_path / "data", proxy.base_url).start()
        try:
            async with arrived(parley.address, Checker(parley.data, server)) as somebody:
                yield proxy, parley, somebody
        finally:
            parley.close()
