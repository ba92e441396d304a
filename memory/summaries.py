"""What stands for the earlier part of a conversation, kept beside it; the messages stay as they are."""

from dataclasses import dataclass, replace

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from memory.database import erase_traces, reading
from memory.edge import clean, known_id, known_owner, of_conversation
from memory.schema import summaries


@dataclass(frozen=True, slots=True)
class Summary:
    """`text` stands for the first `messages` messages, the last of which is `upto`.

    `model` wrote it, `at` (seconds since 1970, UTC). `tried`: the message up to where a newer one
    was last attempted in vain; with an empty `text` there never was another.
    """

    text: str = ""
    upto: str = ""
    messages: int = 0
    model: str = ""
    at: float = 0.0
    tried: str = ""


class Summaries:
    """One a conversation. Raises Missing for ids that cannot be one; what is not there is None."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._reading = reading(engine)

    async def get(self, owner: str, conversation_id: str) -> Summary | None:
        mine = of_conversation(owner, conversation_id)
        async with self._reading.connect() as connection:
            row = (await connection.execute(_FOUND, mine)).first()
        return Summary(*row) if row else None

    async def put(self, owner: str, conversation_id: str, summary: Summary) -> None:
        """In place of the one before."""
        row = {
            "owner": known_owner(owner),
            "conversation_id": known_id(conversation_id),
            "text": clean(summary.text),
            "upto": summary.upto and known_id(summary.upto),
            "messages": summary.messages,
            "model": clean(summary.model),
            "at": summary.at,
            "tried": summary.tried and known_id(summary.tried),
        }
        async with self._engine.begin() as connection:
            await connection.execute(_GONE, of_conversation(owner, conversation_id))
            await connection.execute(sa.insert(summaries).values(row))

    async def failed(self, owner: str, conversation_id: str, upto: str) -> None:
        """Remember that a summary up to there came to nothing: it is not tried again at once."""
        before = await self.get(owner, conversation_id) or Summary()
        await self.put(owner, conversation_id, replace(before, tried=upto))

    async def forget(self, owner: str, conversation_id: str) -> None:
        """Words and all: with its conversation, or so that all goes along again as far as it fits."""
        whose = of_conversation(owner, conversation_id)
        async with self._engine.begin() as connection:
            deleted = (await connection.execute(_GONE, whose)).rowcount
        if deleted:
            await erase_traces(self._engine)


_s = summaries.c
_IS_IT = (
    _s.owner == sa.bindparam("of_owner"),
    _s.conversation_id == sa.bindparam("of_conversation"),
)
_GONE = sa.delete(summaries).where(*_IS_IT)
_FOUND = sa.select(_s.text, _s.upto, _s.messages, _s.model, _s.at, _s.tried).where(*_IS_IT)
