"""The words of what was said, kept beside it to be searched: by FTS5 in SQLite, tsvector in PostgreSQL.

Words are compared as they are written, without case and accents; scripts without spaces by overlapping
pairs of characters, so that any part of a sentence is found. The index holds words alone: what is
shown comes from the messages.
"""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from memory.words import LONGEST, folded
from messages import Audio, Document, Image, Message, message_from_json

MOST_CHARS = 100_000
"""Of a message; what comes after is not found."""
_AT_ONCE = 500

_RUN = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u31f0-\u31ff\u3400-\u9fff\uf900-\ufaff"
    "\uac00-\ud7af"
)


@dataclass(frozen=True, slots=True)
class Word:
    """A term of a text and where it stands there. Of a `run` it is a pair of characters, or the last."""

    term: str
    start: int
    end: int
    run: bool = False


def read(text: str) -> Iterator[Word]:
    """Every word of `text`, which should be composed (`composed`), in order."""
    for match in _token().finditer(text):
        start, token = match.start(), match.group()
        if match.lastgroup == "run":
            for i in range(len(token)):
                pair = token[i : i + 2]
                yield Word(folded_run(pair), start + i, start + i + len(pair), run=True)
        else:
            yield Word(folded(unicodedata.normalize("NFKC", token))[:LONGEST], start, match.end())


def composed(text: str) -> str:
    """Letters with their marks as one character each, so that they are read alike."""
    return unicodedata.normalize("NFC", text)


def folded_run(pair: str) -> str:
    return unicodedata.normalize("NFKC", pair).casefold()


@lru_cache(maxsize=1)
def _token() -> re.Pattern[str]:
    """A word goes on through the vowel signs and other marks of Indic, Arabic and other scripts."""
    marks = "".join(
        chr(code) for code in range(0x300, 0x10000) if unicodedata.category(chr(code))[0] == "M"
    )
    outside_runs = re.sub(f"[{_RUN}]", "", marks)
    return re.compile(
        f"(?P<run>[{_RUN}]+)|(?P<word>(?:(?![{_RUN}])[^\\W_])(?:(?![{_RUN}])[^\\W_]|[{outside_runs}])*)"
    )


def searched_text(message: Message) -> str:
    """What of a message is searched: its words, transcripts, and the names of its files."""
    names = [
        part.media.name
        for part in message.parts
        if isinstance(part, Audio | Document | Image) and part.media.name
    ]
    return composed("\n".join([message.text, *names])[:MOST_CHARS])


def owner_term(owner: str) -> str:
    """A word that stands with each message of an owner, so that others' are not looked through."""
    return "o" + blake2b(owner.encode("utf-8", "replace"), digest_size=12).hexdigest()


async def keep_words(
    connection: AsyncConnection, owner: str, messages: Sequence[Message], *, new: bool = False
) -> None:
    """Let these messages, which are stored, be found by their words as they are now.

    `new`: they were stored just now, and not found before.
    """
    await connection.run_sync(_keep, [(owner, message) for message in messages], new=new)


async def sweep_words(connection: AsyncConnection) -> None:
    """After something was deleted: FTS5 has the words until it writes its index anew."""
    if connection.dialect.name == "sqlite":
        await connection.exec_driver_sql("INSERT INTO said_terms(said_terms) VALUES('optimize')")


def words_of_messages(connection: sa.Connection) -> None:
    """The step that makes the index, of all that was said so far."""
    tables = sa.MetaData()
    sa.Table("messages", tables, sa.Column("id", sa.String(32), primary_key=True))
    sqlite = connection.dialect.name == "sqlite"
    rows = sa.Table(
        "said_words",
        tables,
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column(
            "message_id",
            sa.ForeignKey("messages.id", ondelete="CASCADE"),
            nullable=False,
            unique=True,
        ),
        sqlite_autoincrement=True,
    )
    rows.create(connection)
    if sqlite:
        # The tokens are ours: to "ascii" all letters beyond ASCII are parts of words.
        connection.exec_driver_sql(
            "CREATE VIRTUAL TABLE said_terms USING fts5(terms, tokenize='ascii')"
        )
        connection.exec_driver_sql(
            "CREATE TRIGGER said_words_gone AFTER DELETE ON said_words BEGIN "
            "DELETE FROM said_terms WHERE rowid = old.number; END"
        )
    else:
        connection.exec_driver_sql("ALTER TABLE said_words ADD COLUMN terms tsvector")
        connection.exec_driver_sql("CREATE INDEX said_terms ON said_words USING gin (terms)")
    _keep_all(connection)


def _keep_all(connection: sa.Connection) -> None:
    m = sa.table("messages", *map(sa.column, ("id", "owner", "status", "body", "at", "seq")))
    found = sa.select(m.c.id).where(m.c.status != "running").order_by(m.c.at, m.c.seq)
    ids = list(connection.execute(found).scalars())
    for start in range(0, len(ids), _AT_ONCE):
        some = sa.select(m.c.owner, m.c.body).where(m.c.id.in_(ids[start : start + _AT_ONCE]))
        rows = connection.execute(some.order_by(m.c.at, m.c.seq)).all()
        _keep(connection, [(row.owner, message_from_json(row.body)) for row in rows])


def _keep(
    connection: sa.Connection, said: Sequence[tuple[str, Message]], *, new: bool = False
) -> None:
    for start in range(0, len(said), _AT_ONCE):
        some = said[start : start + _AT_ONCE]
        terms = {m.id: (owner, [word.term for word in read(searched_text(m))]) for owner, m in some}
        if not new:
            connection.execute(sa.delete(_ROWS).where(_ROWS.c.message_id.in_(list(terms))))
        worded = [message_id for message_id, (_, found) in terms.items() if found]
        if not worded:
            continue
        rows = connection.execute(_NUMBERED, [{"message_id": one} for one in worded]).all()
        _write(connection, [(number, *terms[message_id]) for message_id, number in rows])


def _write(connection: sa.Connection, rows: Sequence[tuple[int, str, list[str]]]) -> None:
    if connection.dialect.name == "sqlite":
        lines = [" ".join([owner_term(owner), *terms]) for _, owner, terms in rows]
        statement = _TERMS_SQLITE
    else:
        lines = [_vector(owner_term(owner), terms) for _, owner, terms in rows]
        statement = _TERMS_POSTGRES
    told = [{"number": row[0], "terms": line} for row, line in zip(rows, lines, strict=True)]
    connection.execute(statement, told)


def _vector(owner: str, terms: Sequence[str]) -> str:
    """A tsvector as PostgreSQL reads it; of a term it keeps 256 places, and none beyond 16,383."""
    places: dict[str, list[int]] = {}
    for place, term in enumerate(terms, start=1):
        seen = places.setdefault(term, [])
        if len(seen) < 255:
            seen.append(min(place, 16_383))
    written = [f"{quoted(term)}:{','.join(map(str, at))}" for term, at in places.items()]
    return " ".join([quoted(owner), *written])


def quoted(term: str) -> str:
    """As tsvector and tsquery take it; terms are letters and digits, so nothing is to be escaped."""
    return f"'{term}'"


_ROWS = sa.table("said_words", sa.column("number", sa.Integer), sa.column("message_id", sa.String))
_NUMBERED = sa.insert(_ROWS).returning(_ROWS.c.message_id, _ROWS.c.number)
_TERMS_SQLITE = sa.text("INSERT INTO said_terms (rowid, terms) VALUES (:number, :terms)")
_TERMS_POSTGRES = sa.text(
    "UPDATE said_words SET terms = CAST(CAST(:terms AS TEXT) AS tsvector) WHERE number = :number"
)
