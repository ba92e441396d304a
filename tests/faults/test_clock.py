"""The clock of the day jumps, between turns and in the middle of one."""

from collections.abc import Iterator

import pytest

from messages import new_id
from tests.faults.checker import Checker
from tests.faults.failing import Failing
from tests.faults.parley_process import Parley
from tests.faults.person import arrived
from tests.scripted_server import ScriptedServer

DAY = 24 * 3600


@pytest.fixture(autouse=True)
def on_time_again(failing: Failing) -> Iterator[None]:
    yield
    failing.set_clock_off(0)


async def test_whoever_was_there_is_still_known_whichever_way_the_clock_jumps(
    frail: Parley, failing: Failing, server: ScriptedServer, frail_checks: Checker
) -> None:
    checks = frail_checks
    async with arrived(frail.address, checks) as person:
        talk = new_id()
        for off in (0, -2 * DAY, 40 * DAY, 0):
            failing.set_clock_off(off)
            await person.visitor.get("/")
            assert (await person.says(talk, "What time is it now?"))["ok"], off
            failing.set_clock_off(off - DAY)  # in the middle of the turn
            await person.settled()
            reply = checks.messages(talk)[-1]
            assert reply.status == "done", reply
            assert reply.provenance
            assert reply.provenance.seconds >= 0
        assert len(checks.messages(talk)) == 8
        shown = await person.sees(talk)
        assert all(mark in shown for mark in person.marks)
    checks.check(frail.said())
