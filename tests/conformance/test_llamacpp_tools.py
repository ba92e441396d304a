"""Function calling through the whole house on llama.cpp's own server: its grammar, its templates,
its way of writing calls. The model knows by heart what to call (by_heart.py); all else is real.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import pytest
from pydantic import Field

from events import Event, ToolCalled, ToolReturned, TurnEnded
from handler import run_turn
from house import House, open_house
from inference.connection import Connection
from messages import ToolResult, new_id
from settings import Settings
from steps.course import Turn
from steps.tooling import Tooling
from tests.conformance.conftest import at
from tests.conformance.serving import Serving
from tests.conformance.test_llamacpp_chat import freed
from tests.conftest import OWNER, kinds, said
from tests.tools.local_web import LocalWeb
from tests.tools.test_through_the_house import TOOLS, answered, reply, with_tools
from tests.tools.test_weather import BARCELONA, FORECAST, SEARCH, forecast
from tools.router import Router, Tool, tool
from tools.weather import weather_tool

Say = Callable[..., Awaitable[list[Event]]]


@tool
async def sevens(number: Annotated[int, Field(multiple_of=7)]) -> str:
    """Takes what the server's grammar does not look at."""
    return f"{number}"


@tool
async def vanishing() -> str:
    """Belongs to a server that goes away."""
    return "still here"


@pytest.fixture
async def house(llama: Serving, tmp_path: Path) -> AsyncIterator[House]:
    chosen = Settings(base_url=llama.base_url, data_dir=tmp_path, requests_per_day=30)
    async with open_house(chosen, Connection(at(llama), "not-needed")) as opened:
        yield opened


@pytest.fixture
def say(house: House) -> Say:
    async def say(words: str, *more: Tool, on: Any = None) -> list[Event]:
        layers = with_tools(house, [*TOOLS, sevens, *more])
        events = []
        async for event in run_turn(Turn(OWNER, new_id(), said(words), new_id(), ()), layers):
            events.append(event)
            if on:
                await on(event)
        return events

    return say


def sent(events: list[Event]) -> list[str]:
    about = reply(events).provenance
    return [request.purpose for request in about.requests] if about else []


def only(events: list[Event]) -> ToolResult:
    (result,) = answered(events)
    return result


async def test_a_travel_assistant_is_asked_whether_it_is_warm_in_barcelona(say: Say) -> None:
    async with LocalWeb() as web:
        web.gives_json(SEARCH, {"results": [BARCELONA]})
        web.gives_json(FORECAST, forecast())
        weather = weather_tool(web.base_url, web.base_url)
        events = await say(
            "You are a travel assistant. Is it warm in Barcelona right now?", weather
        )
    (called,) = [event.call for event in events if isinstance(event, ToolCalled)]
    assert called.name == "weather"
    assert json.loads(called.arguments) == {"location": "Barcelona", "unit": "celsius"}
    assert "28.4 °C, mainly clear" in only(events).text
    assert kinds(events) == [
        "turn_started", "model_chosen", "context_built", "request_sent", "tool_called",
        "request_sent", "tool_returned", "request_sent", "text_delta", "request_sent",
        "turn_ended",
    ]  # fmt: skip
    assert (reply(events).text, sent(events)) == (
        "Yes, it is 28 °C there.", ["answer", "tool round"],
    )  # fmt: skip


async def test_three_rounds_in_a_row_cost_four_requests(say: Say, house: House) -> None:
    events = await say("Please take three rounds.")
    assert [r.text for r in answered(events)] == ["seen one", "seen two", "seen three"]
    assert reply(events).text == "So it is."
    assert sent(events) == ["answer", *["tool round"] * 3]
    assert await house.ledger.used_today("llamacpp") == 4


async def test_an_endless_loop_ends_after_six_rounds_with_an_answer(say: Say) -> None:
    events = await say("Begin an endless loop.")
    assert [r.text for r in answered(events)] == ["seen again"] * 6
    assert (reply(events).text, len(sent(events))) == ("So it is.", 7)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("not a seven", "number: Input should be a multiple of 7"),
        ("raise an error", "raising failed inside; try another way."),
        ("never come back", "hanging took longer than 0.2 s."),
    ],
)
async def test_a_call_that_fails_is_answered_and_the_model_goes_on(
    say: Say, words: str, told: str
) -> None:
    events = await say(f"Please {words} now.")
    result = only(events)
    assert (result.ok, told in result.text) == (False, True)
    assert (reply(events).text, reply(events).status) == ("So it is.", "done")
    assert sent(events) == ["answer", "tool round"]


async def test_a_tool_that_is_gone_when_it_is_called_is_a_wrong_name(
    say: Say, house: House
) -> None:
    there: list[Tool] = [vanishing]
    layers = house.layers.tooling
    router = Router([*TOOLS], [lambda: there])
    tooling = Tooling(router, layers.permissions, layers.confirmations)
    events = []
    asked = Turn(OWNER, new_id(), said("Now let one vanish."), new_id(), ())
    async for event in run_turn(asked, replace(house.layers, tooling=tooling)):
        events.append(event)
        if isinstance(event, ToolCalled):
            there.clear()
    assert only(events).text.startswith("There is no tool named 'vanishing'; the tools are: look")
    assert reply(events).text == "So it is."


async def test_a_name_that_the_servers_grammar_does_not_know_ends_the_turn_and_keeps_its_words(
    say: Say,
) -> None:
    events = await say("Call no such tool, please.")
    ended = events[-1]
    assert isinstance(ended, TurnEnded)
    assert ended.fault
    assert "grammar" in ended.fault.message
    assert (reply(events).text.strip(), answered(events)) == ("As you wish.", [])
    assert sent(events) == ["answer"]  # it had begun to answer: it is not asked again


async def test_stop_in_the_middle_of_a_tool_answers_its_call_and_ends_the_turn(
    say: Say, llama: Serving
) -> None:
    returned = asyncio.Event()
    seen: list[Event] = []

    async def on(event: Event) -> None:
        seen.append(event)
        if isinstance(event, ToolReturned):
            returned.set()

    turning = asyncio.ensure_future(say("Please stay there.", on=on))
    async with asyncio.timeout(20):
        await returned.wait()
        turning.cancel()
        events = await turning
    assert {r.text for r in answered(events)} == {"seen it", "No result: the turn was stopped."}
    assert reply(events).status == "stopped"
    assert await freed(llama) < 5


async def test_a_budget_that_runs_out_in_the_middle_ends_with_every_call_answered(
    llama: Serving, tmp_path: Path
) -> None:
    """Three requests: two rounds of the loop fit, and the answer. Then one is taken by another turn."""
    chosen = Settings(base_url=llama.base_url, data_dir=tmp_path, requests_per_day=3)
    async with open_house(chosen, Connection(at(llama), "not-needed")) as house:
        layers, taken = with_tools(house, TOOLS), False
        events: list[Event] = []
        asked = Turn(OWNER, new_id(), said("Begin an endless loop."), new_id(), ())
        async for event in run_turn(asked, layers):
            events.append(event)
            if isinstance(event, ToolReturned) and not taken:
                taken = True
                other = Turn(OWNER, new_id(), said("A greeting"), new_id(), ())
                async for _ in run_turn(other, layers):
                    pass
        assert len(answered(events)) == 2
        ended = events[-1]
        assert isinstance(ended, TurnEnded)
        assert ended.fault
        assert "All 3 requests of today" in ended.fault.message
        assert await house.ledger.used_today("llamacpp") == 3
