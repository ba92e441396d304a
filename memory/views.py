"""Pictures made of an attached file, so that models can see it: pages of a scan, pieces of a long page."""

from collections.abc import Iterable, Sequence

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncEngine

from memory.database import reading
from memory.edge import known_hash, known_owner
from memory.schema import message_media
from memory.schema import views as table
from messages import Media, View


class Views:
    """Which picture is which page of which file. The pictures are kept by the MediaStore."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._reading = reading(engine)

    async def put(self, owner: str, sha256: str, views: Sequence[View]) -> None:
        """Of the file `sha256`; a second time changes nothing."""
        if not views:
            return
        mine = {"owner": known_owner(owner), "sha256": known_hash(sha256)}
        rows = [
            {**mine, "number": view.number, "picture": view.media.sha256, "mime": view.media.mime}
            | {"size": view.media.size, "width": view.width, "height": view.height}
            for view in views
        ]
        try:
            async with self._engine.begin() as connection:
                if (await connection.execute(_of(owner, sha256).limit(1))).first() is None:
                    await connection.execute(sa.insert(table), rows)
        except IntegrityError:
            pass  # put by another request a moment ago

    async def of(self, media: Media, owner: str) -> tuple[View, ...]:
        """Those of a file, in order; they bear its name."""
        async with self._reading.connect() as connection:
            rows = (await connection.execute(_of(owner, media.sha256))).all()
        return tuple(
            View(r.number, Media(r.picture, r.mime, r.size, media.name), r.width, r.height)
            for r in rows
        )

    async def disown(self, owner: str, sha256s: Iterable[str]) -> None:
        """Forget those of files that no message of `owner` refers to."""
        c = table.c
        async with self._engine.begin() as connection:
            for sha256 in sorted(set(sha256s)):
                used = sa.exists().where(
                    message_media.c.sha256 == known_hash(sha256), message_media.c.owner == owner
                )
                gone = sa.delete(table).where(
                    c.owner == known_owner(owner), c.sha256 == sha256, sa.not_(used)
                )
                await connection.execute(gone)


def _of(owner: str, sha256: str) -> sa.Select[tuple[int, str, str, int, int, int]]:
    c = table.c
    return (
        sa.select(c.number, c.picture, c.mime, c.size, c.width, c.height)
        .where(c.owner == known_owner(owner), c.sha256 == known_hash(sha256))
        .order_by(c.number)
    )
