"""Long-term memory: what was said and told, with where that was, found again in other conversations."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from time import time

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from memory.edge import Missing, clean, known_hash, known_id, known_owner
from memory.embedding import MAX_CHARS
from memory.excerpts import clipped
from memory.exchanges import exchanges, tokens_of
from memory.indexes import Entry, Indexes, Scope
from memory.lookup import Filter, Lookup, of_long_term
from memory.memory_book import MemoryBook, to_its_end
from memory.memory_rows import AT_ONCE, Change, Row, row_id
from memory.passages import passages_of
from memory.portable import from_file, new_rows, to_file
from memory.schema import memories
from memory.sentences import told_text
from memory.statements import statements, understood
from memory.tokens import estimate
from messages import Media, Memory, Message, new_id

SPARE = 2
"""So many candidates for each memory wanted: some repeat the query or each other."""
INSTRUCTION_TOKENS = 600
INSTRUCTION_CHARS = 900
"""What is always sent, all together and each."""
PASSAGES_RANKED = 60
LONGEST_NAME = 200
SEARCHED = 500
"""Memories that a search in the panel looks through for those that pass its filter."""


class Recall:
    """Memories of all owners: the owner comes first, always, and sees and changes theirs alone.

    The texts in the database are the truth; what ranks them is made from them. Raises Missing for
    what is not there or not the owner's. Sends no request.

    `on_gone` is told an owner of whose memories some have lost their words.
    """

    def __init__(self, engine: AsyncEngine, indexes: Indexes) -> None:
        self._book = MemoryBook(engine)
        self._lookup = Lookup(engine)
        self._indexes = indexes
        self.on_gone: Callable[[str], None] = lambda _owner: None

    async def remember(self, owner: str, conversation_id: str, messages: Sequence[Message]) -> None:
        """Keep the words of each message; again with the same message, as they are now.

        What was forgotten, says nothing or is still running is left out. Texts are cut at
        `MAX_CHARS` characters; the whole message stays in its conversation.
        """
        known_owner(owner)
        rows = [
            Row(known_id(said.id), known_id(conversation_id), said.id, said.role, text, said.at)
            for said in messages
            if said.status != "running" and (text := clean(said.text)[:MAX_CHARS].strip())
        ]
        await self._rank(owner, await self._book.say(owner, rows))

    async def note(self, owner: str, conversation_id: str, said: Message) -> list[Memory]:
        """Keep the facts and standing instructions in the user's own words; [] if there are none."""
        known_owner(owner), known_id(conversation_id), known_id(said.id)
        told = await asyncio.to_thread(statements, said)
        rows = [
            Row(
                id=row_id("told", said.id, number),
                conversation_id=conversation_id,
                message_id=said.id,
                role="user",
                text=clean(one.text),
                at=said.at,
                kind=kind,
                pinned=kind == "instruction",
                subject=clean(one.subject),
            )
            for number, (kind, one) in enumerate(told)
        ]
        if not rows:
            return []
        return [m for m in await self._told(owner, rows) if m.message_id == said.id]

    async def remember_fact(
        self, owner: str, conversation_id: str, message_id: str, text: str
    ) -> Memory:
        """Keep what a model was asked to; known already, that comes back. Raises ValueError if empty.

        It is never a standing instruction: what a model writes may come from a page that it read.
        """
        known_owner(owner)
        words = told_text(clean(text))[:MAX_CHARS]
        if not words:
            raise ValueError("There is nothing to remember.")
        row = Row(
            id=new_id(),
            conversation_id=known_id(conversation_id),
            message_id=known_id(message_id),
            role="assistant",
            text=words,
            at=time(),
            kind="fact",
            subject=understood("fact", words).subject,
        )
        found = await self._told(owner, [row])
        if not found:
            raise Missing("What was said there is forgotten.")
        return found[0]

    async def recall(
        self,
        owner: str,
        query: str,
        *,
        besides: str | None,
        tokens: int = 6_000,
        limit: int = 40,
    ) -> list[Memory]:
        """The best for `query`, best first, none of the conversation `besides`, within the budgets.

        Each comes with its question or reply, clipped. Often none: only where one shares telling
        words with the query or is near it in meaning do the best others come along. What is always
        sent is left out.
        """
        text = clean(query)[:MAX_CHARS]
        scope = Scope(known_owner(owner))
        ranked = await self._indexes.ranked(
            scope, text, besides=besides or "", limit=limit * SPARE, floor="first"
        )
        if not ranked:
            return []
        found, beside = await self._lookup.holding(owner, [one.id for one in ranked], limit)
        if any(memory.pinned and memory.kind != "passage" for memory in found):
            sent = {memory.id for memory in await self.instructions(owner)}
            found = [memory for memory in found if memory.id not in sent]
        return exchanges(text, found, beside, tokens, limit)

    async def passages(
        self, owner: str, conversation_id: str, query: str, *, tokens: int
    ) -> list[Memory]:
        """The best of the documents attached there, in reading order; the first where none is better.

        `conversation_title` is the document's name, `page` the page.
        """
        scope = Scope(known_owner(owner), known_id(conversation_id))
        m = memories.c
        mine = (m.conversation_id == conversation_id, m.kind == "passage")
        rows = await self._lookup.ids(owner, *mine)
        text = clean(query)[:MAX_CHARS]
        ranked = await self._indexes.ranked(scope, text, limit=PASSAGES_RANKED, floor="none")
        best = [one.id for one in ranked] or rows[:PASSAGES_RANKED]
        chosen: list[Memory] = []
        for memory in await self._lookup.among(owner, best, mine):
            cost = tokens_of(memory)
            if cost <= tokens:
                chosen.append(memory)
                tokens -= cost
        order = {memory_id: number for number, memory_id in enumerate(rows)}
        return sorted(chosen, key=lambda memory: order[memory.id])

    async def instructions(self, owner: str) -> list[Memory]:
        """What is always sent: pinned by rule or by hand, newest first, clipped to 600 tokens."""
        room, kept = INSTRUCTION_TOKENS, []
        for memory in await self._lookup.standing(known_owner(owner)):
            text = clipped(memory.text, INSTRUCTION_CHARS)
            cost = estimate(text)
            if cost <= room:
                kept.append(replace(memory, text=text))
                room -= cost
        return kept

    async def has_passages(self, owner: str, conversation_id: str, sha256: str) -> bool:
        """Whether that document was cut into passages there, and some are left."""
        m = memories.c
        there = (m.conversation_id == known_id(conversation_id), m.source == known_hash(sha256))
        return bool(await self._lookup.count(known_owner(owner), *there))

    async def add_passages(
        self, owner: str, conversation_id: str, source: Media, pages: Sequence[str]
    ) -> int:
        """Cut an attached document into passages of its conversation; how many it has there now.

        A second time changes nothing; those that were forgotten one by one stay so.
        """
        known_owner(owner), known_id(conversation_id), known_hash(source.sha256)
        m, at = memories.c, time()
        there = (m.conversation_id == conversation_id, m.source == source.sha256)
        count = await self._lookup.count(owner, *there)
        if count:
            return count
        cut = await asyncio.to_thread(passages_of, pages)
        rows = [
            Row(
                id=row_id("passage", owner, conversation_id, source.sha256, number),
                conversation_id=conversation_id,
                message_id="",
                role="user",
                text=passage.text,
                at=at,
                kind="passage",
                source=source.sha256,
                source_name=clean(source.name)[:LONGEST_NAME] or "document",
                page=passage.page,
            )
            for number, passage in enumerate(cut)
        ]
        changes = await self._book.add(owner, rows)
        await self._rank(owner, changes)
        return len(changes)

    async def keep_document(self, owner: str, conversation_id: str, sha256: str) -> None:
        """Let all conversations recall it. Raises Missing if it was not cut into passages there."""
        there = (memories.c.conversation_id == known_id(conversation_id), *_of_document(sha256))
        await self._rank(owner, await self._book.pin(known_owner(owner), there, True))

    async def release_document(self, owner: str, sha256: str) -> None:
        """Let it be recalled only where it is attached. Raises Missing if there are no passages of it."""
        which = _of_document(sha256)
        await self._rank(owner, await self._book.pin(known_owner(owner), which, False))

    async def kept_documents(self, owner: str) -> list[str]:
        """The sha256 of those that all conversations recall, in whole or in part."""
        return await self._lookup.sources(known_owner(owner))

    async def search(
        self,
        owner: str,
        query: str = "",
        *,
        sought: Filter | None = None,
        limit: int = 50,
        before: str = "",
    ) -> list[Memory]:
        """For the panel: newest first, or with a query the best first; `before` was the last shown.

        Facts that hold no longer are there too, with `superseded_at`.
        """
        known_owner(owner)
        text = clean(query)[:MAX_CHARS].strip()
        wanted = sought or Filter()
        if wanted.conversation_id:
            known_id(wanted.conversation_id)
        which = replace(wanted, kind=clean(wanted.kind)).conditions()
        if not text:
            return await self._lookup.newest(owner, which, limit, before and known_id(before))
        ranked = await self._indexes.ranked(Scope(owner), text, limit=SEARCHED)
        best = await self._lookup.among(owner, [one.id for one in ranked], which)
        found = {memory.id: memory for memory in best}
        for memory in await self._lookup.containing(owner, text, which, SEARCHED):
            found.setdefault(memory.id, memory)
        listed = list(found.values())
        start = 1 + next((n for n, m in enumerate(listed) if m.id == before), -1)
        return listed[start : start + limit]

    async def get(self, owner: str, memory_id: str) -> Memory:
        found = await self._lookup.memories(known_owner(owner), [known_id(memory_id)])
        if not found:
            raise Missing("No such memory.")
        return found[0]

    async def edit(self, owner: str, memory_id: str, text: str) -> Memory:
        """Put `text` in its place, for good: what was said does not replace it again.

        Raises ValueError if nothing is left.
        """
        words = clean(text)[:MAX_CHARS].strip()
        if not words:
            raise ValueError("A memory says something.")
        changes = await self._book.edit(known_owner(owner), known_id(memory_id), words)
        await self._rank(owner, changes)
        return await self.get(owner, memory_id)

    async def pin(self, owner: str, memory_id: str, pinned: bool) -> None:
        """Always send it, or no longer; of a document: recall it everywhere."""
        which = (memories.c.id == known_id(memory_id),)
        await self._rank(owner, await self._book.pin(known_owner(owner), which, pinned))

    async def forget(self, owner: str, memory_id: str) -> list[str]:
        """Forget it for good, with the words it was told in, or the facts told in these words.

        What it had superseded holds again: so a fact just made is undone. The ids of all that is
        gone come back.
        """
        forgetting = self._book.forget(known_owner(owner), known_id(memory_id))
        return [row.id for row in await self._gone(owner, forgetting)]

    async def forget_conversation(self, owner: str, conversation_id: str) -> None:
        """Forget all that was said there. Stop its turn first: what is said later is kept."""
        there = known_id(conversation_id)
        await self._gone(owner, self._book.forget_conversation(known_owner(owner), there))

    async def forget_passages(self, owner: str, conversation_id: str) -> None:
        """Forget what only that conversation recalls: passages of the documents attached to it."""
        there = known_id(conversation_id)
        await self._gone(owner, self._book.forget_passages(known_owner(owner), there))

    async def drop_messages(self, owner: str, message_ids: Sequence[str]) -> set[str]:
        """Drop what was said and told in messages of a branch that was left.

        Those that had memories come back.
        """
        known_owner(owner)
        ids = [known_id(message_id) for message_id in message_ids]
        had = set[str]()
        for start in range(0, len(ids), AT_ONCE):
            dropping = self._book.drop_messages(owner, ids[start : start + AT_ONCE])
            had |= {row.message_id for row in await self._gone(owner, dropping)}
        return had

    async def export(self, owner: str) -> bytes:
        """All but the passages of documents that were not added to the memory."""
        rows = await self._lookup.rows(known_owner(owner), *of_long_term())
        titles = await self._lookup.titles(owner)
        return await asyncio.to_thread(to_file, rows, titles)

    async def import_(self, owner: str, data: bytes) -> int:
        """Add the memories of an export; how many were new. Raises ValueError in words to show.

        What was forgotten here stays forgotten.
        """
        known_owner(owner)
        read = await asyncio.to_thread(from_file, data)
        there = await self._lookup.rows(owner)
        rows = await asyncio.to_thread(new_rows, owner, read, there)
        added = await self._book.add(owner, rows)
        await self._rank(owner, [*added, *await self._book.settle(owner)])
        return len(added)

    async def erase(self, owner: str) -> None:
        """Forget everything of this owner, and what was forgotten."""
        await self._gone(owner, self._book.erase(known_owner(owner)))
        await self._indexes.erase(owner)

    async def handed_over(self, before: str, owner: str) -> None:
        """What `before` had is this owner's now: of two facts of one subject the newer holds."""
        await self._indexes.erase(before)
        await self._rank(owner, await self._book.settle(owner))

    async def unload(self, owner: str) -> None:
        """Let go of this owner's indexes, which another Parley's changes made out of date."""
        await self._indexes.unload(owner)

    async def count(self, owner: str) -> int:
        """How many memories this owner has, documents not counted that were not added to them."""
        return await self._lookup.count(known_owner(owner), *of_long_term())

    def trouble(self) -> str:
        """Why memories are found by their words alone just now; empty where meanings count too."""
        return self._indexes.trouble()

    async def warm(self) -> None:
        """Load what the first recall would have to wait for."""
        await self._indexes.warm()

    async def close(self) -> None:
        await self._indexes.close()

    async def _told(self, owner: str, rows: Sequence[Row]) -> list[Memory]:
        held, changes = await self._book.tell(owner, rows)
        await self._rank(owner, changes)
        return await self._lookup.memories(owner, list(dict.fromkeys(row.id for row in held)))

    async def _gone(self, owner: str, work: Awaitable[Sequence[Change]]) -> list[Row]:
        """Do it to its end, with the indexes: what is no longer there."""

        async def all_of_it() -> list[Row]:
            changes = await work
            await self._rank(owner, changes)
            return [one.before for one in changes if one.before and not one.after]

        return await to_its_end(all_of_it())

    async def _rank(self, owner: str, changes: Sequence[Change]) -> None:
        """Tell the indexes what is no longer where it was, and what is there now."""
        if any(one.lost_words for one in changes):
            self.on_gone(owner)
        gone: dict[str, list[tuple[str, int]]] = {}
        new: dict[str, list[Entry]] = {}
        for one in changes:
            before = one.before.places if one.before else {}
            after = one.after.places if one.after else {}
            for conversation_id, row in before.items():
                if row != after.get(conversation_id):
                    gone.setdefault(conversation_id, []).append(row)
            for conversation_id, row in after.items():
                if one.after and row != before.get(conversation_id):
                    new.setdefault(conversation_id, []).append(one.after.entry)
        for conversation_id, rows in gone.items():
            await self._indexes.dropped(Scope(owner, conversation_id), rows)
        for conversation_id, entries in new.items():
            await self._indexes.added(Scope(owner, conversation_id), entries)


def _of_document(sha256: str) -> tuple[sa.ColumnElement[bool], ...]:
    return (memories.c.source == known_hash(sha256), memories.c.kind == "passage")
