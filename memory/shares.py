"""Conversations that their owner shows to whoever has the link: as far as they went when it was made.

A share holds the ids of messages, not their words: what is deleted is shown no longer.
"""

import asyncio
import json
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from time import time

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from memory.database import reading
from memory.edge import Missing, known_hash, known_id, known_owner
from memory.schema import conversations, message_media, messages, shares
from messages import Audio, Image, Media, Message, ToolResult, message_from_json

_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Share:
    """`messages` are shown of it, and `newer` came after it was made."""

    token: str
    conversation_id: str
    title: str
    shared_at: float
    messages: int
    newer: int = 0


@dataclass(frozen=True, slots=True)
class Shared:
    """What whoever has the link sees. `owner` is for the house alone."""

    owner: str
    title: str
    shared_at: float
    messages: tuple[Message, ...]


class Shares:
    """Raises Missing for what is not there, not the owner's, or not shared any more."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._reading = reading(engine)

    async def share(self, owner: str, conversation_id: str) -> Share:
        """Show what it holds now; a link that there is already shows it from now on."""
        async with self._engine.begin() as connection:
            title = await _title(connection, owner, conversation_id)
            ids = await _finished(connection, owner, conversation_id)
            if not ids:
                raise Missing("Nothing was said there yet.")
            now = {"title": title, "messages": json.dumps(ids), "shared_at": time()}
            mine = (shares.c.conversation_id == conversation_id, shares.c.owner == owner)
            if not (await connection.execute(sa.update(shares).where(*mine).values(now))).rowcount:
                new = {"token": secrets.token_hex(16), "owner": owner}
                row = {**now, **new, "conversation_id": conversation_id}
                await connection.execute(sa.insert(shares).values(row))
        found = await self.of(owner, conversation_id)
        assert found is not None
        return found

    async def of(self, owner: str, conversation_id: str) -> Share | None:
        s = shares.c
        found = sa.select(s.token, s.title, s.shared_at, s.messages).where(
            s.conversation_id == known_id(conversation_id), s.owner == known_owner(owner)
        )
        async with self._reading.connect() as connection:
            row = (await connection.execute(found)).first()
            if row is None:
                return None
            now = await _finished(connection, owner, conversation_id)
        ids = set(json.loads(row.messages))
        newer = sum(1 for one in now if one not in ids)
        return Share(row.token, conversation_id, row.title, row.shared_at, len(ids), newer)

    async def withdraw(self, owner: str, conversation_id: str) -> None:
        s = shares.c
        gone = sa.delete(shares).where(
            s.conversation_id == known_id(conversation_id), s.owner == known_owner(owner)
        )
        async with self._engine.begin() as connection:
            if not (await connection.execute(gone)).rowcount:
                raise Missing("No such share.")

    async def open(self, token: str) -> Shared:
        async with self._reading.connect() as connection:
            owner, title, at, conversation_id, ids = await _shared(connection, token)
            found: dict[str, str] = {}
            for start in range(0, len(ids), _AT_ONCE):
                some = await _bodies(
                    connection, owner, conversation_id, ids[start : start + _AT_ONCE]
                )
                found |= some
        shown = [found[one] for one in ids if one in found]
        read = await asyncio.to_thread(lambda: tuple(message_from_json(body) for body in shown))
        return Shared(owner, title, at, read)

    async def media(self, token: str, sha256: str) -> tuple[str, Media]:
        """A picture or a recording that a shared message shows, and whose it is."""
        known_hash(sha256)
        uses = message_media.c
        async with self._reading.connect() as connection:
            owner, _, _, conversation_id, ids = await _shared(connection, token)
            used = sa.select(uses.message_id).where(uses.owner == owner, uses.sha256 == sha256)
            there = [one for one in (await connection.execute(used)).scalars() if one in set(ids)]
            bodies = await _bodies(connection, owner, conversation_id, there[:_AT_ONCE])
        for body in bodies.values():
            for media in shown_media(message_from_json(body)):
                if media.sha256 == sha256:
                    return owner, media
        raise Missing("No such file.")


def shown_media(message: Message) -> list[Media]:
    """Pictures and recordings that a message shows, in order; not the files behind documents."""
    shown: list[Media] = []
    for part in message.parts:
        if isinstance(part, Image | Audio):
            shown.append(part.media)
        elif isinstance(part, ToolResult):
            shown += part.pictures
    return shown


async def _title(connection: AsyncConnection, owner: str, conversation_id: str) -> str:
    c = conversations.c
    mine = sa.select(c.title).where(
        c.id == known_id(conversation_id), c.owner == known_owner(owner), c.deleted_at == 0
    )
    title = (await connection.execute(mine)).scalar()
    if title is None:
        raise Missing("No such conversation.")
    return str(title)


async def _finished(connection: AsyncConnection, owner: str, conversation_id: str) -> list[str]:
    m = messages.c
    shown = sa.select(m.id).where(
        m.owner == owner,
        m.conversation_id == conversation_id,
        sa.not_(m.replaced),
        m.status != "running",
    )
    return list((await connection.execute(shown.order_by(m.seq))).scalars())


async def _shared(
    connection: AsyncConnection, token: str
) -> tuple[str, str, float, str, Sequence[str]]:
    s, c = shares.c, conversations.c
    found = (
        sa.select(s.owner, s.title, s.shared_at, s.conversation_id, s.messages)
        .join_from(shares, conversations, c.id == s.conversation_id)
        .where(s.token == known_id(token), c.deleted_at == 0)
    )
    row = (await connection.execute(found)).first()
    if row is None:
        raise Missing("No such share.")
    return row.owner, row.title, row.shared_at, row.conversation_id, json.loads(row.messages)


async def _bodies(
    connection: AsyncConnection, owner: str, conversation_id: str, ids: Sequence[str]
) -> dict[str, str]:
    m = messages.c
    found = sa.select(m.id, m.body).where(
        m.id.in_(ids), m.owner == owner, m.conversation_id == conversation_id
    )
    return {row.id: row.body for row in await connection.execute(found)}
