"""Stores that end with this process: what is kept in them never becomes a file."""

import secrets
import sqlite3
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager, closing
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from memory.choices import ConversationChoices
from memory.database import Migration, in_memory
from memory.edge import Missing, known_hash
from memory.embedding import LocalEmbedding
from memory.indexes import Indexes
from memory.media import MediaStore
from memory.opening import LongTerm
from memory.permissions import Permission, Permissions
from memory.rebuild import Rebuild
from memory.recall import Recall
from memory.storage_faults import StoreFailed
from memory.vector_rows import collection_name
from memory.vectors import VectorStore
from messages import Choices, Media, Style

ROOM = 256 * 1024 * 1024
"""Bytes of RAM that the words of everybody's temporary chats may take, and their files as many."""
NO_ROOM = (
    "All the memory for temporary chats is in use.",
    "Go on in an ordinary chat, or try again when others have left theirs.",
)


@asynccontextmanager
async def database_in_memory(
    migrations: Sequence[Migration], room: int = ROOM
) -> AsyncIterator[AsyncEngine]:
    """SQLite in RAM, of `room` bytes. Its connections wait for each other as those of a file do (the
    VFS "memdb"; a shared cache would answer at once that a table is locked)."""
    name = f"/parley-{secrets.token_hex(16)}"
    # It lasts for as long as somebody is connected to it.
    with closing(sqlite3.connect(f"file:{name}?vfs=memdb", uri=True, check_same_thread=False)):
        engine = await in_memory(name, migrations, room, NO_ROOM)
        try:
            yield engine
        finally:
            await engine.dispose()


class MediaInMemory(MediaStore):
    """The bytes stand here, `most_bytes` of them, and are no files."""

    writes_files = False

    def __init__(self, engine: AsyncEngine, most_bytes: int = ROOM) -> None:
        super().__init__(Path(), engine)
        self._most_bytes = most_bytes
        self._held: dict[str, bytes] = {}

    async def put(self, owner: str, data: bytes, mime: str, name: str = "") -> Media:
        if sum(map(len, self._held.values())) + len(data) > self._most_bytes:
            raise StoreFailed(*NO_ROOM)
        return await super().put(owner, data, mime, name)

    def sweep(self) -> None:
        """There is nothing half written."""

    async def path(self, owner: str, sha256: str) -> tuple[Media, Path]:  # noqa: ARG002 - of MediaStore
        raise Missing("It is no file.")

    async def bytes_of(self, owner: str, sha256: str) -> tuple[Media, bytes]:
        media = await self.known(owner, sha256)
        return media, self.read(media)

    def read(self, media: Media) -> bytes:
        try:
            return self._held[media.sha256]
        except KeyError:
            raise Missing("No such file.") from None

    def _keep(self, sha256: str, data: bytes) -> None:
        self._held[known_hash(sha256)] = data

    def _remove(self, sha256: str) -> None:
        self._held.pop(sha256, None)


class ChoicesInMemory(ConversationChoices):
    """What is decided for `everywhere`, an id, is the `kept` one's; what is decided here ends here.

    Nothing is remembered here, whatever was decided of memory.
    """

    def __init__(self, engine: AsyncEngine, kept: ConversationChoices, everywhere: str) -> None:
        super().__init__(engine)
        self._kept, self._everywhere = kept, everywhere

    async def get(self, owner: str, conversation_id: str) -> Choices | None:
        if conversation_id == self._everywhere:
            return await self._kept.get(owner, self._everywhere)
        here = await super().get(owner, conversation_id)
        if here is None:
            usual = await self._kept.get(owner, self._everywhere) or Choices()
            here = replace(usual, style=Style(), presets=())
        return replace(here, memory=False)

    async def set(self, owner: str, conversation_id: str, decided: Choices) -> None:
        if conversation_id == self._everywhere:
            await self._kept.set(owner, self._everywhere, decided)
        else:
            await super().set(owner, conversation_id, decided)


class PermissionsInMemory(Permissions):
    """What a tool is allowed in all chats holds here too; what is allowed here is kept nowhere."""

    def __init__(self, engine: AsyncEngine, kept: Permissions) -> None:
        super().__init__(engine)
        self._kept = kept

    async def of(self, owner: str) -> dict[str, Permission]:
        return {**await super().of(owner), **await self._kept.of(owner)}


class Nowhere:
    """The `Place` of vectors that are not kept."""

    written = 1

    def open(self) -> Any:
        raise sa.exc.InvalidRequestError("No vectors are kept here.")

    def close(self) -> None: ...

    def verdict(self, _error: BaseException) -> Literal["lost", "trouble", "bug"]:
        return "trouble"

    def words(self, error: BaseException) -> str:
        return str(error)

    def sweep(self) -> None: ...

    def forget(self, ids: Sequence[str], vectors: Collection[bytes]) -> None: ...

    def compact(self) -> None: ...

    def tidy(self) -> None: ...


@asynccontextmanager
async def no_long_term(engine: AsyncEngine) -> AsyncIterator[LongTerm]:
    """Long-term memory where nothing is remembered: on the tables of `engine`, without any file."""
    embedding = LocalEmbedding()
    vectors = VectorStore(Nowhere(), collection_name(embedding.name))
    indexes = Indexes(engine, vectors, embedding, None)
    recall, rebuild = Recall(engine, indexes), Rebuild(engine, vectors, embedding, indexes.made)
    try:
        yield LongTerm(recall, rebuild)
    finally:
        await rebuild.close()
        await recall.close()
