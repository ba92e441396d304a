"""What a page, a shell or an API can ask of Parley. The owner of what is asked for comes first, always."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from events import Event
from messages import Audio, Conversation, Image, Media, Message, Request


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
    """Requests sent today (UTC). `limit` is None where none is known; `last` are those of the last turn."""

    used: int
    limit: int | None
    resets_at: float
    billing: str
    by_purpose: dict[str, int]
    last: tuple[Request, ...]


class Assistant:
    async def send(
        self, owner: str, conversation_id: str, text: str, media: Sequence[str], speak: bool
    ) -> None:
        """Start a turn. `media` are the sha256 of attachments made by `attach`. Raises Refused.

        The conversation is created if its id (32 hexadecimal digits, chosen by the caller) is new.
        """
        raise NotImplementedError

    async def retry(self, owner: str, conversation_id: str, reply_id: str, speak: bool) -> None:
        """Answer the same message again; the earlier reply is kept but no longer shown."""
        raise NotImplementedError

    async def stop(self, owner: str, conversation_id: str) -> None:
        raise NotImplementedError

    async def attach(self, owner: str, data: bytes, name: str) -> Image | Audio:
        """Check and store an upload. Raises Refused for what is no image or recording."""
        raise NotImplementedError

    async def media(self, owner: str, sha256: str) -> tuple[Media, Path]:
        """The file of a Media of this owner. Raises NotFound."""
        raise NotImplementedError

    async def conversations(self, owner: str) -> list[Conversation]:
        """Newest first."""
        raise NotImplementedError

    async def open(
        self, owner: str, conversation_id: str, limit: int = 40, before: str | None = None
    ) -> Snapshot:
        """The last `limit` messages, or those before the message `before`. Empty where nothing is yet."""
        raise NotImplementedError

    async def rename(self, owner: str, conversation_id: str, title: str) -> None:
        raise NotImplementedError

    async def delete(self, owner: str, conversation_id: str) -> None:
        """Delete a conversation with its messages, memories and files; a running turn is stopped."""
        raise NotImplementedError

    def follow(self, owner: str, conversation_id: str) -> AsyncIterator[tuple[Event, ...]]:
        """Endless: batches of events of the turn that runs and of those that come after it.

        The first batch of a turn is all of it so far, beginning with TurnStarted. The caller sets
        the pace: whatever happens between two pulls comes as one batch, neighbouring deltas merged.
        """
        raise NotImplementedError

    async def forget(self, owner: str, memory_id: str) -> None:
        raise NotImplementedError

    async def usage(self, owner: str) -> Usage:
        raise NotImplementedError

    def answering(self) -> Answering:
        raise NotImplementedError
