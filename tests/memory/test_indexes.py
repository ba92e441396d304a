"""An index follows the database, within bounds, and comes back from its file."""

import asyncio
import stat
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from memory.chroma_embedded import EmbeddedChroma
from memory.embedding import LocalEmbedding
from memory.indexes import Entry, Indexes, Scope
from memory.vectors import VectorStore
from tests.memory.rows import changed, deleted, written
from tests.memory.sayings import ANN, BOB

PEANUTS = "I am allergic to peanuts."
ASKED = "What am I allergic to?"
MINE = Scope(ANN)
FRUITS = "apple pear plum cherry lemon melon fig grape quince mango".split()
SHELVES = [
    f"The {fruit} jam number {n} stands on shelf {n + 3}." for n in range(8) for fruit in FRUITS
]


class Opened:
    """Indexes on one database, opened again and again on the same files or others."""

    def __init__(self, engine: AsyncEngine, root: Path, embedding: LocalEmbedding) -> None:
        self.engine, self.root, self._embedding = engine, root, embedding
        self._open: list[Indexes] = []
        self._places: dict[str, EmbeddedChroma] = {}

    def vectors(self, chroma: str = "chroma") -> VectorStore:
        place = self._places.setdefault(chroma, EmbeddedChroma(self.root / chroma))
        return VectorStore(place, "vectors")

    def __call__(self, files: str = "indexes", chroma: str = "chroma", **chosen: object) -> Indexes:
        embedding = chosen.pop("embedding", self._embedding)
        made = Indexes(self.engine, self.vectors(chroma), embedding, self.root / files, **chosen)  # type: ignore[arg-type]
        self._open.append(made)
        return made

    async def close(self) -> None:
        for indexes in self._open:
            await indexes.close()
        self._open.clear()

    def files(self) -> list[Path]:
        return sorted((self.root / "indexes").glob("*"))


@pytest.fixture
async def opened(
    tmp_path: Path, engine: AsyncEngine, embedding: LocalEmbedding
) -> AsyncIterator[Opened]:
    found = Opened(engine, tmp_path, embedding)
    yield found
    await found.close()


async def ids(
    indexes: Indexes, query: str = ASKED, scope: Scope = MINE, **how: object
) -> list[str]:
    return [one.id for one in await indexes.ranked(scope, query, **how)]  # type: ignore[arg-type]


async def shelved(opened: Opened, indexes: Indexes, owner: str = ANN) -> list[Entry]:
    """So many memories that a file is worth it, and the one about peanuts, last."""
    entries = await written(opened.engine, owner, [*SHELVES, PEANUTS])
    await indexes.added(Scope(owner), entries)
    return entries


async def test_rows_that_others_wrote_are_found_at_the_next_question(opened: Opened) -> None:
    indexes = opened()
    assert await ids(indexes) == []
    [first] = await written(opened.engine, ANN, [PEANUTS])
    assert await ids(indexes) == [first.id]
    [second] = await written(opened.engine, ANN, ["My cat is allergic to dust."])
    assert set(await ids(indexes)) == {first.id, second.id}


async def test_rows_that_others_deleted_or_superseded_are_not_found(opened: Opened) -> None:
    indexes = opened()
    first, second, third = await written(
        opened.engine, ANN, [PEANUTS, "My cat is allergic to dust.", "He is allergic to wasps."]
    )
    assert set(await ids(indexes)) == {first.id, second.id, third.id}
    await deleted(opened.engine, first)
    assert set(await ids(indexes)) == {second.id, third.id}
    await changed(opened.engine, second, superseded_at=1.8e9)
    assert await ids(indexes) == [third.id]
    await changed(opened.engine, second, superseded_at=0.0)
    assert set(await ids(indexes)) == {second.id, third.id}


async def test_one_that_went_as_another_came_is_noticed(opened: Opened) -> None:
    indexes = opened()
    first, second = await written(opened.engine, ANN, [PEANUTS, "Dust: the cat is allergic to it."])
    await changed(opened.engine, first, superseded_at=1.0)
    assert await ids(indexes) == [second.id]
    await changed(opened.engine, first, superseded_at=0.0)
    await changed(opened.engine, second, superseded_at=1.0)
    assert await ids(indexes) == [first.id]


async def test_passages_are_of_their_conversation_and_pinned_ones_of_all(opened: Opened) -> None:
    indexes = opened()
    [page] = await written(opened.engine, ANN, [PEANUTS], kind="passage")
    document = Scope(ANN, page.session)
    assert await ids(indexes, scope=document) == [page.id]
    assert await ids(indexes) == []
    assert await ids(indexes, scope=Scope(BOB, page.session)) == []
    await changed(opened.engine, page, pinned=True)
    assert await ids(indexes) == await ids(indexes, scope=document) == [page.id]


async def test_nothing_of_the_conversation_that_asks_is_ranked(opened: Opened) -> None:
    indexes = opened()
    [entry] = await written(opened.engine, ANN, [PEANUTS])
    assert await ids(indexes, besides=entry.session) == []
    assert await ids(indexes, besides="another") == [entry.id]


async def test_an_index_comes_back_from_its_file_without_any_vector_store(opened: Opened) -> None:
    *_, peanuts = await shelved(opened, indexes := opened())
    before = await indexes.ranked(MINE, ASKED, limit=20, floor="none")
    await opened.close()
    [file] = opened.files()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert b"peanuts" not in file.read_bytes()
    assert ANN.encode() not in file.read_bytes()
    again = opened(chroma="empty")
    after = await again.ranked(MINE, ASKED, limit=20, floor="none")
    assert [one.id for one in after] == [one.id for one in before]
    assert [one.score for one in after] == pytest.approx([one.score for one in before], abs=1e-3)
    assert after[0].id == peanuts.id
    assert not again.lexical_only()


async def test_what_came_after_the_file_was_written_is_found_too(opened: Opened) -> None:
    await shelved(opened, indexes := opened())
    await ids(indexes)
    await opened.close()
    [later] = await written(opened.engine, ANN, ["The wifi password is lemontree."])
    assert await ids(opened(), "What is the wifi password?") == [later.id]


def zeroed(file: Path) -> None:
    file.write_bytes(b"")


def cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-1_000])


def flipped(file: Path) -> None:
    held = bytearray(file.read_bytes())
    held[len(held) // 2] ^= 255
    file.write_bytes(held)


def of_another_kind(file: Path) -> None:
    file.write_bytes(b'{"made_by": 3}\n')


@pytest.mark.parametrize("damage", [zeroed, cut, flipped, of_another_kind])
async def test_a_damaged_file_is_made_anew(opened: Opened, damage: Callable[[Path], None]) -> None:
    *_, peanuts = await shelved(opened, indexes := opened())
    await ids(indexes)
    await opened.close()
    [file] = opened.files()
    whole = file.stat().st_size
    damage(file)
    assert await ids(opened()) == [peanuts.id]
    await opened.close()
    assert file.stat().st_size == whole


async def test_the_file_of_another_embedding_is_not_used(opened: Opened) -> None:
    class Another(LocalEmbedding):
        name = "another"

    *_, peanuts = await shelved(opened, indexes := opened())
    await ids(indexes)
    await opened.close()
    again = opened(chroma="empty", embedding=Another())
    assert await ids(again) == [peanuts.id]
    assert again.lexical_only()


async def test_what_is_dropped_leaves_index_vectors_and_file_at_once(opened: Opened) -> None:
    long = " ".join(
        [PEANUTS, *(f"Then came day {n}, on which it rained a lot." for n in range(60))]
    )
    entries = await written(opened.engine, ANN, [*SHELVES, long])
    indexes, store = opened(), opened.vectors()
    await indexes.added(MINE, entries)
    assert (await ids(indexes))[0] == entries[-1].id
    await opened.close()
    assert len([key for key in await store.ids(0) if key.startswith(entries[-1].id)]) > 3
    await store.close()
    before = opened.files()[0].stat().st_size
    indexes = opened()
    await deleted(opened.engine, entries[-1])
    await indexes.dropped(MINE, [(entries[-1].id, entries[-1].position)])
    assert entries[-1].id not in await ids(indexes, floor="none", limit=200)
    await opened.close()
    store = opened.vectors()
    assert len(await store.ids(0)) == len(SHELVES)
    await store.close()
    assert opened.files()[0].stat().st_size < before
    assert entries[-1].id.encode() not in opened.files()[0].read_bytes()


async def test_a_vector_stays_while_its_text_is_in_another_scope(opened: Opened) -> None:
    [page] = await written(opened.engine, ANN, [PEANUTS], kind="passage", pinned=True)
    indexes, document = opened(), Scope(ANN, page.session)
    await indexes.added(MINE, [page])
    await changed(opened.engine, page, pinned=False)
    await indexes.dropped(MINE, [(page.id, page.position)])
    assert await ids(indexes) == []
    assert await ids(indexes, scope=document) == [page.id]
    assert not indexes.lexical_only()


async def test_an_erased_owner_leaves_no_file_and_no_vector(opened: Opened) -> None:
    await shelved(opened, indexes := opened())
    await shelved(opened, indexes, BOB)
    assert await ids(indexes)
    assert await ids(indexes, scope=Scope(BOB))
    await opened.close()
    indexes = opened()
    await ids(indexes)
    assert len(opened.files()) == 2
    async with opened.engine.begin() as connection:
        await connection.exec_driver_sql("DELETE FROM memories WHERE owner = 'ann'")
    await indexes.erase(ANN)
    assert await ids(indexes, floor="none") == []
    assert len(opened.files()) == 1
    await opened.close()
    store = opened.vectors()
    assert len(await store.ids(0)) == len(SHELVES) + 1
    await store.close()


async def test_many_vectors_that_are_missing_are_made_while_words_are_compared(
    opened: Opened,
) -> None:
    *_, peanuts = await written(opened.engine, ANN, [*SHELVES, PEANUTS])
    indexes = opened()
    assert await ids(indexes) == [peanuts.id]
    assert indexes.lexical_only()
    while indexes.lexical_only():
        await asyncio.sleep(0.01)
    assert await ids(indexes, "Which food makes me ill, peanut or none?") == [peanuts.id]
    await opened.close()
    again = opened()
    await ids(again)
    assert not again.lexical_only()


async def test_a_few_that_are_missing_are_made_at_once(opened: Opened) -> None:
    [peanuts] = await written(opened.engine, ANN, [PEANUTS])
    indexes = opened()
    assert await ids(indexes, "Which food makes me ill, peanut or none?") == [peanuts.id]
    assert not indexes.lexical_only()


async def test_no_more_is_held_than_allowed_and_nobody_is_lost(opened: Opened) -> None:
    owners = [f"owner-{n}" for n in range(8)]
    indexes = opened(max_bytes=400_000)
    last = {owner: (await shelved(opened, indexes, owner))[-1].id for owner in owners}
    for owner in [*owners, *owners]:
        assert (await ids(indexes, scope=Scope(owner)))[0] == last[owner]
    while indexes._shelf.nbytes > 400_000:
        await asyncio.sleep(0.01)
    assert len(opened.files()) >= 4


async def test_many_who_ask_and_add_at_once_all_find_theirs(opened: Opened) -> None:
    indexes = opened(max_bytes=300_000)
    owners = [f"owner-{n}" for n in range(6)]

    async def live(owner: str) -> list[bool]:
        found = []
        for n in range(12):
            new = await written(opened.engine, owner, [f"Locker {n} of {owner} holds skates."])
            await indexes.added(Scope(owner), new)
            asked = f"What does locker {n} of {owner} hold?"
            found.append(new[0].id in await ids(indexes, asked, Scope(owner), limit=60))
        return found

    assert all(all(found) for found in await asyncio.gather(*map(live, owners)))


async def test_who_gives_up_in_the_middle_leaves_a_sound_index(opened: Opened) -> None:
    indexes = opened()
    for n in range(30):
        new = await written(
            opened.engine, ANN, [f"Locker {n} holds skates, {fruit}." for fruit in FRUITS]
        )
        task = asyncio.create_task(indexes.ranked(MINE, f"locker {n}"))
        await asyncio.sleep(n / 5_000)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await indexes.added(MINE, new)
    found = await ids(indexes, "skates in a locker", limit=1_000, floor="none")
    assert len(found) == len(set(found)) == 300


async def test_the_order_is_that_of_a_search_made_all_at_once(opened: Opened) -> None:
    """Grown one by one, with some dropped in between, or read in one go: the same scores."""
    grown = opened()
    entries: list[Entry] = []
    for text in SHELVES[:40]:
        entries += (new := await written(opened.engine, ANN, [text]))
        await ids(grown)
        await grown.added(MINE, new)
    for gone in entries[5:15]:
        await deleted(opened.engine, gone)
        await grown.dropped(MINE, [(gone.id, gone.position)])
    query = "Where is the quince jam?"
    one = await grown.ranked(MINE, query, limit=50, floor="none")
    await opened.close()
    other = await opened(files="others").ranked(MINE, query, limit=50, floor="none")
    assert len(one) == 30
    scores = {ranked.id: ranked.score for ranked in one}
    assert [scores[ranked.id] for ranked in other] == pytest.approx(
        [ranked.score for ranked in other], abs=1e-3
    )
    assert np.all(np.diff([ranked.score for ranked in one]) <= 0)


async def test_vectors_count_before_they_are_stored_and_are_stored_soon(opened: Opened) -> None:
    indexes = opened()
    await ids(indexes)
    await shelved(opened, indexes)
    assert await indexes._store.ids(0) == []
    assert not indexes.lexical_only()
    await indexes.written()
    assert len(await indexes._store.ids(0)) == len(SHELVES) + 1


async def test_what_is_forgotten_before_its_vector_is_stored_never_has_one(opened: Opened) -> None:
    indexes = opened()
    entries = await shelved(opened, indexes)
    some = [(entry.id, entry.position) for entry in entries[:40]]
    for entry in entries[:40]:
        await deleted(opened.engine, entry)
    await indexes.dropped(MINE, some)
    await indexes.written()
    stored = await indexes._store.ids(0)
    assert {key.split(".")[0] for key in stored} == {entry.id for entry in entries[40:]}
