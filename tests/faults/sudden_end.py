"""Parley is ended in the middle of a streaming turn with a tool and speech, and started again."""

import asyncio
import random
import time
from dataclasses import dataclass
from typing import Any

from messages import new_id
from tests.faults.checker import Checker
from tests.faults.parley_process import Parley
from tests.faults.person import Person, arrived
from tests.scripted_server import Answer, Reply, ScriptedServer

LONGEST_BEHIND_S = 1.0
LONGEST_BEHIND_CHARS = 500
NOISE_S = 1.5
"""What a loaded machine may add between a word's leaving the server and its being stored."""


@dataclass(frozen=True)
class Ended:
    """`after_s` from the message on. `behind` characters were on their way and are lost."""

    after_s: float
    took_s: float
    behind: int
    status: str


def long_with_a_tool(request: dict[str, Any]) -> Answer:
    """A tool, then 2 seconds of sentences of 40 characters."""
    if request["messages"][-1]["role"] == "tool":
        words = tuple(f"Sentence {n:03} goes on and on about it all. " for n in range(100))
        return Reply(words=words, delay_s=0.02, finish="stop")
    return Reply(calls=(("clock", {"zone": "UTC"}),), delay_s=0.1, finish="tool_calls")


async def end_suddenly(
    parley: Parley, server: ScriptedServer, checks: Checker, chance: random.Random, orderly: bool
) -> Ended:
    """Fails where anything accepted is lost, or the start after it does not mend it."""
    server.reset()
    async with arrived(parley.address, checks) as person:
        talk, after_s = new_id(), chance.uniform(0.0, 3.0)
        assert (await person.says(talk, speak=True))["ok"]
        await asyncio.sleep(after_s)
        ended_at = time.monotonic()
        took_s = await asyncio.to_thread(parley.end if orderly else parley.kill)
        if orderly:  # nothing is left for the next start to mend
            assert checks.running() == 0
        await asyncio.to_thread(parley.start)
        await person.settled()
        checks.check(parley.said())
        reply = checks.messages(talk)[-1]
        behind = _behind(server, reply.text, ended_at, orderly)
        await _goes_on(person, talk, reply.status)
        return Ended(after_s, took_s, behind, reply.status)


def _behind(server: ScriptedServer, stored: str, ended_at: float, orderly: bool) -> int:
    """How many characters had left the server and were not stored: those of the last second alone."""
    said = "".join(words for _, words in server.said)
    assert said.startswith(stored) or stored.startswith(said), (said, stored)
    before = ended_at - LONGEST_BEHIND_S - NOISE_S
    due = "".join(words for at, words in server.said if at < before)
    missing = len("".join(words for at, words in server.said if at <= ended_at)) - len(stored)
    slack = 0 if orderly else LONGEST_BEHIND_CHARS
    assert len(stored) >= len(due) or missing <= slack, f"I2: {missing} characters behind"
    return max(0, missing)


async def _goes_on(person: Person, talk: str, status: str) -> None:
    """The page shows what happened, and Retry answers."""
    assert status in ("interrupted", "done"), status
    if status == "interrupted":
        assert "the middle of this reply" in await person.sees(talk)
        assert (await person.retries(talk))["ok"]
        await person.settled(30)
    assert person.checker.messages(talk)[-1].status == "done"
