"""What stands in files, byte by byte, and long-term memory on files of a test's own."""

from pathlib import Path

from sqlalchemy.ext.asyncio import AsyncEngine

from memory.chroma_embedded import EmbeddedChroma
from memory.embedding import Embedding
from memory.indexes import Indexes
from memory.recall import Recall
from memory.vector_rows import collection_name
from memory.vectors import VectorStore


def recall_in(engine: AsyncEngine, directory: Path, embedding: Embedding) -> Recall:
    """Long-term memory with its vectors in `directory`; nothing makes lost ones again."""
    return Recall(engine, indexes_in(engine, directory, embedding))


def indexes_in(engine: AsyncEngine, directory: Path, embedding: Embedding) -> Indexes:
    place = EmbeddedChroma(directory / "chroma")  # here, which is started sooner than a process
    vectors = VectorStore(place, collection_name(embedding.name))
    return Indexes(engine, vectors, embedding, directory / "indexes")


def files_with(root: Path, words: str) -> list[str]:
    """Those below `root` that hold `words`."""
    files = (path for path in root.rglob("*") if path.is_file())
    return [str(p.relative_to(root)) for p in files if words.encode() in p.read_bytes()]
