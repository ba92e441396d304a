"""The router answers every call once, whatever the model wrote and whatever the tool does."""

import asyncio
import json
import resource
from contextlib import suppress
from time import monotonic
from typing import Annotated, Any

import pytest
from pydantic import Field

from messages import ToolCall, ToolResult
from tests.tools.conftest import Surroundings
from tools.around import Around, Outcome
from tools.offered import offered
from tools.router import Router, Tool, ToolError, discover, tool


@tool
async def greet(name: str, times: int = 1, title: str | None = None) -> str:
    """Greet somebody."""
    return " ".join([f"Hello {title or ''}{name}"] * times)


@tool
async def picky() -> str:
    """Never content."""
    raise ToolError("Ask me\nnicely.")


@tool
async def broken() -> str:
    """Has a bug."""
    raise RuntimeError("secret inside")


@tool
async def gives_up() -> str:
    """Cancels itself."""
    raise asyncio.CancelledError


@tool
async def sleepy() -> str:
    """Takes its time."""
    await asyncio.sleep(0.3)
    return "awake"


@tool(timeout_s=0.05)
async def hanging() -> str:
    """Never ends."""
    await asyncio.Event().wait()
    return ""


@tool(timeout_s=0.05)
async def stubborn() -> str:
    """Will not be cancelled."""
    for _ in range(40):
        with suppress(asyncio.CancelledError):
            await asyncio.sleep(0.1)
    return ""


@tool
async def chatty() -> str:
    """Says a lot."""
    return "x" * 50_000


@tool
async def garbled() -> str:
    """Half a character."""
    return "a \ud800 b"


ROUTER = Router([greet, picky, broken, gives_up, sleepy, hanging, stubborn, chatty, garbled])


async def answer(name: str, arguments: Any, router: Router = ROUTER) -> ToolResult:
    written = arguments if isinstance(arguments, str) else json.dumps(arguments)
    [result] = [r async for r in router.run([ToolCall("c1", name, written)])]
    assert result.call_id == "c1"
    return result


def test_a_tool_is_described_by_its_signature_and_docstring() -> None:
    assert greet.name == "greet"
    assert greet.description == "Greet somebody."
    assert greet.parameters == {
        "type": "object",
        "properties": {
            "name": {"type": "string"},
            "times": {"type": "integer", "default": 1},
            "title": {"anyOf": [{"type": "string"}, {"type": "null"}], "default": None},
        },
        "required": ["name"],
        "additionalProperties": False,
    }


def test_what_surrounds_a_tool_is_no_argument_of_it() -> None:
    @tool
    async def near(around: Around, what: Annotated[str, Field(description="which")] = "") -> str:
        """Looks around."""
        return around.owner + what

    assert near.parameters["properties"] == {
        "what": {"type": "string", "default": "", "description": "which"}
    }


async def test_a_tool_gets_what_surrounds_it_and_cannot_be_given_another(
    surroundings: Surroundings,
) -> None:
    @tool
    async def whose(around: Around) -> str:
        """Whose turn it is."""
        return around.owner

    router, around = Router([whose]), surroundings.around("ann")
    [result] = [r async for r in router.run([ToolCall("c", "whose", "{}")], around)]
    assert result.text == "ann"
    forged = ToolCall("c", "whose", '{"around": {"owner": "bob"}}')
    [result] = [r async for r in router.run([forged], around)]
    assert not result.ok
    assert not (await answer("whose", {}, router)).ok


def test_a_tool_says_what_it_is() -> None:
    @tool(writes=True, reaches_out=True, timeout_s=3)
    async def post() -> str:
        """Sends something away."""
        return ""

    assert (post.declares, post.timeout_s, post.asks) == (("writes", "reaches out"), 3, None)
    assert (greet.declares, greet.timeout_s) == (("reads",), 20)


@pytest.mark.parametrize("bad", [lambda *names: "", lambda **names: "", lambda untyped: ""])
def test_a_function_that_cannot_be_described_is_no_tool(bad: Any) -> None:
    with pytest.raises(TypeError):
        tool(bad)


async def test_arguments_are_validated_and_passed() -> None:
    assert (await answer("greet", {"name": "you", "times": 2})).text == "Hello you Hello you"
    assert (await answer("greet", {"name": "you", "times": "2"})).text == "Hello you Hello you"


async def test_null_for_what_may_be_left_out_counts_as_left_out() -> None:
    assert (await answer("greet", {"name": "you", "times": None})).text == "Hello you"
    assert not (await answer("greet", {"name": None})).ok


@pytest.mark.parametrize(
    ("name", "arguments", "words"),
    [
        ("nobody", {}, "There is no tool named 'nobody'; the tools are: greet, "),
        ("greet", {}, "name: Field required"),
        ("greet", {"name": "a", "times": "many"}, "times: Input should be a valid integer"),
        ("greet", {"name": "a", "loud": True}, "loud: Extra inputs are not permitted"),
        ("greet", dict.fromkeys("abcdefgh"), "and 5 more"),
        ("greet", '{"name": "a', "not whole JSON"),
        ("greet", "[" * 100_000, "not whole JSON"),
        ("greet", '{"name": "' + "x" * 300_000 + '"}', "longer than 200,000"),
        ("greet", "[1]", "must be a JSON object"),
        ("greet", '"name"', "must be a JSON object"),
        ("greet", "null", "must be a JSON object"),
        ("picky", {}, "Ask me nicely."),
        ("broken", "", "failed inside"),
        ("gives_up", "", "failed inside"),
    ],
)
async def test_a_call_that_fails_is_answered_for_the_model(
    name: str, arguments: Any, words: str
) -> None:
    result = await answer(name, arguments)
    assert not result.ok
    assert words in result.text
    assert "\n" not in result.text
    assert len(result.text) <= 600
    assert "secret" not in result.text


async def test_calls_of_one_round_run_in_parallel() -> None:
    started = monotonic()
    calls = [ToolCall(f"c{n}", "sleepy", "{}") for n in range(4)]
    results = [r async for r in ROUTER.run(calls)]
    assert {r.call_id for r in results} == {"c0", "c1", "c2", "c3"}
    assert monotonic() - started < 2 * 0.3
    assert all(r.seconds >= 0.3 for r in results)


@pytest.mark.parametrize("name", ["hanging", "stubborn"])
async def test_a_tool_that_hangs_is_given_up(name: str) -> None:
    started = monotonic()
    result = await answer(name, {})
    assert not result.ok
    assert "longer than 0.05 s" in result.text
    assert monotonic() - started < 1.5


async def test_stop_cancels_the_tools_that_run() -> None:
    ended = asyncio.Event()

    @tool
    async def patient() -> str:
        """Cleans up after itself."""
        try:
            await asyncio.sleep(60)
        finally:
            ended.set()
        return ""

    async def pull() -> None:
        async for _ in Router([patient]).run([ToolCall("c", "patient", "{}")]):
            pass

    pulling = asyncio.create_task(pull())
    await asyncio.sleep(0.05)
    pulling.cancel()
    await asyncio.wait({pulling})
    assert ended.is_set()
    assert pulling.cancelled()


async def test_an_endless_result_is_cut_and_says_so() -> None:
    result = await answer("chatty", {})
    assert len(result.text) < 20_100
    assert "20,000 of 50,000 characters in all" in result.text


async def test_a_result_of_50_megabytes_is_not_copied_around() -> None:
    whole = "x" * 50_000_000

    @tool
    async def flood() -> Outcome:
        """A great deal."""
        return Outcome(whole, untrusted=True)

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    result = await answer("flood", {}, Router([flood]))
    assert len(result.text) < 20_100
    assert result.untrusted
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 10_000  # KB


async def test_what_cannot_be_sent_is_replaced() -> None:
    assert (await answer("greet", '{"name": "\\ud83d"}')).text == "Hello ?"
    assert (await answer("greet", '{"name": "\\uD83D\\uDE00"}')).text == "Hello 😀"
    assert (await answer("garbled", {})).text == "a ? b"


async def test_a_call_that_is_not_let_through_does_not_run() -> None:
    ran: list[str] = []
    asked: list[str] = []

    @tool
    async def mark(what: str) -> str:
        """Leaves a mark."""
        ran.append(what)
        return what

    async def gate(call: ToolCall, chosen: Tool) -> str:
        asked.append(chosen.name)
        return "Not now." if call.call_id == "a" else ""

    calls = [
        ToolCall("a", "mark", '{"what": "a"}'),
        ToolCall("b", "mark", '{"what": "b"}'),
        ToolCall("c", "mark", "{}"),
        ToolCall("d", "nobody", "{}"),
    ]
    results = {r.call_id: r async for r in Router([mark]).run(calls, gate=gate)}
    assert (results["a"].text, results["a"].ok) == ("Not now.", False)
    assert results["b"].ok
    assert ran == ["b"]
    assert asked == ["mark", "mark"]  # what would not run anyway asks nobody


def test_the_tools_of_the_house_are_found() -> None:
    plain = (
        "calculate clock convert_units dates forget make_image read_attachment remember "
        "search_memory"
    ).split()
    assert [t.name for t in discover()] == plain
    everywhere = sorted([*plain, "chart", "read_page", "weather"])
    assert [t.name for t in offered()] == everywhere
    assert [t.name for t in offered("http://x")] == sorted([*everywhere, "search_web"])
    assert all(t.description and t.parameters["type"] == "object" for t in offered("http://x"))
