"""What was dropped from the vectors is in none of Chroma's files any more."""

from pathlib import Path

import numpy as np
import pytest

from memory.vectors import VectorStore

ANN, BOB = "user:ann-of-the-moor", "user:bob-of-the-mill"
WIDTH = 64


def rows(first: int, count: int) -> dict[str, np.ndarray]:
    made = np.random.default_rng(first).random((count, WIDTH), dtype=np.float32)
    made /= np.linalg.norm(made, axis=1, keepdims=True)
    return {f"{first + n:032x}-0": row for n, row in enumerate(made)}


def holding(directory: Path, what: bytes) -> list[str]:
    return [p.name for p in directory.rglob("*") if p.is_file() and what in p.read_bytes()]


@pytest.mark.parametrize("count", [40, 1200], ids=["in the log", "in the index"])
async def test_neither_vector_nor_owner_is_left(tmp_path: Path, count: int) -> None:
    """From 1,000 on Chroma writes them into its index's own files, too."""
    directory = tmp_path / "chroma"
    store = VectorStore(directory, "model")
    anns, bobs = rows(0, count), rows(10_000, 30)
    await store.put(ANN, anns)
    await store.put(BOB, bobs)
    one = next(iter(anns.values())).tobytes()
    assert holding(directory, one), "it was never written: this proves nothing"
    assert holding(directory, ANN.encode())

    await store.drop(list(anns))
    await store.compact()

    for vector in anns.values():
        assert holding(directory, vector.tobytes()) == []
    assert holding(directory, ANN.encode()) == []
    await _bob_is_whole(store, bobs)
    await store.put(BOB, rows(20_000, 1200))  # what it has in memory is written once more
    assert holding(directory, one) == []
    await store.close()
    assert holding(directory, one) == []
    again = VectorStore(directory, "model")
    assert await again.check(30) == 1230
    assert await again.get(ANN, list(anns)) == {}
    await _bob_is_whole(again, bobs)
    await again.close()
    assert holding(directory, one) == []


async def _bob_is_whole(store: VectorStore, expected: dict[str, np.ndarray]) -> None:
    found = await store.get(BOB, list(expected))
    assert set(found) == set(expected)
    assert all(np.allclose(found[key], row) for key, row in expected.items())
