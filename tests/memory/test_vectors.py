"""Vectors are kept for their owner, embedded and on a server alike, without a word of what was said."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import numpy as np
import pytest

from memory.chroma_server import ChromaServer
from memory.embedding import Vectors
from memory.vector_rows import VectorsUnusable, collection_name
from memory.vectors import VectorStore
from messages import new_id
from tests.memory.sayings import ANN, BOB, HOSTILE

Reopen = Callable[[], VectorStore]


@pytest.fixture(params=["embedded", "server"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> ChromaServer | Path:
    if request.param == "server":
        return ChromaServer(request.getfixturevalue("chroma_url"))
    return tmp_path / "chroma"


@pytest.fixture
async def reopen(place: ChromaServer | Path) -> AsyncIterator[Reopen]:
    """Opens the same collection again and again; all are closed at the end."""
    name, opened = f"test-{new_id()}", list[VectorStore]()

    def again() -> VectorStore:
        opened.append(VectorStore(place, name))
        return opened[-1]

    yield again
    for store in opened:
        await store.close()


@asynccontextmanager
async def opened(place: ChromaServer | Path, name: str) -> AsyncIterator[VectorStore]:
    store = VectorStore(place, name)
    yield store
    await store.close()


def some(count: int, width: int = 8, seed: int = 1) -> dict[str, Vectors]:
    rows = np.random.default_rng(seed).standard_normal((count, width)).astype(np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    return {f"{seed}-{number}": row for number, row in enumerate(rows)}


async def test_what_was_put_is_there_after_a_restart(reopen: Reopen) -> None:
    kept, first = some(3), reopen()
    await first.put(ANN, kept)
    await first.close()
    found = await reopen().get(ANN, [*kept, "never-put"])
    assert set(found) == set(kept)
    for key, vector in kept.items():
        np.testing.assert_allclose(found[key], vector, atol=1e-6)


async def test_a_vector_that_is_put_again_is_the_new_one(reopen: Reopen) -> None:
    store, old, new = reopen(), some(1), some(1, seed=2)
    await store.put(ANN, old)
    await store.put(ANN, {"1-0": new["2-0"]})
    np.testing.assert_allclose((await store.get(ANN, ["1-0"]))["1-0"], new["2-0"], atol=1e-6)
    assert await store.check(1) == 1


async def test_nobody_gets_anothers_vectors_by_their_ids(reopen: Reopen) -> None:
    store, anns = reopen(), some(2)
    await store.put(ANN, anns)
    for other in (BOB, *HOSTILE):
        assert await store.get(other, list(anns)) == {}


async def test_owners_of_any_name_get_their_own(reopen: Reopen) -> None:
    store, owners = reopen(), [name for name in HOSTILE if "\ud800" not in name and name]
    for number, owner in enumerate(owners):
        await store.put(owner, some(1, seed=number))
    for number, owner in enumerate(owners):
        assert list(await store.get(owner, [f"{n}-0" for n in range(len(owners))])) == [
            f"{number}-0"
        ]


async def test_what_was_dropped_is_gone(reopen: Reopen) -> None:
    store, kept = reopen(), some(3)
    await store.put(ANN, kept)
    await store.drop(["1-0", "1-2", "never-put"])
    assert list(await store.get(ANN, list(kept))) == ["1-1"]
    assert await store.ids(0) == ["1-1"]


async def test_thousands_are_put_and_got_at_once(reopen: Reopen) -> None:
    store, many = reopen(), some(2_500)
    await store.put(ANN, many)
    found = await store.get(ANN, list(many))
    assert set(found) == set(many)
    assert sorted(await store.ids(0)) == sorted(many)
    assert len(await store.ids(2_000)) == 500
    assert await store.ids(2_500) == []


async def test_a_vector_of_zeros_is_as_good_as_missing(reopen: Reopen) -> None:
    store = reopen()
    await store.put(ANN, some(1) | {"silent": np.zeros(8, np.float32)})
    assert await store.ids(0) == ["1-0"]
    assert store.incomplete.is_set()


async def test_a_model_that_changed_behind_its_name_begins_anew(reopen: Reopen) -> None:
    store = reopen()
    await store.put(ANN, some(2))
    assert not store.incomplete.is_set()
    await store.put(ANN, some(1, width=12, seed=2))
    assert await store.ids(0) == ["2-0"]
    assert store.incomplete.is_set()


async def test_another_models_collection_is_left_until_it_is_tidied_away(
    place: ChromaServer | Path,
) -> None:
    prefix, strange = f"parley-{new_id()}-", f"strange-{new_id()}"
    old, new = collection_name("old", prefix), collection_name("new", prefix)
    for number, name in enumerate((old, new, strange)):
        async with opened(place, name) as store:
            await store.put(ANN, some(1, width=8 + number))
    async with opened(place, new) as store:
        await store.tidy(prefix)
        assert await store.ids(0) == ["1-0"]
    async with opened(place, strange) as store:
        assert await store.ids(0) == ["1-0"]
    async with opened(place, old) as store:
        assert await store.ids(0) == []


async def test_a_collection_that_was_removed_while_in_use_is_begun_anew(chroma_url: str) -> None:
    mine, other = f"test-{new_id()}", f"other-{new_id()}"
    async with (
        opened(ChromaServer(chroma_url), mine) as store,
        opened(ChromaServer(chroma_url), other) as another,
    ):
        await store.put(ANN, some(1))
        await another.tidy(mine)
        assert not store.incomplete.is_set()
        assert await store.ids(0) == []
        assert store.incomplete.is_set()


async def test_a_great_owner_does_not_keep_others_waiting(tmp_path: Path) -> None:
    store, many = VectorStore(tmp_path / "chroma", "abc"), some(3_000)
    await store.put(ANN, many)
    order: list[str] = []

    async def get(owner: str, ids: list[str]) -> None:
        await store.get(owner, ids)
        order.append(owner)

    await asyncio.gather(get(ANN, list(many)), get(BOB, ["1-0"]))
    assert order == [BOB, ANN]
    await store.close()


async def test_a_closed_store_says_so(reopen: Reopen) -> None:
    store = reopen()
    await store.put(ANN, some(1))
    await store.close()
    await store.close()
    with pytest.raises(VectorsUnusable, match="closed"):
        await store.get(ANN, ["1-0"])


@pytest.mark.parametrize(
    ("embedding", "name"),
    [
        ("wordllama-l2-256-log1p-v1", "wordllama-l2-256-log1p-v1"),
        ("oxlo-BAAI/bge-large:latest-v1", "oxlo-BAAI-bge-large-latest-v1-"),
        ("日本語", "model-"),
        ("…/…", "model-"),
        ("x" * 3_000, "x" * 200),
    ],
)
async def test_any_model_has_a_collection(
    place: ChromaServer | Path, embedding: str, name: str
) -> None:
    found = collection_name(embedding)
    assert found.startswith(name)
    assert found != collection_name(f"{embedding}2")
    async with opened(place, found) as store:
        await store.put(ANN, some(1))
        assert await store.ids(0) == ["1-0"]
        await store.tidy("none-of-these")
