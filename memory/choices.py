"""What an owner decided for a conversation: its model, and whether replies are JSON."""

import sqlalchemy as sa
from pydantic import TypeAdapter
from sqlalchemy.ext.asyncio import AsyncEngine

from memory.database import reading
from memory.edge import clean, known_id, known_owner
from memory.schema import choices
from messages import Choices

_choices: TypeAdapter[Choices] = TypeAdapter(Choices)


class ConversationChoices:
    """Raises Missing for ids that cannot be one; what was never decided is None."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._reading = reading(engine)

    async def get(self, owner: str, conversation_id: str) -> Choices | None:
        found = sa.select(choices.c.body).where(*_of(owner, conversation_id))
        async with self._reading.connect() as connection:
            body = (await connection.execute(found)).scalar()
        return _choices.validate_json(body) if body else None

    async def set(self, owner: str, conversation_id: str, decided: Choices) -> None:
        body = clean(_choices.dump_json(decided).decode())
        row = {"owner": owner, "conversation_id": conversation_id, "body": body}
        async with self._engine.begin() as connection:
            await connection.execute(sa.delete(choices).where(*_of(owner, conversation_id)))
            await connection.execute(sa.insert(choices).values(row))

    async def forget(self, owner: str, conversation_id: str) -> None:
        async with self._engine.begin() as connection:
            await connection.execute(sa.delete(choices).where(*_of(owner, conversation_id)))


def _of(owner: str, conversation_id: str) -> tuple[sa.ColumnElement[bool], ...]:
    return (
        choices.c.owner == known_owner(owner),
        choices.c.conversation_id == known_id(conversation_id),
    )
