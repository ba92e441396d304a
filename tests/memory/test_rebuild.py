"""Vectors are made again from the texts: after damage, loss, another embedding, a kill."""

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from memory.chroma_embedded import EmbeddedChroma
from memory.chroma_server import ChromaServer
from memory.chunks import chunks
from memory.database import open_database
from memory.embedding import LocalEmbedding, Vectors
from memory.installation import collection_prefix
from memory.migrations import MIGRATIONS
from memory.rebuild import Rebuild, vector_ids
from memory.schema import memories
from memory.vector_rows import VectorsUnusable, collection_name
from memory.vectors import VectorStore
from messages import new_id
from tests.memory.chroma_process import ChromaProcess
from tests.memory.sayings import ANN, BOB

LONG = " ".join(
    f"Sentence {n} tells of the harbour, the tide and the old crane." for n in range(80)
)


class Second(LocalEmbedding):
    """The same word vectors under another name: another embedding, as far as anybody can see.

    Gives nothing while in `trouble`; counts the texts, and in which order they came.
    """

    name = "second-256-v1"

    def __init__(self) -> None:
        super().__init__()
        self.trouble = ""
        self.texts: list[str] = []

    async def embed(self, texts: Sequence[str]) -> Vectors:
        if self.trouble:
            return np.zeros((len(texts), 256), np.float32)
        self.texts += texts
        return await super().embed(texts)


@pytest.fixture
def prefix() -> str:
    """How the names of a test's collections begin."""
    return f"test-{new_id()}-"


@pytest.fixture(params=["embedded", "server"])
async def store(
    request: pytest.FixtureRequest, tmp_path: Path, prefix: str
) -> AsyncIterator[Callable[[str], VectorStore]]:
    """Opens the collection of an embedding."""
    url = request.getfixturevalue("chroma_url") if request.param == "server" else ""
    embedded, opened = EmbeddedChroma(tmp_path / "chroma"), list[VectorStore]()

    def open_(embedding: str) -> VectorStore:
        place = ChromaServer(url) if url else embedded
        opened.append(VectorStore(place, collection_name(embedding, prefix)))
        return opened[-1]

    yield open_
    for one in opened:
        await one.close()


async def remember(engine: AsyncEngine, owner: str, texts: Sequence[str]) -> list[tuple[int, str]]:
    """Position and id of each."""
    rows = [
        {
            "id": new_id(),
            "owner": owner,
            "conversation_id": "0" * 32,
            "message_id": new_id(),
            "role": "user",
            "text": text,
            "at": 1.0,
        }
        for text in texts
    ]
    found = []
    async with engine.begin() as connection:
        for row in rows:
            new = sa.insert(memories).values(row).returning(memories.c.position, memories.c.id)
            found.append(tuple((await connection.execute(new)).one()))
    return found


async def forget(engine: AsyncEngine, position: int) -> None:
    async with engine.begin() as connection:
        await connection.execute(sa.delete(memories).where(memories.c.position == position))


async def everything(store: VectorStore) -> set[str]:
    return set(await store.ids(0))


async def until(seen: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not seen():
            await asyncio.sleep(0.01)


Open = Callable[[str], VectorStore]


async def test_all_that_is_missing_is_made_and_nothing_else(
    engine: AsyncEngine, store: Open, embedding: LocalEmbedding
) -> None:
    anns = await remember(engine, ANN, ["The crane is red.", LONG])
    bobs = await remember(engine, BOB, ["Bob has a boat."])
    vectors, second = store("one"), Second()
    there = vector_ids(anns[0][1], anns[0][0], 1)
    await vectors.put(ANN, {there[0]: np.full(256, 1 / 16, np.float32)})
    made: list[str] = []
    rebuild = Rebuild(engine, vectors, second, made.append)
    await rebuild.once()
    assert (rebuild.progress.done, rebuild.progress.total) == (2, 2)
    assert rebuild.progress.complete
    assert made == [BOB, ANN]  # who spoke last comes first
    pieces = chunks(LONG)
    assert len(pieces) > 5
    assert second.texts == ["Bob has a boat.", *pieces]
    wanted = vector_ids(anns[1][1], anns[1][0], len(pieces))
    assert await everything(vectors) == {*there, *wanted, *vector_ids(bobs[0][1], bobs[0][0], 1)}
    found = await vectors.get(ANN, wanted)
    expected = await embedding.embed(pieces)
    np.testing.assert_allclose([found[key] for key in wanted], expected, atol=1e-5)
    assert list(await vectors.get(BOB, [*wanted, *vector_ids(bobs[0][1], bobs[0][0], 1)])) == [
        f"{bobs[0][1]}.{bobs[0][0]}.0"
    ]


async def test_a_second_look_makes_nothing_twice(engine: AsyncEngine, store: Open) -> None:
    await remember(engine, ANN, [f"Number {n} is mine." for n in range(150)])
    vectors, second = store("one"), Second()
    rebuild = Rebuild(engine, vectors, second)
    await rebuild.once()
    assert rebuild.progress.total == 150
    await rebuild.once()
    assert rebuild.progress.total == 0
    assert len(second.texts) == 150


async def test_another_embedding_takes_the_place_of_the_old_one_when_it_is_complete(
    engine: AsyncEngine, store: Open, embedding: LocalEmbedding, prefix: str
) -> None:
    await remember(engine, ANN, ["The crane is red.", "The boat is green."])
    old, new, second = store(embedding.name), store(Second.name), Second()
    await Rebuild(engine, old, embedding, prefix=prefix).once()
    kept = await everything(old)
    second.trouble = "The model is away."
    rebuild = Rebuild(engine, new, second, prefix=prefix)
    await rebuild.once()
    assert not rebuild.progress.complete
    assert rebuild.progress.trouble == "The model is away."
    assert await everything(old) == kept  # nothing is lost before the new one is whole
    second.trouble = ""
    await rebuild.once()
    assert await everything(new) == kept
    assert await everything(old) == set()


async def test_vectors_of_what_was_forgotten_are_swept_away(
    engine: AsyncEngine, store: Open
) -> None:
    (gone, kept) = await remember(engine, ANN, ["A secret.", "No secret."])
    vectors = store("one")
    rebuild = Rebuild(engine, vectors, Second())
    await rebuild.once()
    await vectors.put(ANN, {"of-an-older-form.1": np.ones(256, np.float32)})
    await forget(engine, gone[0])  # and Chroma could not be reached
    await rebuild.once()
    assert await everything(vectors) == set(vector_ids(kept[1], kept[0], 1))


async def test_what_is_forgotten_while_its_vector_is_made_leaves_none(
    engine: AsyncEngine, store: Open
) -> None:
    ((position, _),) = await remember(engine, ANN, ["A secret."])
    vectors = store("one")

    class Slow(Second):
        async def embed(self, texts: Sequence[str]) -> Vectors:
            await forget(engine, position)
            return await super().embed(texts)

    await Rebuild(engine, vectors, Slow()).once()
    assert await everything(vectors) == set()


async def test_a_changed_text_gets_the_vectors_of_its_new_position(
    engine: AsyncEngine, store: Open
) -> None:
    ((old, memory_id),) = await remember(engine, ANN, ["The crane is red."])
    vectors = store("one")
    await Rebuild(engine, vectors, Second()).once()
    async with engine.begin() as connection:
        await connection.execute(
            sa.update(memories).values(position=old + 10, text="The crane is blue.")
        )
    await Rebuild(engine, vectors, Second()).once()
    assert await everything(vectors) == set(vector_ids(memory_id, old + 10, 1))


async def test_it_goes_owner_by_owner_and_says_how_far_it_is(
    engine: AsyncEngine, tmp_path: Path
) -> None:
    for owner in ("carl", ANN, BOB):
        await remember(engine, owner, [f"{owner} has {n} boats." for n in range(200)])
    vectors, second, seen = (
        VectorStore(EmbeddedChroma(tmp_path / "chroma"), "one"),
        Second(),
        list[tuple[int, int]](),
    )
    made: list[str] = []
    rebuild = Rebuild(engine, vectors, second, made.append)
    rebuild.start()
    while not made or not rebuild.progress.complete:
        seen.append((rebuild.progress.done, rebuild.progress.total))
        await asyncio.sleep(0.005)
    assert made == [BOB, ANN, "carl"]  # newest first
    assert second.texts[0] == f"{BOB} has 199 boats."
    assert len(set(seen)) > 3
    assert seen == sorted(seen)
    await rebuild.close()
    await vectors.close()


async def test_turns_go_on_while_everything_is_made_again(
    engine: AsyncEngine, tmp_path: Path, embedding: LocalEmbedding
) -> None:
    await remember(engine, ANN, [f"{n} {LONG[:400]}" for n in range(600)])
    vectors = VectorStore(EmbeddedChroma(tmp_path / "chroma"), "one")
    rebuild, waits = Rebuild(engine, vectors, embedding), list[float]()
    rebuild.start()
    await until(lambda: rebuild.progress.total > 0)
    while not rebuild.progress.complete:
        started = time.monotonic()
        await asyncio.sleep(0)
        await vectors.get(ANN, ["none"])
        waits.append(time.monotonic() - started)
        await asyncio.sleep(0.005)
    assert len(waits) > 5
    assert sorted(waits)[len(waits) // 2] < 0.1
    await rebuild.close()
    await vectors.close()


async def test_a_lost_directory_is_made_again_while_parley_runs(
    engine: AsyncEngine, tmp_path: Path, embedding: LocalEmbedding
) -> None:
    texts = await remember(engine, ANN, [f"Boat {n}" for n in range(20)])
    vectors = VectorStore(EmbeddedChroma(tmp_path / "chroma"), "one")
    rebuild = Rebuild(engine, vectors, embedding, first_pause_s=0.05)
    rebuild.start()
    await until(lambda: rebuild.progress.done == 20)
    (tmp_path / "chroma" / "chroma.sqlite3").write_bytes(b"not a database" * 1_000)
    await vectors.get(ANN, ["any"])
    await until(lambda: rebuild.progress.complete and not vectors.incomplete.is_set())
    async with asyncio.timeout(20):
        while len(await everything(vectors)) < len(texts):
            await asyncio.sleep(0.05)
    await until(lambda: not list(tmp_path.glob("chroma.damaged-*")))  # not needed any more
    await rebuild.close()
    await vectors.close()


async def test_a_server_that_was_away_gets_what_it_missed(
    engine: AsyncEngine, tmp_path: Path, embedding: LocalEmbedding
) -> None:
    server = ChromaProcess(tmp_path / "server")
    await remember(engine, ANN, ["The crane is red."])
    vectors = VectorStore(ChromaServer(server.url, pause_s=0.1), "one")
    rebuild = Rebuild(engine, vectors, embedding, first_pause_s=0.2)
    rebuild.start()
    await until(lambda: "cannot be used" in rebuild.progress.trouble)
    with server:
        await until(lambda: rebuild.progress.complete)
        ((position, memory_id),) = await remember(engine, ANN, ["The boat is green."])
        server.stop()
        key = vector_ids(memory_id, position, 1)[0]
        with pytest.raises(VectorsUnusable):
            await vectors.put(ANN, {key: np.ones(256, np.float32)})
        await until(lambda: bool(rebuild.progress.trouble))
        server.start()
        await until(lambda: rebuild.progress.complete)
        assert key in await vectors.get(ANN, [key])
    await rebuild.close()
    await vectors.close()


REBUILDER = """
import asyncio, sys
from pathlib import Path
from memory.database import open_database
from memory.embedding import LocalEmbedding
from memory.rebuild import Rebuild
from memory.migrations import MIGRATIONS
from memory.vectors import VectorStore

async def main():
    root = Path(sys.argv[1])
    engine = await open_database(f"sqlite+aiosqlite:///{root}/data/parley.db", MIGRATIONS)
    rebuild = Rebuild(engine, VectorStore(root / "chroma", "one"), LocalEmbedding())
    rebuild.start()
    while True:
        print(rebuild.progress.done, flush=True)
        await asyncio.sleep(0.001)

asyncio.run(main())
"""


async def test_a_rebuild_that_was_killed_goes_on_where_it_was(
    engine: AsyncEngine, tmp_path: Path
) -> None:
    await remember(engine, ANN, [f"Boat {n} is mine." for n in range(1_000)])
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", REBUILDER, str(tmp_path), stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout
    done = 0
    while done < 200:
        done = int(await process.stdout.readline())
    process.kill()
    await process.stdout.read()
    await process.wait()
    vectors, second = VectorStore(EmbeddedChroma(tmp_path / "chroma"), "one"), Second()
    rebuild = Rebuild(engine, vectors, second)
    await rebuild.once()
    assert len(second.texts) == rebuild.progress.total <= 1_000 - done
    assert len(await everything(vectors)) == 1_000
    await vectors.close()


async def test_each_database_has_collections_of_its_own_on_a_server(
    engine: AsyncEngine, tmp_path: Path
) -> None:
    mine = await collection_prefix(engine)
    assert mine == await collection_prefix(engine)
    assert collection_name("model-v1", mine) == f"{mine}model-v1"
    other = await open_database(f"sqlite+aiosqlite:///{tmp_path}/other.db", MIGRATIONS)
    assert await collection_prefix(other) != mine
    await other.dispose()
