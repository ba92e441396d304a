"""The disk is full, read-only, locked or damaged: told in words, nothing lost, over when it is over."""

import asyncio
import errno
import os
import resource
import shutil
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from messages import new_id
from tests.faults.checker import Checker
from tests.faults.failing import READ_ONLY, Failing
from tests.faults.parley_process import Parley
from tests.faults.person import Person, arrived
from tests.scripted_server import ScriptedServer

LOST: dict[str, Callable[[Path], None]] = {
    "garbage at its beginning": lambda path: _overwrite(path, 0, b"no database at all. " * 50),
    "garbage inside": lambda path: _overwrite(path, 4096, os.urandom(8 * 4096)),
    "cut in half": lambda path: os.truncate(path, path.stat().st_size // 2),
    "emptied": lambda path: os.truncate(path, 0),
    "missing": lambda path: path.unlink(),
}


def _overwrite(path: Path, at: int, data: bytes) -> None:
    with path.open("r+b") as file:
        file.seek(at)
        file.write(data)


@pytest.fixture
async def talk(person: Person) -> str:
    """A conversation with a reply in it."""
    found = new_id()
    assert (await person.says(found))["ok"]
    await person.settled()
    return found


@pytest.mark.parametrize("damage", LOST)
async def test_a_damaged_database_is_refused_in_words_and_left_alone(
    parley: Parley, server: ScriptedServer, talk: str, tmp_path: Path, damage: str
) -> None:
    copy = tmp_path / "data"
    shutil.copytree(parley.data, copy, ignore=shutil.ignore_patterns("*.lock", "*-shm", "*-wal"))
    database = copy / "parley.db"
    with (
        closing(sqlite3.connect(parley.data / "parley.db")) as db,
        closing(sqlite3.connect(database)) as whole,
    ):
        db.backup(whole)
        whole.execute("PRAGMA journal_mode=DELETE")
    LOST[damage](database)
    before = database.read_bytes() if database.exists() else None
    said = Parley(copy, server.base_url).refuses_to_start()
    assert "backup" in said
    assert (database.read_bytes() if database.exists() else None) == before


async def test_a_full_disk_is_told_and_what_was_paid_for_is_kept(
    parley: Parley, person: Person, talk: str
) -> None:
    with no_room(parley):
        answer = await person.says(talk, "One more")
        assert not answer["ok"]
        assert "disk" in answer["message"]
        assert answer["advice"]
        assert "late in the evening" in await person.sees(talk)
    assert (await person.says(talk, "Now"))["ok"]
    await person.settled()
    person.checker.check(parley.said())


async def test_a_database_that_another_program_holds_is_waited_for(
    parley: Parley, person: Person, talk: str
) -> None:
    with closing(sqlite3.connect(parley.data / "parley.db")) as other:
        other.execute("BEGIN IMMEDIATE")
        assert "late in the evening" in await person.sees(talk)  # who reads does not wait
        other.rollback()
    assert (await person.says(talk, "Now"))["ok"]
    await person.settled()
    person.checker.check(parley.said())


async def test_on_a_disk_that_cannot_be_written_all_can_still_be_read(
    server: ScriptedServer, small_disk: Callable[[str], Path]
) -> None:
    data = small_disk("size=64m") / "data"
    parley = Parley(data, server.base_url).start()
    try:
        checks = Checker(data, server)
        async with arrived(parley.address, checks) as person:
            talk = new_id()
            assert (await person.says(talk))["ok"]
            await person.settled()
            filler = data.parent / "filler"
            _fill(filler)
            answer = await person.says(talk, "More")
            assert not answer["ok"]
            assert "full" in answer["message"]
            filler.unlink()
            assert (await person.says(talk, "And now"))["ok"]
            await person.settled()
        checks.check(parley.said())
    finally:
        parley.close()


async def test_a_disk_that_is_read_only_at_the_start_is_refused_in_words_and_left_alone(
    parley: Parley, server: ScriptedServer, talk: str, small_disk: Callable[[str], Path]
) -> None:
    disk = small_disk("size=64m")
    data = disk / "data"
    shutil.copytree(parley.data, data, ignore=shutil.ignore_patterns("*.lock", "*-shm"))
    refused = Parley(data, server.base_url)
    refused.log = disk.parent / "refused.log"
    before = kept(data)
    # As long as a file of it is open to be written, a disk cannot be made read-only so.
    subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
    said = refused.refuses_to_start()
    assert "cannot be written to (Read-only file system). Nothing was changed." in said
    assert kept(data) == before


async def test_a_disk_that_becomes_read_only_is_told_and_what_was_paid_for_is_kept(
    frail: Parley, failing: Failing, server: ScriptedServer, frail_checks: Checker
) -> None:
    """As a disk does of which the system no longer trusts what it writes: files are still read."""
    checks, talk = frail_checks, new_id()
    words = tuple(f"Word {n} of it. " for n in range(60))
    server.says(*words, delay_s=0.05)
    try:
        async with arrived(frail.address, checks) as person:
            assert (await person.says(talk))["ok"]
            await until(lambda: "Word 5 " in checks.messages(talk)[-1].text)
            failing.fail(READ_ONLY, frail.data, error=errno.EROFS)
            for answer in (await person.says(new_id()), await person.says(talk, "More")):
                assert not answer["ok"]
                assert answer["advice"]
            file = await person.visitor.post(
                "/parley/media", content=b"Some words.", headers={"x-file-name": "words.txt"}
            )
            assert (file.status_code, bool(file.json()["advice"])) == (503, True)
            assert "Word 5 " in await person.sees(talk)
            await until(lambda: server.said and server.said[-1][1] == words[-1])
            assert failing.stop().failed
            await person.settled()
            assert checks.messages(talk)[-1].text == "".join(words)
            assert (await person.says(talk, "And now?"))["ok"]
            await person.settled()
        checks.check(frail.said())
    finally:
        failing.stop()


async def until(seen: Callable[[], object]) -> None:
    async with asyncio.timeout(60):
        while not seen():
            await asyncio.sleep(0.05)


def kept(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@contextmanager
def no_room(parley: Parley) -> Iterator[None]:
    """No file of this Parley grows while this lasts: what a full disk is to it, without being root."""
    most = resource.prlimit(parley.pid, resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
    try:
        yield
    finally:
        resource.prlimit(parley.pid, resource.RLIMIT_FSIZE, most)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Callable[[str], Path]]:
    """A disk of its own, for who may mount one."""
    mounted: list[Path] = []

    def mount(options: str) -> Path:
        place = tmp_path / "disk"
        place.mkdir()
        command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(place)]
        if (
            os.name != "posix"
            or subprocess.run(command, capture_output=True, check=False).returncode
        ):
            pytest.skip("mounting a disk is for root; the limit on files stands in for it")
        mounted.append(place)
        return place

    yield mount
    for place in mounted:
        subprocess.run(["umount", "-l", str(place)], check=False)


def _fill(path: Path) -> None:
    with path.open("wb") as file:
        try:
            while True:
                file.write(bytes(65_536))
                file.flush()
        except OSError:
            pass
