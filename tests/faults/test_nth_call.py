"""A sample of the calls to the machine fails, one in each turn; `make faults` fails every one."""

import pytest

from tests.faults.checker import Checker
from tests.faults.failing import Failing
from tests.faults.nth_call import PLACES, Place, fail_one_by_one
from tests.faults.parley_process import Parley
from tests.scripted_server import ScriptedServer


@pytest.mark.parametrize("place", PLACES, ids=lambda place: place.name)
async def test_a_call_that_fails_loses_nothing_and_is_told(
    frail: Parley, failing: Failing, server: ScriptedServer, frail_checks: Checker, place: Place
) -> None:
    assert await fail_one_by_one(frail, failing, server, frail_checks, place) > 1
