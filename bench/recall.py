"""How much of what a question needs is recalled, on conversations in a neutral form.

`python -m bench.recall FILE.json` with {"conversations": [{"id", "turns": [{"id", "session", "at",
"speaker", "text"}], "questions": [{"text", "evidence": [turn ids], "kind"}]}]} prints recall@k (the
share of a question's evidence among the first k turns, averaged over questions) and nDCG@10, by kind
and in all, for each of:

- recall: the ranking, through the code that serves the app; each conversation is the memory of an
  owner in a real database;
- as sent: what a turn of the app would put before the model of it, with the exchanges, the budget of
  8,000 tokens, and nothing at all where nothing seems to concern the question;
- BM25 alone, with date and speaker in the text of logs of several people, and vectors alone, one a
  turn, the question embedded like a turn: the floor.

Without a file it takes the small set of the tests.
"""

import argparse
import asyncio
import math
import tempfile
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from bench.logs import Asked, Log, read_logs
from memory.database import open_database
from memory.embedding import MAX_CHARS, Embedding, LocalEmbedding
from memory.indexes import Entry, Indexes, Scope
from memory.migrations import MIGRATIONS
from memory.owner_index import UNNAMED
from memory.recall import Recall
from memory.schema import memories
from memory.vectors import VectorStore
from memory.weights import WEIGHTS
from messages import new_id

FIRST = (5, 10, 25, 50)
NDCG = 10
SENT_TOKENS = 8_000
OWN_SET = Path(__file__).parent.parent / "tests/memory/talks.json"
BM25_ALONE = replace(
    WEIGHTS,
    words_near=0,
    words_far=0,
    meaning=0,
    meaning_near=0,
    session_words=0,
    session_meaning=0,
    said_by=0,
    said_by_long=0,
    speaker=0,
    length=0,
)


@dataclass(frozen=True, slots=True)
class Figures:
    """Of one question, asked in one way."""

    recall: tuple[float, ...]
    ndcg: float
    ms: float


WAYS = ("recall", "as sent", "BM25 alone", "vectors alone")
Way = Callable[[Asked], Awaitable[list[str]]]
Table = dict[str, dict[str, list[Figures]]]


async def measure(logs: Sequence[Log], folder: Path) -> Table:
    """Figures of each way of asking, by kind of question."""
    engine = await open_database(f"sqlite+aiosqlite:///{folder}/parley.db", MIGRATIONS)
    embedding = LocalEmbedding()
    store = VectorStore(folder / "chroma", embedding.name)
    recipe = Indexes(engine, store, embedding, folder / "indexes")
    words = Indexes(engine, store, embedding, folder / "words", weights=BM25_ALONE)
    recall = Recall(engine, recipe)
    table: Table = {way: defaultdict(list) for way in WAYS}
    try:
        for number, log in enumerate(logs):
            owner = f"log-{number}"
            names = await told(engine, recipe, owner, log)
            plain = Plain(embedding, log)
            await plain.embed()
            ways: Sequence[Way] = (
                partial(_ranked, recipe, owner, names),
                partial(_sent, recall, owner, names),
                partial(_ranked, words, owner, names),
                plain.ids,
            )
            for asked in log.questions:
                for name, way in zip(WAYS, ways, strict=True):
                    started = time.perf_counter()
                    found = await way(asked)
                    table[name][asked.kind].append(_figures(asked, found, started))
    finally:
        await recipe.close()
        await words.close()
        await store.close()
        await engine.dispose()
    return table


async def told(engine: AsyncEngine, indexes: Indexes, owner: str, log: Log) -> dict[str, str]:
    """Remember `log` as what `owner` said; gives the turns by the ids of their memories."""
    names: dict[str, str] = {}
    rows = []
    for turn in log.turns:
        text = turn.text[:MAX_CHARS].strip()
        if not text:
            continue
        named = turn.speaker.casefold() not in UNNAMED
        names[memory := new_id()] = turn.id
        rows.append(
            {
                "id": memory,
                "owner": owner,
                "conversation_id": turn.session,
                "message_id": memory,
                "role": "user" if named else turn.speaker.casefold(),
                "speaker": turn.speaker if named else "",
                "text": text,
                "at": turn.at,
            }
        )
    m = memories.c
    async with engine.begin() as connection:
        await connection.execute(sa.insert(memories), rows)
        columns = (m.position, m.id, m.conversation_id, m.speaker, m.role, m.text, m.at)
        stored = sa.select(*columns).where(m.owner == owner).order_by(m.position)
        entries = [Entry(*row) for row in await connection.execute(stored)]
    await indexes.added(Scope(owner), entries)
    await indexes.written()
    return names


class Plain:
    """Vectors alone, without anything of ours but the vectors."""

    def __init__(self, embedding: Embedding, log: Log) -> None:
        self._embedding, self._turns = embedding, log.turns

    async def embed(self) -> None:
        self._rows = await self._embedding.embed([turn.text for turn in self._turns])

    async def ids(self, asked: Asked) -> list[str]:
        [vector] = await self._embedding.embed([asked.text])
        order = np.argsort(-np.einsum("nd,d->n", self._rows, vector), kind="stable")
        return [self._turns[row].id for row in order[: max(FIRST)]]


async def _ranked(indexes: Indexes, owner: str, names: dict[str, str], asked: Asked) -> list[str]:
    found = await indexes.ranked(Scope(owner), asked.text, limit=max(FIRST), floor="none")
    return [names[ranked.id] for ranked in found]


async def _sent(recall: Recall, owner: str, names: dict[str, str], asked: Asked) -> list[str]:
    found = await recall.recall(owner, asked.text, besides=None, tokens=SENT_TOKENS)
    return [names[memory.id] for memory in found]


def _figures(asked: Asked, found: Sequence[str], started: float) -> Figures:
    ms = (time.perf_counter() - started) * 1000
    recall = tuple(len(asked.evidence & set(found[:k])) / len(asked.evidence) for k in FIRST)
    gains = [1 / math.log2(place + 2) for place in range(NDCG)]
    got = sum(gain for gain, turn in zip(gains, found, strict=False) if turn in asked.evidence)
    return Figures(recall, got / sum(gains[: len(asked.evidence)]), ms)


def printed(table: Table) -> str:
    lines = []
    for way, kinds in table.items():
        columns = "".join(f"{f'R@{k}':>7}" for k in FIRST)
        lines.append(f"{way:32}{'n':>6}{columns} nDCG@10     ms")
        everything = [figures for some in kinds.values() for figures in some]
        several = sorted(kinds.items()) if len(kinds) > 1 else []
        for kind, some in [*several, ("all", everything)]:
            lines.append(_line(kind, some))
        lines.append("")
    return "\n".join(lines)


def _line(kind: str, some: Sequence[Figures]) -> str:
    mean = np.mean([(*f.recall, f.ndcg) for f in some], axis=0) * 100 if some else [0.0] * 5
    ms = np.median([f.ms for f in some]) if some else 0.0
    return f"  {kind[:29]:30}{len(some):>6}{''.join(f'{v:7.1f}' for v in mean)}  {ms:6.2f}"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.recall")
    parser.add_argument("file", type=Path, nargs="?", default=OWN_SET)
    logs = read_logs(parser.parse_args().file)
    with tempfile.TemporaryDirectory() as folder:
        print(printed(asyncio.run(measure(logs, Path(folder)))), end="")


if __name__ == "__main__":
    main()
