"""Where conversations stand in the list: pinned, in folders, by day, or thrown away and about to go."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from memory.database import reading
from memory.edge import Missing, clean, known_id, known_owner
from memory.schema import conversations, shares
from memory.titles import plain_line
from messages import Conversation

LONGEST_FOLDER = 60
MOST_FOLDERS = 200
MOST_PINNED = 100
MOST_OPEN = 20
ROWS_OF_A_FOLDER = 100


@dataclass(frozen=True, slots=True)
class Folder:
    """`conversations` are the newest `ROWS_OF_A_FOLDER` of an open folder, none of a closed one."""

    name: str
    count: int
    is_open: bool = False
    conversations: tuple[Conversation, ...] = ()


@dataclass(frozen=True, slots=True)
class Contents:
    """The list as far as it is shown; `more` says there are older ones than those in `recent`."""

    pinned: tuple[Conversation, ...] = ()
    folders: tuple[Folder, ...] = ()
    recent: tuple[Conversation, ...] = ()
    more: bool = False


@dataclass(frozen=True, slots=True)
class Thrown:
    """A conversation that was thrown away; `forgets`: its memories are to go with it."""

    owner: str
    conversation_id: str
    forgets: bool


class Listing:
    """The owner comes first. Raises Missing for what is not there or not the owner's."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._reading = reading(engine)

    async def contents(
        self, owner: str, rows: int = 60, unfolded: Collection[str] = ()
    ) -> Contents:
        """At most `rows` of those that are neither pinned nor in a folder, newest first."""
        mine = {"of_owner": known_owner(owner)}
        unfolded = sorted(set(unfolded))[:MOST_OPEN]
        async with self._reading.connect() as connection:

            async def shown(found: sa.Select[Any], **of: object) -> list[Conversation]:
                rows = await connection.execute(found, {**mine, **of})
                return [Conversation(*row) for row in rows]

            pinned = await shown(_PINNED)
            recent = await shown(_LOOSE, most=rows + 1)
            listed = []
            for name, count in (await connection.execute(_FOLDERS, mine)).all():
                inside = await shown(_INSIDE, name=name) if name in unfolded else []
                listed.append(Folder(name, count, name in unfolded, tuple(inside)))
        return Contents(tuple(pinned), tuple(listed), tuple(recent[:rows]), len(recent) > rows)

    async def folders(self, owner: str) -> list[str]:
        return [folder.name for folder in (await self.contents(owner, 0)).folders]

    async def pin(self, owner: str, conversation_id: str, pinned: bool) -> None:
        await self._change(owner, conversation_id, pinned=pinned)

    async def put(self, owner: str, conversation_id: str, folder: str) -> str:
        """Put it in a folder, which is there as soon as something is in it; "" takes it out of its own."""
        name = folder_name(folder)
        await self._change(owner, conversation_id, folder=name)
        return name

    async def rename_folder(self, owner: str, folder: str, name: str) -> None:
        """An empty name dissolves it. Raises Missing where nothing is in it."""
        c = conversations.c
        of_it = sa.update(conversations).where(*_of(known_owner(owner)), c.folder == clean(folder))
        async with self._engine.begin() as connection:
            if not (await connection.execute(of_it.values(folder=folder_name(name)))).rowcount:
                raise Missing("No such folder.")

    async def throw(self, owner: str, conversation_id: str, at: float, *, forgets: bool) -> None:
        """Nothing shows it from now on; it is there until it is deleted, or taken back."""
        await self._change(owner, conversation_id, deleted_at=at, forgets=forgets)

    async def take_back(self, owner: str, conversation_id: str, since: float = 0.0) -> None:
        """Raises Missing also where it was thrown away before `since`: it may be gone any moment."""
        c = conversations.c
        mine = (c.id == known_id(conversation_id), c.owner == known_owner(owner))
        back = sa.update(conversations).where(*mine, c.deleted_at > max(0.0, since))
        async with self._engine.begin() as connection:
            if not (await connection.execute(back.values(deleted_at=0, forgets=False))).rowcount:
                raise Missing("No such conversation.")

    async def thrown(self, before: float) -> list[Thrown]:
        """Of all owners: what was thrown away before that moment, and still is."""
        c = conversations.c
        found = sa.select(c.owner, c.id, c.forgets).where(c.deleted_at > 0, c.deleted_at < before)
        async with self._reading.connect() as connection:
            return [Thrown(*row) for row in await connection.execute(found)]

    async def _change(self, owner: str, conversation_id: str, **values: object) -> None:
        which = (conversations.c.id == known_id(conversation_id), *_of(known_owner(owner)))
        async with self._engine.begin() as connection:
            changed = sa.update(conversations).where(*which).values(**values)
            if not (await connection.execute(changed)).rowcount:
                raise Missing("No such conversation.")


def folder_name(name: str) -> str:
    return plain_line(clean(name)[: 4 * LONGEST_FOLDER])[:LONGEST_FOLDER].strip()


def _of(owner: str) -> tuple[sa.ColumnElement[bool], ...]:
    return conversations.c.owner == owner, conversations.c.deleted_at == 0


def _newest() -> sa.Select[Any]:
    c = conversations.c
    shared = sa.exists().where(shares.c.conversation_id == c.id)
    return (
        sa.select(c.id, c.title, c.created_at, c.updated_at, c.pinned, c.folder, shared)
        .where(*_MINE)
        .order_by(c.updated_at.desc(), c.created_at.desc(), c.id)
    )


_c = conversations.c
_MINE = (_c.owner == sa.bindparam("of_owner"), _c.deleted_at == 0)
_PINNED = _newest().where(_c.pinned).limit(MOST_PINNED)
_LOOSE = _newest().where(sa.not_(_c.pinned), _c.folder == "").limit(sa.bindparam("most"))
_INSIDE = _newest().where(_c.folder == sa.bindparam("name")).limit(ROWS_OF_A_FOLDER)
_FOLDERS = (
    sa.select(_c.folder, sa.func.count())
    .where(*_MINE, _c.folder != "")
    .group_by(_c.folder)
    .order_by(sa.func.lower(_c.folder), _c.folder)
    .limit(MOST_FOLDERS)
)
