"""One database for all that lasts: opened, checked, brought up to date, or refused unharmed."""

import asyncio
import os
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from functools import partial
from pathlib import Path

import sqlalchemy as sa
from filelock import FileLock, Timeout
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from memory.sqlite_thread import READING, WRITING, connecting
from memory.storage_faults import Words, told_in_words

Migration = Callable[[sa.Connection], None]
"""One step of the schema, known by its `__name__`; once released it is never changed."""

WRITERS = 0x9A21E7
"""The number of the lock of a PostgreSQL database that its writers pass on to each other."""
BUSY_MS = 15_000
BESIDE = ("media", "chroma")
"""Folders of files that the rows of a database speak of."""
FULL_CHECK_BYTES = 200_000_000
"""Files up to this size are read through at start; of larger ones only the schema is looked at."""

_DONE = sa.table("migrations", sa.column("name", sa.String), sa.column("at", sa.DateTime))

_PRAGMAS = (
    "journal_mode=WAL",
    # FULL: what a person said is acknowledged only when it would outlast a power cut.
    "synchronous=FULL",
    "foreign_keys=ON",
    # Deleted words are overwritten, not merely unlinked.
    "secure_delete=ON",
    f"busy_timeout={BUSY_MS}",
)
_CONNECTIONS = 15
"""Kept open: each is a thread, and takes a while to open."""
_PAGE = 4096
"""Bytes of a page of SQLite, unless it is told otherwise."""


class DatabaseRefused(Exception):
    """The data cannot be used as they are and were left alone; `advice` says what to do next."""

    def __init__(self, message: str, advice: str = "") -> None:
        super().__init__(f"{message} {advice}".strip())
        self.message = message
        self.advice = advice


def claim(directory: Path) -> FileLock:
    """Hold `directory` for this process alone, until `release()` or its end.

    Raises DatabaseRefused where nothing can be written, and while another process holds it: embedded
    Chroma would silently miss what the other one writes, and each would take the other's running
    replies for interrupted ones.
    """
    lock = FileLock(directory / "parley.lock", mode=0o600, thread_local=False)
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock.acquire(blocking=False)
    except Timeout:
        raise DatabaseRefused(
            f"Another Parley is using {directory}.",
            "Stop it first, or give this one a directory of its own (PARLEY_DATA_DIR).",
        ) from None
    except OSError as error:
        raise DatabaseRefused(
            f"{directory} cannot be written to ({os.strerror(error.errno or 0)}).",
            "Nothing was changed. Make it writable for who runs Parley, or give another directory "
            "(PARLEY_DATA_DIR).",
        ) from None
    return lock


async def open_database(url: str, migrations: Sequence[Migration]) -> AsyncEngine:
    """Open the database at an SQLAlchemy `url` and apply, in order, those `migrations` it lacks.

    Every transaction of the engine takes the write lock at its beginning (BEGIN IMMEDIATE), because
    one that reads first and writes later fails at once when another has written in between; use
    `reading` where nothing is written. Raises DatabaseRefused, and changes nothing, where the file
    is damaged, no database, another program's, or of a later version of Parley.
    """
    place = _by_asyncpg(sa.make_url(url))
    if place.get_backend_name() != "sqlite":
        engine = create_async_engine(place, pool_pre_ping=True, hide_parameters=True)
        sa.event.listen(engine.sync_engine, "begin", _take_turns)
    elif not place.database or place.database == ":memory:":
        raise DatabaseRefused("Parley needs a database in a file.", "Give a path in the URL.")
    else:
        await asyncio.to_thread(_prepare_file, Path(place.database), _names(migrations))
        engine = _of_sqlite(place)
    try:
        await _migrate(engine, migrations)
    except (OSError, sa.exc.DBAPIError) as error:
        await engine.dispose()
        # Of the error only its kind: its text may name the user and more.
        raise DatabaseRefused(
            f"The database at {place.host or place.database} cannot be used ({_kind(error)}).",
            "Check that it runs, and its address, user and password.",
        ) from None
    except BaseException:
        await engine.dispose()
        raise
    told_in_words(engine)
    return engine


async def in_memory(
    name: str, migrations: Sequence[Migration], most_bytes: int, full: Words
) -> AsyncEngine:
    """The same for a database in RAM, which SQLite knows by `name` in this process alone. It grows to
    `most_bytes`; StoreFailed says `full` then."""
    engine = _of_sqlite(sa.make_url(f"sqlite+aiosqlite:///file:{name}?vfs=memdb&uri=true"))
    # What is too large to sort in its cache SQLite would put into a file.
    pragmas = ("temp_store=MEMORY", f"max_page_count={most_bytes // _PAGE}")
    sa.event.listen(engine.sync_engine, "connect", partial(_configure, pragmas=pragmas))
    await _migrate(engine, migrations)
    told_in_words(engine, full)
    return engine


def _of_sqlite(place: sa.URL) -> AsyncEngine:
    engine = create_async_engine(
        place,
        async_creator=connecting(place),
        pool_size=_CONNECTIONS,
        max_overflow=0,
        pool_use_lifo=True,
        hide_parameters=True,
    )
    sa.event.listen(engine.sync_engine, "connect", _configure)
    sa.event.listen(engine.sync_engine, "begin", _begin)
    return engine


def _by_asyncpg(url: sa.URL) -> sa.URL:
    """Hosts hand out `postgres://…?sslmode=require`; asyncpg, our driver, calls that `ssl`."""
    if url.get_backend_name() not in ("postgres", "postgresql"):
        return url
    asked = dict(url.query)
    if "sslmode" in asked:
        asked["ssl"] = asked.pop("sslmode")
    asked.pop("channel_binding", None)  # libpq's alone
    return url.set(drivername="postgresql+asyncpg", query=asked)


def reading(engine: AsyncEngine) -> AsyncEngine:
    """The same database for reading alone: such transactions neither wait for writers nor block."""
    return engine.execution_options(parley_begin=READING)


def single(engine: AsyncEngine) -> AsyncEngine:
    """The same database for one statement, which needs no transaction: nobody waits for it while it
    waits for its turn in this process."""
    return engine.execution_options(parley_begin="")


async def erase_traces(engine: AsyncEngine) -> None:
    """Fold SQLite's log of changes into the file, so that what was just deleted stands nowhere."""
    if engine.dialect.name == "sqlite":
        async with single(engine).connect() as connection:
            await connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")


def _configure(
    connection: sqlite3.Connection, _record: object, pragmas: Sequence[str] = _PRAGMAS
) -> None:
    cursor = connection.cursor()
    for pragma in pragmas:
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin(connection: sa.Connection) -> None:
    statement = connection.get_execution_options().get("parley_begin", WRITING)
    if driver := connection.connection.driver_connection:
        driver.begin_with(statement)


def _take_turns(connection: sa.Connection) -> None:
    """One writer at a time, as SQLite has it: what reads first and writes later needs it everywhere."""
    if "parley_begin" not in connection.get_execution_options():
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({WRITERS})")


def _kind(error: Exception) -> str:
    cause = getattr(error, "orig", None) or error
    return type(cause.__cause__ or cause).__name__


def _names(migrations: Sequence[Migration]) -> list[str]:
    return [migration.__name__ for migration in migrations]


def _prepare_file(path: Path, known: Sequence[str]) -> None:
    """Make room for a new file, or look at the one there through a connection that cannot write."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not path.exists():
            _refuse_lost(path)
            path.touch(mode=0o600)
        with closing(
            sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)
        ) as connection:
            _inspect(connection, path, known)
        path.chmod(0o600)
    except (sqlite3.OperationalError, OSError) as error:
        raise DatabaseRefused(
            f"{path} cannot be opened ({error}).",
            "Check that the folder exists, can be written to, and is not used by another program.",
        ) from None
    except sqlite3.DatabaseError as error:
        raise DatabaseRefused(
            f"{path} is damaged or no database ({error}).",
            "It was left as it is. Put a backup in its place, or move it away to begin anew.",
        ) from None


def _inspect(connection: sqlite3.Connection, path: Path, known: Sequence[str]) -> None:
    small = path.stat().st_size <= FULL_CHECK_BYTES
    verdict = connection.execute("PRAGMA quick_check(1)").fetchone()[0] if small else "ok"
    if verdict != "ok":
        raise sqlite3.DatabaseError(verdict)
    tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master")}
    if not tables:
        _refuse_lost(path)
        return
    if "migrations" not in tables:
        raise DatabaseRefused(
            f"{path} is a database of another program.", "Choose another file for Parley's data."
        )
    _refuse_later(
        str(path), [name for (name,) in connection.execute("SELECT name FROM migrations")], known
    )


def _refuse_lost(path: Path) -> None:
    """A new database beside what belonged to an old one would hide that it is lost."""
    log_of_changes = path.with_name(f"{path.name}-wal")
    left = [log_of_changes] if log_of_changes.is_file() and log_of_changes.stat().st_size else []
    left += [
        folder
        for folder in (path.with_name(name) for name in BESIDE)
        if folder.is_dir() and any(folder.iterdir())
    ]
    if left:
        names = " and ".join(one.name for one in left)
        raise DatabaseRefused(
            f"{path} is missing or empty, but {names} beside it belong to what it held.",
            "Nothing was changed. Put the database or a backup back, or begin anew in another "
            "directory (PARLEY_DATA_DIR).",
        )


def _refuse_later(place: str, done: Sequence[str], known: Sequence[str]) -> None:
    unknown = sorted(set(done) - set(known))
    if unknown:
        raise DatabaseRefused(
            f"{place} was written by a later version of Parley ({', '.join(unknown)}).",
            "Start that version, or a backup from before it. Nothing was changed.",
        )


async def _migrate(engine: AsyncEngine, migrations: Sequence[Migration]) -> None:
    async with engine.begin() as connection:
        await connection.exec_driver_sql(
            "CREATE TABLE IF NOT EXISTS migrations "
            "(name VARCHAR(200) PRIMARY KEY, at TIMESTAMP DEFAULT CURRENT_TIMESTAMP)"
        )
        done = (await connection.execute(sa.select(_DONE.c.name))).scalars().all()
    place = engine.url.render_as_string(hide_password=True)
    _refuse_later(place, done, _names(migrations))
    for migration in migrations:
        async with engine.begin() as connection:
            await connection.run_sync(_apply, migration)


def _apply(connection: sa.Connection, migration: Migration) -> None:
    """Run `migration` unless it is recorded, which another process may have done a moment ago."""
    name = migration.__name__
    if connection.execute(sa.select(_DONE.c.name).where(_DONE.c.name == name)).first() is None:
        migration(connection)
        connection.execute(sa.insert(_DONE).values(name=name))
