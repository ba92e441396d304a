"""Long conversations, in the neutral form of bench/recall.py: what of the evidence is found and sent."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from bench.logs import Log, read_logs
from bench.recall import OWN_SET, Figures, Table, measure, printed, told
from memory.chroma_embedded import EmbeddedChroma
from memory.database import open_database
from memory.embedding import LocalEmbedding
from memory.indexes import Indexes, Scope
from memory.migrations import MIGRATIONS
from memory.vectors import VectorStore
from memory.weights import WEIGHTS, Weights

LEFT_OUT = {
    "words": replace(WEIGHTS, words=0.0),
    "neighbours": replace(WEIGHTS, words_near=0.0, words_far=0.0, meaning_near=0.0),
    "meaning": replace(WEIGHTS, meaning=0.0, meaning_near=0.0, session_meaning=0.0),
    "sessions": replace(WEIGHTS, session_words=0.0, session_meaning=0.0),
}
ONE_WORTH = {
    "nadia-and-marcus": {"who is named": replace(WEIGHTS, speaker=0.0)},
    "one-user": {"who said it": replace(WEIGHTS, said_by=0.0, said_by_long=0.0)},
}


def mean(table: Table, way: str, what: int) -> float:
    some: list[Figures] = [figures for kind in table[way].values() for figures in kind]
    return 100 * sum(figures.recall[what] for figures in some) / len(some)


async def test_the_ranking_beats_words_alone_and_vectors_alone_and_most_of_it_is_sent(
    tmp_path: Path,
) -> None:
    table = await measure(read_logs(OWN_SET), tmp_path)
    five, ten, _, fifty = (mean(table, "recall", k) for k in range(4))
    assert (five >= 70, ten >= 79, fifty >= 94) == (True, True, True)
    assert ten >= mean(table, "BM25 alone", 1) + 20
    assert ten >= mean(table, "vectors alone", 1) + 20
    assert mean(table, "as sent", 1) >= ten - 4
    assert mean(table, "as sent", 3) >= 85
    assert printed(table).count("R@5   R@10   R@25   R@50 nDCG@10     ms") == 4


@pytest.fixture(scope="module")
def logs() -> dict[str, Log]:
    return {log.id: log for log in read_logs(OWN_SET)}


@pytest.mark.parametrize("talk", ONE_WORTH)
async def test_each_part_of_the_ranking_is_worth_something(
    tmp_path: Path, logs: dict[str, Log], talk: str
) -> None:
    engine = await open_database(f"sqlite+aiosqlite:///{tmp_path}/parley.db", MIGRATIONS)
    embedding = LocalEmbedding()
    store = VectorStore(EmbeddedChroma(tmp_path / "chroma"), embedding.name)
    log = logs[talk]

    async def found(weights: Weights, folder: str) -> float:
        """The mean of the recall among the first 5, 10, 25."""
        indexes = Indexes(engine, store, embedding, tmp_path / folder, weights=weights)
        total = 0.0
        for asked in log.questions:
            ranked = await indexes.ranked(Scope("ann"), asked.text, limit=25, floor="none")
            ids = [names[one.id] for one in ranked]
            total += sum(len(asked.evidence & set(ids[:k])) for k in (5, 10, 25)) / len(
                asked.evidence
            )
        return 100 * total / (3 * len(log.questions))

    first = Indexes(engine, store, embedding, tmp_path / "first")
    names = await told(engine, first, "ann", log)
    whole = await found(WEIGHTS, "whole")
    worth = {
        part: whole - await found(without, part)
        for part, without in (LEFT_OUT | ONE_WORTH[talk]).items()
    }
    await first.close()
    await store.close()
    await engine.dispose()
    assert {part: worth[part] for part in worth if worth[part] < 0.5} == {}, worth


async def test_the_neutral_form_is_read_as_it_is_written_by_others(tmp_path: Path) -> None:
    """Sessions by number, no speaker, dates in words, evidence that is not there, keys nobody knows."""
    written = {
        "conversations": [
            {
                "id": 7,
                "extra": {"by": "somebody"},
                "turns": [
                    {
                        "id": 1,
                        "session": 3,
                        "at": "1:56 pm on 8 May, 2023",
                        "text": "My \ud800cat is Tom.\x00",
                    },
                    {"id": 2, "session": 3, "at": None, "speaker": "AI", "text": "A fine name."},
                    {
                        "id": 3,
                        "session": 4,
                        "at": "2023-06-09T10:00:00Z",
                        "speaker": "Human",
                        "text": "",
                    },
                ],
                "questions": [
                    {"text": "What is my cat called?", "evidence": [1, 99], "kind": 4},
                    {"text": "Nobody knows", "evidence": ["D9:9"], "kind": "none"},
                ],
            }
        ]
    }
    file = tmp_path / "talk.json"
    file.write_text(json.dumps(written))
    [log] = read_logs(file)
    assert [(turn.id, turn.session, turn.at, turn.speaker) for turn in log.turns] == [
        ("1", "3", 1683554160.0, "user"),
        ("2", "3", 0.0, "assistant"),
        ("3", "4", 1686304800.0, "user"),
    ]
    [asked] = log.questions
    assert (asked.evidence, asked.kind) == (frozenset({"1"}), "4")
    table = await measure([log], tmp_path)
    assert table["recall"]["4"][0].recall == (1.0, 1.0, 1.0, 1.0)
    assert table["as sent"]["4"][0].ndcg == 1.0
