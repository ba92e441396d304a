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


@pytest.fixture(scope="session")
def scripted() -> Iterator[ScriptedServer]:
    """The provider of all these tests: each turn calls a tool, then says three sentences."""
    with ScriptedServer() as provider:
        yield provider


@pytest.fixture
def server(scripted: ScriptedServer) -> ScriptedServer:
    """The same, of which this test has not asked anything yet."""
    scripted.reset()
    return scripted.improvises(with_a_tool)


@pytest.fixture(scope="session")
def failing(tmp_path_factory: pytest.TempPathFactory) -> Failing:
    folder = tmp_path_factory.mktemp("failing")
    return Failing(compiled(folder), folder / "order")


@pytest.fixture(scope="session")
def frail(
    scripted: ScriptedServer, failing: Failing, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Parley]:
    """A Parley whose machine fails when `failing` says so; a start takes seconds, so it is shared."""
    data = tmp_path_factory.mktemp("frail") / "data"
    parley = Parley(data, scripted.base_url, **failing.environment).start()
    yield parley
    parley.close()


@pytest.fixture(scope="session")
def frail_checks(scripted: ScriptedServer, frail: Parley) -> Checker:
    return Checker(frail.data, scripted)


@pytest.fixture(scope="session")
def parley(scripted: ScriptedServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Parley]:
    """A Parley on a sound machine, shared by all tests that leave it running."""
    found = Parley(tmp_path_factory.mktemp("sound") / "data", scripted.base_url).start()
    yield found
    found.close()


@pytest.fixture(scope="session")
def checks(scripted: ScriptedServer, parley: Parley) -> Checker:
    """One for the whole life of `parley`."""
    return Checker(parley.data, scripted)


@pytest.fixture
async def person(server: ScriptedServer, parley: Parley, checks: Checker) -> AsyncIterator[Person]:
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
