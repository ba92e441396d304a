"""Search through everything that was said: conversations in which all the words asked for were said."""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from memory.database import reading
from memory.edge import clean, known_owner
from memory.said_words import composed, owner_term, quoted, read, searched_text
from memory.words import folded, language_of, stem_of
from messages import Role, message_from_json

LONGEST_QUERY = 300
MOST_WORDS = 12
MOST_HITS = 300
HITS_OF_ONE = 3
"""Messages shown of one conversation; how many more there are is said."""
AROUND = 70
"""Characters that an excerpt shows before its first match; after it, twice as many."""
SHORTEST_STEM = 4


@dataclass(frozen=True, slots=True)
class Piece:
    """Some words of an excerpt; `match`: they are what was looked for."""

    text: str
    match: bool = False


@dataclass(frozen=True, slots=True)
class Hit:
    """A message with the words, and the part of it that shows them."""

    message_id: str
    role: Role
    at: float
    excerpt: tuple[Piece, ...]


@dataclass(frozen=True, slots=True)
class Found:
    """A conversation: its title, its newest hits, and how many more it has. `at` is of the newest."""

    conversation_id: str
    title: tuple[Piece, ...]
    hits: tuple[Hit, ...]
    more: int
    at: float


@dataclass(frozen=True, slots=True)
class Wanted:
    """One of `ways` has to be there: a term, or terms one after the other. `begins`: or longer ones."""

    ways: tuple[tuple[str, ...], ...]
    begins: bool


def wanted(query: str) -> list[Wanted]:
    """What a text has to have to be found. A word is also found by its stem: "houses" finds "house"."""
    text = composed(clean(query)[:LONGEST_QUERY])
    language = language_of(text)
    needs: list[Wanted] = []
    run: list[str] = []
    last_end = -1
    for word in read(text):
        if not word.run:
            stem = stem_of(word.term, language)
            longer = SHORTEST_STEM <= len(stem) < len(word.term) and word.term.startswith(stem)
            needs.append(Wanted(((word.term,), (stem,)) if longer else ((word.term,),), True))
        elif word.end - word.start == 2:
            run.append(word.term)
        elif run and word.start < last_end:  # the last character, which its pair holds already
            needs.append(Wanted((tuple(run),), False))
            run = []
        else:
            needs.append(Wanted(((word.term,),), True))
        last_end = word.end
    return needs[:MOST_WORDS]


class Search:
    def __init__(self, engine: AsyncEngine) -> None:
        self._reading = reading(engine)
        self._sqlite = engine.dialect.name == "sqlite"

    async def find(self, owner: str, query: str, limit: int = 30) -> list[Found]:
        """Conversations with hits, the newest first, and those whose title has the words."""
        needs = wanted(query)
        if not needs:
            return []
        asked = {"owner": known_owner(owner), "most": MOST_HITS}
        match = _fts5(owner, needs) if self._sqlite else _tsquery(owner, needs)
        async with self._reading.connect() as connection:
            said = _IN_SQLITE if self._sqlite else _IN_POSTGRES
            rows = (await connection.execute(said, {**asked, "match": match})).all()
            titles = (await connection.execute(_TITLES, {"owner": owner})).all()
        return await asyncio.to_thread(_found, needs, rows, titles, limit)


def _fts5(owner: str, needs: Iterable[Wanted]) -> str:
    def way(terms: tuple[str, ...], begins: bool) -> str:
        return f'"{" ".join(terms)}"' + (" *" if begins else "")

    every = [" OR ".join(way(terms, need.begins) for terms in need.ways) for need in needs]
    return " AND ".join([f'"{owner_term(owner)}"', *(f"({one})" for one in every)])


def _tsquery(owner: str, needs: Iterable[Wanted]) -> str:
    def way(terms: tuple[str, ...], begins: bool) -> str:
        mark = ":*" if begins else ""
        return "(" + " <-> ".join(quoted(term) + mark for term in terms) + ")"

    every = [" | ".join(way(terms, need.begins) for terms in need.ways) for need in needs]
    return " & ".join([quoted(owner_term(owner)), *(f"({one})" for one in every)])


_SHOWN = """
    JOIN messages m ON m.id = s.message_id
    JOIN conversations c ON c.id = m.conversation_id
    WHERE {match} AND m.owner = :owner AND c.owner = :owner
    AND c.deleted_at = 0 AND NOT m.replaced
    ORDER BY {newest} DESC LIMIT :most
"""
_COLUMNS = "SELECT m.conversation_id, c.title, m.at, m.body"
_IN_SQLITE = sa.text(
    f"{_COLUMNS} FROM said_terms t JOIN said_words s ON s.number = t.rowid"
    + _SHOWN.format(match="said_terms MATCH :match", newest="t.rowid")
)
_IN_POSTGRES = sa.text(
    f"{_COLUMNS} FROM said_words s"
    + _SHOWN.format(
        match="s.terms @@ CAST(CAST(:match AS TEXT) AS tsquery)",
        newest="s.number",
    )
)
_TITLES = sa.text(
    "SELECT id, title, updated_at FROM conversations WHERE owner = :owner AND deleted_at = 0"
)


def _found(
    needs: Sequence[Wanted],
    rows: Sequence[Any],
    titles: Sequence[Any],
    limit: int,
) -> list[Found]:
    by_conversation: dict[str, list[Any]] = {}
    for row in rows:
        by_conversation.setdefault(row[0], []).append(row)
    listed: list[tuple[float, str, str]] = [
        (max(row[2] for row in some), name, some[0][1]) for name, some in by_conversation.items()
    ]
    # Reading 2,000 titles word by word takes 60 ms; most lack some letters.
    letters = [[folded(way[0]) for way in need.ways] for need in needs]
    for name, title, at in titles:
        plain = folded(title)
        if not all(any(word in plain for word in ways) for ways in letters):
            continue
        if name not in by_conversation and _has_all(title, needs):
            listed.append((at, name, title))
    best = sorted(listed, reverse=True)[:limit]
    return [_one(needs, name, title, by_conversation.get(name, ()), at) for at, name, title in best]


def _one(
    needs: Sequence[Wanted],
    name: str,
    title: str,
    rows: Sequence[Any],
    at: float,
) -> Found:
    newest = sorted(rows, key=lambda row: row[2], reverse=True)
    hits = []
    for row in newest[:HITS_OF_ONE]:
        message = message_from_json(row[3])
        shown = excerpt(searched_text(message), needs)
        hits.append(Hit(message.id, message.role, message.at, shown))
    more = len(newest) - len(hits)
    return Found(name, marked(composed(title), needs), tuple(hits), more, at)


def _has_all(text: str, needs: Sequence[Wanted]) -> bool:
    spans = _spans(composed(text), needs)
    return all(any(span[2] == number for span in spans) for number in range(len(needs)))


def excerpt(text: str, needs: Sequence[Wanted]) -> tuple[Piece, ...]:
    """The part of `text` around the place where most of what is wanted stands closest together."""
    line = " ".join(text.split())
    spans = _spans(line, needs)
    if not spans:
        return (Piece(line[: 3 * AROUND] + ("…" if len(line) > 3 * AROUND else "")),)
    window = 2 * AROUND

    def kinds(first: int) -> int:
        start = spans[first][0]
        return len({number for at, _, number in spans[first:] if at <= start + window})

    best = max(range(min(len(spans), 400)), key=kinds)
    start = max(0, spans[best][0] - AROUND)
    if start:
        space = line.find(" ", start, spans[best][0])
        start = space + 1 if space >= 0 else start
    end = min(len(line), spans[best][0] + 2 * AROUND)
    shown = marked(line[start:end], needs)
    before = (Piece("…"),) if start else ()
    after = (Piece("…"),) if end < len(line) else ()
    return (*before, *shown, *after)


def marked(text: str, needs: Sequence[Wanted]) -> tuple[Piece, ...]:
    """All of `text`, what was looked for apart from the rest."""
    pieces: list[Piece] = []
    end = 0
    for start, stop, _ in _spans(text, needs):
        if stop <= end:
            continue
        start = max(start, end)
        if start > end:
            pieces.append(Piece(text[end:start]))
        if pieces and pieces[-1].match and start == end:
            pieces[-1] = Piece(pieces[-1].text + text[start:stop], match=True)
        else:
            pieces.append(Piece(text[start:stop], match=True))
        end = stop
    if end < len(text):
        pieces.append(Piece(text[end:]))
    return tuple(pieces)


def _spans(text: str, needs: Sequence[Wanted]) -> list[tuple[int, int, int]]:
    """Where in a composed text what is wanted stands: beginning, end, and which it is; in order."""
    words = list(read(text))
    found: list[tuple[int, int, int]] = []
    for at, word in enumerate(words):
        for number, need in enumerate(needs):
            for way in need.ways:
                there = words[at : at + len(way)]
                same = [w.term for w in there] == list(way)
                if same or (need.begins and len(way) == 1 and word.term.startswith(way[0])):
                    end = there[-1].end
                    if need.begins and word.run:
                        end = word.start + len(way[0])
                    found.append((word.start, end, number))
                    break
    return found
