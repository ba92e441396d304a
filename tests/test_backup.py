"""A backup is made while Parley works, and what is restored is a whole Parley."""

import asyncio
import io
import tarfile
from pathlib import Path

import pytest

from house import House, open_house
from inference.connection import connect
from inference.provider import load_providers
from memory.backup import back_up, restore
from memory.database import DatabaseRefused
from messages import Image
from settings import Settings
from tests.conftest import OWNER
from tests.pictures import png
from tests.scripted_server import ScriptedServer
from tests.test_assistant import TALK, ended


async def test_what_was_said_and_shown_is_there_again(
    house: House, model: ScriptedServer, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    (tmp_path / "cookie.key").write_bytes(b"k" * 32)
    kept = await house.assistant.attach(OWNER, png("A LIGHTHOUSE"), "lighthouse.png")
    model.says("It is a lighthouse.")
    await house.assistant.send(
        OWNER, TALK, "My lighthouse, for you.", [kept.media.sha256], speak=False
    )
    await ended(house)
    model.says(*(f"{n} " for n in range(100)), delay_s=0.02)
    await house.assistant.send(OWNER, "d" * 32, "Count", (), speak=False)
    folder = tmp_path_factory.mktemp("elsewhere")
    archive, place = folder / "parley.tar.gz", folder / "again"
    await asyncio.to_thread(back_up, tmp_path, archive)  # while the other reply is on its way
    assert archive.stat().st_mode & 0o077 == 0
    await asyncio.to_thread(restore, archive, place)
    assert (place / "cookie.key").read_bytes() == b"k" * 32
    chosen = Settings(base_url=model.base_url, model="big", data_dir=place)
    async with open_house(chosen, connect(load_providers(), model.base_url, "k-1", {})) as again:
        opened = await again.assistant.open(OWNER, TALK)
        said, reply = opened.messages
        assert reply.text == "It is a lighthouse."
        picture = next(part for part in said.parts if isinstance(part, Image))
        _, path = await again.assistant.media(OWNER, picture.media.sha256)
        assert await asyncio.to_thread(path.is_relative_to, place)
        counted = (await again.assistant.open(OWNER, "d" * 32)).messages[-1]
        assert counted.status == "interrupted"
        found = await again.layers.recall.recall(OWNER, "my lighthouse", besides=None)
        assert "My lighthouse, for you." in {memory.text for memory in found}


async def test_what_was_forgotten_is_not_in_a_backup(
    house: House, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    await house.assistant.send(OWNER, TALK, "The word is xylophagous.", (), speak=False)
    await ended(house)
    await house.assistant.delete(OWNER, TALK)
    archive = tmp_path_factory.mktemp("elsewhere") / "parley.tar.gz"
    await asyncio.to_thread(back_up, tmp_path, archive)
    with tarfile.open(archive) as tar:
        for member in tar:
            file = tar.extractfile(member)
            assert file is not None
            assert b"xylophagous" not in file.read()


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    data, archive = tmp_path / "data", tmp_path / "b.tar.gz"
    with pytest.raises(DatabaseRefused, match="no data of Parley"):
        back_up(data, archive)
    archive.write_bytes(b"mine")
    data.mkdir()
    (data / "parley.db").write_bytes(b"")
    with pytest.raises(DatabaseRefused, match="is there already"):
        back_up(data, archive)
    assert archive.read_bytes() == b"mine"
    with pytest.raises(DatabaseRefused, match="not empty"):
        restore(archive, data)


def tar_of(*files: tuple[str, bytes]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as tar:
        for name, data in files:
            member = tarfile.TarInfo(name)
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    return out.getvalue()


@pytest.mark.parametrize(
    "data",
    [b"", b"no archive", tar_of(("other.txt", b"x")), tar_of(("parley.db", b"no database" * 99)),
     tar_of(("parley.db", b""), ("../escaped", b"x")), tar_of(("parley.db", b""))[:40]],
    ids=["empty", "garbage", "another-s", "broken", "escaping", "cut"],
)  # fmt: skip
def test_what_is_no_backup_leaves_the_place_as_it_was(tmp_path: Path, data: bytes) -> None:
    archive, place = tmp_path / "b.tar.gz", tmp_path / "data"
    archive.write_bytes(data)
    with pytest.raises(DatabaseRefused):
        restore(archive, place)
    assert [path.name for path in place.iterdir()] in ([], ["parley.lock"])
    assert not (tmp_path / "escaped").exists()
