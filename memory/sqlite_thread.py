"""SQLite in a thread of its own, as SQLAlchemy asks for it: one errand to the thread a statement.

aiosqlite goes there to open a cursor, to execute, to fetch and to close, and three times more for a
BEGIN; each errand is a switch of threads there and back, which costs more than most statements.
"""

import sqlite3
from collections.abc import Sequence
from functools import partial
from typing import Any, NamedTuple, Self

import aiosqlite
import sqlalchemy as sa

READING = "BEGIN"
WRITING = "BEGIN IMMEDIATE"


class _Done(NamedTuple):
    rows: Sequence[Any] = ()
    description: Any = None
    rowcount: int = -1
    lastrowid: int | None = None


class Cursor:
    """What was executed, all of its rows fetched already."""

    arraysize = 1

    def __init__(self, connection: "Connection") -> None:
        self._connection = connection
        self._done = _Done()

    async def __aenter__(self) -> Self:
        return self

    async def execute(self, sql: str, parameters: Sequence[Any] = ()) -> Self:
        self._done = await self._connection.execute_whole("execute", sql, parameters)
        return self

    async def executemany(self, sql: str, parameters: Sequence[Sequence[Any]]) -> Self:
        self._done = await self._connection.execute_whole("executemany", sql, parameters)
        return self

    async def fetchall(self) -> Sequence[Any]:
        return self._done.rows

    async def close(self) -> None:
        """It was closed when it had been executed."""

    @property
    def description(self) -> Any:
        return self._done.description

    @property
    def rowcount(self) -> int:
        return self._done.rowcount

    @property
    def lastrowid(self) -> int | None:
        return self._done.lastrowid


class Connection(aiosqlite.Connection):
    """Begins its transactions, as `begin_with` says, together with their first statement; with ""
    each statement is one by itself.
    """

    def __init__(self, connector: Any) -> None:
        super().__init__(connector, iter_chunk_size=64)
        self._thread.daemon = True
        self._beginning = ""
        self._reads = self._none = False

    def cursor(self) -> Cursor:  # type: ignore[override]
        return Cursor(self)

    def begin_with(self, statement: str) -> None:
        self._beginning, self._reads, self._none = statement, statement == READING, not statement

    async def execute_whole(self, how: str, sql: str, parameters: Sequence[Any]) -> _Done:
        beginning, self._beginning = self._beginning, ""
        whole = partial(_whole, self._conn, beginning, how, sql, parameters)
        done: _Done = await self._execute(whole)  # type: ignore[no-untyped-call]
        return done

    async def commit(self) -> None:
        if not self._never_begun():
            await super().commit()

    async def rollback(self) -> None:
        if self._never_begun():
            return
        if self._reads:
            # Nobody need wait for it: what is asked of this connection next comes after it.
            self._tx.put_nowait((None, self._conn.rollback))
        else:
            await super().rollback()

    def _never_begun(self) -> bool:
        beginning, self._beginning = self._beginning, ""
        return bool(beginning) or self._none


def connecting(place: sa.URL) -> Any:
    """What opens a connection to the database at `place`, for SQLAlchemy's `async_creator`."""
    arguments, options = place.get_dialect()().create_connect_args(place)
    # No transaction begins by itself: `begin_with` says how.
    connector = partial(sqlite3.connect, *arguments, **{**options, "isolation_level": None})
    return lambda: Connection(connector)


def _whole(
    connection: sqlite3.Connection, beginning: str, how: str, sql: str, parameters: Sequence[Any]
) -> _Done:
    if beginning:
        connection.execute(beginning)
    cursor = connection.cursor()
    try:
        getattr(cursor, how)(sql, parameters)
        rows = cursor.fetchall() if cursor.description else ()
        return _Done(rows, cursor.description, cursor.rowcount, cursor.lastrowid)
    finally:
        cursor.close()
