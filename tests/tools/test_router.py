"""The router answers every call once, whatever the model wrote and whatever the tool does."""

import asyncio
import json
from time import monotonic
from typing import Any

import pytest

from messages import ToolCall, ToolResult
from tools.router import Router, ToolError, discover, tool


@tool
async def greet(name: str, times: int = 1) -> str:
    """Greet somebody."""
    return " ".join([f"Hello {name}"] * times)


@tool
async def picky() -> str:
    """Never content."""
    raise ToolError("Ask me nicely.")


@tool
async def broken() -> str:
    """Has a bug."""
    raise RuntimeError("secret inside")


@tool
async def sleepy() -> str:
    """Takes its time."""
    await asyncio.sleep(0.3)
    return "awake"


@tool
async def chatty() -> str:
    """Says a lot."""
    return "x" * 50_000


ROUTER = Router([greet, picky, broken, sleepy, chatty])


async def answer(name: str, arguments: Any, router: Router = ROUTER) -> ToolResult:
    written = arguments if isinstance(arguments, str) else json.dumps(arguments)
    [result] = [r async for r in router.run([ToolCall("c1", name, written)])]
    assert result.call_id == "c1"
    return result


def test_a_tool_is_described_by_its_signature_and_docstring() -> None:
    assert greet.name == "greet"
    assert greet.description == "Greet somebody."
    assert greet.parameters["required"] == ["name"]
    assert greet.parameters["properties"]["times"]["type"] == "integer"


async def test_arguments_are_validated_and_passed() -> None:
    assert (await answer("greet", {"name": "you", "times": 2})).text == "Hello you Hello you"


@pytest.mark.parametrize(
    ("name", "arguments", "words"),
    [
        ("nobody", {}, "There is no tool named 'nobody'"),
        ("greet", {}, "name: Missing required argument"),
        ("greet", {"name": "a", "times": "many"}, "times: Input should be a valid integer"),
        ("greet", {"name": "a", "loud": True}, "loud: Unexpected keyword argument"),
        ("greet", '{"name": "a', "not whole JSON"),
        ("greet", "[1]", "must be a JSON object"),
        ("picky", {}, "Ask me nicely."),
        ("broken", "", "failed inside"),
    ],
)
async def test_a_call_that_fails_is_answered_for_the_model(
    name: str, arguments: Any, words: str
) -> None:
    result = await answer(name, arguments)
    assert not result.ok
    assert words in result.text
    assert "\n" not in result.text
    assert "secret" not in result.text


async def test_calls_of_one_round_run_in_parallel() -> None:
    started = monotonic()
    calls = [ToolCall(f"c{n}", "sleepy", "{}") for n in range(4)]
    results = [r async for r in ROUTER.run(calls)]
    assert {r.call_id for r in results} == {"c0", "c1", "c2", "c3"}
    assert monotonic() - started < 4 * 0.3
    assert all(r.seconds >= 0.3 for r in results)


async def test_a_tool_that_hangs_is_given_up() -> None:
    result = await answer("sleepy", {}, Router([sleepy], timeout_s=0.05))
    assert not result.ok
    assert "longer than 0.05 s" in result.text


async def test_an_endless_result_is_cut_and_says_so() -> None:
    result = await answer("chatty", {})
    assert len(result.text) < 20_100
    assert "50,000 characters in all" in result.text


def test_the_tools_of_the_house_are_found() -> None:
    assert [t.name for t in discover()] == ["calculate", "clock", "convert_units", "dates"]
    assert all(t.description and t.parameters["type"] == "object" for t in discover())
