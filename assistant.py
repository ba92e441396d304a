"""What a page, a shell or an API can ask of Parley. The owner of what is asked for comes first, always."""

import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from time import time

from archive import Archive, Shelves
from attention import Attention
from attention import Fullness as Fullness
from dictation import Dictation
from dictation import Draft as Draft
from dictation import Take as Take
from elsewhere import Elsewhere
from events import Event
from inference.discovery import Catalogue
from inference.json_answer import Misfit, repair_request_text
from inference.own_keys import OwnKeys
from intake import Intake
from intake import tokens_of as tokens_of
from lineup import OFFLINE_ADVICE as OFFLINE_ADVICE
from lineup import Lineup, refusing
from memories import Memories
from memory.choices import ConversationChoices
from memory.conversations import Conversations, Missing
from memory.rebuild import Rebuild
from memory.replicas import Replicas
from memory.storage_faults import StoreFailed as StoreFailed
from memory.versions import Versions
from messages import (
    Audio,
    Conversation,
    Document,
    Image,
    Media,
    Message,
    Part,
    Text,
    Wishes,
    new_id,
)
from recital import Recitals
from refusals import EVERYWHERE as EVERYWHERE
from refusals import NotFound as NotFound
from refusals import Refused as Refused
from revisions import MAX_CHARS, Revisions
from roles import Answering as Answering
from roles import Connected as Connected
from roles import Lent as Lent
from roles import Limits as Limits
from roles import Role as Role
from roles import Speaker as Speaker
from roles import Usage as Usage
from steps.confirmations import Verdict
from steps.course import Layers, Turn
from steps.reading import documents_of
from temporary import Visits, is_temporary
from toolbox import McpServers, Toolbox
from turns import Turns

MAX_ATTACHMENTS = 5


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The newest messages of a conversation, oldest first; `earlier` says there are more before them."""

    conversation: Conversation | None
    messages: tuple[Message, ...]
    earlier: bool


@dataclass(frozen=True, slots=True)
class Rooms:
    """What the assistant is made of."""

    layers: Layers
    turns: Turns
    conversations: Conversations
    versions: Versions
    shelves: Shelves
    choices: ConversationChoices
    rebuild: Rebuild
    catalogue: Catalogue
    mcp: McpServers
    own_keys: OwnKeys
    replicas: Replicas
    summarise: Callable[[Turn], Awaitable[None]]
    erase_rest: Callable[[str], Awaitable[None]]
    hand_over: Callable[[str, str], Awaitable[None]]
    temporary: "Assistant | None" = None


class Assistant(Lineup):
    """The house from outside. Whatever it refuses raises Refused, with words for the reader.

    Temporary chats have one of their own, which keeps nothing: `at` gives whose a conversation is.
    """

    def __init__(self, rooms: Rooms) -> None:
        layers = rooms.layers
        super().__init__(
            layers.lines, rooms.choices, layers.ledger, rooms.catalogue, rooms.own_keys
        )
        self._turns = rooms.turns
        self._conversations = rooms.conversations
        self._media = layers.media
        self._documents = layers.documents
        self._intake = Intake(layers.media, layers.documents)
        self.activity = layers.activity
        self.dictation = Dictation(
            self._board, layers.ledger, layers.media, layers.activity, self._line
        )
        self.recitals = Recitals(layers, rooms.conversations, self.wishes)
        self._recall = layers.recall
        self._tooling = layers.tooling
        self.toolbox = Toolbox(layers.tooling, rooms.mcp, self._line)
        self.memory = Memories(layers.recall, rooms.rebuild, rooms.choices)
        self.archive = Archive(
            rooms.shelves, rooms.conversations, layers.media, self._intake, self.memory, self.delete
        )
        self._summaries = layers.summaries
        self.revisions = Revisions(
            rooms.turns,
            rooms.versions,
            rooms.conversations,
            layers.recall,
            layers.summaries,
            rooms.choices,
        )
        self.attention = Attention(
            rooms.conversations, layers.summaries, self, self.wishes, rooms.summarise
        )
        self._erase_rest, self._hand_over = rooms.erase_rest, rooms.hand_over
        self.elsewhere = Elsewhere(rooms.replicas, rooms.turns, self.toolbox, layers.recall)
        self._temporary = rooms.temporary
        beside = rooms.temporary or self
        self.visits = Visits(beside.delete, beside.empty)

    def at(self, owner: str, conversation_id: str) -> "Assistant":
        """Who keeps this conversation, or, where it is a temporary one, does not."""
        if self._temporary is None or not is_temporary(conversation_id):
            return self
        self.visits.touch(owner, conversation_id)
        return self._temporary

    async def send(
        self,
        owner: str,
        conversation_id: str,
        text: str,
        media: Sequence[str | Take],
        speak: bool,
        pool: str = "",
    ) -> None:
        """Start a turn. `media` are the sha256 of attachments made by `attach`, or recordings with
        their words; `pool` is the visitor's network, where visitors share a budget.

        The conversation is created if its id (32 hexadecimal digits, chosen by the caller) is new.
        """
        text = text.strip()
        if not text and not media:
            raise Refused("There is nothing to send yet.", "Write, attach or record something.")
        if len(text) > MAX_CHARS:
            raise Refused(f"The message is longer than {MAX_CHARS:,} characters.", "Shorten it.")
        if len(media) > MAX_ATTACHMENTS:
            raise Refused(f"{MAX_ATTACHMENTS} attachments are the most for one message.")
        takes = [one for one in media if isinstance(one, Take)]
        kept = [
            await self._intake.kept(owner, one.sha256 if isinstance(one, Take) else one)
            for one in media
        ]
        parts: list[Part] = await self.dictation.worded(owner, conversation_id, kept, takes)
        if text:
            parts.append(Text(text))
        said = Message(new_id(), "user", tuple(parts), time())
        wishes = await self.wishes(owner, conversation_id, speak, pool)
        with refusing():
            await self._turns.start(owner, conversation_id, said, wishes)

    async def retry(
        self, owner: str, conversation_id: str, reply_id: str, speak: bool, pool: str = ""
    ) -> None:
        wishes = await self.wishes(owner, conversation_id, speak, pool)
        await self.revisions.retry(owner, conversation_id, reply_id, wishes)

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

    async def wrong(
        self, owner: str, conversation_id: str, reply_id: str, memory_id: str, wishes: Wishes
    ) -> None:
        """Forget a memory that misled the last reply, and answer again without it: 1 request."""
        await self.forget(owner, memory_id)
        await self.retry(owner, conversation_id, reply_id, wishes.speak, wishes.pool)

    async def wishes(self, owner: str, conversation_id: str, speak: bool, pool: str) -> Wishes:
        """What was decided for a turn here. Memory that is paused everywhere is paused here."""
        here = await self.choices(owner, conversation_id)
        everywhere = await self.choices(owner, EVERYWHERE)
        memory, voice = here.memory and everywhere.memory, everywhere
        style = here.style.over(everywhere.style)
        decided = replace(
            here,
            memory=memory,
            voice=voice.voice,
            voice_of=voice.voice_of,
            pace=voice.pace,
            style=style,
            picks=voice.picks,
        )
        return Wishes(speak, decided, pool)

    async def stop(self, owner: str, conversation_id: str) -> None:
        if not await self._turns.stop(owner, conversation_id):
            self.elsewhere.stop(owner, conversation_id)

    def decide(self, owner: str, conversation_id: str, call_id: str, verdict: Verdict) -> None:
        """Let a tool that waits run, run from now on, or not."""
        try:
            self.toolbox.decide(owner, conversation_id, call_id, verdict)
        except NotFound:
            if not self.elsewhere.decide(owner, conversation_id, call_id, verdict):
                raise

    async def keep_document(
        self, owner: str, conversation_id: str, sha256: str, kept: bool
    ) -> None:
        """Let all conversations recall a document that is attached here; or no longer."""
        if not kept:
            await self.memory.release_document(owner, sha256)
            return
        with refusing():
            said = await self._conversations.messages(owner, conversation_id)
            media = [one.media for one in documents_of(said) if one.media.sha256 == sha256]
            if not media:
                raise Missing
            pages = await self._documents.pages(owner, sha256, 1, sys.maxsize)
        await self.memory.keep_document(owner, conversation_id, media[0], pages)

    async def erase(self, owner: str) -> None:
        """Erase everything of this owner: conversations, files, memories, choices, key, spending."""
        if self._temporary:
            await self._temporary.erase(owner)
        await self._turns.drop_all(owner)
        await self.recitals.drop_all(owner)
        await self.disconnect_own_key(owner)
        await self._ledger.forget(owner)
        await self.empty(owner)
        self.elsewhere.erased(owner)

    async def empty(self, owner: str) -> None:
        """Erase what is stored here of this owner: rows, files, vectors; nothing of theirs may run."""
        await self._recall.erase(owner)
        await self._documents.erase(owner)
        await self._erase_rest(owner)

    async def take_over(self, owner: str, before: str) -> None:
        """All that `before` had, who is the same person, is this owner's from now on."""
        with refusing():
            await self._hand_over(before, owner)
        await self._turns.drop_all(before)
        await self.recitals.drop_all(before)
        await self._recall.handed_over(before, owner)
        await self._ledger.hand_over(before, owner)
        self.elsewhere.erased(before)

    async def attach(
        self, owner: str, data: bytes, name: str, pool: str = ""
    ) -> Image | Audio | Document:
        """Check, clean and store a picture, a recording or a document; of a stranger, who has a
        `pool`, only so many."""
        most = self._intake.most(of_a_stranger=bool(pool))
        return await self._intake.keep(owner, data, name, most)

    async def media(self, owner: str, sha256: str) -> tuple[Media, Path]:
        """The stored file of a Media of this owner."""
        with refusing():
            return await self._media.path(owner, sha256)

    async def temporary_media(self, owner: str, sha256: str) -> tuple[Media, bytes]:
        """What was attached, drawn or spoken in a temporary chat, which is no file."""
        with refusing():
            return await (self._temporary or self)._media.bytes_of(owner, sha256)

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
        with refusing():
            await self._conversations.rename(owner, conversation_id, title)

    async def delete(self, owner: str, conversation_id: str, memories: bool = True) -> None:
        """Delete a conversation with its messages and files, and what is remembered of it unless
        `memories` is false; a running turn is stopped."""
        await self.stop(owner, conversation_id)
        self._turns.let_go(owner, conversation_id)
        with refusing():
            await self._choices.forget(owner, conversation_id)
            await self.toolbox.forget(owner, conversation_id)
            unused = await self._conversations.delete(owner, conversation_id)
            await self._summaries.forget(owner, conversation_id)
            if memories:
                await self._recall.forget_conversation(owner, conversation_id)
            await self._recall.forget_passages(owner, conversation_id)
            await self.dictation.discard(owner, unused)
            await self._documents.disown(owner, unused)

    def follow(self, owner: str, conversation_id: str) -> AsyncIterator[tuple[Event, ...]]:
        """Endless: batches of events of the turn that runs and of those that come after it.

        The first batch of a turn is all of it so far, beginning with TurnStarted. The caller sets
        the pace: whatever happens between two pulls comes as one batch, neighbouring deltas merged.
        """
        return self._turns.follow(owner, conversation_id)

    def moved_at(self, owner: str, conversation_id: str) -> float:
        """When the newest event of its turn happened, in seconds since 1970; 0 where none is here."""
        return self._turns.moved_at(owner, conversation_id)

    def listen(
        self,
        changed: Callable[[str], None],
        everybody: Callable[[], None] | None = None,
        forgotten: Callable[[str, Sequence[str]], None] | None = None,
        moved: Callable[[str, str], None] | None = None,
    ) -> None:
        """From now on `changed` is told an owner when a turn of theirs begins or ends, anywhere, or
        their own key comes or goes; `everybody` hears `offers_changed`, which concerns all. An owner
        of whom memories are forgotten, by a tool or by hand, is told to `forgotten`, with their ids.
        `moved` hears of conversations that are shown otherwise than before, without a turn.
        """
        self._turns.on_change = self._own_keys.on_change = self.visits.on_change = changed
        self.offers_changed = everybody or self.offers_changed
        if self._temporary:
            self._temporary.listen(changed, everybody, forgotten, moved)
        self.toolbox.listen(self.offers_changed)
        self._tooling.on_forgotten = forgotten or self._tooling.on_forgotten
        self.revisions.moved = moved or self.revisions.moved

    async def forget(self, owner: str, memory_id: str) -> None:
        """Forget it for good; whoever listens is told what went with it."""
        with refusing():
            self._tooling.on_forgotten(owner, await self._recall.forget(owner, memory_id))
