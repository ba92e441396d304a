"""Parley is killed, and ended in order, while it streams; `make faults` does each ten times."""

import random
from collections.abc import Iterator

import pytest

from tests.faults.checker import Checker
from tests.faults.parley_process import Parley
from tests.faults.sudden_end import end_suddenly, long_with_a_tool
from tests.scripted_server import ScriptedServer


@pytest.fixture(scope="module")
def server() -> Iterator[ScriptedServer]:
    with ScriptedServer() as provider:
        yield provider.improvises(long_with_a_tool)


@pytest.fixture(scope="module")
def parley(server: ScriptedServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Parley]:
    """One that is killed and started again."""
    found = Parley(tmp_path_factory.mktemp("mortal") / "data", server.base_url).start()
    yield found
    found.close()


@pytest.fixture(scope="module")
def checks(server: ScriptedServer, parley: Parley) -> Checker:
    return Checker(parley.data, server)


@pytest.mark.parametrize("orderly", [False, True], ids=["killed", "ended in order"])
async def test_what_was_said_outlives_the_process(
    parley: Parley, server: ScriptedServer, checks: Checker, orderly: bool
) -> None:
    ended = await end_suddenly(parley, server, checks, random.Random(7), orderly)
    assert ended.took_s < 5


async def test_a_second_parley_on_the_same_data_is_refused_and_harms_nothing(
    parley: Parley, server: ScriptedServer, checks: Checker
) -> None:
    second = Parley(parley.data, server.base_url)
    assert "Another Parley is using" in second.refuses_to_start()
    assert parley.answers()
    checks.check()
