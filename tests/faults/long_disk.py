"""A database that another program holds for longer than anybody waits."""

import asyncio
import sqlite3
from contextlib import closing

from messages import new_id
from tests.faults.parley_process import Parley
from tests.faults.person import Person


async def test_who_waits_too_long_for_the_database_is_told(parley: Parley, person: Person) -> None:
    talk = new_id()
    with closing(sqlite3.connect(parley.data / "parley.db")) as other:
        other.execute("BEGIN IMMEDIATE")
        answer = await person.says(talk)
        other.rollback()
    assert not answer["ok"]
    assert "Another program" in answer["message"]
    assert (await person.says(talk))["ok"]
    await person.settled()
    person.checker.check(parley.said())


async def test_a_reply_that_cannot_be_stored_for_long_is_stored_in_the_end(
    parley: Parley, person: Person
) -> None:
    talk = new_id()
    assert (await person.says(talk))["ok"]
    with closing(sqlite3.connect(parley.data / "parley.db", timeout=30)) as other:
        other.execute("BEGIN IMMEDIATE")
        await asyncio.sleep(20)
        other.rollback()
    await person.settled()
    assert person.checker.messages(talk)[-1].status in ("done", "failed")
    person.checker.check(parley.said())
