"""What a full disk, a lock or a lost server does to a store: one error, in words for the reader."""

import errno
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine


class StoreFailed(sa.exc.SQLAlchemyError):
    """Nothing can be stored or read just now; what was stored before is unharmed.

    `message` says why, `advice` what to do next.
    """

    def __init__(self, message: str, advice: str) -> None:
        super().__init__(f"{message} {advice}")
        self.message = message
        self.advice = advice


Words = tuple[str, str]
"""A message and the advice that goes with it."""

_FULL = (
    "The disk is full: nothing can be stored.",
    "Free some space where Parley keeps its data, then try again.",
)
_READ_ONLY = (
    "Parley's data can be read, but not changed.",
    "Whoever runs it must make its data directory writable; then try again.",
)
_BUSY = (
    "Another program is holding Parley's database.",
    "Try again in a moment; if it goes on, close that program.",
)
_DAMAGED = (
    "Parley's database cannot be read: it or its disk is damaged.",
    "Try again; if it goes on, whoever runs Parley must stop it and put a backup in its place.",
)
_DISK = (
    "The disk failed while Parley's data were read or written.",
    "Try again; if it goes on, whoever runs Parley must look after the disk.",
)
_SERVER = (
    "The database does not answer.",
    "Try again in a moment; if it goes on, whoever runs Parley must look after it.",
)

# SQLite's primary result codes (https://sqlite.org/rescode.html). Others are mistakes of ours.
_OF_SQLITE = {
    3: _READ_ONLY,  # PERM
    5: _BUSY,
    6: _BUSY,  # LOCKED
    7: _DISK,  # NOMEM
    8: _READ_ONLY,
    10: _DISK,  # IOERR
    11: _DAMAGED,  # CORRUPT
    13: _FULL,
    14: _DISK,  # CANTOPEN
    15: _BUSY,  # PROTOCOL
    26: _DAMAGED,  # NOTADB
}
_OF_FILES = {
    errno.ENOSPC: _FULL,
    errno.EDQUOT: _FULL,
    errno.EFBIG: _FULL,
    errno.EROFS: _READ_ONLY,
    errno.EACCES: _READ_ONLY,
    errno.EPERM: _READ_ONLY,
}
# PostgreSQL's, by their beginnings (https://www.postgresql.org/docs/current/errcodes-appendix.html).
_OF_POSTGRES = {
    "08": _SERVER,  # connections
    "25006": _READ_ONLY,
    "53100": _FULL,
    "53": _SERVER,  # resources
    "57": _SERVER,  # an operator ended it
    "58": _DISK,
}


def told_in_words(engine: AsyncEngine, full: Words = _FULL) -> None:
    """From now on `engine` raises StoreFailed where the machine is to blame and not a statement.

    `full` is said where there is no room.
    """
    sa.event.listen(engine.sync_engine, "handle_error", partial(_in_words, full=full))


@contextmanager
def filing() -> Iterator[None]:
    """Files are written or read here: what the disk refuses becomes StoreFailed."""
    try:
        yield
    except OSError as error:
        raise StoreFailed(*_OF_FILES.get(error.errno or 0, _DISK)) from error


def _in_words(context: sa.engine.ExceptionContext, full: Words) -> None:
    if not isinstance(context.original_exception, Exception):
        return  # cancelled: SQLAlchemy gives up the connection then, and calls it disconnected
    words = _words(context.original_exception)
    if words is None and context.is_disconnect:
        words = _SERVER
    if words is _READ_ONLY:
        # What SQLite opened while the disk was read-only stays so: another time it is opened anew.
        context.is_disconnect = True
    if words is not None:
        raise StoreFailed(*(full if words is _FULL else words)) from context.original_exception


def _words(error: BaseException) -> Words | None:
    if isinstance(error, sqlite3.Error):
        # Extended codes carry the primary one in their lowest byte.
        return _OF_SQLITE.get(getattr(error, "sqlite_errorcode", 0) & 0xFF)
    if isinstance(error, OSError):  # a server that cannot be reached
        return _SERVER
    state = getattr(error, "sqlstate", None) or ""
    return next((words for begins, words in _OF_POSTGRES.items() if state.startswith(begins)), None)
