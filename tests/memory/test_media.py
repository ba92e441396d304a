"""Bytes by content: kept once, seen by their owners alone, gone with the last of them."""

import asyncio
import hashlib
import stat
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path

import pytest

from memory.conversations import Conversations
from memory.edge import Missing
from memory.media import MediaStore
from memory.storage_faults import StoreFailed
from messages import Image, Media, Text, new_id
from tests.memory.sayings import ANN, BOB, HOSTILE, reply, said

DATA = b"\x89PNG pretend" * 1000
SHA = hashlib.sha256(DATA).hexdigest()


def files(tmp_path: Path) -> list[str]:
    root = tmp_path / "media"
    return sorted(str(p.relative_to(root)) for p in root.rglob("*") if p.is_file())


async def test_bytes_are_kept_under_their_hash_and_come_back(
    tmp_path: Path, media: MediaStore
) -> None:
    kept = await media.put(ANN, DATA, "image/png", "C:\\pictures\\cat.png")
    assert kept == Media(SHA, "image/png", len(DATA), "cat.png")
    assert media.read(kept) == DATA
    found, path = await media.path(ANN, SHA)
    assert (found, path.read_bytes()) == (kept, DATA)
    assert files(tmp_path) == [f"{SHA[:2]}/{SHA[2:4]}/{SHA}"]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


async def test_what_a_crash_left_half_written_is_gone_at_the_next_start(
    tmp_path: Path, media: MediaStore
) -> None:
    await media.put(ANN, DATA, "image/png")
    half = tmp_path / "media" / SHA[:2] / SHA[2:4] / ".part-abc"
    half.write_bytes(DATA[:100])
    media.sweep()
    assert files(tmp_path) == [f"{SHA[:2]}/{SHA[2:4]}/{SHA}"]


async def test_a_file_that_finds_no_room_is_told_and_can_be_kept_later(
    tmp_path: Path, media: MediaStore, full_disk: Callable[[], AbstractContextManager[None]]
) -> None:
    await media.put(ANN, b"something else", "image/png")
    with full_disk(), pytest.raises(StoreFailed):
        await media.put(ANN, DATA, "image/png")
    assert len(files(tmp_path)) == 1
    assert media.read(await media.put(ANN, DATA, "image/png")) == DATA


async def test_the_same_bytes_of_two_owners_are_one_file_until_both_gave_it_up(
    tmp_path: Path, media: MediaStore
) -> None:
    both = (media.put(owner, DATA, "image/png", f"{owner}.png") for owner in (ANN, BOB) * 4)
    await asyncio.gather(*both)
    assert len(files(tmp_path)) == 1
    assert (await media.path(BOB, SHA))[0].name == "bob.png"
    await media.disown(ANN, [SHA])
    with pytest.raises(Missing):
        await media.path(ANN, SHA)
    assert (await media.path(BOB, SHA))[1].read_bytes() == DATA
    await media.disown(BOB, [SHA, SHA])
    assert files(tmp_path) == []


async def test_a_file_stays_while_a_message_of_its_owner_refers_to_it(
    tmp_path: Path, media: MediaStore, conversations: Conversations
) -> None:
    kept = await media.put(ANN, DATA, "image/png")
    look = replace(said(), parts=(Text("Look"), Image(kept, 1, 1)))
    first, second = new_id(), new_id()
    for here in (first, second):
        await conversations.begin_turn(ANN, here, replace(look, id=new_id()), reply())
    await media.disown(ANN, await conversations.delete(ANN, first))
    assert (await media.path(ANN, SHA))[1].read_bytes() == DATA
    await media.disown(ANN, await conversations.delete(ANN, second))
    assert files(tmp_path) == []


async def test_bytes_given_up_and_brought_again_are_there(media: MediaStore) -> None:
    await media.put(ANN, DATA, "image/png")
    await asyncio.gather(media.disown(ANN, [SHA]), media.put(BOB, DATA, "image/png"))
    assert (await media.path(BOB, SHA))[1].read_bytes() == DATA
    with pytest.raises(Missing):
        await media.path(ANN, SHA)


async def test_a_half_written_file_is_never_under_its_name(
    tmp_path: Path, media: MediaStore
) -> None:
    place = tmp_path / "media" / SHA[:2] / SHA[2:4] / SHA
    place.parent.mkdir(parents=True)
    place.write_bytes(DATA[:100])
    await media.put(ANN, DATA, "image/png")
    assert place.read_bytes() == DATA


@pytest.mark.parametrize("hostile", [*HOSTILE, SHA.upper(), f"{SHA}\n", "../" * 21 + "x"])
async def test_a_hostile_hash_or_owner_finds_nothing(media: MediaStore, hostile: str) -> None:
    kept = await media.put(ANN, DATA, "image/png")
    with pytest.raises(Missing):
        await media.path(ANN, hostile)
    with pytest.raises(Missing):
        await media.path(hostile, SHA)
    with pytest.raises(Missing):
        media.read(replace(kept, sha256=hostile))
    assert (await media.path(ANN, SHA))[0] == kept


async def test_a_file_that_vanished_is_missing_not_an_error(media: MediaStore) -> None:
    kept = await media.put(ANN, DATA, "image/png")
    (await media.path(ANN, SHA))[1].unlink()
    with pytest.raises(Missing):
        await media.path(ANN, SHA)
    with pytest.raises(Missing):
        media.read(kept)
