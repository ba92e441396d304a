"""What an owner allows each tool: off, ask first, or run.

A word holds for all conversations, or, where words of strangers have come into one, for that one
alone: "always" said there is no leave to act on other strangers' words elsewhere. So a row of a
conversation only ever says "allow", and a general "ask" or "off" takes it back.
"""

from typing import Literal, get_args

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from memory.database import reading
from memory.edge import Missing, clean, known_id, known_owner
from memory.schema import tool_permissions

Permission = Literal["off", "ask", "allow"]
PERMISSIONS: tuple[Permission, ...] = get_args(Permission)
MAX_NAME = 200
_GENERAL = ""  # stands for no conversation


class Permissions:
    """Raises Missing for what cannot be an owner, a conversation, a tool or a permission."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._reading = reading(engine)

    async def of(self, owner: str) -> dict[str, Permission]:
        """What was decided for all conversations, by tool; the others have their defaults."""
        return {
            tool: said for tool, said in await self._rows(owner, _GENERAL) if said in PERMISSIONS
        }

    async def trusted(self, owner: str, conversation_id: str) -> frozenset[str]:
        """The tools that need not ask in this conversation, whoever's words have come into it."""
        rows = await self._rows(owner, known_id(conversation_id))
        return frozenset(tool for tool, said in rows if said == "allow")

    async def set(self, owner: str, tool: str, permission: Permission) -> None:
        """Decide for all conversations."""
        if permission not in PERMISSIONS:
            raise Missing("No such permission.")
        everywhere = permission != "allow"
        await self._store(owner, _GENERAL, tool, permission, everywhere=everywhere)

    async def trust(self, owner: str, conversation_id: str, tool: str) -> None:
        await self._store(owner, known_id(conversation_id), tool, "allow", everywhere=False)

    async def forget(self, owner: str, conversation_id: str) -> None:
        """With a conversation goes what was allowed in it."""
        await self._delete(owner, tool_permissions.c.conversation_id == known_id(conversation_id))

    async def erase(self, owner: str) -> None:
        await self._delete(owner, sa.true())

    async def _rows(self, owner: str, where: str) -> list[tuple[str, Permission]]:
        mine = {"of_owner": known_owner(owner), "where": where}
        async with self._reading.connect() as connection:
            found = await connection.execute(_FOUND, mine)
            return [(row.tool, row.permission) for row in found]

    async def _store(
        self, owner: str, where: str, tool: str, said: Permission, *, everywhere: bool
    ) -> None:
        """`everywhere` drops what the conversations say of the tool too."""
        c, name = tool_permissions.c, _tool_name(tool)
        mine = sa.delete(tool_permissions).where(c.owner == known_owner(owner), c.tool == name)
        row = {"owner": owner, "conversation_id": where, "tool": name, "permission": said}
        async with self._engine.begin() as connection:
            await connection.execute(mine if everywhere else mine.where(c.conversation_id == where))
            await connection.execute(sa.insert(tool_permissions).values(row))

    async def _delete(self, owner: str, which: sa.ColumnElement[bool]) -> None:
        gone = sa.delete(tool_permissions).where(
            tool_permissions.c.owner == known_owner(owner), which
        )
        async with self._engine.begin() as connection:
            await connection.execute(gone)


_FOUND = sa.select(tool_permissions.c.tool, tool_permissions.c.permission).where(
    tool_permissions.c.owner == sa.bindparam("of_owner"),
    tool_permissions.c.conversation_id == sa.bindparam("where"),
)


def _tool_name(tool: str) -> str:
    if not tool or len(tool) > MAX_NAME or clean(tool) != tool:
        raise Missing("No such tool.")
    return tool
