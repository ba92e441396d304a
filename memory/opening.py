"""Long-term memory put together: rows, indexes, vectors, and what makes lost vectors again."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy.ext.asyncio import AsyncEngine

from memory.chroma_server import ChromaServer
from memory.embedding import Embedding
from memory.indexes import Indexes
from memory.installation import collection_prefix
from memory.rebuild import Rebuild
from memory.recall import Recall
from memory.vector_rows import collection_name
from memory.vectors import VectorStore


@dataclass(frozen=True, slots=True)
class LongTerm:
    recall: Recall
    rebuild: Rebuild


@asynccontextmanager
async def open_long_term(
    engine: AsyncEngine,
    directory: Path,
    embedding: Embedding,
    *,
    chroma_url: str = "",
    again: Embedding | None = None,
) -> AsyncIterator[LongTerm]:
    """On the files in `directory`, or on the Chroma server at `chroma_url`.

    Nothing is made again before `rebuild.start()`. `again` makes lost vectors anew, where that should
    spend less than `embedding`.
    """
    prefix = await collection_prefix(engine) if chroma_url else ""
    vectors = VectorStore(
        ChromaServer(chroma_url) if chroma_url else directory / "chroma",
        collection_name(embedding.name, prefix),
    )
    indexes = Indexes(engine, vectors, embedding, directory / "indexes")
    recall = Recall(engine, indexes)
    rebuild = Rebuild(engine, vectors, again or embedding, indexes.made, prefix)
    try:
        yield LongTerm(recall, rebuild)
    finally:
        await rebuild.close()
        await recall.close()
