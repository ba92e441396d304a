"""What a page, a shell or an API can ask of Parley. The owner of what is asked for comes first, always."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import time

from attachments import BadAttachment, Picture, described, inspect
from events import Event
from inference.ledger import Ledger
from inference.provider import Provider
from memory.conversations import Busy, Conversations, Missing
from memory.media import MediaStore
from memory.recall import Recall
from messages import (
    Audio,
    Conversation,
    Image,
    Media,
    Message,
    Part,
    Text,
    new_id,
)
from turns import Turns

MAX_CHARS = 400_000
MAX_ATTACHMENTS = 5


class Refused(Exception):
    """For the person who asked: `message` says what is wrong, `advice` what to do next."""

    def __init__(self, message: str, advice: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.advice = advice


class NotFound(Refused):
    """Not there, or not yours: both answer alike."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The newest messages of a conversation, oldest first; `earlier` says there are more before them."""

    conversation: Conversation | None
    messages: tuple[Message, ...]
    earlier: bool


@dataclass(frozen=True, slots=True)
class Answering:
    """Who answers: for the status line. `offline` is the embedded engine, which has no language model."""

    provider: str
    model: str
    offline: bool
    advice: str


@dataclass(frozen=True, slots=True)
class Usage:
    """Requests sent today (UTC). `limit` is None where none is known."""

    used: int
    limit: int | None
    resets_at: float
    billing: str
    by_purpose: dict[str, int]


@dataclass(frozen=True, slots=True)
class Rooms:
    """What the assistant is made of."""

    turns: Turns
    conversations: Conversations
    media: MediaStore
    recall: Recall
    ledger: Ledger
    provider: Provider
    answering: Answering


class Assistant:
    """The house from outside. Whatever it refuses raises Refused, with words for the reader."""

    def __init__(self, rooms: Rooms) -> None:
        self._turns = rooms.turns
        self._conversations = rooms.conversations
        self._media = rooms.media
        self._recall = rooms.recall
        self._ledger = rooms.ledger
        self._answering = rooms.answering
        self._provider = rooms.provider

    async def send(
        self, owner: str, conversation_id: str, text: str, media: Sequence[str], speak: bool
    ) -> None:
        """Start a turn. `media` are the sha256 of attachments made by `attach`.

        The conversation is created if its id (32 hexadecimal digits, chosen by the caller) is new.
        """
        text = text.strip()
        if not text and not media:
            raise Refused("There is nothing to send yet.", "Write, attach or record something.")
        if len(text) > MAX_CHARS:
            raise Refused(f"The message is longer than {MAX_CHARS:,} characters.", "Shorten it.")
        if len(media) > MAX_ATTACHMENTS:
            raise Refused(f"{MAX_ATTACHMENTS} attachments are the most for one message.")
        parts: list[Part] = [await self._attached(owner, sha256) for sha256 in media]
        if text:
            parts.append(Text(text))
        said = Message(new_id(), "user", tuple(parts), time())
        with _refusing():
            await self._turns.start(owner, conversation_id, said, speak)

    async def retry(self, owner: str, conversation_id: str, reply_id: str, speak: bool) -> None:
        """Answer the same message again; the earlier reply is kept but no longer shown."""
        with _refusing():
            await self._turns.retry(owner, conversation_id, reply_id, speak)

    async def stop(self, owner: str, conversation_id: str) -> None:
        await self._turns.stop(owner, conversation_id)

    async def attach(self, owner: str, data: bytes, name: str) -> Image | Audio:
        """Check, clean and store a picture or a recording."""
        try:
            found = await asyncio.to_thread(inspect, data)
        except BadAttachment as error:
            raise Refused(error.message, error.advice) from None
        media = await self._media.put(owner, found.data, found.mime, name[:200])
        if isinstance(found, Picture):
            return Image(media, found.width, found.height)
        return Audio(media, found.seconds)

    async def media(self, owner: str, sha256: str) -> tuple[Media, Path]:
        """The stored file of a Media of this owner."""
        with _refusing():
            return await self._media.path(owner, sha256)

    async def conversations(self, owner: str) -> list[Conversation]:
        """Newest first."""
        return await self._conversations.list(owner)

    async def open(
        self, owner: str, conversation_id: str, limit: int = 40, before: str | None = None
    ) -> Snapshot:
        """The last `limit` messages, or those before the message `before`. Empty where nothing is yet."""
        try:
            conversation = await self._conversations.get(owner, conversation_id)
            stored = await self._conversations.messages(owner, conversation_id, limit + 1, before)
        except Missing:
            return Snapshot(None, (), earlier=False)
        return Snapshot(conversation, tuple(stored[-limit:]), earlier=len(stored) > limit)

    async def rename(self, owner: str, conversation_id: str, title: str) -> None:
        title = " ".join(title.split())[:120]
        if not title:
            raise Refused("A title needs at least one letter.")
        with _refusing():
            await self._conversations.rename(owner, conversation_id, title)

    async def delete(self, owner: str, conversation_id: str) -> None:
        """Delete a conversation with its messages, memories and files; a running turn is stopped."""
        await self._turns.stop(owner, conversation_id)
        with _refusing():
            unused = await self._conversations.delete(owner, conversation_id)
            await self._recall.forget_conversation(owner, conversation_id)
            await self._media.disown(owner, unused)

    def follow(self, owner: str, conversation_id: str) -> AsyncIterator[tuple[Event, ...]]:
        """Endless: batches of events of the turn that runs and of those that come after it.

        The first batch of a turn is all of it so far, beginning with TurnStarted. The caller sets
        the pace: whatever happens between two pulls comes as one batch, neighbouring deltas merged.
        """
        return self._turns.follow(owner, conversation_id)

    async def forget(self, owner: str, memory_id: str) -> None:
        with _refusing():
            await self._recall.forget(owner, memory_id)

    async def usage(self, owner: str) -> Usage:
        """What was sent to the provider today, by everybody and by this owner."""
        provider = self._provider
        return Usage(
            used=await self._ledger.used_today(provider.name),
            limit=provider.limit.requests_per_day,
            resets_at=self._ledger.resets_at(),
            billing=provider.billing,
            by_purpose=await self._ledger.by_purpose(provider.name, owner),
        )

    def answering(self) -> Answering:
        return self._answering

    async def _attached(self, owner: str, sha256: str) -> Image | Audio:
        with _refusing():
            media, path = await self._media.path(owner, sha256)
        data = await asyncio.to_thread(path.read_bytes)
        return described(media, data)


@contextmanager
def _refusing() -> Iterator[None]:
    try:
        yield
    except Missing:
        raise NotFound("This is not here any more.", "Reload the page.") from None
    except Busy:
        raise Refused(
            "A reply is still being written here.", "Wait for it, or press Stop."
        ) from None
