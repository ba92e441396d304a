"""Long-term memory: what was said, with where it was said, found again in other conversations."""

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from memory.database import erase_traces, reading
from memory.edge import Missing, clean, known_id, known_owner
from memory.embedding import MAX_CHARS, Embedding, Vectors
from memory.ranking import Entry, OwnerIndex
from memory.schema import conversations, forgotten, memories, messages
from memory.vectors import VectorStore, VectorsUnusable
from messages import Memory, Message

log = logging.getLogger(__name__)

HELD = 50_000
"""Memories held ready for ranking, of all owners together (7 KB each); owners long silent go."""
SPARE = 3
"""So many candidates for each memory wanted: some repeat the query or each other."""


@dataclass(slots=True)
class _Held:
    """An owner's index and who may use it: one at a time."""

    index: OwnerIndex = field(default_factory=OwnerIndex)
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


class Recall:
    """Memories of all owners. The texts in the database are the truth; vectors are made from them.

    `chroma_dir` holds the vectors; the directory above it must be claimed (`database.claim`). What
    an owner has is compared with the database at every recall, so nothing forgotten comes back.
    """

    def __init__(self, engine: AsyncEngine, chroma_dir: Path, embedding: Embedding) -> None:
        self._engine = engine
        self._reading = reading(engine)
        self._embedding = embedding
        self._vectors = VectorStore(chroma_dir, embedding.name)
        self._held: OrderedDict[str, _Held] = OrderedDict()

    async def remember(self, owner: str, conversation_id: str, messages: Sequence[Message]) -> None:
        """Keep the words of each message; again with the same message, as they are now.

        What was forgotten, says nothing or is still running is left out. Texts are cut at
        `MAX_CHARS` characters; the whole message stays in its conversation.
        """
        known_owner(owner)
        rows = [
            {
                "id": known_id(message.id),
                "owner": owner,
                "conversation_id": known_id(conversation_id),
                "message_id": message.id,
                "role": message.role,
                "text": clean(message.text)[:MAX_CHARS].strip(),
                "at": message.at,
            }
            for message in messages
            if message.status != "running" and message.text.strip()
        ]
        async with self._engine.begin() as connection:
            entries = [entry for row in rows for entry in await _store(connection, row)]
        await self._make_vectors(owner, entries)

    async def recall(
        self, owner: str, query: str, *, besides: str | None, limit: int = 4
    ) -> list[Memory]:
        """The best memories for `query`, best first, none of the conversation `besides`.

        Often none: what neither shares a telling word with the query nor is near it in meaning is
        left out. Sends no request.
        """
        text = clean(query)[:MAX_CHARS]
        async with self._hold(known_owner(owner)).lock:
            index = await self._synced(owner)
            if not len(index):
                return []
            vector = await self._embedding.embed_query(text, index.rarity(text))
            ids = await asyncio.to_thread(index.best, text, vector, besides, limit * SPARE)
        found = await self._found(owner, ids)
        return _different(text, found)[:limit]

    async def forget(self, owner: str, memory_id: str) -> None:
        """Forget one memory for good. Raises Missing."""
        if not await self._forget(owner, memories.c.id == known_id(memory_id)):
            raise Missing("No such memory.")

    async def forget_conversation(self, owner: str, conversation_id: str) -> None:
        """Forget all that was said there. Stop its turn first: what is said later is kept."""
        await self._forget(owner, memories.c.conversation_id == known_id(conversation_id))

    async def warm(self) -> None:
        """Load what the first recall would have to wait for."""
        await self._embedding.embed(["warm"])

    async def count(self, owner: str) -> int:
        """How many memories this owner has."""
        m = memories.c
        asked = sa.select(sa.func.count()).where(m.owner == known_owner(owner))
        async with self._reading.connect() as connection:
            return (await connection.execute(asked)).scalar_one()

    async def close(self) -> None:
        await self._vectors.close()

    async def _forget(self, owner: str, which: sa.ColumnElement[bool]) -> int:
        m = memories.c
        gone = sa.delete(memories).where(m.owner == known_owner(owner), which)
        async with self._engine.begin() as connection:
            rows = (await connection.execute(gone.returning(m.id, m.position, m.message_id))).all()
            for row in rows:
                mark = {"owner": owner, "message_id": row.message_id}
                known = sa.select(forgotten.c.owner).filter_by(**mark)
                if (await connection.execute(known)).first() is None:
                    await connection.execute(sa.insert(forgotten).values(mark))
        if rows:
            await self._drop(owner, [(row.id, row.position) for row in rows])
            await erase_traces(self._engine)
        return len(rows)

    async def _drop(self, owner: str, gone: Sequence[tuple[str, int]]) -> None:
        held = self._hold(owner)
        async with held.lock:
            held.index.drop([memory_id for memory_id, _ in gone])
        try:
            await self._vectors.drop([_key(*memory) for memory in gone])
        except VectorsUnusable as error:
            # Numbers without words are left behind; nothing reads a vector that has no text.
            log.warning("Vectors of forgotten memories were not removed: %s", error)

    def _hold(self, owner: str) -> _Held:
        """The owner's index, now the last used; others go while too many memories are held."""
        held = self._held.setdefault(owner, _Held())
        self._held.move_to_end(owner)
        total = sum(len(other.index) for other in self._held.values())
        for name in list(self._held):
            if total <= HELD or name == owner:
                break
            if not self._held[name].lock.locked():
                total -= len(self._held.pop(name).index)
        return held

    async def _synced(self, owner: str) -> OwnerIndex:
        """The owner's index brought up to what the database holds."""
        held, m = self._hold(owner), memories.c
        state = sa.select(sa.func.count(), sa.func.max(m.position)).where(m.owner == owner)
        async with self._reading.connect() as connection:
            count, last = (await connection.execute(state)).one()
            if (last or 0) > held.index.last_position:
                await self._load(connection, owner, held.index)
            if len(held.index) != count:
                held.index = OwnerIndex()
                await self._load(connection, owner, held.index)
        return held.index

    async def _load(self, connection: AsyncConnection, owner: str, index: OwnerIndex) -> None:
        m = memories.c
        newer = (
            sa.select(m.position, m.id, m.conversation_id, m.role, m.text)
            .where(m.owner == owner, m.position > index.last_position)
            .order_by(m.position)
        )
        entries = [Entry(*row) for row in await connection.execute(newer)]
        if entries:
            vectors = await self._vectors_of(owner, entries)
            await asyncio.to_thread(index.extend, entries, vectors)

    async def _vectors_of(self, owner: str, entries: Sequence[Entry]) -> Vectors:
        """One row for each, from the store; what is missing or damaged there is made again."""
        keys = [_key(entry.id, entry.position) for entry in entries]
        try:
            stored = await self._vectors.get(owner, keys)
        except VectorsUnusable as error:
            log.warning("Vectors are made from the texts, because: %s", error)
            stored = {}
        lost = [e for e, key in zip(entries, keys, strict=True) if not _sound(stored.get(key))]
        stored |= await self._make_vectors(owner, lost)
        return np.stack([stored[key] for key in keys])

    async def _make_vectors(self, owner: str, entries: Sequence[Entry]) -> dict[str, Vectors]:
        if not entries:
            return {}
        vectors = await self._embedding.embed([entry.text for entry in entries])
        made = {_key(e.id, e.position): row for e, row in zip(entries, vectors, strict=True)}
        try:
            await self._vectors.put(owner, made)
        except VectorsUnusable as error:
            log.warning("Vectors were not stored and will be made again: %s", error)
        return made

    async def _found(self, owner: str, ids: Sequence[str]) -> list[Memory]:
        """These memories as the database has them now, in this order, without replaced replies."""
        m, title = memories.c, sa.func.coalesce(conversations.c.title, "")
        replaced = sa.exists().where(messages.c.id == m.message_id, messages.c.replaced)
        rows = (
            sa.select(m.id, m.text, m.role, m.conversation_id, title, m.message_id, m.at)
            .select_from(
                memories.outerjoin(
                    conversations,
                    sa.and_(
                        conversations.c.id == m.conversation_id, conversations.c.owner == owner
                    ),
                )
            )
            .where(m.owner == owner, m.id.in_(ids), sa.not_(replaced))
        )
        async with self._reading.connect() as connection:
            by_id = {row[0]: Memory(*row) for row in await connection.execute(rows)}
        return [by_id[memory_id] for memory_id in ids if memory_id in by_id]


async def _store(connection: AsyncConnection, row: dict[str, object]) -> Iterable[Entry]:
    """The new entry, or nothing where it is forgotten or stands there already."""
    m = memories.c
    same = (m.owner == row["owner"], m.id == row["id"])
    gone = sa.select(forgotten.c.owner).where(
        forgotten.c.owner == row["owner"], forgotten.c.message_id == row["message_id"]
    )
    text = (await connection.execute(sa.select(m.text).where(*same))).scalar()
    if text == row["text"] or (await connection.execute(gone)).first():
        return ()
    # A changed text gets a new position, by which every index and vector knows that it changed.
    await connection.execute(sa.delete(memories).where(*same))
    new = sa.insert(memories).values(row)
    columns = (m.position, m.id, m.conversation_id, m.role, m.text)
    return (Entry(*(await connection.execute(new.returning(*columns))).one()),)


def _key(memory_id: str, position: int) -> str:
    """A vector's id: that of its memory, and of the very text it was made from."""
    return f"{memory_id}.{position}"


def _sound(vector: Vectors | None) -> bool:
    """Whether it can be what was stored: of length 1, or 0 for a text without a known token."""
    if vector is None:
        return False
    length = float(np.linalg.norm(vector))
    return abs(length - 1) < 1e-3 or length == 0.0


def _different(query: str, found: Iterable[Memory]) -> list[Memory]:
    """Without those that only repeat the query, or one another."""
    seen, different = {_plain(query)}, []
    for memory in found:
        if _plain(memory.text) not in seen:
            seen.add(_plain(memory.text))
            different.append(memory)
    return different


def _plain(text: str) -> str:
    return " ".join(text.casefold().split())
