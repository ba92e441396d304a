"""A web of one's own, and what surrounds a tool."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from memory.database import open_database
from memory.media import MediaStore
from memory.migrations import MIGRATIONS
from memory.permissions import Permissions
from messages import Media, Memory
from tests.pictures import png
from tests.tools.local_web import LocalWeb
from tools.around import Around, Page
from tools.router import ToolError

OWNER = "a-visitor"


@pytest.fixture
async def web() -> AsyncIterator[LocalWeb]:
    async with LocalWeb() as opened:
        yield opened


@pytest.fixture
async def engine(tmp_path: Path) -> AsyncIterator[AsyncEngine]:
    opened = await open_database(f"sqlite+aiosqlite:///{tmp_path}/data/parley.db", MIGRATIONS)
    yield opened
    await opened.dispose()


@pytest.fixture
def permissions(engine: AsyncEngine) -> Permissions:
    return Permissions(engine)


@pytest.fixture
def media(tmp_path: Path, engine: AsyncEngine) -> MediaStore:
    return MediaStore(tmp_path / "media", engine)


@dataclass
class Surroundings:
    """What a turn would hand to its tools: a notebook for a memory, one document, a real store."""

    media: MediaStore
    notes: list[Memory] = field(default_factory=list)
    document: Sequence[str] = ()

    def around(self, owner: str = OWNER) -> Around:
        async def search(words: str) -> Sequence[Memory]:
            return [note for note in self.notes if words.lower() in note.text.lower()]

        async def remember(fact: str) -> Memory:
            self.notes.append(note(fact))
            return self.notes[-1]

        async def forget(which: str) -> Sequence[Memory]:
            gone = [n for n in self.notes if n.id == which or which.lower() in n.text.lower()]
            self.notes = [n for n in self.notes if n not in gone]
            return gone

        async def pages(name: str, first: int, last: int) -> Sequence[Page]:
            if name not in ("", "report.pdf"):
                raise ToolError("The only document is report.pdf.")
            whole = len(self.document)
            return [
                Page("report.pdf", n, whole, text)
                for n, text in enumerate(self.document, 1)
                if first <= n <= last
            ]

        async def draw(prompt: str, _shape: str) -> Media:
            return await self.media.put(owner, png(prompt), "image/png", "made.png")

        async def keep(data: bytes, mime: str, name: str) -> Media:
            return await self.media.put(owner, data, mime, name)

        return Around(search, remember, forget, pages, draw, keep, owner)


def note(text: str, **more: object) -> Memory:
    plain = Memory(
        f"{abs(hash(text)):032x}"[:32], text, "user", "0" * 32, "A talk", "1" * 32, 1.7e9
    )
    from dataclasses import replace

    return replace(plain, **more)  # type: ignore[arg-type]


@pytest.fixture
def surroundings(media: MediaStore) -> Surroundings:
    return Surroundings(media)
