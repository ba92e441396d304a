"""A hundred visitors stream at once, one more floods, and others come while they do."""

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

VISITORS, NEWCOMERS = 100, 8
LAST = 200
"""Of the words that each reply has: at four a second so many that all of them stream at once."""
PATIENCE_S = 180.0


async def test_a_hundred_stream_while_one_floods(
    parley: Parley, server: ScriptedServer, person: Person
) -> None:
    words = tuple(f"word {n} " for n in range(LAST + 1))
    server.improvises(lambda _: Reply(words=words, delay_s=0.25, finish="stop"))
    async with AsyncExitStack() as stack:
        present = [await _opened(stack, parley, person) for _ in range(VISITORS)]
        flooding = asyncio.create_task(_flood(person))
        waits = sorted(await asyncio.gather(*(_first_words(*one) for one in present)))
        _, refused = await flooding
        flooding = asyncio.create_task(_flood(person))
        newcomers = [await _opened(stack, parley, person) for _ in range(NEWCOMERS)]
        later = sorted([await _first_words(*one) for one in newcomers])
        streaming = person.checker.running()
        await flooding
        await asyncio.gather(*(_told(line, f"word {LAST}") for _, line in [*present, *newcomers]))
    await person.settled(PATIENCE_S)
    print(
        f"\nall at the same moment: first words after {waits[50]:.2f} s (half), {waits[94]:.2f} s "
        f"(95 of 100), {waits[-1]:.2f} s (all); {len(refused)} of the flood's 80 were refused"
        f"\nwhile {streaming} stream: first words after {later[NEWCOMERS // 2]:.2f} s (half of "
        f"{NEWCOMERS}), {later[-1]:.2f} s (all)"
    )
    assert len(waits) == VISITORS
    assert refused
    assert streaming
    person.checker.check(parley.said())


async def _opened(stack: AsyncExitStack, parley: Parley, person: Person) -> tuple[Person, Line]:
    """Somebody who has a page open."""
    somebody = await stack.enter_async_context(arrived(parley.address, person.checker))
    return somebody, await stack.enter_async_context(somebody.visitor.line())


async def _first_words(somebody: Person, line: Line) -> float:
    """Seconds from sending until the page was told the first words."""
    talk = new_id()
    await line.say({"follow": talk, "offset": 0})
    began = time.monotonic()
    assert (await somebody.says(talk))["ok"]
    await _told(line, "word 0")
    return time.monotonic() - began


async def _told(line: Line, words: str) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while True:
            frame = json.loads(await line.socket.recv())
            if frame["kind"] == "turn" and words in str(frame):
                return
