"""Stores that are no files: they behave as those that are, and have bounds."""

from pathlib import Path

import pytest

from memory.conversations import Conversations
from memory.edge import Missing
from memory.in_memory import NO_ROOM, MediaInMemory, database_in_memory
from memory.migrations import MIGRATIONS
from memory.storage_faults import StoreFailed
from messages import new_id
from tests.memory.sayings import ANN, BOB, reply, said

pytestmark = pytest.mark.files


async def test_bytes_have_owners_and_a_bound() -> None:
    async with database_in_memory(MIGRATIONS) as engine:
        media = MediaInMemory(engine, most_bytes=100)
        kept = await media.put(ANN, b"x" * 60, "image/png", "a.png")
        assert await media.bytes_of(ANN, kept.sha256) == (kept, b"x" * 60)
        for asked in (media.bytes_of(BOB, kept.sha256), media.path(ANN, kept.sha256)):
            with pytest.raises(Missing):
                await asked
        with pytest.raises(StoreFailed, match=NO_ROOM[0]):
            await media.put(BOB, b"y" * 60, "image/png")
        await media.disown(ANN, [kept.sha256])
        assert await media.put(BOB, b"y" * 60, "image/png")


async def test_words_have_a_bound_and_room_comes_back(tmp_path: Path) -> None:
    async with database_in_memory(MIGRATIONS, room=2_000_000) as engine:
        conversations = Conversations(engine)
        kept = []
        with pytest.raises(StoreFailed, match=NO_ROOM[0]):
            for _ in range(100):
                here = new_id()
                await conversations.begin_turn(ANN, here, said("word " * 20_000), reply())
                kept.append(here)
        assert kept
        for here in kept:
            await conversations.delete(ANN, here)
        await conversations.begin_turn(ANN, new_id(), said("word " * 20_000), reply())


async def test_two_databases_in_memory_are_strangers() -> None:
    async with database_in_memory(MIGRATIONS) as one, database_in_memory(MIGRATIONS) as other:
        await Conversations(one).begin_turn(ANN, new_id(), said("Hello"), reply())
        assert len(await Conversations(one).list(ANN)) == 1
        assert await Conversations(other).list(ANN) == []
