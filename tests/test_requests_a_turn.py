"""What each kind of turn asks of a provider that bills by the request, counted at the provider.

The README's table says the same numbers; both are read here.
"""

import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from events import TurnStarted
from exchange import begin, grow
from handler import run_turn
from house import House, open_house
from inference.connection import connect
from inference.provider import load_providers
from messages import Message, Part, Wishes, new_id
from settings import Settings
from steps.course import Turn
from tests.conftest import OWNER, said
from tests.pictures import png
from tests.scripted_server import ScriptedServer
from tests.speech import speech, wav

README = (Path(__file__).parents[1] / "README.md").read_text()
TABLE = dict(re.findall(r"^\| ([^|]+) \| (\d[^|]*) \|$", README, re.MULTILINE))
SENTENCE = "Here is a sentence that is long enough to be worth a request of its own. "


def table(row: str) -> tuple[int, ...]:
    """The numbers in the README's row."""
    return tuple(map(int, re.findall(r"\d+", TABLE[row])))


@asynccontextmanager
async def opened(model: ScriptedServer, data: Path, **more: Any) -> AsyncIterator[House]:
    oxlo = replace(load_providers()["oxlo"].on_plan("premium"), base_url=model.base_url)
    connection = connect({**load_providers(), "oxlo": oxlo}, model.base_url, "k-1", {})
    chosen = Settings(base_url=model.base_url, data_dir=data, **more)
    async with open_house(chosen, connection) as house:
        yield house


@pytest.fixture
async def oxlo(model: ScriptedServer, tmp_path: Path) -> AsyncIterator[House]:
    async with opened(model, tmp_path) as house:
        yield house


async def turn(
    house: House, *parts: Part | str, speak: bool = False, history: tuple[Message, ...] = ()
) -> Message:
    asked = Turn(OWNER, new_id(), said(*parts), new_id(), history, Wishes(speak))
    events = [event async for event in run_turn(asked, house.layers)]
    assert isinstance(events[0], TurnStarted)
    exchange = begin(events[0])
    for event in events:
        exchange = grow(exchange, event)
    assert exchange.reply.status == "done", exchange.reply.provenance
    return exchange.reply


async def plain(house: House, model: ScriptedServer) -> None:
    model.says("Hello.")
    await turn(house, "Hi")


async def remembering(house: House, model: ScriptedServer) -> None:
    model.says("Noted.")
    await turn(house, "My sister Aiko is allergic to walnuts")
    model.reset()
    model.says("No walnuts.")
    reply = await turn(house, "What is my sister Aiko allergic to?")
    assert reply.provenance
    assert reply.provenance.recalled


async def seeing(house: House, model: ScriptedServer) -> None:
    picture = await house.assistant.attach(OWNER, png("Hello"), "a.png")
    model.says("A greeting.")
    await turn(house, picture, "What is this?")


async def using_tools(house: House, model: ScriptedServer) -> None:
    model.calls(("clock", {"zone": "UTC"}), ("calculate", {"expression": "6*7"}), ("clock", {}))
    model.says("It is late, and 42.")
    await turn(house, "What time is it, and how much is 6 times 7?")


async def spoken_to(house: House, model: ScriptedServer) -> None:
    recording = await house.assistant.attach(OWNER, wav(speech("Hello there")), "voice.wav")
    model.hears("hello there").says("Hello.")
    await turn(house, recording)


async def nothing(house: House, _model: ScriptedServer) -> None:
    here = new_id()
    await house.assistant.open(OWNER, here)
    await house.assistant.usage(OWNER, here)
    await house.assistant.answering(OWNER, here)
    await house.assistant.attach(OWNER, png("Hello"), "a.png")
    house.assistant.offers(OWNER)


KINDS: dict[str, Callable[[House, ScriptedServer], Awaitable[None]]] = {
    "text": plain,
    "text with memory": remembering,
    "picture": seeing,
    "tools": using_tools,
    "spoken question": spoken_to,
    "nothing": nothing,
}
ROWS = {
    "text": "text, with or without memory",
    "text with memory": "text, with or without memory",
    "picture": "with pictures",
    "tools": "with one round of tools, any number in parallel",
    "spoken question": "a spoken question",
    "nothing": "new conversation, title, page load, idle",
}


@pytest.mark.parametrize(
    ("kind", "requests"),
    [("text", 1), ("text with memory", 1), ("picture", 1), ("tools", 2), ("spoken question", 2),
     ("nothing", 0)],
)  # fmt: skip
async def test_a_turn_sends_what_the_readme_says(
    model: ScriptedServer, oxlo: House, kind: str, requests: int
) -> None:
    before = await oxlo.ledger.used_today("oxlo")
    await KINDS[kind](oxlo, model)
    assert len(model.hits) == requests
    assert table(ROWS[kind]) == (requests,)
    earlier = 1 if kind == "text with memory" else 0
    assert await oxlo.ledger.used_today("oxlo") - before == requests + earlier


@pytest.mark.parametrize(("sentences", "requests"), [(1, 1), (3, 2), (60, 2)])
async def test_a_spoken_reply_of_any_length_is_two_requests_more_at_most(
    model: ScriptedServer, oxlo: House, sentences: int, requests: int
) -> None:
    model.says(*[SENTENCE] * sentences)
    await turn(oxlo, "Say it", speak=True)
    assert len(model.hits) == 1 + requests
    assert table("the reply spoken, or read aloud later") == (1, 2)


async def test_the_local_voice_costs_none(model: ScriptedServer, tmp_path: Path) -> None:
    async with opened(model, tmp_path, requests_per_day=3) as house:
        model.says(SENTENCE * 3)
        reply = await turn(house, "Say it", speak=True)
        assert reply.provenance
        assert reply.provenance.spoken
    assert [hit.path for hit in model.hits] == ["/v1/chat/completions"]
