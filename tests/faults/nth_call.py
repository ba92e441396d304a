"""One call to the machine fails: the first, the second, … until a whole turn passes without a failure.

Each place is a kind of file and what may be wrong with it. A step of 1 fails every single call; a
larger one a sample.
"""

import asyncio
import errno
import io
from collections.abc import AsyncIterator
from dataclasses import dataclass
from itertools import count

import docx
import httpx

from messages import new_id
from tests.faults.checker import Checker
from tests.faults.failing import Call, Failing
from tests.faults.parley_process import Parley
from tests.faults.person import Person, arrived
from tests.pictures import png
from tests.scripted_server import ScriptedServer, tone

UNCLEAR = "failed inside"


@dataclass(frozen=True)
class Place:
    """`below` is a beginning of paths in the data directory; "" are programs that are started."""

    name: str
    calls: Call
    below: str
    error: int
    step: int


PLACES = (
    Place("database, full", Call.WRITE, "parley.db", errno.ENOSPC, 29),
    Place("database, not synced", Call.SYNC, "parley.db", errno.EIO, 7),
    Place("database, not read", Call.READ, "parley.db", errno.EIO, 61),
    Place("Chroma, full", Call.WRITE, "chroma", errno.ENOSPC, 37),
    Place("Chroma, not read", Call.READ, "chroma", errno.EIO, 61),
    Place("Chroma, not opened", Call.OPEN, "chroma", errno.EMFILE, 2),
    Place("files, full", Call.WRITE, "media", errno.ENOSPC, 1),
    Place("files, not synced", Call.SYNC | Call.RENAME | Call.OPEN, "media", errno.EIO, 3),
    Place("workers", Call.START, "", errno.EAGAIN, 1),
)


async def fail_one_by_one(
    parley: Parley, failing: Failing, server: ScriptedServer, checks: Checker, place: Place
) -> int:
    """How many turns it took. Fails where anything is lost, unclear, or stands still."""
    below = parley.data / place.below
    for turns, nth in enumerate(count(1, place.step), start=1):
        async with arrived(parley.address, checks) as person:
            server.speaks(tone(0.2 + nth / 1000)).speaks(tone(0.3 + nth / 1000))
            failing.fail(place.calls, below, nth, many=1, error=place.error)
            talk = await _whole_turn(person, nth)
            if place.below == "chroma":
                await asyncio.sleep(0.8)  # vectors are gathered, and written behind the turn
            failed = failing.stop().failed
            server.reset()
            await _answers_still(person, talk)
        checks.check(parley.said())
        if not failed:
            return turns
    raise AssertionError


async def _whole_turn(person: Person, nth: int) -> str:
    """A document and a picture, a tool, speech: all that a turn touches. What fails is told clearly."""
    talk, media = new_id(), []
    async for attached in _attached(person, nth):
        told = attached.json()
        assert attached.status_code == 201 or told["advice"], told
        if attached.status_code == 201:
            media.append(told["sha256"])
    answer = await person.says(talk, "Read these, and say it.", media=media, speak=True)
    assert answer["ok"] or answer["advice"], answer
    await person.settled()
    await asyncio.sleep(0.2)  # what is remembered after the turn
    if answer["ok"]:
        about = person.checker.messages(talk)[-1].provenance
        assert not (about and about.fault and UNCLEAR in about.fault.message), about
    return talk


async def _attached(person: Person, nth: int) -> AsyncIterator[httpx.Response]:
    document = docx.Document()
    document.add_paragraph(f"The harbour opens at {nth}.")
    written = io.BytesIO()
    document.save(written)
    for name, data in (("harbour.docx", written.getvalue()), ("sign.png", png(f"Pier {nth}"))):
        yield await person.visitor.post(
            "/parley/media", content=data, headers={"x-file-name": name}
        )


async def _answers_still(person: Person, talk: str) -> None:
    """Nothing fails any more: Retry answers a failed reply, and more can be said."""
    if (shown := person.checker.messages(talk)) and shown[-1].status == "failed":
        assert (await person.retries(talk))["ok"]
        await person.settled()
    assert (await person.says(talk, "And now?"))["ok"]
    await person.settled()
    assert person.checker.messages(talk)[-1].status == "done"
