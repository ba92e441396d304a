"""The provider fails in every way at every point of an answer, and the turn ends as it should."""

import pytest

from messages import new_id
from tests.faults.bytes_of_answers import FAULTS, POINTS, REFUSALS, SENTENCE
from tests.faults.cutting_proxy import CuttingProxy
from tests.faults.parley_process import CANARY_KEY, Parley
from tests.faults.person import Person, arrived, plain
from tests.scripted_server import ScriptedServer


async def ends_well(person: Person, parley: Parley, talk: str) -> str:
    """Something clear is said of a failure, and Retry answers. How the faulty turn ended."""
    await person.settled()
    reply = person.checker.messages(talk)[-1]
    fault = reply.provenance.fault if reply.provenance else None
    assert reply.status in ("done", "failed", "interrupted")
    assert reply.status == "done" or fault
    if fault:
        shown = plain(await person.sees(talk))
        assert fault.message
        assert "failed inside" not in fault.message, fault
        assert CANARY_KEY not in shown
    person.checker.check(parley.said())
    if reply.status != "done":
        assert (await person.retries(talk))["ok"]
        await person.settled()
        assert person.checker.messages(talk)[-1].status == "done"
    return reply.status


@pytest.mark.parametrize("point", POINTS)
async def test_whatever_comes_in_the_middle_what_had_arrived_is_kept(
    server: ScriptedServer, parley: Parley, person: Person, point: str
) -> None:
    for name, fault in FAULTS.items():
        server.reset()
        server.raw(POINTS[point] + fault.data, cut=fault.cut)
        talk = new_id()
        async with arrived(parley.address, person.checker) as somebody:
            assert (await somebody.says(talk))["ok"]
            await somebody.settled()
            first = somebody.checker.messages(talk)[-1]
            if SENTENCE.encode() in POINTS[point]:
                assert first.text.startswith(SENTENCE), (name, point, first)
            if point == "after the last token":
                assert first.status == "done" or name in ("an error object", "an error as text")
            await ends_well(somebody, parley, talk)


async def test_whatever_is_refused_before_the_headers_is_told(
    server: ScriptedServer, parley: Parley, person: Person
) -> None:
    for status, body in REFUSALS.values():
        server.reset()
        server.fails(status, body).fails(status, body)
        talk = new_id()
        async with arrived(parley.address, person.checker) as somebody:
            assert (await somebody.says(talk))["ok"]
            await somebody.settled()
            server.reset()
            await ends_well(somebody, parley, talk)


async def test_a_line_cut_at_any_byte_loses_nothing(
    server: ScriptedServer, failing_line: tuple[CuttingProxy, Parley, Person]
) -> None:
    proxy, parley, person = failing_line
    endings = set()
    for nth in (0, 1, 60, 200, 500, 900, 1400, 2000, 2600, 3200):
        talk = new_id()
        proxy.cut_after(nth)
        async with arrived(parley.address, person.checker) as somebody:
            assert (await somebody.says(talk))["ok"]
            await somebody.settled()
            proxy.heal()
            endings.add(await ends_well(somebody, parley, talk))
    assert len(endings) > 1
