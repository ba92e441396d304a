"""What a round of tools costs beside the tools themselves: four of 200 ms against one of them.

Through the router alone, and with the permissions on a real database. `python -m bench.tools`
"""

import asyncio
import statistics
import tempfile
from collections.abc import Awaitable, Callable
from time import perf_counter

from messages import Message, Text, ToolCall
from tools.around import Around
from tools.router import Router, tool

SECONDS = 0.2
TOOLS = 4
ROUNDS = 7
MOST = 1.2

Rounds = Callable[[list[ToolCall]], Awaitable[int]]


@tool
async def slow(what: str = "") -> str:
    """Takes 200 ms."""
    await asyncio.sleep(SECONDS)
    return what


def calls(number: int) -> list[ToolCall]:
    return [ToolCall(f"c{n}", "slow", f'{{"what": "{n}"}}') for n in range(number)]


async def main() -> None:
    from memory.database import open_database
    from memory.migrations import MIGRATIONS
    from memory.permissions import Permissions
    from steps.confirmations import Confirmations
    from steps.tooling import Round, Tooling

    router = Router([slow])
    with tempfile.TemporaryDirectory() as folder:
        engine = await open_database(f"sqlite+aiosqlite:///{folder}/parley.db", MIGRATIONS)
        tooling = Tooling(router, Permissions(engine), Confirmations())
        said = (Message("0" * 32, "user", (Text("Go"),), 0.0),)
        now = Round("bench", "0" * 32, said, _nothing_around())

        async def routed(asked: list[ToolCall]) -> int:
            return len([result async for result in router.run(asked)])

        async def permitted(asked: list[ToolCall]) -> int:
            return len([event async for event in tooling.run(now, asked)])

        for label, run in (("the router", routed), ("with permissions", permitted)):
            one, many = await _seconds(run, 1), await _seconds(run, TOOLS)
            print(
                f"{label:18} one tool {one * 1e3:.1f} ms, {TOOLS} in one round {many * 1e3:.1f} ms: "
                f"{many / one:.3f} × one (at most {MOST})"
            )
            assert many / one < MOST
        await engine.dispose()


async def _seconds(run: Rounds, number: int) -> float:
    taken = []
    for _ in range(ROUNDS):
        started = perf_counter()
        assert await run(calls(number)) == number
        taken.append(perf_counter() - started)
    return statistics.median(taken)


def _nothing_around() -> Around:
    async def nothing(*_: object) -> None:
        raise AssertionError("this tool touches nothing")

    return Around(nothing, nothing, nothing, nothing, nothing, nothing)  # type: ignore[arg-type]


if __name__ == "__main__":
    asyncio.run(main())
