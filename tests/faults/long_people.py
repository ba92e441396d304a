"""A hundred visitors stream at once, and one more floods."""

import asyncio
import time

from messages import new_id
from tests.faults.parley_process import Parley
from tests.faults.person import Person, arrived
from tests.faults.test_people import _flood
from tests.scripted_server import Reply, ScriptedServer

VISITORS = 100


async def test_a_hundred_stream_while_one_floods(
    parley: Parley, server: ScriptedServer, person: Person
) -> None:
    words = tuple(f"word {n} " for n in range(60))
    server.improvises(lambda _: Reply(words=words, delay_s=0.1, finish="stop"))
    flooding = asyncio.create_task(_flood(person))
    waits = await asyncio.gather(*(_first_words(parley, person) for _ in range(VISITORS)))
    _, refused = await flooding
    await person.settled(60)
    waits.sort()
    print(
        f"\nfirst words after {waits[50]:.2f} s (half), {waits[94]:.2f} s (95 of 100), "
        f"{waits[-1]:.2f} s (all); of the flood, {len(refused)} of 80 were refused"
    )
    assert len(waits) == VISITORS
    assert refused
    person.checker.check(parley.said())


async def _first_words(parley: Parley, person: Person) -> float:
    """Seconds from sending until the page was told the first words."""
    async with arrived(parley.address, person.checker) as somebody, somebody.visitor.line() as line:
        talk = new_id()
        await line.follow(talk)
        began = time.monotonic()
        assert (await somebody.says(talk))["ok"]
        await line.until(lambda frame: frame["kind"] == "turn" and "word 0" in str(frame))
        waited = time.monotonic() - began
        await line.until(lambda frame: frame["kind"] == "turn" and "word 59" in str(frame))
        return waited
