"""A hundred visitors stream at once, and one more floods."""

import asyncio
import json
import time
from contextlib import AsyncExitStack

from messages import new_id
from tests.components.conftest import Line
from tests.faults.parley_process import Parley
from tests.faults.person import Person, arrived
from tests.faults.test_people import _flood
from tests.scripted_server import Reply, ScriptedServer

VISITORS = 100
PATIENCE_S = 120.0


async def test_a_hundred_stream_while_one_floods(
    parley: Parley, server: ScriptedServer, person: Person
) -> None:
    words = tuple(f"word {n} " for n in range(60))
    server.improvises(lambda _: Reply(words=words, delay_s=0.1, finish="stop"))
    async with AsyncExitStack() as stack:
        present = [await _opened(stack, parley, person) for _ in range(VISITORS)]
        flooding = asyncio.create_task(_flood(person))
        waits = sorted(await asyncio.gather(*(_first_words(*one) for one in present)))
        _, refused = await flooding
    await person.settled(PATIENCE_S)
    print(
        f"\nfirst words after {waits[50]:.2f} s (half), {waits[94]:.2f} s (95 of 100), "
        f"{waits[-1]:.2f} s (all); of the flood, {len(refused)} of 80 were refused"
    )
    assert len(waits) == VISITORS
    assert refused
    person.checker.check(parley.said())


async def _opened(stack: AsyncExitStack, parley: Parley, person: Person) -> tuple[Person, Line]:
    """Somebody who has a page open."""
    somebody = await stack.enter_async_context(arrived(parley.address, person.checker))
    return somebody, await stack.enter_async_context(somebody.visitor.line())


async def _first_words(somebody: Person, line: Line) -> float:
    """Seconds from sending until the page was told the first words; the last ones come too."""
    talk = new_id()
    await line.say({"follow": talk, "offset": 0})
    began = time.monotonic()
    assert (await somebody.says(talk))["ok"]
    await _told(line, "word 0")
    waited = time.monotonic() - began
    await _told(line, "word 59")
    return waited


async def _told(line: Line, words: str) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while True:
            frame = json.loads(await line.socket.recv())
            if frame["kind"] == "turn" and words in str(frame):
                return
