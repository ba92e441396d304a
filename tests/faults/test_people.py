"""People who press twice, open two tabs, read slowly, or go away."""

import asyncio
import json
from dataclasses import replace
from typing import Any

from messages import new_id
from tests.components.conftest import Frame
from tests.faults.parley_process import Parley
from tests.faults.person import Person, arrived, with_a_tool
from tests.scripted_server import Answer, Reply, ScriptedServer


def ended(frame: Frame) -> bool:
    return frame["kind"] == "turn" and '"done"' in json.dumps(frame)


async def test_what_is_sent_twice_at_once_is_answered_once(
    parley: Parley, server: ScriptedServer, person: Person
) -> None:
    def slowly(request: dict[str, Any]) -> Answer:
        """So that the first reply still runs when the last order has come."""
        return replace(with_a_tool(request), delay_s=0.8)

    server.improvises(slowly)
    talk = new_id()
    answers = await asyncio.gather(*(person.says(talk) for _ in range(4)))
    assert sum(answer["ok"] for answer in answers) == 1
    assert all(answer["ok"] or answer["advice"] for answer in answers)
    await person.settled()
    assert len(person.checker.messages(talk)) == 2
    assert len(server.requests) == 2  # the answer, and one more for the tool
    person.checker.check(parley.said())


async def test_a_tab_that_is_closed_takes_nothing_from_the_other(
    parley: Parley, person: Person
) -> None:
    talk = new_id()
    async with person.visitor.line() as stays:
        await stays.follow(talk)
        async with person.visitor.line() as goes:
            await goes.follow(talk)
            assert (await person.says(talk))["ok"]
            await goes.until(lambda frame: frame["kind"] == "turn")
        await stays.until(ended)
    await person.settled()
    person.checker.check(parley.said())


async def test_who_reads_slowly_holds_up_nobody(
    parley: Parley, server: ScriptedServer, person: Person
) -> None:
    talk = new_id()
    words = tuple(f"{n} is followed by {n + 1}, as everybody knows. " for n in range(4_000))
    async with person.visitor.line() as line:
        await line.follow(talk)
        line.socket.transport.pause_reading()  # a page that no longer takes what is sent to it
        server.says(*words)
        assert (await person.says(talk))["ok"]
        async with arrived(parley.address, person.checker) as other:
            elsewhere = new_id()
            assert (await other.says(elsewhere))["ok"]
            await other.settled(60)
            assert other.checker.messages(elsewhere)[-1].status == "done"
        assert person.checker.messages(talk)[-1].text == "".join(words)
        line.socket.transport.resume_reading()
        await line.until(ended)
    person.checker.check(parley.said())


async def test_one_who_floods_keeps_nobody_else_from_an_answer(
    parley: Parley, server: ScriptedServer, person: Person
) -> None:
    flooding = asyncio.create_task(_flood(person))
    async with arrived(parley.address, person.checker) as other:
        talk = new_id()
        assert (await other.says(talk))["ok"]
    sent, refused = await flooding
    await person.settled(60)
    assert person.checker.messages(talk)[-1].status == "done"
    assert refused
    assert len(sent) + len(refused) == 80
    assert all(answer["advice"] for answer in refused)
    person.checker.check(parley.said())


async def _flood(person: Person) -> tuple[list[Frame], list[Frame]]:
    """Twice as many new chats as anybody may begin at once."""
    answers = await asyncio.gather(*(person.says(new_id()) for _ in range(80)))
    return [a for a in answers if a["ok"]], [a for a in answers if not a["ok"]]


async def test_nothing_of_one_reaches_another(
    parley: Parley, server: ScriptedServer, person: Person
) -> None:
    server.improvises(lambda request: Reply(words=(json.dumps(request["messages"][-1]),)))
    talk = new_id()
    assert (await person.says(talk, "The peanuts are in the cellar."))["ok"]
    await person.settled()
    async with arrived(parley.address, person.checker) as stranger, stranger.visitor.line() as line:
        seen = [await line.follow(talk)]
        theirs = new_id()
        assert (await stranger.says(theirs, "Where are the peanuts?"))["ok"]
        await stranger.settled()
        seen.append(await line.follow(theirs))
    said = json.dumps(seen) + server.hits[-1].body.decode()
    assert not [mark for mark in person.marks if mark in said]
    assert "cellar" not in said
