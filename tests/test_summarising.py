"""A rolling summary on the way to an answer: made, in vain, or not at all, the turn is answered."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from events import Event
from exchange import begin, grow
from handler import run_turn
from house import House, open_house
from inference.connection import Connection
from inference.provider import load_providers
from messages import Message, Provenance, Text, new_id
from settings import Settings
from steps.course import Turn
from tests.conftest import OWNER, kinds, said
from tests.scripted_server import ScriptedServer

WINDOW = 8_192
TOLD = " and the road went on over the hills" * 60


@pytest.fixture
async def house(
    model: ScriptedServer, tmp_path: Path, request: pytest.FixtureRequest
) -> AsyncIterator[House]:
    """A house whose provider takes money for tokens; its parameter is how many requests a day has."""
    custom = load_providers()["custom"]
    paid = replace(custom, billing="token", window=WINDOW, max_out=1_000, base_url=model.base_url)
    day = getattr(request, "param", 0)
    chosen = Settings(base_url=model.base_url, model="big", data_dir=tmp_path, requests_per_day=day)
    async with open_house(chosen, Connection(paid, "k-1")) as opened:
        yield opened


def long_talk(exchanges: int = 12) -> tuple[Message, ...]:
    told: list[Message] = []
    for number in range(exchanges):
        told.append(said(f"Question {number}:{TOLD}"))
        about = Provenance(model="big")
        answer = (Text(f"Answer {number}:{TOLD}"),)
        told.append(Message(new_id(), "assistant", answer, 1_700_000_000.0, provenance=about))
    return tuple(told)


async def turn(house: House, history: tuple[Message, ...]) -> tuple[list[Event], Message]:
    asked = Turn(OWNER, new_id(), said("And then?"), new_id(), history)
    events = [event async for event in run_turn(asked, house.layers)]
    opening = events[0]
    assert opening.kind == "turn_started"
    so_far = begin(opening)
    for event in events:
        so_far = grow(so_far, event)
    return events, so_far.reply


def purposes(reply: Message) -> list[str]:
    assert reply.provenance
    return [request.purpose for request in reply.provenance.requests]


async def test_a_summary_is_made_before_the_answer_and_sent_with_it(
    house: House, model: ScriptedServer
) -> None:
    model.says("They talked of a road.").says("Then came a bridge.")
    _, reply = await turn(house, long_talk())
    assert reply.text == "Then came a bridge."
    assert purposes(reply) == ["summary", "answer"]
    assert "They talked of a road." in str(model.requests[-1]["messages"])
    assert reply.provenance
    assert (reply.provenance.note, reply.provenance.summarised > 0) == ("", True)


@pytest.mark.parametrize("trouble", ["refused", "empty", "cut off", "broken off"])
async def test_a_summary_that_comes_to_nothing_is_counted_said_and_does_no_harm(
    house: House, model: ScriptedServer, trouble: str
) -> None:
    match trouble:
        case "refused":
            model.fails(400, {"error": {"message": "No such thing."}})
        case "empty":
            model.says("")
        case "cut off":
            model.says("They talked", finish="length")
        case "broken off":
            model.raw(b'data: {"choices": [{"delta": {"content": "They"}}]}\n\n', cut=True)
    model.says("Then came a bridge.")
    history = long_talk()
    _, reply = await turn(house, history)
    assert (reply.status, reply.text) == ("done", "Then came a bridge.")
    assert purposes(reply) == ["summary", "answer"]
    assert len(model.hits) == 2
    assert reply.provenance
    assert "could not be summarised" in reply.provenance.note
    assert reply.provenance.fault is None


async def test_a_summary_that_is_asked_for_twice_counts_twice(
    house: House, model: ScriptedServer
) -> None:
    model.fails(503).says("They talked of a road.").says("Then came a bridge.")
    events, reply = await turn(house, long_talk())
    assert "waiting" in kinds(events)
    assert purposes(reply) == ["summary", "summary", "answer"]
    assert len(model.hits) == 3
    assert reply.text == "Then came a bridge."


@pytest.mark.parametrize("house", [1], indirect=True)
async def test_no_summary_takes_the_request_that_is_kept_for_the_answer(
    house: House, model: ScriptedServer
) -> None:
    model.says("Then came a bridge.")
    _, reply = await turn(house, long_talk())
    assert (reply.text, purposes(reply)) == ("Then came a bridge.", ["answer"])
    assert reply.provenance
    assert "Not summarised" in reply.provenance.note
