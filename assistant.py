"""What a page, a shell or an API can ask of Parley. The owner of what is asked for comes first, always."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import time

from attachments import BadAttachment, Picture, described, inspect
from events import Event
from inference.backend import BackendError
from inference.discovery import Catalogue
from inference.json_answer import Misfit, repair_request_text, schema_problem
from inference.ledger import Ledger
from inference.switchboard import Line, Offer, Switchboard
from inference.usage import UsageReport, usage_report
from memory.choices import ConversationChoices
from memory.conversations import Busy, Conversations, Missing
from memory.media import MediaStore
from memory.recall import Recall
from messages import (
    Audio,
    Choices,
    Conversation,
    Image,
    Media,
    Message,
    Part,
    Text,
    Wishes,
    new_id,
)
from turns import MOST_REQUESTS, Turns

MAX_CHARS = 400_000
MAX_ATTACHMENTS = 5
EVERYWHERE = "0" * 32  # stands for all conversations where nothing else was decided
OFFLINE_ADVICE = (
    "Set OXLO_API_KEY (or another provider's key), or PARLEY_BASE_URL for any "
    "OpenAI-compatible server, and start Parley again."
)


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
    json: bool = False


@dataclass(frozen=True, slots=True)
class Usage:
    """`most_requests` is what the next turn may send to the model at most, within what is left today.

    Each recording of it and its spoken reply add one.
    """

    report: UsageReport
    most_requests: int


@dataclass(frozen=True, slots=True)
class Rooms:
    """What the assistant is made of."""

    turns: Turns
    conversations: Conversations
    choices: ConversationChoices
    media: MediaStore
    recall: Recall
    ledger: Ledger
    lines: Switchboard
    catalogue: Catalogue


class Assistant:
    """The house from outside. Whatever it refuses raises Refused, with words for the reader."""

    def __init__(self, rooms: Rooms) -> None:
        self._turns = rooms.turns
        self._conversations = rooms.conversations
        self._media = rooms.media
        self._recall = rooms.recall
        self._ledger = rooms.ledger
        self._choices = rooms.choices
        self._lines = rooms.lines
        self._catalogue = rooms.catalogue
        self.deciding = asyncio.Lock()

    async def send(
        self,
        owner: str,
        conversation_id: str,
        text: str,
        media: Sequence[str],
        speak: bool,
        pool: str = "",
    ) -> None:
        """Start a turn. `media` are the sha256 of attachments made by `attach`; `pool` is the
        visitor's network, where visitors share a budget.

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
        wishes = Wishes(speak, await self.choices(owner, conversation_id), pool)
        with _refusing():
            await self._turns.start(owner, conversation_id, said, wishes)

    async def retry(
        self, owner: str, conversation_id: str, reply_id: str, speak: bool, pool: str = ""
    ) -> None:
        """Answer the same message again; the earlier reply is kept but no longer shown."""
        wishes = Wishes(speak, await self.choices(owner, conversation_id), pool)
        with _refusing():
            await self._turns.retry(owner, conversation_id, reply_id, wishes)

    async def repair(
        self, owner: str, conversation_id: str, reply_id: str, speak: bool, pool: str = ""
    ) -> None:
        """Ask once more for a reply in JSON that did not fit, telling the model why: 1 request."""
        found = await self.open(owner, conversation_id, limit=1)
        last = found.messages[-1] if found.messages else None
        check = last.provenance.json if last and last.provenance else None
        if last is None or last.id != reply_id or check is None or check.fits:
            raise NotFound("There is nothing to repair here any more.", "Reload the page.")
        text = repair_request_text(Misfit(check.problems))
        await self.send(owner, conversation_id, text, (), speak, pool)

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
            await self._choices.forget(owner, conversation_id)
            await self._recall.forget_conversation(owner, conversation_id)
            await self._media.disown(owner, unused)

    def follow(self, owner: str, conversation_id: str) -> AsyncIterator[tuple[Event, ...]]:
        """Endless: batches of events of the turn that runs and of those that come after it.

        The first batch of a turn is all of it so far, beginning with TurnStarted. The caller sets
        the pace: whatever happens between two pulls comes as one batch, neighbouring deltas merged.
        """
        return self._turns.follow(owner, conversation_id)

    def listen(self, changed: Callable[[str], None]) -> None:
        """From now on `changed` is told an owner when a turn of theirs begins or ends, anywhere."""
        self._turns.on_change = changed

    async def forget(self, owner: str, memory_id: str) -> None:
        with _refusing():
            await self._recall.forget(owner, memory_id)

    async def memories(self, owner: str) -> int:
        """How many things are remembered for this owner."""
        return await self._recall.count(owner)

    async def choices(self, owner: str, conversation_id: str) -> Choices:
        """What was decided for this conversation, else for all of this owner's."""
        with _refusing():
            here = await self._choices.get(owner, conversation_id)
            return here or await self._choices.get(owner, EVERYWHERE) or Choices()

    async def choose(self, owner: str, conversation_id: str, choices: Choices) -> None:
        """Decide for a conversation; for EVERYWHERE, for all that have no choice of their own."""
        if choices.provider and not self._lines.has(choices.provider):
            raise Refused(f"{choices.provider} is not connected.", "Choose another model.")
        if choices.schema and (problem := schema_problem(choices.schema)):
            raise Refused(f"This is no JSON Schema: {problem}", "Correct it, or leave it empty.")
        with _refusing():
            await self._choices.set(owner, conversation_id, choices)

    def offers(self) -> list[Offer]:
        """Every model that can be chosen, as far as is known without asking anybody."""
        return self._lines.offers()

    async def refresh_offers(self, owner: str) -> None:
        """Ask every provider what it offers. No request of a day's budget is spent on it."""
        problem: BackendError | None = None
        for line in self._lines.lines():
            age_s = self._catalogue.age_s(line.connection)
            try:
                # Ten seconds of rest: a page may not be used to knock at a provider's door.
                fresh = age_s is None or age_s > 10
                models = await self._catalogue.offered(line.connection, owner, fresh=fresh)
            except BackendError as error:
                problem = error
            else:
                self._lines.learn(line.provider.name, models)
        if problem:
            raise Refused(problem.message, problem.advice)

    async def usage(self, owner: str, conversation_id: str = "") -> Usage:
        """What was sent to who answers here, by everybody today and by this owner."""
        line = await self._line(owner, conversation_id)
        report = await usage_report(self._ledger, line.provider, owner)
        most = MOST_REQUESTS if report.left is None else min(MOST_REQUESTS, report.left)
        return Usage(report, most)

    async def answering(self, owner: str, conversation_id: str) -> Answering:
        """Who answers in this conversation; "" stands for a page that has none open yet."""
        conversation_id = conversation_id or EVERYWHERE
        line = await self._line(owner, conversation_id)
        choices = await self.choices(owner, conversation_id)
        model = choices.model or line.model_for("chat")
        offline = line.provider.offline
        others = [other for other in self._lines.lines() if not other.provider.offline]
        return Answering(
            provider=line.provider.label,
            model=model,
            offline=offline,
            advice=_advice(others) if offline else "",
            json=choices.json,
        )

    async def _line(self, owner: str, conversation_id: str) -> Line:
        chosen = (await self.choices(owner, conversation_id)).provider if conversation_id else ""
        return (
            self._lines.line(chosen) if self._lines.has(chosen) else self._lines.for_sense("chat")
        )

    async def _attached(self, owner: str, sha256: str) -> Image | Audio:
        with _refusing():
            media, path = await self._media.path(owner, sha256)
        data = await asyncio.to_thread(path.read_bytes)
        return described(media, data)


def _advice(found: Sequence[Line]) -> str:
    if found:
        names = " and ".join(line.provider.label for line in found)
        return f"{names} can answer: choose a model above."
    return OFFLINE_ADVICE


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
