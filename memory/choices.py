"""What an owner decided for a conversation: its model, and whether replies are JSON."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from time import monotonic

import sqlalchemy as sa
from pydantic import TypeAdapter
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from memory.database import reading
from memory.edge import clean, of_conversation
from memory.schema import choices
from messages import Choices

FRESH_S = 0.5
"""What was read so long ago still holds. One turn asks fifty times, and where several Parleys serve one
database, another may have written meanwhile."""

_choices: TypeAdapter[Choices] = TypeAdapter(Choices)


class ConversationChoices:
    """Raises Missing for ids that cannot be one; what was never decided is None."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._reading = reading(engine)
        self._read: dict[tuple[str, str], tuple[float, Choices | None]] = {}  # the oldest first
        self._written = 0

    async def get(self, owner: str, conversation_id: str) -> Choices | None:
        key = (owner, conversation_id)
        self._drop_old()
        if key in self._read:
            return self._read[key][1]
        written, began = self._written, monotonic()
        mine = of_conversation(owner, conversation_id)
        async with self._reading.connect() as connection:
            body = (await connection.execute(_FOUND, mine)).scalar()
        decided = _choices.validate_json(body) if body else None
        if written == self._written and key not in self._read:
            self._read[key] = (began, decided)
        return decided

    async def set(self, owner: str, conversation_id: str, decided: Choices) -> None:
        body = clean(_choices.dump_json(decided).decode())
        row = {"owner": owner, "conversation_id": conversation_id, "body": body}
        async with self._writing(owner, conversation_id) as connection:
            await connection.execute(_GONE, of_conversation(owner, conversation_id))
            await connection.execute(sa.insert(choices).values(row))

    async def forget(self, owner: str, conversation_id: str) -> None:
        async with self._writing(owner, conversation_id) as connection:
            await connection.execute(_GONE, of_conversation(owner, conversation_id))

    @asynccontextmanager
    async def _writing(self, owner: str, conversation_id: str) -> AsyncIterator[AsyncConnection]:
        try:
            async with self._engine.begin() as connection:
                yield connection
        finally:
            self._written += 1  # whoever reads at this moment may have read what was before
            self._read.pop((owner, conversation_id), None)

    def _drop_old(self) -> None:
        old = monotonic() - FRESH_S
        while self._read and next(iter(self._read.values()))[0] < old:
            del self._read[next(iter(self._read))]


_MINE = (
    choices.c.owner == sa.bindparam("of_owner"),
    choices.c.conversation_id == sa.bindparam("of_conversation"),
)
_FOUND = sa.select(choices.c.body).where(*_MINE)
_GONE = sa.delete(choices).where(*_MINE)
