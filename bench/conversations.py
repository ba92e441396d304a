"""How long the list and the search of conversations take, with 2,000 conversations of 20 messages.

    python -m bench.conversations

Each figure is the median of some tries; the floor is a query by key in the same run.
"""

import asyncio
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path

from components.conversation_list import Asked, pane
from components.conversation_search import results
from memory.bringing import Arrivals, Brought
from memory.conversations import Conversations
from memory.database import open_database
from memory.listing import Listing
from memory.migrations import MIGRATIONS
from memory.search import Search
from messages import Conversation, Message, Text, new_id

OWNER, TALKS, EACH, TRIES = "ann", 2_000, 20, 15
WORDS = "harbour garden window letter river summer engine copper violet ladder".split()


def talk(number: int) -> Brought:
    at = 1.7e9 + number * 3_600
    said = []
    for n in range(EACH):
        words = " ".join(WORDS[(number * 7 + n * 3 + i) % len(WORDS)] for i in range(60))
        role = "assistant" if n % 2 else "user"
        text = f"{words} number{number} 第{number}回の会話です"
        said.append(Message(new_id(), role, (Text(text),), at + n))  # type: ignore[arg-type]
    return Brought(
        Conversation(new_id(), f"Talk about {WORDS[number % 10]} {number}", at, at), said
    )


async def timed(work: Callable[[], Awaitable[object]]) -> float:
    taken = []
    for _ in range(TRIES):
        began = time.perf_counter()
        await work()
        taken.append(time.perf_counter() - began)
    return statistics.median(taken) * 1_000


async def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        engine = await open_database(f"sqlite+aiosqlite:///{folder}/parley.db", MIGRATIONS)
        began = time.perf_counter()
        brought = [talk(number) for number in range(TALKS)]
        for start in range(0, TALKS, 25):
            await Arrivals(engine).store(OWNER, brought[start : start + 25])
        stored_s = time.perf_counter() - began
        conversations, listing, search = Conversations(engine), Listing(engine), Search(engine)
        one = brought[0].conversation.id
        now = datetime.now(UTC)

        async def listed() -> str:
            return pane(await listing.contents(OWNER), Asked(), now)

        async def found(query: str) -> str:
            return results(await search.find(OWNER, query), query)

        size = Path(folder, "parley.db").stat().st_size / 1e6
        print(f"{TALKS:,} conversations, {TALKS * EACH:,} messages, {size:.0f} MB")
        print(f"stored and indexed     {stored_s:8.1f} s")
        print(
            f"floor: one by its id   {await timed(lambda: conversations.get(OWNER, one)):8.1f} ms"
        )
        html = await listed()
        print(f"the list, {len(html) / 1e3:3.0f} kB      {await timed(listed):8.1f} ms")
        for name, query in (
            ("a rare word", "number1234"),
            ("a common word", "harbour"),
            ("two, as typed", "garden wind"),
            ("in Japanese", "第777回"),
            ("nothing found", "dinosaur"),
        ):
            print(f"search: {name:<14} {await timed(lambda q=query: found(q)):8.1f} ms")  # type: ignore[misc]
        await engine.dispose()


if __name__ == "__main__":
    asyncio.run(main())
