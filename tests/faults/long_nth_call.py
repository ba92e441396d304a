"""Every call of each kind fails once: a turn for each."""

from dataclasses import replace

import pytest

from tests.faults.checker import Checker
from tests.faults.failing import Failing
from tests.faults.nth_call import PLACES, Place, fail_one_by_one
from tests.faults.parley_process import Parley
from tests.scripted_server import ScriptedServer

EACH = {"database, full": 3, "database, not read": 5, "Chroma, full": 5, "Chroma, not read": 13}
"""So many steps from one call to the next, where a turn makes hundreds: 15 minutes are for all."""


@pytest.mark.parametrize("place", PLACES, ids=lambda place: place.name)
async def test_each_call_that_fails_loses_nothing_and_is_told(
    frail: Parley, failing: Failing, server: ScriptedServer, frail_checks: Checker, place: Place
) -> None:
    thorough = replace(place, step=EACH.get(place.name, 1))
    turns = await fail_one_by_one(frail, failing, server, frail_checks, thorough)
    print(f"\n{place.name}: {turns} turns, every {thorough.step}. call failed")
