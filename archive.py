"""What a page can ask of conversations as a whole: find, place, throw away, share, take along, bring in."""

import asyncio
import hashlib
import logging
from collections.abc import (
    AsyncIterator,
    Awaitable,
    Callable,
    Collection,
    Iterator,
    Mapping,
    Sequence,
)
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from time import time
from typing import IO

from intake import Intake
from lineup import refusing
from memories import Memories, Sought
from memory.bringing import Brought, id_here
from memory.conversations import Conversations, Missing
from memory.listing import Contents as Contents
from memory.listing import Folder as Folder
from memory.media import MediaStore
from memory.search import Found as Found
from memory.search import Piece as Piece
from memory.shares import Share as Share
from memory.shares import Shared
from memory.shelves import Shelves as Shelves
from messages import (
    Audio,
    Conversation,
    Document,
    Image,
    Media,
    Message,
    Part,
    Text,
    ToolResult,
    new_id,
)
from porting import own
from porting.carried import Carried, Fetch, Unreadable
from porting.markdown import to_markdown as to_markdown
from porting.reading import conversations as conversations_in
from refusals import Refused

UNDO_S = 20.0
"""For so long what was thrown away can be taken back."""
MANY_MEMORIES = 100
_AT_ONCE = 25

log = logging.getLogger(__name__)

Remove = Callable[[str, str, bool], Awaitable[None]]
"""Deletes a conversation of an owner, with its memories or without."""


@dataclass(frozen=True, slots=True)
class Progress:
    """Of an import: conversations that came in, that were here already, and files that were left out."""

    added: int = 0
    known: int = 0
    left_out: int = 0


class Archive:
    """The owner comes first, always. Whatever is refused raises Refused, with words for the reader."""

    def __init__(
        self,
        shelves: Shelves,
        conversations: Conversations,
        media: MediaStore,
        intake: Intake,
        memory: Memories,
        remove: Remove,
    ) -> None:
        self._shelves = shelves
        self._conversations = conversations
        self._media = media
        self._intake = intake
        self._memory = memory
        self._remove = remove
        self.undo_s = UNDO_S
        self._emptying: set[asyncio.Task[None]] = set()

    async def contents(
        self, owner: str, rows: int = 60, unfolded: Collection[str] = ()
    ) -> Contents:
        return await self._shelves.listing.contents(owner, rows, unfolded)

    async def about(self, owner: str, conversation_id: str) -> Conversation | None:
        """None where nothing was said there yet, or it is not the owner's."""
        with suppress(Missing):
            return await self._conversations.get(owner, conversation_id)
        return None

    async def folders(self, owner: str) -> list[str]:
        return await self._shelves.listing.folders(owner)

    async def find(self, owner: str, query: str) -> list[Found]:
        """Conversations in which all these words were said or stand in the title, newest first."""
        return await self._shelves.search.find(owner, query)

    async def pin(self, owner: str, conversation_id: str, pinned: bool) -> None:
        with refusing():
            await self._shelves.listing.pin(owner, conversation_id, pinned)

    async def put(self, owner: str, conversation_id: str, folder: str) -> None:
        """Put it in a folder; "" takes it out of its own."""
        with refusing():
            await self._shelves.listing.put(owner, conversation_id, folder)

    async def rename_folder(self, owner: str, folder: str, name: str) -> None:
        """An empty name dissolves the folder; what is in it stays."""
        with refusing():
            await self._shelves.listing.rename_folder(owner, folder, name)

    async def memories_of(self, owner: str, conversation_id: str) -> int:
        """How many memories were made there, at most MANY_MEMORIES."""
        there = Sought(conversation_id=conversation_id)
        found = await self._memory.search(owner, there, MANY_MEMORIES)
        return sum(1 for memory in found if memory.kind != "passage" or memory.pinned)

    async def throw(self, owner: str, conversation_id: str, *, forgets: bool) -> None:
        """Show it no longer; in `undo_s` it is deleted for good, and with `forgets` its memories."""
        with refusing():
            await self._shelves.listing.throw(owner, conversation_id, time(), forgets=forgets)
        self.empty_later()

    async def take_back(self, owner: str, conversation_id: str) -> None:
        with refusing():
            await self._shelves.listing.take_back(
                owner, conversation_id, since=time() - self.undo_s
            )

    def empty_later(self) -> None:
        """Delete what nobody can take back any more, a moment from now."""
        task = asyncio.create_task(self._empty_later())
        self._emptying.add(task)
        task.add_done_callback(self._emptying.discard)

    @asynccontextmanager
    async def emptied(self) -> AsyncIterator[None]:
        """Within it what was thrown away goes, also what was so when Parley ended."""
        self.empty_later()
        try:
            yield
        finally:
            for task in self._emptying:
                task.cancel()
            await asyncio.gather(*self._emptying, return_exceptions=True)

    async def _empty_later(self) -> None:
        await asyncio.sleep(self.undo_s + 0.5)
        for thrown in await self._shelves.listing.thrown(time() - self.undo_s):
            with suppress(Refused):  # another Parley was quicker
                await self._remove(thrown.owner, thrown.conversation_id, thrown.forgets)

    async def share(self, owner: str, conversation_id: str) -> Share:
        """Let whoever has the link read what was said there until now."""
        with refusing():
            return await self._shelves.shares.share(owner, conversation_id)

    async def share_of(self, owner: str, conversation_id: str) -> Share | None:
        with refusing():
            return await self._shelves.shares.of(owner, conversation_id)

    async def withdraw(self, owner: str, conversation_id: str) -> None:
        with refusing():
            await self._shelves.shares.withdraw(owner, conversation_id)

    async def shared(self, token: str) -> Shared:
        """What is behind a link, for anybody."""
        with refusing():
            return await self._shelves.shares.open(token)

    async def shared_media(self, token: str, sha256: str) -> tuple[Media, Path]:
        """A picture or recording of it."""
        with refusing():
            owner, media = await self._shelves.shares.media(token, sha256)
            _, path = await self._media.path(owner, sha256)
            return media, path

    async def whole(
        self, owner: str, conversation_id: str
    ) -> tuple[Conversation, Sequence[Message]]:
        """All that is shown of a conversation."""
        with refusing():
            found = await self._conversations.get(owner, conversation_id)
            return found, await self._conversations.messages(owner, conversation_id)

    async def files(self, owner: str, said: Sequence[Message]) -> dict[str, tuple[Media, bytes]]:
        """The bytes of what messages show, by sha256, as far as they are there."""
        found: dict[str, tuple[Media, bytes]] = {}
        for sha256, media in own.media_of(said).items():
            with suppress(Missing):
                _, data = await self._media.bytes_of(owner, sha256)
                found[sha256] = (media, data)
        return found

    async def file(self, owner: str, conversation_id: str) -> bytes:
        """A conversation as Parley's own file, for `bring_in` here or elsewhere."""
        about, said = await self.whole(owner, conversation_id)
        files = await self.files(owner, said)
        return await asyncio.to_thread(own.to_file, about, said, files)

    async def everything(self, owner: str) -> AsyncIterator[tuple[Conversation, bytes]]:
        """Every conversation as such a file, newest first."""
        for about in await self._conversations.list(owner, limit=1_000_000):
            with suppress(Refused):  # deleted meanwhile
                yield about, await self.file(owner, about.id)

    async def bring_in(self, owner: str, file: IO[bytes]) -> AsyncIterator[Progress]:
        """Store the conversations of a file of Parley, ChatGPT or Open WebUI, some at a time.

        One that came before is passed over. Nothing of it is remembered; it is found by search.
        """
        done = Progress()
        coming = conversations_in(file)
        while some := await asyncio.to_thread(_some, coming):
            ids = [_id_of(owner, carried) for carried in some]
            known = await self._shelves.arrivals.known(owner, {one for pair in ids for one in pair})
            brought: list[Brought] = []
            left_out = 0
            for carried, (here, own_id) in zip(some, ids, strict=True):
                if here in known or own_id in known:
                    continue
                known.add(here)
                messages, missed = await self._as_kept(owner, carried)
                left_out += missed
                about = Conversation(
                    here,
                    carried.title,
                    carried.created_at or time(),
                    carried.updated_at or carried.created_at or time(),
                    carried.pinned,
                    carried.folder,
                )
                brought.append(Brought(about, messages))
            await self._shelves.arrivals.store(owner, brought)
            done = Progress(
                done.added + len(brought),
                done.known + len(some) - len(brought),
                done.left_out + left_out,
            )
            yield done

    async def _as_kept(self, owner: str, carried: Carried) -> tuple[list[Message], int]:
        """Its messages under new ids, their files kept here; how many files could not be."""
        kept: list[Message] = []
        missed = 0
        for message in carried.messages:
            parts: list[Part] = []
            for part in message.parts:
                found = await self._part(owner, part, carried.files)
                missed += found is None
                parts.append(found or Text(f"📎 {_name(part) or part.kind}"))
            kept.append(replace(message, id=new_id(), parts=tuple(parts)))
        return kept, missed

    async def _part(self, owner: str, part: Part, files: Mapping[str, Fetch]) -> Part | None:
        """A part as it is kept here; None where its file is missing or refused."""
        try:
            if isinstance(part, ToolResult) and part.pictures:
                pictures = [await self._file(owner, one, files) for one in part.pictures]
                return replace(part, pictures=tuple(one.media for one in pictures))
            if not isinstance(part, Image | Audio | Document):
                return part
            kept = await self._file(owner, part.media, files)
        except (Refused, Unreadable, KeyError):
            return replace(part, pictures=()) if isinstance(part, ToolResult) else None
        if isinstance(kept, Image) and isinstance(part, Image):
            return replace(kept, caption=part.caption)
        if isinstance(kept, Audio) and isinstance(part, Audio):
            return replace(kept, transcript=part.transcript)
        return kept

    async def _file(
        self, owner: str, media: Media, files: Mapping[str, Fetch]
    ) -> Image | Audio | Document:
        data = await asyncio.to_thread(files[media.sha256])
        return await self._intake.keep(owner, data, media.name)


def _some(coming: Iterator[Carried]) -> list[Carried]:
    try:
        return list(islice(coming, _AT_ONCE))
    except Unreadable as error:
        raise Refused(error.message, error.advice) from None


def _name(part: Part) -> str:
    return part.media.name if isinstance(part, Image | Audio | Document) else ""


def _id_of(owner: str, carried: Carried) -> tuple[str, str]:
    """Under which id it is kept here, and which one it has if it was exported here."""
    source = carried.source
    if not source:
        words = "\0".join([carried.title, *(message.text for message in carried.messages)])
        source = hashlib.sha256(words.encode("utf-8", "replace")).hexdigest()
    return id_here(owner, source), carried.source
