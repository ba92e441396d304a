"""Messages as rows of a tree: which a conversation shows, where each stands, what stands beside it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from memory.edge import Missing, known_id
from memory.said_words import keep_words
from memory.schema import conversations, message_media, messages
from messages import (
    Audio,
    Document,
    Image,
    Message,
    Role,
    ToolResult,
    message_from_json,
    message_to_json,
)

Mine = Mapping[str, str]
"""Whose messages, of which conversation: the parameters of MINE."""
Left = Mapping[str, list[tuple[int, str]]]
"""Messages that are not shown, as version and id, by the message they follow."""

m = messages.c
SHOWN = (m.id, m.parent, m.version, m.pinned, m.rating, m.body)
"""What makes a message as it is shown."""

# Statements that each turn needs are built once: to build one takes as long as SQLite does for it.
ALL_OF_MINE = (
    m.owner == sa.bindparam("of_owner"),
    m.conversation_id == sa.bindparam("of_conversation"),
)
MINE = (*ALL_OF_MINE, sa.not_(m.replaced))
"""The messages that a conversation shows."""
_LEFT = sa.select(m.parent, m.version, m.id).where(*ALL_OF_MINE, m.replaced)

BUSY = "A reply is still running in this conversation."


class Busy(Exception):
    """A reply is running in this conversation; it has one at a time."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a message stands: after `parent`, as which of the versions there are."""

    seq: int = 0
    parent: str = ""
    version: int = 0

    def after(self, message_id: str) -> "Place":
        return Place(self.seq + 1, message_id)


@dataclass(frozen=True, slots=True)
class Begun:
    """A turn as it was stored. `left` are the messages that are shown no longer."""

    said: Message
    reply: Message
    left: tuple[str, ...] = ()


async def left_of(connection: AsyncConnection, mine: Mine) -> Left:
    found: dict[str, list[tuple[int, str]]] = {}
    for parent, version, message_id in await connection.execute(_LEFT, mine):
        found.setdefault(parent, []).append((version, message_id))
    return found


def as_shown(row: Any, left: Left) -> Message:
    """The message of a row of SHOWN, with what its columns say of it."""
    message = message_from_json(row.body)
    beside = left.get(row.parent)
    if beside or row.pinned or row.rating:
        versions = sorted([*beside, (row.version, row.id)]) if beside else ()
        ids = tuple(message_id for _, message_id in versions)
        return replace(message, pinned=row.pinned, rating=row.rating, versions=ids)
    return message


async def shown_row(connection: AsyncConnection, mine: Mine, message_id: str, role: Role) -> Any:
    """SHOWN, `seq` and `status` of a message that is shown. Raises Missing."""
    found = sa.select(*SHOWN, m.seq, m.status).where(
        m.id == known_id(message_id), m.role == role, *MINE
    )
    row = (await connection.execute(found, mine)).first()
    if row is None:
        raise Missing("No such message.")
    return row


async def leave(connection: AsyncConnection, mine: Mine, seq: int) -> tuple[str, ...]:
    """Show the messages from this place on no longer; their ids."""
    there = (*MINE, m.seq >= seq)
    found = sa.select(m.id).where(*there).order_by(m.seq)
    ids = (await connection.execute(found, mine)).scalars().all()
    first = sa.update(messages).where(*MINE, m.seq == seq)
    await connection.execute(first.values(chosen=False), mine)
    await connection.execute(sa.update(messages).where(*there).values(replaced=True), mine)
    return tuple(ids)


async def one_more(connection: AsyncConnection, mine: Mine, row: Any) -> Place:
    """The place of another version of a message that is shown."""
    beside = (await left_of(connection, mine)).get(row.parent, ())
    newest = max((version for version, _ in beside), default=0)
    return Place(row.seq, row.parent, max(newest, row.version) + 1)


async def refuse_busy(connection: AsyncConnection, mine: Mine) -> None:
    running = sa.select(m.id).where(*MINE, m.status == "running")
    if (await connection.execute(running, mine)).first():
        raise Busy(BUSY)


async def refuse_others(connection: AsyncConnection, owner: str, conversation_id: str) -> None:
    c = conversations.c
    others = sa.select(c.id).where(c.id == conversation_id, c.owner != owner)
    if (await connection.execute(others)).first():
        raise Missing("No such conversation.")


def body_of(message: Message) -> str:
    """Without what columns say of it."""
    return message_to_json(replace(message, pinned=False, rating=0, versions=()))


async def insert(
    connection: AsyncConnection,
    owner: str,
    conversation_id: str,
    place: Place,
    message: Message,
    replica: int = 0,
) -> None:
    """Store a new message; `replica` is the Parley that is making it."""
    await insert_many(connection, owner, conversation_id, [(place, message)], replica)


async def insert_many(
    connection: AsyncConnection,
    owner: str,
    conversation_id: str,
    placed: Sequence[tuple[Place, Message]],
    replica: int = 0,
) -> None:
    """New messages, which are shown, with what they refer to; `replica` makes those that run."""
    new = [
        {
            "id": known_id(message.id),
            "conversation_id": conversation_id,
            "owner": owner,
            "seq": place.seq,
            "parent": place.parent,
            "version": place.version,
            "chosen": True,
            "role": message.role,
            "status": message.status,
            "at": message.at,
            "replaced": False,
            "pinned": message.pinned,
            "body": body_of(message),
            "replica": replica,
        }
        for place, message in placed
    ]
    await connection.execute(sa.insert(messages), new)
    links = [
        {"message_id": message.id, "owner": owner, "sha256": sha256}
        for _, message in placed
        for sha256 in media_of(message)
    ]
    if links:
        await connection.execute(sa.insert(message_media), links)
    if said := [message for _, message in placed if message.status != "running"]:
        await keep_words(connection, owner, said, new=True)


async def link_media(connection: AsyncConnection, owner: str, message: Message) -> None:
    used = media_of(message)
    if not used:
        return
    hashes = sa.select(message_media.c.sha256).where(
        message_media.c.message_id == message.id, message_media.c.owner == owner
    )
    known = set((await connection.execute(hashes)).scalars())
    for sha256 in used - known:
        link = {"message_id": message.id, "owner": owner, "sha256": sha256}
        await connection.execute(sa.insert(message_media).values(link))


def has_audio(parts: Iterable[object]) -> bool:
    return any(isinstance(part, Audio) for part in parts)


def media_of(message: Message) -> set[str]:
    """The sha256 of all files it refers to."""
    used = {
        part.media.sha256 for part in message.parts if isinstance(part, Image | Audio | Document)
    }
    for part in message.parts:
        if isinstance(part, ToolResult):
            used.update(picture.sha256 for picture in part.pictures)
        if isinstance(part, Image | Document):
            used.update(view.media.sha256 for view in part.views)
    if message.provenance and message.provenance.spoken:
        used.add(message.provenance.spoken.sha256)
    return used
