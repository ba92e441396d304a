"""The Parleys that serve one database: which of them live, and what they tell each other.

On PostgreSQL each holds a lock by its number for as long as it lives, so that the others know at once
when it is gone, however it went. A SQLite file has one Parley alone (`memory.database.claim`).
"""

import asyncio
import json
import logging
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from memory.database import single
from memory.storage_faults import StoreFailed

log = logging.getLogger(__name__)

LIVING = 0x9A21E8
"""The first half of each one's advisory lock; the second is its number."""
CHANNEL = "parley"
_LOOK_EVERY_S = 2.0
_MOST_BYTES = 7_900
"""PostgreSQL takes 8,000 of a notification."""

_ALIVE = sa.text(
    "SELECT objid::bigint FROM pg_locks WHERE locktype = 'advisory' AND granted "
    f"AND classid = {LIVING} AND objsubid = 2 "
    "AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
)


class Replicas:
    """This Parley (`number`, at random) among those that serve its database.

    `others` are those that lived when it last looked. `on_news(kind, what)` is told what the others
    `tell`; `on_look` runs about every two seconds, with the numbers of those that live, and once when
    it begins. Both stay silent on SQLite but for that one look.
    """

    def __init__(self, engine: AsyncEngine) -> None:
        self.number = secrets.randbelow(2**31 - 1) + 1
        self.on_news: Callable[[str, list[str]], None] = lambda _kind, _what: None
        self.on_look: Callable[[set[int]], Awaitable[None]] = _look_away
        self.others: set[int] = set()
        self._outbox: dict[str, None] = {}
        self._to_post = asyncio.Event()
        self._alone = engine.dialect.name == "sqlite"
        self._engine = single(engine).execution_options(isolation_level="AUTOCOMMIT")

    @asynccontextmanager
    async def joined(self) -> AsyncIterator[None]:
        """Be one of them while the body runs. Raises OSError and what the driver raises."""
        if self._alone:
            await self.on_look({self.number})
            yield
            return
        held = asyncio.Event()
        holding = asyncio.create_task(self._hold(held))
        posting = asyncio.create_task(self._post())
        waiting = asyncio.create_task(held.wait())
        try:
            await asyncio.wait((waiting, holding), return_when=asyncio.FIRST_COMPLETED)
            if holding.done():
                holding.result()  # the database cannot be used: let it be known at start
            yield
        finally:
            for task in (waiting, posting, holding):
                task.cancel()
            await asyncio.gather(waiting, posting, holding, return_exceptions=True)

    def tell(self, kind: str, *what: str) -> None:
        """Let the others know, soon and once. What is lost (a line that is cut) they see by themselves
        when they next look at what is stored."""
        note = json.dumps([self.number, kind, *what])
        if not self._alone and len(note) <= _MOST_BYTES:
            self._outbox[note] = None
            self._to_post.set()

    async def _post(self) -> None:
        notify = sa.text("SELECT pg_notify(:channel, :note)")
        while True:
            await self._to_post.wait()
            self._to_post.clear()
            notes, self._outbox = list(self._outbox), {}
            try:
                async with self._engine.connect() as connection:
                    for note in notes:
                        await connection.execute(notify, {"channel": CHANNEL, "note": note})
            except (StoreFailed, sa.exc.DBAPIError, OSError) as error:
                log.warning("The other Parleys were not told (%s).", type(error).__name__)

    async def _hold(self, held: asyncio.Event) -> None:
        """Live: hold the lock and listen, on a connection of its own, again after each fault."""
        while True:
            try:
                async with self._engine.connect() as connection:
                    await self._join(connection)
                    while True:
                        alive = set((await connection.execute(_ALIVE)).scalars())
                        self.others = alive - {self.number}
                        await self.on_look(alive | {self.number})
                        held.set()
                        await asyncio.sleep(_LOOK_EVERY_S)
            except (StoreFailed, sa.exc.DBAPIError, OSError) as error:
                if not held.is_set():
                    raise
                log.warning(
                    "The database is out of reach (%s); trying again.", type(error).__name__
                )
                await asyncio.sleep(_LOOK_EVERY_S)

    async def _join(self, connection: AsyncConnection) -> None:
        lock = sa.text("SELECT pg_advisory_lock(:living, :number)")
        await connection.execute(lock, {"living": LIVING, "number": self.number})
        raw = (await connection.get_raw_connection()).driver_connection
        await raw.add_listener(CHANNEL, self._heard)  # type: ignore[union-attr]

    def _heard(self, _connection: object, _pid: int, _channel: str, note: str) -> None:
        try:
            sender, kind, *what = json.loads(note)
        except (ValueError, TypeError):
            return
        if sender != self.number and isinstance(kind, str):
            self.on_news(kind, [str(one) for one in what])


async def _look_away(_alive: set[int]) -> None:
    pass
