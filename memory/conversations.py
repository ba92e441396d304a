"""Conversations and what was said in them, each with its owner, on disk before anything goes on."""

import asyncio
from collections.abc import Callable, Collection
from dataclasses import replace
from time import time
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from memory import message_rows as rows
from memory.database import erase_traces, reading, single
from memory.edge import Missing as Missing
from memory.edge import clean, clean_message, known_id, known_owner, of_conversation
from memory.message_rows import Begun as Begun
from memory.message_rows import Busy as Busy
from memory.said_words import keep_words, sweep_words
from memory.schema import conversations, forgotten, message_media, messages
from memory.titles import UNNAMED, plain_line, title_of
from memory.unrecalled import recalled_in, unrecall, without_forgotten
from messages import (
    Conversation,
    Fault,
    Message,
    Provenance,
    ToolCall,
    ToolResult,
    message_from_json,
)

LONGEST_TITLE = 200

MessageList = list[Message]  # inside the class, `list` is a method


class Conversations:
    """Every method raises Missing for what is not there or not the owner's, unless it says so.

    `replica` is the number of this Parley among those with the same database.
    """

    def __init__(self, engine: AsyncEngine, replica: int = 0) -> None:
        self._engine = engine
        self._replica = replica
        self._reading, self._single = reading(engine), single(engine)

    async def list(self, owner: str, limit: int = 200) -> list[Conversation]:
        """Newest activity first."""
        newest = (_c.updated_at.desc(), _c.created_at.desc(), _c.id)
        found, mine = _ALL.order_by(*newest).limit(limit), {"of_owner": known_owner(owner)}
        async with self._reading.connect() as connection:
            return [Conversation(*row) for row in await connection.execute(found, mine)]

    async def get(self, owner: str, conversation_id: str) -> Conversation:
        mine = of_conversation(owner, conversation_id)
        async with self._reading.connect() as connection:
            row = (await connection.execute(_CONVERSATION, mine)).first()
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
        mine = of_conversation(owner, conversation_id)
        found = _NEWEST if limit is None else _NEWEST.limit(limit)
        async with self._reading.connect() as connection:
            if before is not None:
                at = sa.select(m.seq).where(m.id == known_id(before), *rows.ALL_OF_MINE)
                seq = (await connection.execute(at, mine)).scalar()
                if seq is None:
                    raise Missing("No such message.")
                found = found.where(m.seq < seq)
            newest = (await connection.execute(found, mine)).all()
            if not newest:
                await rows.refuse_others(connection, owner, conversation_id)
            left = await rows.left_of(connection, mine)
        # Reading 10,000 messages takes 50 ms and more, too long for the loop.
        return await asyncio.to_thread(lambda: [rows.as_shown(r, left) for r in reversed(newest)])

    async def message(self, owner: str, conversation_id: str, message_id: str) -> Message:
        """One of those that are shown."""
        mine = of_conversation(owner, conversation_id)
        found = sa.select(*rows.SHOWN).where(messages.c.id == known_id(message_id), *rows.MINE)
        async with self._reading.connect() as connection:
            row = (await connection.execute(found, mine)).first()
            if row is None:
                raise Missing("No such message.")
            return rows.as_shown(row, await rows.left_of(connection, mine))

    async def after(self, owner: str, conversation_id: str, message_id: str) -> str:
        """The id of the message that follows; "" where there is none."""
        m, mine = messages.c, of_conversation(owner, conversation_id)
        at = sa.select(m.seq).where(m.id == known_id(message_id), *rows.MINE).scalar_subquery()
        found = sa.select(m.id).where(*rows.MINE, m.seq > at).order_by(m.seq).limit(1)
        async with self._reading.connect() as connection:
            return (await connection.execute(found, mine)).scalar() or ""

    async def begin_turn(
        self,
        owner: str,
        conversation_id: str,
        said: Message,
        reply: Message,
        instead_of: str = "",
    ) -> Begun:
        """Store both, and the conversation if it is new, or nothing. Raises Busy, Missing.

        `instead_of`: `said` is another version of that message, which is kept with all that
        followed it.
        """
        said, reply = clean_message(said), clean_message(reply)
        mine = of_conversation(owner, conversation_id)
        left: tuple[str, ...] = ()
        async with self._engine.begin() as connection:
            if instead_of:
                await rows.refuse_busy(connection, mine)
                old = await rows.shown_row(connection, mine, instead_of, "user")
                place = await rows.one_more(connection, mine, old)
                left = await rows.leave(connection, mine, old.seq)
                await _name_anew(connection, owner, conversation_id, old, said)
            else:
                place = await _next(connection, mine)
            await _touch_or_create(connection, owner, conversation_id, said)
            both = [(place, said), (place.after(said.id), reply)]
            await rows.insert_many(connection, owner, conversation_id, both, self._replica)
            beside = await rows.left_of(connection, mine) if left else {}
            return Begun(_among(said, place, beside), reply, left)

    async def begin_retry(
        self, owner: str, conversation_id: str, reply_id: str, reply: Message
    ) -> Begun:
        """Make `reply` another version of a reply, which is kept with all that followed it.

        Raises Busy; Missing if `reply_id` is no reply that is shown.
        """
        reply = clean_message(reply)
        mine = of_conversation(owner, conversation_id)
        async with self._engine.begin() as connection:
            await rows.refuse_busy(connection, mine)
            old = await rows.shown_row(connection, mine, reply_id, "assistant")
            asked = await rows.shown_row(connection, mine, old.parent, "user")
            place = await rows.one_more(connection, mine, old)
            left = await rows.leave(connection, mine, old.seq)
            await rows.insert(connection, owner, conversation_id, place, reply, self._replica)
            await _touch(connection, owner, conversation_id, reply.at)
            beside = await rows.left_of(connection, mine)
        return Begun(rows.as_shown(asked, beside), _among(reply, place, beside), left)

    async def begin_again(
        self,
        owner: str,
        conversation_id: str,
        reply_id: str,
        resumed: Callable[[Message], Message],
    ) -> Begun:
        """Let the last reply run on from where it ended, as `resumed` makes it of what is stored.

        Raises Busy; Missing if `reply_id` is not the last message, or no reply.
        """
        mine = of_conversation(owner, conversation_id)
        async with self._engine.begin() as connection:
            await rows.refuse_busy(connection, mine)
            row = await rows.shown_row(connection, mine, reply_id, "assistant")
            if (await _next(connection, mine)).parent != row.id:
                raise Missing("No such last reply.")
            asked = await rows.shown_row(connection, mine, row.parent, "user")
            left = await rows.left_of(connection, mine)
            reply = resumed(rows.as_shown(row, left))
            change = {
                "status": reply.status,
                "body": rows.body_of(reply),
                "replica": self._replica,
            }
            await connection.execute(_SAVE, {**mine, "of_message": row.id, **change})
            await _touch(connection, owner, conversation_id, time())
        return Begun(rows.as_shown(asked, left), reply)

    async def save(self, owner: str, conversation_id: str, *changed: Message) -> None:
        """Store these messages as they are now. One that was deleted meanwhile stays deleted."""
        mine = of_conversation(owner, conversation_id)
        cleaned = [clean_message(message) for message in changed]
        if len(cleaned) == 1 and await self._store_grown(mine, cleaned[0]):
            return
        # While a reply grows neither it nor the question is as it will be found.
        final = all(message.status != "running" for message in changed)
        async with self._engine.begin() as connection:
            for each in cleaned:
                message = await without_forgotten(connection, owner, each)
                now = {"status": message.status, "body": rows.body_of(message)}
                this = {**mine, "of_message": known_id(message.id), **now}
                if (await connection.execute(_SAVE, this)).rowcount:
                    await rows.link_media(connection, owner, message)
                    await _name_recording(connection, owner, conversation_id, message)
                    if final:
                        await keep_words(connection, owner, [message])

    async def _store_grown(self, mine: rows.Mine, message: Message) -> bool:
        """Store a reply that grows by one statement, as a hundred do each second.

        False where that is not enough: something of it was forgotten, or it refers to files.
        """
        if message.status != "running" or message.role != "assistant" or rows.media_of(message):
            return False
        now = {"status": message.status, "body": rows.body_of(message)}
        this = {"of_message": known_id(message.id), "recalled": recalled_in(message), **now}
        async with self._single.begin() as connection:
            return bool((await connection.execute(_SAVE_GROWN, {**mine, **this})).rowcount)

    async def pin(self, owner: str, conversation_id: str, message_id: str, pinned: bool) -> None:
        """Always send this message word for word, or no longer."""
        # A column of its own: a running turn stores the bodies of its messages again and again.
        mine = of_conversation(owner, conversation_id)
        mark = sa.update(messages).where(messages.c.id == known_id(message_id), *rows.MINE)
        async with self._engine.begin() as connection:
            if not (await connection.execute(mark.values(pinned=pinned), mine)).rowcount:
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
        mine = of_conversation(owner, conversation_id)
        used = sa.select(message_media.c.sha256).where(
            message_media.c.owner == known_owner(owner),
            message_media.c.message_id.in_(sa.select(messages.c.id).where(*rows.ALL_OF_MINE)),
        )
        gone = sa.delete(conversations).where(
            conversations.c.id == conversation_id, conversations.c.owner == owner
        )
        async with self._engine.begin() as connection:
            hashes = set((await connection.execute(used, mine)).scalars())
            if not (await connection.execute(gone)).rowcount:
                raise Missing("No such conversation.")
            await sweep_words(connection)
        await erase_traces(self._engine)
        return hashes

    async def unrecall(self, owner: str, memory_ids: Collection[str]) -> int:
        """Take these memories out of what replies say they recalled; how many replies said so."""
        ids = [known_id(memory_id) for memory_id in memory_ids]
        async with self._engine.begin() as connection:
            return await unrecall(connection, known_owner(owner), ids)

    async def interrupt_running(self, alive: Collection[int] = ()) -> int:
        """For all owners: what a Parley that is none of `alive` left running is kept, as interrupted."""
        m = messages.c
        left = sa.and_(m.status == "running", m.replica.not_in(alive))
        running = sa.select(m.id, m.owner, m.body).where(left)
        async with self._reading.connect() as connection:
            if (await connection.execute(running)).first() is None:
                return 0
        async with self._engine.begin() as connection:
            found = (await connection.execute(running)).all()
            for row in found:
                message = _interrupted(message_from_json(row.body))
                change = {"status": message.status, "body": rows.body_of(message)}
                await connection.execute(sa.update(messages).where(m.id == row.id).values(change))
                await keep_words(connection, row.owner, [message])
        return len(found)


_c, _m = conversations.c, messages.c
_ALL = sa.select(_c.id, _c.title, _c.created_at, _c.updated_at, _c.pinned, _c.folder).where(
    _c.owner == sa.bindparam("of_owner"), _c.deleted_at == 0
)
_CONVERSATION = _ALL.where(_c.id == sa.bindparam("of_conversation"))
_NEWEST = sa.select(*rows.SHOWN).where(*rows.MINE).order_by(_m.seq.desc())
_LAST = (
    sa.select(_m.id, _m.seq, sa.exists().where(*rows.MINE, _m.status == "running").correlate(None))
    .where(*rows.MINE)
    .order_by(_m.seq.desc())
    .limit(1)
)
"""Its id and place, and whether a message is running."""
_SAVE = sa.update(messages).where(_m.id == sa.bindparam("of_message"), *rows.ALL_OF_MINE)
_SAVE_GROWN = _SAVE.where(
    ~sa.exists().where(
        forgotten.c.owner == sa.bindparam("of_owner"),
        forgotten.c.message_id.in_(sa.bindparam("recalled", type_=sa.String, expanding=True)),
    )
)
_TOUCH_OR_CREATE = sa.text("""
    INSERT INTO conversations (id, owner, title, created_at, updated_at)
    VALUES (:id, :owner, :title, :at, :at)
    ON CONFLICT (id) DO UPDATE SET updated_at = excluded.updated_at
    WHERE conversations.owner = excluded.owner AND conversations.deleted_at = 0
    RETURNING id
""")


def _renamed(owner: str, conversation_id: str) -> sa.Update:
    c = conversations.c
    return sa.update(conversations).where(c.id == conversation_id, c.owner == owner)


async def _next(connection: AsyncConnection, mine: rows.Mine) -> rows.Place:
    """The place after the last message. Raises Busy where one of them runs."""
    last = (await connection.execute(_LAST, mine)).first()
    if last is None:
        return rows.Place()
    message_id, seq, is_running = last
    if is_running:
        raise Busy(rows.BUSY)
    return rows.Place(seq).after(message_id)


def _among(message: Message, place: rows.Place, left: rows.Left) -> Message:
    """The message, which knows of its other versions."""
    beside = sorted([*left.get(place.parent, ()), (place.version, message.id)])
    ids = tuple(message_id for _, message_id in beside)
    return replace(message, versions=ids if len(ids) > 1 else ())


async def _touch(connection: AsyncConnection, owner: str, conversation_id: str, at: float) -> bool:
    """Note the activity; False where this owner has no such conversation."""
    there = _renamed(owner, conversation_id).where(conversations.c.deleted_at == 0)
    change = there.values(updated_at=at)
    return bool((await connection.execute(change)).rowcount)


async def _touch_or_create(
    connection: AsyncConnection, owner: str, conversation_id: str, said: Message
) -> None:
    """Note the activity, or that there is a new conversation. Raises Missing for another's."""
    row = {"id": conversation_id, "owner": owner, "title": title_of(said), "at": said.at}
    if (await connection.execute(_TOUCH_OR_CREATE, row)).first() is None:
        raise Missing("No such conversation.")


async def _name_anew(
    connection: AsyncConnection, owner: str, conversation_id: str, old: Any, said: Message
) -> None:
    """A conversation that is called by its first words is called by those in their place."""
    if old.seq == 0:
        by_first_words = conversations.c.title == title_of(message_from_json(old.body))
        named = _renamed(owner, conversation_id).where(by_first_words)
        await connection.execute(named.values(title=title_of(said)))


async def _name_recording(
    connection: AsyncConnection, owner: str, conversation_id: str, message: Message
) -> None:
    """A conversation that began with a recording is called by its words once they are known."""
    if message.role == "user" and message.text and rows.has_audio(message.parts):
        unnamed = _renamed(owner, conversation_id).where(
            conversations.c.title == UNNAMED["audio"],
            sa.exists().where(messages.c.id == message.id, messages.c.seq == 0),
        )
        await connection.execute(unnamed.values(title=title_of(message)))


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
        "What had arrived is kept: Continue, or Retry.",
    )
    about = replace(message.provenance or Provenance(), fault=fault, asking=())
    return replace(
        message, parts=(*message.parts, *answers), status="interrupted", provenance=about
    )
