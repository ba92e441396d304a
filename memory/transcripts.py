"""The words of recordings, kept beside their bytes: what was paid for once is not asked for again."""

from collections.abc import Iterable
from dataclasses import dataclass

import sqlalchemy as sa

from memory.database import reading
from memory.edge import clean, known_hash, known_owner
from memory.media import MediaStore
from memory.schema import media, transcripts


@dataclass(frozen=True, slots=True)
class Transcript:
    """What `model` understood, "" where it found no words. `rough`: read it before it is sent.

    `free`: nothing was spent on it.
    """

    text: str
    model: str
    rough: bool = False
    free: bool = False


class Transcripts:
    """The owner comes first, always. Raises Missing for what cannot be an owner or a hash."""

    def __init__(self, store: MediaStore) -> None:
        self._engine = store._engine
        self._reading = reading(self._engine)

    async def get(self, owner: str, sha256: str) -> Transcript | None:
        async with self._reading.connect() as connection:
            row = (await connection.execute(sa.select(*_WORDS).where(*_of(owner, sha256)))).first()
        return Transcript(*row) if row else None

    async def keep(self, owner: str, sha256: str, found: Transcript, *, told: bool = False) -> None:
        """`told`: a reply says already what it took."""
        row = {"owner": owner, "sha256": sha256, "text": clean(found.text), "model": found.model}
        facts = {"rough": found.rough, "free": found.free, "told": told}
        async with self._engine.begin() as connection:
            await connection.execute(sa.delete(transcripts).where(*_of(owner, sha256)))
            await connection.execute(sa.insert(transcripts).values(**row, **facts))

    async def claim(self, owner: str, sha256: str) -> Transcript | None:
        """The transcript, for the one reply that says what it took; None ever after."""
        untold = sa.update(transcripts).where(*_of(owner, sha256), sa.not_(transcripts.c.told))
        async with self._engine.begin() as connection:
            row = (await connection.execute(untold.values(told=True).returning(*_WORDS))).first()
        return Transcript(*row) if row else None

    async def disown(self, owner: str, sha256s: Iterable[str]) -> None:
        """Give up those whose recording is given up already."""
        c = transcripts.c
        kept = sa.exists().where(media.c.sha256 == c.sha256, media.c.owner == c.owner)
        gone = sa.delete(transcripts).where(
            c.owner == known_owner(owner), c.sha256.in_(sorted(set(sha256s))), sa.not_(kept)
        )
        async with self._engine.begin() as connection:
            await connection.execute(gone)


_WORDS = (transcripts.c.text, transcripts.c.model, transcripts.c.rough, transcripts.c.free)


def _of(owner: str, sha256: str) -> tuple[sa.ColumnElement[bool], ...]:
    c = transcripts.c
    return c.owner == known_owner(owner), c.sha256 == known_hash(sha256)
