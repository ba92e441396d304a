"""The bytes of pictures and recordings: files named by content, each known to its owners alone."""

import asyncio
import hashlib
import os
import tempfile
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from memory.database import reading
from memory.edge import Missing, clean, known_hash, known_owner
from memory.schema import media as owned
from memory.schema import message_media
from memory.storage_faults import filing
from messages import Media

LONGEST_NAME = 200
_PART = ".part-"


class MediaStore:
    """Files below `root`, in folders of two levels: `ab/cd/abcd…`."""

    writes_files = True

    def __init__(self, root: Path, engine: AsyncEngine) -> None:
        self._root = root
        self._engine = engine
        self._reading = reading(engine)

    async def put(self, owner: str, data: bytes, mime: str, name: str = "") -> Media:
        """Keep `data` for `owner`. The same bytes are kept once, whoever brings them."""
        known_owner(owner)
        digest = await asyncio.to_thread(lambda: hashlib.sha256(data).hexdigest())
        label = PurePosixPath(clean(name).replace("\\", "/")).name[:LONGEST_NAME]
        kept = Media(digest, clean(mime), len(data), label)
        # The row comes first: `disown` removes a file only while it holds the write lock and no row
        # is left, so a file written after its row was stored cannot be taken away by another owner.
        async with self._engine.begin() as connection:
            if (await connection.execute(self._row(owner, digest))).first() is None:
                row = {"sha256": digest, "owner": owner, "mime": kept.mime}
                new = sa.insert(owned).values(**row, size=kept.size, name=label)
                await connection.execute(new)
        with filing():
            await asyncio.to_thread(self._keep, digest, data)
        return kept

    def sweep(self) -> None:
        """At start, when nobody writes: remove what was half written when Parley was ended."""
        for left_over in self._root.glob(f"*/*/{_PART}*"):
            left_over.unlink(missing_ok=True)

    async def path(self, owner: str, sha256: str) -> tuple[Media, Path]:
        """The file and what is known of it. Raises Missing."""
        place = self._place(sha256)
        media = await self.known(owner, sha256)
        if not await asyncio.to_thread(place.is_file):
            raise Missing("No such file.")
        return media, place

    async def bytes_of(self, owner: str, sha256: str) -> tuple[Media, bytes]:
        """The bytes and what is known of them. Raises Missing, StoreFailed."""
        media, _ = await self.path(owner, sha256)
        return media, await asyncio.to_thread(self.read, media)

    async def total(self, owner: str) -> int:
        """Bytes of all files of `owner`."""
        size = sa.func.coalesce(sa.func.sum(owned.c.size), 0)
        async with self._reading.connect() as connection:
            found = sa.select(size).where(owned.c.owner == known_owner(owner))
            return int((await connection.execute(found)).scalar_one())

    def read(self, media: Media) -> bytes:
        """The bytes themselves; call it in a thread. Raises Missing, StoreFailed."""
        with filing():
            try:
                return self._place(media.sha256).read_bytes()
            except FileNotFoundError:
                raise Missing("No such file.") from None

    async def disown(self, owner: str, sha256s: Iterable[str]) -> None:
        """Give up those that no message of `owner` refers to; the last one takes the file along."""
        known_owner(owner)
        for sha256 in sorted(set(sha256s)):
            known_hash(sha256)
            used = sa.exists().where(
                message_media.c.sha256 == sha256, message_media.c.owner == owner
            )
            given_up = sa.delete(owned).where(
                owned.c.sha256 == sha256, owned.c.owner == owner, sa.not_(used)
            )
            left = sa.select(owned.c.sha256).where(owned.c.sha256 == sha256).limit(1)
            async with self._engine.begin() as connection:
                gone = (await connection.execute(given_up)).rowcount
                if gone and (await connection.execute(left)).first() is None:
                    await asyncio.to_thread(self._remove, sha256)

    async def erase(self, owner: str) -> None:
        """Give up all of them; call it when no message of this owner is left."""
        mine = sa.select(owned.c.sha256).where(owned.c.owner == known_owner(owner))
        async with self._reading.connect() as connection:
            hashes = (await connection.execute(mine)).scalars().all()
        await self.disown(owner, hashes)

    async def known(self, owner: str, sha256: str) -> Media:
        """What is known of it. Raises Missing."""
        async with self._reading.connect() as connection:
            row = (await connection.execute(self._row(known_owner(owner), sha256))).first()
        if row is None:
            raise Missing("No such file.")
        return Media(row.sha256, row.mime, row.size, row.name)

    def _keep(self, sha256: str, data: bytes) -> None:
        _write(self._place(sha256), data)

    def _remove(self, sha256: str) -> None:
        self._place(sha256).unlink(missing_ok=True)

    def _place(self, sha256: str) -> Path:
        known_hash(sha256)
        return self._root / sha256[:2] / sha256[2:4] / sha256

    def _row(self, owner: str, sha256: str) -> sa.Select[tuple[str, str, int, str]]:
        c = owned.c
        return sa.select(c.sha256, c.mime, c.size, c.name).where(
            c.sha256 == sha256, c.owner == owner
        )


def _write(place: Path, data: bytes) -> None:
    """Write under another name and rename, so that a file under its own name is always whole."""
    if place.is_file() and place.stat().st_size == len(data):
        return
    place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    # mkstemp makes the file 0600.
    descriptor, temporary = tempfile.mkstemp(dir=place.parent, prefix=_PART)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(place)
        _sync_folder(place.parent)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def _sync_folder(folder: Path) -> None:
    """Make the new name itself outlast a power cut; Windows has no such call and needs none."""
    if os.name == "posix":
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
