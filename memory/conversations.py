"""Conversations and what was said in them, each with its owner, on disk before anything goes on."""

import asyncio
from collections.abc import Collection, Iterable
from dataclasses import replace

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from memory.database import erase_traces, reading
from memory.edge import Missing as Missing
from memory.edge import clean, clean_message, known_id, known_owner
from memory.schema import conversations, message_media, messages
from memory.titles import UNNAMED, plain_line, title_of
from memory.unrecalled import unrecall, without_forgotten
from messages import (
    Audio,
    Conversation,
    Document,
    Fault,
    Image,
    Message,
    Provenance,
    ToolCall,
    ToolResult,
    message_from_json,
    message_to_json,
)

LONGEST_TITLE = 200

MessageList = list[Message]  # inside the class, `list` is a method


class Busy(Exception):
    """A reply is running in this conversation; it has one at a time."""


class Conversations:
    """Every method raises Missing for what is not there or not the owner's, unless it says so."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._reading = reading(engine)

    async def list(self, owner: str, limit: int = 200) -> list[Conversation]:
        """Newest activity first."""
        c = conversations.c
        found = (
            sa.select(c.id, c.title, c.created_at, c.updated_at)
            .where(c.owner == known_owner(owner))
            .order_by(c.updated_at.desc(), c.created_at.desc(), c.id)
            .limit(limit)
        )
        async with self._reading.connect() as connection:
            return [Conversation(*row) for row in await connection.execute(found)]

    async def get(self, owner: str, conversation_id: str) -> Conversation:
        c = conversations.c
        found = sa.select(c.id, c.title, c.created_at, c.updated_at).where(
            c.id == known_id(conversation_id), c.owner == known_owner(owner)
        )
        async with self._reading.connect() as connection:
            row = (await connection.execute(found)).first()
        if row is None:
            raise Missing("No such conversation.")
        return Conversation(*row)

    async def messages(
        self,
        owner: str,
        conversation_id: str,
        limit: int | None = None,
        before: str | None = None,
    ) -> MessageList:
        """The last `limit`, or the last `limit` before the message `before`; oldest first.

        Replies that were asked for again are left out. Empty where no such conversation is yet.
        """
        m = messages.c
        mine = _of(owner, conversation_id)
        found = sa.select(m.body, m.pinned).where(*mine).order_by(m.seq.desc()).limit(limit)
        async with self._reading.connect() as connection:
            if before is not None:
                at = sa.select(m.seq).where(m.id == known_id(before), *_all_of(mine))
                seq = (await connection.execute(at)).scalar()
                if seq is None:
                    raise Missing("No such message.")
                found = found.where(m.seq < seq)
            rows = (await connection.execute(found)).all()
            if not rows:
                await _refuse_others(connection, owner, conversation_id)
        # Reading 10,000 messages takes 50 ms and more, too long for the loop.
        return await asyncio.to_thread(lambda: [_message(*row) for row in reversed(rows)])

    async def after(self, owner: str, conversation_id: str, message_id: str) -> str:
        """The id of the message that follows; "" where there is none."""
        m, mine = messages.c, _of(owner, conversation_id)
        at = sa.select(m.seq).where(m.id == known_id(message_id), *mine).scalar_subquery()
        found = sa.select(m.id).where(*mine, m.seq > at).order_by(m.seq).limit(1)
        async with self._reading.connect() as connection:
            return (await connection.execute(found)).scalar() or ""

    async def begin_turn(
        self, owner: str, conversation_id: str, said: Message, reply: Message
    ) -> None:
        """Store both, and the conversation if it is new, or nothing. Raises Busy, Missing."""
        said, reply = clean_message(said), clean_message(reply)
        mine = _of(owner, conversation_id)
        async with self._engine.begin() as connection:
            await _refuse_busy(connection, mine)
            if not await _touch(connection, owner, conversation_id, said.at):
                await _create(connection, owner, conversation_id, said)
            last = sa.select(sa.func.max(messages.c.seq)).where(*mine)
            seq = (await connection.execute(last)).scalar()
            first = 0 if seq is None else seq + 1
            for number, message in enumerate((said, reply), start=first):
                await _insert(connection, owner, conversation_id, number, message)

    async def begin_retry(
        self, owner: str, conversation_id: str, reply_id: str, reply: Message
    ) -> Message:
        """Put `reply` in the place of the last reply; the user's message it answers comes back.

        Raises Busy; Missing if `reply_id` is not the last message of the conversation, or no reply.
        """
        reply = clean_message(reply)
        known_id(reply_id)
        m, mine = messages.c, _of(owner, conversation_id)
        async with self._engine.begin() as connection:
            await _refuse_busy(connection, mine)
            newest = sa.select(m.id, m.role, m.seq, m.body).where(*mine)
            rows = (await connection.execute(newest.order_by(m.seq.desc()).limit(2))).all()
            if len(rows) < 2 or rows[0].id != reply_id or rows[0].role != "assistant":
                raise Missing("No such last reply.")
            old = sa.update(messages).where(m.id == reply_id, *mine)
            await connection.execute(old.values(replaced=True))
            await _insert(connection, owner, conversation_id, rows[0].seq, reply)
            await _touch(connection, owner, conversation_id, reply.at)
        return message_from_json(rows[1].body)

    async def save(self, owner: str, conversation_id: str, *changed: Message) -> None:
        """Store these messages as they are now. One that was deleted meanwhile stays deleted."""
        mine = _all_of(_of(owner, conversation_id))
        async with self._engine.begin() as connection:
            for cleaned in map(clean_message, changed):
                message = await without_forgotten(connection, owner, cleaned)
                update = sa.update(messages).where(messages.c.id == known_id(message.id), *mine)
                now = {"status": message.status, "body": message_to_json(message)}
                if (await connection.execute(update.values(now))).rowcount:
                    await _link_media(connection, owner, message)
                    await _name_recording(connection, owner, conversation_id, message)

    async def pin(self, owner: str, conversation_id: str, message_id: str, pinned: bool) -> None:
        """Always send this message word for word, or no longer."""
        # A column of its own: a running turn stores the bodies of its messages again and again.
        mark = sa.update(messages).where(
            messages.c.id == known_id(message_id), *_of(owner, conversation_id)
        )
        async with self._engine.begin() as connection:
            if not (await connection.execute(mark.values(pinned=pinned))).rowcount:
                raise Missing("No such message.")

    async def rename(self, owner: str, conversation_id: str, title: str) -> None:
        """Call it `title`, one line of at most 200 characters; empty titles change nothing."""
        name = plain_line(clean(title)[: LONGEST_TITLE * 2])[:LONGEST_TITLE]
        await self.get(owner, conversation_id)
        if name:
            async with self._engine.begin() as connection:
                await connection.execute(_renamed(owner, conversation_id).values(title=name))

    async def delete(self, owner: str, conversation_id: str) -> set[str]:
        """Delete it with its messages; the sha256 of all media they referred to come back."""
        used = sa.select(message_media.c.sha256).where(
            message_media.c.owner == known_owner(owner),
            message_media.c.message_id.in_(
                sa.select(messages.c.id).where(*_all_of(_of(owner, conversation_id)))
            ),
        )
        gone = sa.delete(conversations).where(
            conversations.c.id == conversation_id, conversations.c.owner == owner
        )
        async with self._engine.begin() as connection:
            hashes = set((await connection.execute(used)).scalars())
            if not (await connection.execute(gone)).rowcount:
                raise Missing("No such conversation.")
        await erase_traces(self._engine)
        return hashes

    async def unrecall(self, owner: str, memory_ids: Collection[str]) -> int:
        """Take these memories out of what replies say they recalled; how many replies said so."""
        ids = [known_id(memory_id) for memory_id in memory_ids]
        async with self._engine.begin() as connection:
            return await unrecall(connection, known_owner(owner), ids)

    async def interrupt_running(self) -> int:
        """At start, for all owners: what was running when Parley ended is kept, as interrupted."""
        m = messages.c
        running = sa.select(m.id, m.body).where(m.status == "running")
        async with self._engine.begin() as connection:
            rows = (await connection.execute(running)).all()
            for row in rows:
                message = _interrupted(message_from_json(row.body))
                change = {"status": message.status, "body": message_to_json(message)}
                await connection.execute(sa.update(messages).where(m.id == row.id).values(change))
        return len(rows)


def _message(body: str, pinned: bool) -> Message:
    message = message_from_json(body)
    return replace(message, pinned=True) if pinned else message


Conditions = tuple[sa.ColumnElement[bool], ...]


def _of(owner: str, conversation_id: str) -> Conditions:
    """The messages that a conversation of this owner shows; the last condition is "shown"."""
    return (
        messages.c.owner == known_owner(owner),
        messages.c.conversation_id == known_id(conversation_id),
        sa.not_(messages.c.replaced),
    )


def _all_of(shown: Conditions) -> Conditions:
    """The same with the replies that were replaced."""
    return shown[:-1]


async def _refuse_others(connection: AsyncConnection, owner: str, conversation_id: str) -> None:
    c = conversations.c
    others = sa.select(c.id).where(c.id == conversation_id, c.owner != owner)
    if (await connection.execute(others)).first():
        raise Missing("No such conversation.")


async def _refuse_busy(connection: AsyncConnection, mine: Conditions) -> None:
    running = sa.select(messages.c.id).where(*mine, messages.c.status == "running")
    if (await connection.execute(running)).first():
        raise Busy("A reply is still running in this conversation.")


def _renamed(owner: str, conversation_id: str) -> sa.Update:
    c = conversations.c
    return sa.update(conversations).where(c.id == conversation_id, c.owner == owner)


async def _touch(connection: AsyncConnection, owner: str, conversation_id: str, at: float) -> bool:
    """Note the activity; False where this owner has no such conversation."""
    change = _renamed(owner, conversation_id).values(updated_at=at)
    return bool((await connection.execute(change)).rowcount)


async def _create(
    connection: AsyncConnection, owner: str, conversation_id: str, said: Message
) -> None:
    row = {"id": conversation_id, "owner": owner, "title": title_of(said)}
    new = sa.insert(conversations).values(**row, created_at=said.at, updated_at=said.at)
    try:
        await connection.execute(new)
    except IntegrityError:
        # The id is taken, and not by this owner.
        raise Missing("No such conversation.") from None


async def _insert(
    connection: AsyncConnection, owner: str, conversation_id: str, seq: int, message: Message
) -> None:
    row = {
        "id": known_id(message.id),
        "conversation_id": conversation_id,
        "owner": owner,
        "seq": seq,
        "role": message.role,
        "status": message.status,
        "at": message.at,
        "replaced": False,
        "body": message_to_json(message),
    }
    await connection.execute(sa.insert(messages).values(row))
    await _link_media(connection, owner, message)


async def _link_media(connection: AsyncConnection, owner: str, message: Message) -> None:
    used = _media_of(message)
    if not used:
        return
    hashes = sa.select(message_media.c.sha256).where(
        message_media.c.message_id == message.id, message_media.c.owner == owner
    )
    known = set((await connection.execute(hashes)).scalars())
    for sha256 in used - known:
        link = {"message_id": message.id, "owner": owner, "sha256": sha256}
        await connection.execute(sa.insert(message_media).values(link))


def _media_of(message: Message) -> set[str]:
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


async def _name_recording(
    connection: AsyncConnection, owner: str, conversation_id: str, message: Message
) -> None:
    """A conversation that began with a recording is called by its words once they are known."""
    if message.role == "user" and message.text and _has_audio(message.parts):
        unnamed = _renamed(owner, conversation_id).where(
            conversations.c.title == UNNAMED["audio"],
            sa.exists().where(messages.c.id == message.id, messages.c.seq == 0),
        )
        await connection.execute(unnamed.values(title=title_of(message)))


def _has_audio(parts: Iterable[object]) -> bool:
    return any(isinstance(part, Audio) for part in parts)


def _interrupted(message: Message) -> Message:
    """What had arrived, with every call answered, so that the conversation can go on."""
    answered = {p.call_id for p in message.parts if isinstance(p, ToolResult)}
    answers = tuple(
        ToolResult(p.call_id, "Not finished: Parley was ended while this tool ran.", ok=False)
        for p in message.parts
        if isinstance(p, ToolCall) and p.call_id not in answered
    )
    fault = Fault(
        "Parley was ended in the middle of this reply.",
        "What had arrived is kept. Ask for it again with Retry.",
    )
    about = replace(message.provenance or Provenance(), fault=fault, asking=())
    return replace(
        message, parts=(*message.parts, *answers), status="interrupted", provenance=about
    )
