"""The thread of SQLite: how transactions begin and end, and what statements bring back."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from memory.database import open_database, reading, single

pytestmark = pytest.mark.files


def things(connection: sa.Connection) -> None:
    connection.exec_driver_sql("CREATE TABLE things (id INTEGER PRIMARY KEY, name TEXT UNIQUE)")


@pytest.fixture
async def engine(tmp_path: Path) -> AsyncIterator[AsyncEngine]:
    opened = await open_database(f"sqlite+aiosqlite:///{tmp_path}/things.db", [things])
    yield opened
    await opened.dispose()


async def put(engine: AsyncEngine, *names: str) -> None:
    async with engine.begin() as connection:
        for name in names:
            await connection.exec_driver_sql("INSERT INTO things (name) VALUES (?)", (name,))


async def names(engine: AsyncEngine) -> list[str]:
    async with reading(engine).connect() as connection:
        found = await connection.exec_driver_sql("SELECT name FROM things ORDER BY id")
        return [row[0] for row in found]


async def test_statements_bring_back_rows_counts_and_ids(engine: AsyncEngine) -> None:
    async with engine.begin() as connection:
        run = connection.exec_driver_sql
        one = await run("INSERT INTO things (name) VALUES (?)", ("one",))
        assert one.lastrowid == 1
        many = await run("INSERT INTO things (name) VALUES (?)", [("two",), ("three",)])
        assert many.rowcount == 2
        back = await run("INSERT INTO things (name) VALUES ('four') RETURNING id, name")
        assert [*back] == [(4, "four")]
        gone = await run("DELETE FROM things WHERE id > 2")
        assert gone.rowcount == 2
        assert (await run("SELECT * FROM things WHERE id > 9")).all() == []
    assert await names(engine) == ["one", "two"]


async def test_a_single_statement_is_kept_and_holds_up_nobody(engine: AsyncEngine) -> None:
    async with single(engine).begin() as connection:
        await connection.exec_driver_sql("INSERT INTO things (name) VALUES ('one')")
        await put(engine, "two")  # would wait in vain for a lock that is held
    async with reading(engine).connect() as connection:
        await connection.exec_driver_sql("SELECT 1")
    await put(engine, "three")  # a connection that was used so begins transactions again
    assert await names(engine) == ["one", "two", "three"]


async def test_a_transaction_in_which_nothing_was_done_is_none(engine: AsyncEngine) -> None:
    async with engine.begin():
        await put(engine, "one")  # would wait in vain for a lock that is held
    async with engine.connect() as connection:
        await connection.rollback()
        await connection.commit()
    assert await names(engine) == ["one"]


async def test_what_fails_takes_all_of_it_back_and_holds_no_lock(engine: AsyncEngine) -> None:
    with pytest.raises(sa.exc.IntegrityError):
        await put(engine, "one", "two", "one")
    await put(engine, "three")
    assert await names(engine) == ["three"]


async def test_a_reader_sees_one_moment_and_no_later_reader_sees_it(engine: AsyncEngine) -> None:
    async with reading(engine).connect() as connection:
        run = connection.exec_driver_sql
        assert (await run("SELECT count(*) FROM things")).scalar() == 0
        await put(engine, "one")
        assert (await run("SELECT count(*) FROM things")).scalar() == 0
    for number in range(2, 30):
        await put(engine, f"thing {number}")
        assert len(await names(engine)) == number


async def test_two_that_read_first_and_write_later_do_so_in_turn(engine: AsyncEngine) -> None:
    async def next_one() -> None:
        async with engine.begin() as connection:
            run = connection.exec_driver_sql
            count = (await run("SELECT count(*) FROM things")).scalar()
            await asyncio.sleep(0.002)
            await run("INSERT INTO things (name) VALUES (?)", (f"number {count}",))

    await asyncio.gather(*(next_one() for _ in range(25)))
    assert await names(engine) == [f"number {n}" for n in range(25)]


async def test_who_is_cancelled_leaves_no_lock(engine: AsyncEngine) -> None:
    endless = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n LIMIT 3000000) "
    for wait_s in (0, 0.001, 0.05):

        async def slow() -> None:
            async with engine.begin() as connection:
                await connection.exec_driver_sql("INSERT INTO things (name) VALUES ('lost')")
                await connection.exec_driver_sql(f"{endless} SELECT count(*) FROM n")

        task = asyncio.create_task(slow())
        await asyncio.sleep(wait_s)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        async with asyncio.timeout(10):
            await put(engine, f"after {wait_s}")
    assert "lost" not in await names(engine)
