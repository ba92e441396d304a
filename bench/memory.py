"""What recalling and remembering cost, beside a bare search over the same vectors and Chroma's own.

`python -m bench.memory [--owners 100 --each 1000] [--synthetic]` fills a real database, a real Chroma
and the indexes' files with made-up conversations, then asks. Printed are milliseconds: warm (the
owner's index is in memory), cold (it is read from its file), from nothing (no file: made from texts
and stored vectors), adding one memory (row, vector, index), and what is written to Chroma behind it.
With --synthetic, vectors are random and go to the files alone, not through Chroma: a million memories
in a few minutes.
"""

import argparse
import asyncio
import random
import resource
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import sqlalchemy as sa
from chromadb import PersistentClient
from chromadb.config import Settings
from sqlalchemy.ext.asyncio import AsyncEngine

from memory import words
from memory.database import open_database
from memory.embedding import Embedding, LocalEmbedding, Vectors, unit
from memory.indexes import Entry, Indexes, Scope
from memory.migrations import MIGRATIONS
from memory.owner_index import LAYOUT, OwnerIndex
from memory.schema import memories
from memory.snapshots import Snapshots
from memory.vectors import VectorStore
from messages import new_id

WORDS = 25
VOCABULARY = 8_000
A_SESSION = 20
ASKED = 100
COLD = 30
FROM_NOTHING = 3
ADDED = 50

_random = random.Random(4)
_numbers = np.random.default_rng(4)


def vocabulary() -> list[str]:
    syllables = [a + b for a in "bcdfgklmnprstvz" for b in "aeiou"]
    made = {"".join(_random.choices(syllables, k=_random.randint(2, 4))) for _ in range(VOCABULARY)}
    return sorted(made)


KNOWN = vocabulary()


def said(count: int = WORDS) -> str:
    """Words as often as words are: a few often, most seldom."""
    places = (min(int(_random.paretovariate(0.5)), len(KNOWN)) - 1 for _ in range(count))
    return "I said the " + " ".join(KNOWN[place] for place in places)


async def remembered(engine: AsyncEngine, owner: str, count: int) -> list[Entry]:
    """`count` more memories of `owner`, as rows of the database."""
    sessions = [new_id() for _ in range(count // A_SESSION + 1)]
    rows = [
        {
            "id": (memory := new_id()),
            "owner": owner,
            "conversation_id": sessions[number // A_SESSION],
            "message_id": memory,
            "role": ("user", "assistant")[number % 2],
            "text": said(),
            "at": 1.7e9 + number,
        }
        for number in range(count)
    ]
    m = memories.c
    columns = (m.position, m.id, m.conversation_id, m.speaker, m.role, m.text, m.at)
    async with engine.begin() as connection:
        last = (await connection.execute(sa.select(sa.func.max(m.position)))).scalar() or 0
        await connection.execute(sa.insert(memories), rows)
        new = sa.select(*columns).where(m.owner == owner, m.position > last).order_by(m.position)
        return [Entry(*row) for row in await connection.execute(new)]


def file_of(snapshots: Snapshots, owner: str, entries: Sequence[Entry]) -> None:
    """The owner's file, with vectors that mean nothing."""
    index = OwnerIndex()
    rows = unit(_numbers.standard_normal((len(entries), 256)).astype(np.float32))
    index.extend(entries, [row[None] for row in rows])
    snapshots.save(owner, "", index.arrays())


async def timed(work: Callable[[], Awaitable[object]]) -> float:
    started = time.perf_counter()
    await work()
    return (time.perf_counter() - started) * 1000


def told(label: str, ms: Sequence[float], beside: str = "") -> None:
    middle, slow = statistics.median(ms), sorted(ms)[len(ms) * 95 // 100]
    print(f"{label:44} p50 {middle:8.2f} ms   p95 {slow:8.2f} ms{beside}", flush=True)


async def measured(owners: int, each: int, synthetic: bool, folder: Path) -> None:
    engine = await open_database(f"sqlite+aiosqlite:///{folder}/parley.db", MIGRATIONS)
    embedding = LocalEmbedding()
    store = VectorStore(folder / "chroma", embedding.name)
    made_by = f"{embedding.name} {words.VERSION} {LAYOUT}"
    snapshots = Snapshots(folder / "indexes", made_by)
    names = [f"owner-{number}" for number in range(owners)]
    started = time.perf_counter()
    filling = Indexes(engine, store, embedding, folder / "indexes")
    for name in names:
        entries = await remembered(engine, name, each)
        if synthetic:
            await asyncio.to_thread(file_of, snapshots, name, entries)
        else:
            await filling.added(Scope(name), entries)
            await filling.ranked(Scope(name), "anything")
    await filling.close()
    size = sum(path.stat().st_size for path in (folder / "indexes").iterdir()) / 1e6
    took = time.perf_counter() - started
    print(
        f"{owners} owners × {each:,} memories: filled in {took:.0f} s, {size:.0f} MB of index files"
    )
    store = VectorStore(folder / "chroma", embedding.name)
    indexes = Indexes(engine, store, embedding, folder / "indexes")
    await indexes.warm()
    await asked(engine, indexes, store, names, embedding, folder)
    await indexes.written()
    if not synthetic:
        await from_nothing(engine, store, embedding, names, folder)
    held = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"at most {held:.0f} MB in memory, the filling included")
    await indexes.close()
    await engine.dispose()


async def asked(
    engine: AsyncEngine,
    indexes: Indexes,
    store: VectorStore,
    names: Sequence[str],
    embedding: Embedding,
    folder: Path,
) -> None:
    def ask(name: str) -> Callable[[], Awaitable[object]]:
        return lambda: indexes.ranked(Scope(name), said(6) + "?")

    await ask(names[-1])()  # what is loaded once for all
    cold = [await timed(ask(name)) for name in names[:COLD]]
    warm = []
    for number in range(ASKED):
        name = names[number % min(COLD, 10, len(names))]
        await ask(name)()
        warm.append(await timed(ask(name)))
    bare, chroma = await floors(store, indexes, names[0], embedding, folder / "chroma")
    ratio = f"   {statistics.median(warm) / statistics.median(bare):.1f} × a bare exact search"
    if chroma:
        ratio += f", {statistics.median(warm) / statistics.median(chroma):.2f} × Chroma's query"
    told("recall, warm", warm, ratio)
    told("recall, cold (from the file)", cold)
    await indexes.written()
    added = [await timed(lambda: _add(engine, indexes, names[0])) for _ in range(ADDED)]
    told("adding one (row, vector, index)", added)
    behind = await timed(indexes.written)
    print(f"{'written to Chroma behind it, each':44}     {behind / ADDED:8.2f} ms")
    alone = []
    for _ in range(20):
        await _add(engine, indexes, names[0])
        alone.append(await timed(indexes.written))
    told("the same, one alone", alone)
    told(
        "recall just after adding",
        [await _add_and_ask(engine, indexes, names[0]) for _ in range(20)],
    )
    told("bare exact search, numpy", bare)
    if chroma:
        told("Chroma's query filtered by owner", chroma)


async def _add(engine: AsyncEngine, indexes: Indexes, owner: str) -> None:
    await indexes.added(Scope(owner), await remembered(engine, owner, 1))


async def _add_and_ask(engine: AsyncEngine, indexes: Indexes, owner: str) -> float:
    await _add(engine, indexes, owner)
    return await timed(lambda: indexes.ranked(Scope(owner), said(6) + "?"))


async def floors(
    store: VectorStore, indexes: Indexes, owner: str, embedding: Embedding, files: Path
) -> tuple[list[float], list[float]]:
    """Milliseconds of the best 40 by vectors alone: exactly, and by Chroma in this process."""
    async with indexes._shelf.use(Scope(owner)) as held:
        vectors = np.array(held.index.vectors)
    queries = await embedding.embed([said(6) for _ in range(ASKED)])
    bare = [await timed(lambda q=query: _exact(vectors, q)) for query in queries]  # type: ignore[misc]
    if not await store.check(0):
        return bare, []

    client = PersistentClient(path=str(files), settings=Settings(anonymized_telemetry=False))
    collection = client.get_collection(embedding.name, embedding_function=None)

    async def look(query: Any) -> None:
        collection.query(query_embeddings=[query], n_results=40, where={"owner": owner})

    chroma = [await timed(lambda q=query: look(q)) for query in queries]  # type: ignore[misc]
    return bare, chroma


async def _exact(vectors: Vectors, query: Vectors) -> None:
    found = np.einsum("nd,d->n", vectors, query)
    best = np.argpartition(-found, 40)[:40] if len(found) > 40 else np.arange(len(found))
    best[np.argsort(-found[best])]


async def from_nothing(
    engine: AsyncEngine,
    store: VectorStore,
    embedding: Embedding,
    names: Sequence[str],
    folder: Path,
) -> None:
    """`store` has all vectors."""
    bare = Indexes(engine, store, embedding, folder / "nothing")
    ms = [
        await timed(lambda n=name: bare.ranked(Scope(n), said(6)))  # type: ignore[misc]
        for name in names[:FROM_NOTHING]
    ]
    told("recall, from nothing (texts and Chroma)", ms)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.memory")
    parser.add_argument("--owners", type=int, default=100)
    parser.add_argument("--each", type=int, default=1_000)
    parser.add_argument("--synthetic", action="store_true", help="random vectors, without Chroma")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(measured(chosen.owners, chosen.each, chosen.synthetic, Path(folder)))


if __name__ == "__main__":
    main()
