"""What stands in files, byte by byte, and long-term memory on files of a test's own."""

from pathlib import Path

from sqlalchemy.ext.asyncio import AsyncEngine

from memory.embedding import Embedding
from memory.indexes import Indexes
from memory.recall import Recall
from memory.vectors import VectorStore, collection_name


def recall_in(engine: AsyncEngine, directory: Path, embedding: Embedding) -> Recall:
    """Long-term memory with its vectors in `directory`; nothing makes lost ones again."""
    return Recall(engine, indexes_in(engine, directory, embedding))


def indexes_in(engine: AsyncEngine, directory: Path, embedding: Embedding) -> Indexes:
    vectors = VectorStore(directory / "chroma", collection_name(embedding.name))
    return Indexes(engine, vectors, embedding, directory / "indexes")


def files_with(root: Path, words: str) -> list[str]:
    """Those below `root` that hold `words`, but for Chroma's vector files.

    Chroma 1.5.9 writes these as long as they may grow, and what it has not used yet is whatever that
    memory of the process held before: now and then words, though it is never given any.
    """
    files = (p for p in root.rglob("*") if p.is_file() and not _of_vectors(p))
    return [str(p.relative_to(root)) for p in files if words.encode() in p.read_bytes()]


def _of_vectors(path: Path) -> bool:
    return path.suffix == ".bin" and (path.parent / "data_level0.bin").exists()
