"""What a page can ask of long-term memory: look, correct, pin, forget, pause, take along."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

from memory.choices import ConversationChoices
from memory.edge import Missing
from memory.lookup import Filter
from memory.rebuild import Rebuild
from memory.recall import Recall
from messages import Choices, Media, Memory, MemoryKind
from refusals import EVERYWHERE, NotFound, Refused

MAX_TEXT = 8_000
MAX_IMPORT = 25_000_000


@dataclass(frozen=True, slots=True)
class MemoryState:
    """`by_words` says why only words and not meanings are searched just now; usually empty.

    `made` of `to_make` vectors are there again while they are being made, both 0 otherwise. The
    `documents` (sha256) are recalled in all conversations. `temporary`: the conversation is, and that
    it is paused there cannot be undone.
    """

    count: int
    temporary: bool = False
    paused_here: bool = False
    paused_everywhere: bool = False
    by_words: str = ""
    made: int = 0
    to_make: int = 0
    documents: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Sought:
    """What the panel shows: empty fields leave nothing out. Times are seconds since 1970, UTC."""

    query: str = ""
    conversation_id: str = ""
    kind: MemoryKind | None = None
    since: float = 0.0
    until: float = 0.0


class Memories:
    """The owner comes first, always. Whatever is refused raises Refused, with words for the reader."""

    def __init__(self, recall: Recall, rebuild: Rebuild, choices: ConversationChoices) -> None:
        self._recall = recall
        self._rebuild = rebuild
        self._choices = choices

    async def state(self, owner: str, conversation_id: str) -> MemoryState:
        """How memory stands, and whether it is paused in this conversation ("": none is open)."""
        here = await self._choices.get(owner, conversation_id or EVERYWHERE) or Choices()
        everywhere = await self._choices.get(owner, EVERYWHERE) or Choices()
        making = self._rebuild.progress
        return MemoryState(
            await self._recall.count(owner),
            paused_here=not here.memory,
            paused_everywhere=not everywhere.memory,
            by_words=self._recall.trouble() or making.trouble,
            made=0 if making.complete else making.done,
            to_make=0 if making.complete else making.total,
            documents=tuple(await self._recall.kept_documents(owner)),
        )

    async def pauses(self, owner: str, conversation_id: str) -> bool:
        """Whether nothing is recalled or remembered there."""
        state = await self.state(owner, conversation_id)
        return state.paused_here or state.paused_everywhere

    async def search(
        self, owner: str, sought: Sought, limit: int = 50, before: str = ""
    ) -> tuple[Memory, ...]:
        """Newest first, or the best first where a query is given; `before` is the last one shown."""
        which = Filter(sought.conversation_id, sought.kind or "", sought.since, sought.until)
        with _not_found():
            found = await self._recall.search(
                owner, sought.query, sought=which, limit=limit, before=before
            )
        return tuple(found)

    async def edit(self, owner: str, memory_id: str, text: str) -> Memory:
        """Put these words in the place of the memory's own; what was said stays in its conversation."""
        words = text.strip()
        if not words or len(words) > MAX_TEXT:
            raise Refused(
                f"A memory has 1 to {MAX_TEXT:,} characters.", "Shorten it, or forget it."
            )
        with _not_found():
            return await self._recall.edit(owner, memory_id, words)

    async def pin(self, owner: str, memory_id: str, pinned: bool) -> None:
        """What is pinned is sent with every message."""
        with _not_found():
            await self._recall.pin(owner, memory_id, pinned)

    async def forget(self, owner: str, memory_id: str) -> None:
        with _not_found():
            await self._recall.forget(owner, memory_id)

    async def forget_conversation(self, owner: str, conversation_id: str) -> None:
        """Forget all that was said there; the conversation itself stays."""
        with _not_found():
            await self._recall.forget_conversation(owner, conversation_id)

    async def pause(self, owner: str, conversation_id: str, paused: bool) -> None:
        """Neither recall nor remember in this conversation; by EVERYWHERE, in none at all."""
        decided = await self._choices.get(owner, conversation_id)
        if decided is None:
            decided = await self._choices.get(owner, EVERYWHERE) or Choices()
        with _not_found():
            await self._choices.set(owner, conversation_id, replace(decided, memory=not paused))

    async def keep_document(
        self, owner: str, conversation_id: str, media: Media, pages: Sequence[str]
    ) -> None:
        """Let all conversations recall a document that is attached to this one."""
        with _not_found():
            if media.sha256 in await self._recall.kept_documents(owner):
                return
            if not await self._recall.add_passages(owner, conversation_id, media, pages):
                raise Refused(
                    "There is nothing in this document to remember.", "Its pages have no text."
                )
            await self._recall.keep_document(owner, conversation_id, media.sha256)

    async def release_document(self, owner: str, sha256: str) -> None:
        """Let it be recalled only where it is attached."""
        with _not_found():
            await self._recall.release_document(owner, sha256)

    async def export(self, owner: str) -> bytes:
        """All memories as JSON, for `bring_back` here or elsewhere."""
        return await self._recall.export(owner)

    async def bring_back(self, owner: str, data: bytes) -> int:
        """Add the memories of an export; gives how many were new."""
        if len(data) > MAX_IMPORT:
            raise Refused("The file is larger than 25 MB.")
        try:
            return await self._recall.import_(owner, data)
        except ValueError as error:
            raise Refused(str(error), "Choose a file that Parley exported.") from None


@contextmanager
def _not_found() -> Iterator[None]:
    try:
        yield
    except Missing:
        raise NotFound("This is not here any more.", "Reload the page.") from None
