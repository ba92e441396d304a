"""Real files in a folder of the test's own."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from memory.conversations import Conversations
from memory.database import open_database
from memory.embedding import LocalEmbedding
from memory.indexes import Indexes
from memory.media import MediaStore
from memory.migrations import MIGRATIONS
from memory.recall import Recall
from tests.memory.chroma_process import chroma_url as chroma_url
from tests.memory.files import indexes_in


@pytest.fixture
async def engine(database_url: str) -> AsyncIterator[AsyncEngine]:
    opened = await open_database(database_url, MIGRATIONS)
    yield opened
    await opened.dispose()


@pytest.fixture
def conversations(engine: AsyncEngine) -> Conversations:
    return Conversations(engine)


@pytest.fixture
def media(tmp_path: Path, engine: AsyncEngine) -> MediaStore:
    return MediaStore(tmp_path / "media", engine)


@pytest.fixture(scope="session")
def embedding() -> LocalEmbedding:
    return LocalEmbedding()


@pytest.fixture
async def indexes(
    tmp_path: Path, engine: AsyncEngine, embedding: LocalEmbedding
) -> AsyncIterator[Indexes]:
    opened = indexes_in(engine, tmp_path, embedding)
    yield opened
    await opened.close()


@pytest.fixture
def recall(engine: AsyncEngine, indexes: Indexes) -> Recall:
    return Recall(engine, indexes)
