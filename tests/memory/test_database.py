"""The database file: brought up to date once, refused unharmed, private to its owner."""

import asyncio
import os
import signal
import sqlite3
import stat
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager, closing
from pathlib import Path

import pytest
import sqlalchemy as sa

from memory import schema
from memory.database import DatabaseRefused, claim, erase_traces, open_database, reading
from memory.migrations import MIGRATIONS
from memory.storage_faults import StoreFailed


def one(connection: sa.Connection) -> None:
    connection.exec_driver_sql("CREATE TABLE steps (name TEXT)")
    connection.exec_driver_sql("INSERT INTO steps VALUES ('one')")


def two(connection: sa.Connection) -> None:
    connection.exec_driver_sql("INSERT INTO steps VALUES ('two')")


def breaks_half_way(connection: sa.Connection) -> None:
    connection.exec_driver_sql("CREATE TABLE half (x TEXT)")
    connection.exec_driver_sql("INSERT INTO steps VALUES ('half')")
    raise RuntimeError("power cut")


def url(path: Path) -> str:
    return f"sqlite+aiosqlite:///{path}"


async def steps(path: Path, *migrations: object) -> list[str]:
    engine = await open_database(url(path), migrations)  # type: ignore[arg-type]
    async with engine.connect() as connection:
        names = [row[0] for row in await connection.exec_driver_sql("SELECT name FROM steps")]
    await engine.dispose()
    return names


async def test_each_migration_is_applied_once_and_in_order(tmp_path: Path) -> None:
    path = tmp_path / "parley.db"
    assert await steps(path, one) == ["one"]
    assert await steps(path, one, two) == ["one", "two"]
    assert await steps(path, one, two) == ["one", "two"]


async def test_a_migration_that_fails_leaves_nothing_and_is_tried_again(tmp_path: Path) -> None:
    path = tmp_path / "parley.db"
    with pytest.raises(RuntimeError, match="power cut"):
        await open_database(url(path), [one, breaks_half_way])
    assert await steps(path, one, two) == ["one", "two"]


async def test_a_database_of_a_later_version_is_refused_and_unchanged(tmp_path: Path) -> None:
    path = tmp_path / "parley.db"
    await steps(path, one, two)
    before = path.read_bytes()
    with pytest.raises(DatabaseRefused, match="later version") as refused:
        await open_database(url(path), [one])
    assert "two" in refused.value.message
    assert refused.value.advice
    assert path.read_bytes() == before


async def test_a_refused_database_that_was_killed_keeps_its_unfolded_log(tmp_path: Path) -> None:
    path, copy = tmp_path / "parley.db", tmp_path / "copy" / "parley.db"
    engine = await open_database(url(path), [one, two])
    copy.parent.mkdir()
    for end in ("", "-wal"):
        Path(f"{copy}{end}").write_bytes(Path(f"{path}{end}").read_bytes())
    await engine.dispose()
    before = copy.read_bytes(), Path(f"{copy}-wal").read_bytes()
    with pytest.raises(DatabaseRefused, match="later version"):
        await open_database(url(copy), [one])
    assert (copy.read_bytes(), Path(f"{copy}-wal").read_bytes()) == before
    assert await steps(copy, one, two) == ["one", "two"]


@pytest.mark.parametrize("damage", ["garbage", "cut", "hole"])
async def test_a_damaged_file_is_refused_and_unchanged(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "parley.db"
    engine = await open_database(url(path), MIGRATIONS)
    await erase_traces(engine)
    await engine.dispose()
    whole = path.read_bytes()
    broken = {
        "garbage": os.urandom(len(whole)),
        "cut": whole[: len(whole) // 2 + 100],
        "hole": whole[:8192] + bytes(8192) + whole[16384:],
    }[damage]
    path.write_bytes(broken)
    changed_at = path.stat().st_mtime_ns
    with pytest.raises(DatabaseRefused, match="damaged or no database"):
        await open_database(url(path), MIGRATIONS)
    assert path.read_bytes() == broken
    assert path.stat().st_mtime_ns == changed_at


async def test_a_database_of_another_program_is_refused_and_unchanged(tmp_path: Path) -> None:
    path = tmp_path / "photos.db"
    other = sqlite3.connect(path)
    other.execute("CREATE TABLE photos (name TEXT)")
    other.close()
    before = path.read_bytes()
    with pytest.raises(DatabaseRefused, match="another program"):
        await open_database(url(path), MIGRATIONS)
    assert path.read_bytes() == before


async def test_a_folder_in_place_of_the_file_is_refused_with_advice(tmp_path: Path) -> None:
    with pytest.raises(DatabaseRefused, match="cannot be opened"):
        await open_database(url(tmp_path), MIGRATIONS)


async def test_the_files_are_readable_by_their_user_alone(tmp_path: Path) -> None:
    path = tmp_path / "data" / "parley.db"
    engine = await open_database(url(path), MIGRATIONS)
    modes = {p.name: stat.S_IMODE(p.stat().st_mode) for p in (path.parent, *path.parent.iterdir())}
    await engine.dispose()
    assert modes.pop("data") == 0o700
    assert set(modes.values()) == {0o600}


async def test_many_writers_that_read_first_all_succeed(tmp_path: Path) -> None:
    engine = await open_database(url(tmp_path / "parley.db"), [one])

    async def add(number: int) -> None:
        async with engine.begin() as connection:
            await connection.exec_driver_sql("SELECT count(*) FROM steps")
            await asyncio.sleep(0)
            await connection.exec_driver_sql("INSERT INTO steps VALUES (?)", (str(number),))

    await asyncio.gather(*(add(number) for number in range(30)))
    async with engine.connect() as connection:
        count = (await connection.exec_driver_sql("SELECT count(*) FROM steps")).scalar()
    await engine.dispose()
    assert count == 31


async def test_every_table_has_the_columns_the_code_uses(tmp_path: Path) -> None:
    engine = await open_database(url(tmp_path / "parley.db"), MIGRATIONS)
    used = (
        schema.conversations,
        schema.messages,
        schema.message_media,
        schema.media,
        schema.memories,
        schema.forgotten,
    )
    async with engine.connect() as connection:
        for table in used:
            rows = await connection.exec_driver_sql(f"PRAGMA table_info({table.name})")
            assert {row.name for row in rows} == set(table.c.keys()), table.name
    await engine.dispose()


async def test_a_second_process_is_refused_the_directory_until_the_first_ends(
    tmp_path: Path,
) -> None:
    holder = (
        "import sys, time; from pathlib import Path; from memory.database import claim\n"
        "held = claim(Path(sys.argv[1])); print('held', flush=True); time.sleep(60)"
    )
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", holder, str(tmp_path), stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout
    assert await process.stdout.readline() == b"held\n"
    with pytest.raises(DatabaseRefused, match="Another Parley is using"):
        claim(tmp_path)
    process.send_signal(signal.SIGKILL)
    await process.wait()
    claim(tmp_path).release()


@pytest.mark.parametrize("emptied", [False, True], ids=["missing", "emptied"])
async def test_a_lost_database_is_not_replaced_by_a_new_one_beside_its_files(
    tmp_path: Path, emptied: bool
) -> None:
    path = tmp_path / "parley.db"
    (tmp_path / "media" / "ab").mkdir(parents=True)
    if emptied:
        path.touch()
    with pytest.raises(DatabaseRefused, match="media beside it belong to what it held") as refused:
        await open_database(url(path), [one])
    assert "backup" in refused.value.advice
    assert path.exists() == emptied
    assert not emptied or path.stat().st_size == 0


async def test_a_full_disk_is_told_in_words_and_is_over_when_there_is_room(
    tmp_path: Path, full_disk: Callable[[], AbstractContextManager[None]]
) -> None:
    engine = await open_database(url(tmp_path / "parley.db"), [one])
    insert = sa.text("INSERT INTO steps VALUES ('kept')")
    with full_disk(), pytest.raises(StoreFailed) as failed:
        async with engine.begin() as connection:
            await connection.execute(insert)
    assert "disk" in failed.value.message
    assert failed.value.advice
    async with engine.begin() as connection:
        await connection.execute(insert)
    await engine.dispose()


async def test_a_mistake_in_a_statement_is_no_trouble_of_the_disk(tmp_path: Path) -> None:
    engine = await open_database(url(tmp_path / "parley.db"), [one])
    async with engine.connect() as connection:
        with pytest.raises(sa.exc.OperationalError):
            await connection.exec_driver_sql("SELECT nothing FROM nowhere")
    await engine.dispose()


async def test_who_is_cancelled_while_waiting_for_the_database_is_cancelled(tmp_path: Path) -> None:
    engine = await open_database(url(tmp_path / "parley.db"), [one])

    async def write() -> None:
        async with engine.begin() as connection:
            await connection.exec_driver_sql("INSERT INTO steps VALUES ('never')")

    async with reading(engine).connect() as connection:  # the very one that will write
        await connection.exec_driver_sql("PRAGMA busy_timeout=1000")
    with closing(sqlite3.connect(tmp_path / "parley.db")) as other:
        other.execute("BEGIN IMMEDIATE")
        writing = asyncio.create_task(write())
        await asyncio.sleep(0.3)
        writing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await writing
        other.rollback()
    await engine.dispose()
