"""Damaged files of Chroma are noticed before they are used, put aside, and never end the process."""

import asyncio
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from itertools import product
from pathlib import Path

import numpy as np
import pytest

from memory.chroma_apart import ChromaApart
from memory.embedding import Vectors
from memory.vector_rows import VectorsUnusable
from memory.vectors import VectorStore
from tests.memory.files import files_with
from tests.memory.sayings import ANN

COUNT = 1_300
"""Of fewer, Chroma keeps all in its database, without the files of an index."""


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Vectors that were closed in order."""
    directory = tmp_path_factory.mktemp("whole") / "chroma"

    async def fill() -> None:
        store = VectorStore(directory, "abc")
        await store.put(ANN, some(COUNT))
        await store.close()

    asyncio.run(fill())
    assert list(directory.glob("*/data_level0.bin"))
    return directory


@pytest.fixture
def chroma(whole: Path, tmp_path: Path) -> Path:
    """A copy, with the same times."""
    return shutil.copytree(whole, tmp_path / "chroma")


def some(count: int) -> dict[str, Vectors]:
    rows = np.random.default_rng(1).standard_normal((count, 16)).astype(np.float32)
    return {f"v{number}": row for number, row in enumerate(rows)}


def process_of(chroma: Path) -> int:
    """Chroma's, for these files."""
    [pid] = [
        int(path.parent.name)
        for path in Path("/proc").glob("[0-9]*/cmdline")
        if b"memory.chroma_worker\0" + os.fsencode(chroma) + b"\0" in path.read_bytes()
    ]
    return pid


def aside(chroma: Path) -> list[Path]:
    return list(chroma.parent.glob("chroma.damaged-*"))


def empty(file: Path) -> None:
    file.write_bytes(b"")


def cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])


def garble(file: Path) -> None:
    file.write_bytes(os.urandom(file.stat().st_size))


def garble_the_middle(file: Path) -> None:
    held = bytearray(file.read_bytes())
    half = len(held) // 2
    held[half : half + 100_000] = os.urandom(100_000)
    file.write_bytes(held)


async def test_whole_files_are_opened_as_they_are(chroma: Path) -> None:
    store = VectorStore(chroma, "abc")
    assert await store.check(COUNT) == COUNT
    assert len(await store.get(ANN, list(some(COUNT)))) == COUNT
    assert not store.incomplete.is_set()
    assert aside(chroma) == []
    await store.close()


async def test_words_of_the_heap_in_unused_places_are_gone_once_opened(chroma: Path) -> None:
    [lengths], [data] = chroma.glob("*/length.bin"), chroma.glob("*/data_level0.bin")
    lengths.write_bytes((b"my badge opens door 7. " * 999)[: lengths.stat().st_size])
    with data.open("ab") as grown:
        grown.write(b"my badge opens door 7. " * 99)
    assert len(files_with(chroma, "my badge")) == 2
    store = VectorStore(chroma, "abc")
    found = await store.get(ANN, list(some(COUNT)))
    assert files_with(chroma, "my badge") == []
    for key, vector in some(COUNT).items():
        np.testing.assert_array_equal(found[key], vector)
    assert aside(chroma) == []
    await store.close()


async def test_nothing_of_the_heap_is_left_in_files_that_are_made(tmp_path: Path) -> None:
    store = VectorStore(tmp_path / "chroma", "abc")
    await store.put(ANN, some(3))
    [lengths], [data] = tmp_path.rglob("length.bin"), tmp_path.rglob("data_level0.bin")
    assert not any(lengths.read_bytes()) and not any(data.read_bytes())  # nothing is in it yet
    await store.put(ANN, some(COUNT))
    assert any(data.read_bytes()) and not any(lengths.read_bytes())
    await store.close()


@pytest.mark.parametrize(
    ("file", "damage"),
    [
        *product(["chroma.sqlite3"], [Path.unlink, empty, cut, garble, garble_the_middle]),
        *product(["*/data_level0.bin"], [Path.unlink, cut, garble_the_middle]),
        *product(["*/header.bin"], [empty, garble]),
        *product(["*/index_metadata.pickle"], [Path.unlink, cut, garble]),
    ],
)
async def test_damage_is_noticed_put_aside_and_begun_anew(
    chroma: Path, file: str, damage: Callable[[Path], None]
) -> None:
    (path,) = chroma.glob(file)
    damage(path)
    store = VectorStore(chroma, "abc")
    stored = await store.check(COUNT)
    if stored:  # the index of a whole database: known when vectors are read
        await store.get(ANN, list(some(COUNT)))
        stored = await store.check(COUNT)
    assert stored == 0
    assert len(aside(chroma)) == 1
    await store.put(ANN, some(3))
    await store.close()
    again = VectorStore(chroma, "abc")
    assert await again.check(3) == 3
    await again.tidy()
    assert aside(chroma) == []
    await again.close()


async def test_a_missing_directory_is_empty_and_no_damage(chroma: Path) -> None:
    shutil.rmtree(chroma)
    store = VectorStore(chroma, "abc")
    assert await store.check(COUNT) == 0
    assert aside(chroma) == []
    await store.close()


async def test_who_is_killed_leaves_the_files_closed_and_whole(chroma: Path) -> None:
    """Chroma's process outlives its owner for as long as it takes to close them."""
    killed = (
        "import asyncio, os, sys; from pathlib import Path; import numpy as np\n"
        "from memory.vectors import VectorStore\n"
        "async def main():\n"
        "    store = VectorStore(Path(sys.argv[1]), 'abc')\n"
        "    await store.put('ann', {'last': np.ones(16, np.float32)})\n"
        "    os.kill(os.getpid(), 9)\n"
        "asyncio.run(main())"
    )
    run = await asyncio.create_subprocess_exec(sys.executable, "-c", killed, str(chroma))
    assert await run.wait() == -9
    store = VectorStore(chroma, "abc")  # at once: it waits for the other to be done
    assert await store.check(COUNT) == COUNT + 1
    assert list(await store.get(ANN, ["last"])) == ["last"]
    assert aside(chroma) == []
    await store.close()
    assert (chroma / "closed.json").exists()


async def test_files_that_were_never_closed_are_whole_all_the_same(chroma: Path) -> None:
    """Nothing that was acknowledged is missing, nothing is put aside, and the call is done."""
    store = VectorStore(chroma, "abc")
    await store.put(ANN, {"last": np.ones(16, np.float32)})
    os.kill(process_of(chroma), signal.SIGKILL)
    assert not (chroma / "closed.json").exists()
    assert list(await store.get(ANN, ["last"])) == ["last"]
    assert await store.check(COUNT) == COUNT + 1
    assert not store.incomplete.is_set()
    assert aside(chroma) == []
    await store.close()
    assert (chroma / "closed.json").exists()


async def test_a_call_that_takes_for_ever_is_ended_and_told(chroma: Path) -> None:
    rows = ChromaApart(chroma, "abc", answer_s=0.001)
    with pytest.raises(VectorsUnusable, match="did not answer and was ended"):
        await asyncio.to_thread(rows.put, [(ANN, key, row) for key, row in some(500).items()])
    with pytest.raises(VectorsUnusable, match="did not answer"):  # and is left in peace for a while
        rows.count()
    rows.close()
    store = VectorStore(chroma, "abc")
    assert await store.check(COUNT) == COUNT
    assert aside(chroma) == []
    await store.close()


def test_a_call_that_lets_no_thread_run_is_ended_too() -> None:
    held = (
        "import ctypes; from memory.chroma_worker import within\n"
        "with within(0.2): ctypes.PyDLL(None).sleep(50)"  # with the interpreter's lock
    )
    run = subprocess.run([sys.executable, "-c", held], stderr=subprocess.DEVNULL, timeout=40)
    assert run.returncode == 1


async def test_closing_does_not_wait_for_a_call_that_stands_still(chroma: Path) -> None:
    store = VectorStore(chroma, "abc")
    await store.check(COUNT)
    os.kill(process_of(chroma), signal.SIGSTOP)
    asking = asyncio.create_task(store.get(ANN, ["v1"]))
    await asyncio.sleep(0.1)
    async with asyncio.timeout(8):
        await store.close()
        with pytest.raises(VectorsUnusable):
            await asking


@pytest.mark.parametrize("damage", [Path.unlink, empty, garble])
async def test_damage_while_it_runs_is_noticed_and_the_work_done_on_new_files(
    chroma: Path, damage: Callable[[Path], None]
) -> None:
    store = VectorStore(chroma, "abc")
    await store.check(COUNT)
    assert not store.incomplete.is_set()
    damage(chroma / "chroma.sqlite3")
    await store.put(ANN, some(2))
    assert store.incomplete.is_set()
    assert await store.check(COUNT) == 2
    assert len(aside(chroma)) == 1
    await store.close()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
async def test_files_that_may_not_be_written_are_no_damage(chroma: Path) -> None:
    for path in (chroma, *chroma.rglob("*")):
        path.chmod(0o500 if path.is_dir() else 0o400)
    store = VectorStore(chroma, "abc")
    with pytest.raises(VectorsUnusable):
        await store.put(ANN, some(1))
    assert aside(chroma) == []


async def test_a_place_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    store = VectorStore(tmp_path / "file" / "chroma", "abc")
    with pytest.raises(VectorsUnusable, match="NotADirectoryError"):
        await store.put(ANN, some(1))
    assert "NotADirectoryError" in store.trouble
    assert store.incomplete.is_set()
    await store.close()
