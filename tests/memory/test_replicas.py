"""Several Parleys on one real PostgreSQL: who lives, and what they tell each other."""

import asyncio
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from memory.database import open_database
from memory.migrations import MIGRATIONS
from memory.replicas import Replicas
from tests.postgres import Postgres

OTHER = """
import asyncio, sys
from memory.database import open_database
from memory.replicas import Replicas

async def main():
    replicas = Replicas(await open_database(sys.argv[1], []))
    async with replicas.joined():
        print(replicas.number, flush=True)
        await asyncio.sleep(60)

asyncio.run(main())
"""


@pytest.fixture
async def engine(postgres: Postgres) -> AsyncIterator[AsyncEngine]:
    opened = await open_database(postgres.fresh(), [])
    yield opened
    await opened.dispose()


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not true():
            await asyncio.sleep(0.05)


async def test_one_that_is_killed_is_missed_by_the_others(engine: AsyncEngine) -> None:
    url = engine.url.render_as_string(hide_password=False)
    other = await asyncio.create_subprocess_exec(
        sys.executable, "-c", OTHER, url, stdout=asyncio.subprocess.PIPE
    )
    assert other.stdout
    number = int(await other.stdout.readline())
    seen: list[set[int]] = []

    async def look(alive: set[int]) -> None:
        seen.append(alive)

    here = Replicas(engine)
    here.on_look = look
    async with here.joined():
        assert seen[0] == {here.number, number}
        other.kill()
        await other.wait()
        await until(lambda: seen[-1] == {here.number})


async def test_what_one_tells_the_others_hear_and_it_does_not(engine: AsyncEngine) -> None:
    heard: dict[str, list[tuple[str, list[str]]]] = {"one": [], "other": []}
    one, other = Replicas(engine), Replicas(engine)
    one.on_news = lambda kind, what: heard["one"].append((kind, what))
    other.on_news = lambda kind, what: heard["other"].append((kind, what))
    async with one.joined(), other.joined():
        one.tell("changed", 'ann\'s "owner" ü')
        one.tell("changed", "x" * 9_000)  # too long for a notice: they look by themselves
        one.tell("stop", "ann", "c1")
        await until(lambda: len(heard["other"]) == 2)
    assert heard["other"] == [("changed", ['ann\'s "owner" ü']), ("stop", ["ann", "c1"])]
    assert heard["one"] == []


async def test_a_connection_that_is_cut_is_made_again(engine: AsyncEngine) -> None:
    heard: list[str] = []
    seen: list[set[int]] = []
    one, other = Replicas(engine), Replicas(engine)
    one.on_news = lambda kind, _what: heard.append(kind)

    async def look(alive: set[int]) -> None:
        seen.append(alive)

    other.on_look = look
    async with one.joined(), other.joined():
        cut = sa.text(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        async with engine.connect() as connection:
            await connection.execute(cut)
        seen.clear()
        await until(lambda: bool(seen) and {one.number, other.number} <= seen[-1])
        async with asyncio.timeout(20):
            while not heard:  # what is told before the other one listens again is lost
                other.tell("changed")
                await asyncio.sleep(0.2)


async def test_a_file_has_one_parley_which_looks_once(tmp_path: Path) -> None:
    engine = await open_database(f"sqlite+aiosqlite:///{tmp_path}/parley.db", MIGRATIONS)
    seen: list[set[int]] = []

    async def look(alive: set[int]) -> None:
        seen.append(alive)

    alone = Replicas(engine)
    alone.on_look = look
    async with alone.joined():
        alone.tell("changed", "ann")
    assert seen == [{alone.number}]
    await engine.dispose()
