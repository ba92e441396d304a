"""All memories of one owner as arrays: who said what when, which terms it has, its vectors."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from memory.chunks import chunks
from memory.embedding import MAX_CHARS, Vectors
from memory.postings import Arrays, Ints, Postings
from memory.words import Term, has_number, hashed, name_keys, read

Bools = NDArray[np.bool_]

LAYOUT = 4
"""Of the arrays; another number makes filed ones useless."""

UNNAMED = {"", "user", "assistant"}
"""Speakers that are no names: others are people in a log of what several of them said."""

_BARE_QUESTION = re.compile(r"[^.!?。！？]+[?？]+")


@dataclass(frozen=True, slots=True)
class Entry:
    """A memory as it is ranked. `session` is where it was said: neighbours there lend it weight."""

    position: int
    id: str
    session: str
    speaker: str
    role: str
    text: str
    at: float


class Column:
    """An array that grows at its end, by copying itself seldom."""

    def __init__(self, values: NDArray[Any]) -> None:
        self._held, self._count = values, len(values)

    def __len__(self) -> int:
        return self._count

    @property
    def values(self) -> NDArray[Any]:
        return self._held[: self._count]

    @property
    def nbytes(self) -> int:
        return self._held.nbytes

    def extend(self, more: NDArray[Any]) -> None:
        needed = self._count + len(more)
        if needed > len(self._held):
            room = np.empty((max(needed * 5 // 4, 64), *self._held.shape[1:]), self._held.dtype)
            room[: self._count] = self.values
            self._held = room
        self._held[self._count : needed] = more
        self._count = needed


# One row a memory. Sessions and speakers are known by hashes: nothing that was said stands here.
_MEMORIES: dict[str, str] = {
    "position": "i8",
    "id": "S32",
    "session": "i4",  # its place among the sessions
    "speaker": "u8",  # 0: no name
    "by_user": "?",
    "asks": "?",  # a bare question
    "numbers": "?",  # has some
    "chars": "i4",
    "pieces": "i4",
}
# One row a piece of a memory (memory/chunks.py), and one a session.
_PIECES: dict[str, str] = {"terms": "i4", "sound": "?"}
_SESSIONS: dict[str, str] = {"name": "u8", "spread": "f8"}


@dataclass(frozen=True)
class Layout:
    """What follows from the rows and is kept until they change."""

    session: Ints
    order: Ints
    """The memories session by session, each in order of position."""
    first_piece: Ints
    memory_of: Ints
    """The memory of each piece."""

    @cached_property
    def session_of(self) -> Ints:
        """The session of each piece."""
        return self.session[self.memory_of]

    @cached_property
    def adjacent(self) -> dict[int, Bools]:
        """For a distance: whether two memories so far apart in `order` are of one session."""
        grouped = self.session[self.order]
        return {distance: grouped[distance:] == grouped[:-distance] for distance in (1, 2)}


class OwnerIndex:
    """Used by one thread at a time. Vectors that are not there yet are rows of 0, not `sound`."""

    def __init__(self) -> None:
        kinds = _MEMORIES | _PIECES | _SESSIONS
        self._columns = {name: Column(np.zeros(0, kind)) for name, kind in kinds.items()}
        self._vectors = Column(np.zeros((0, 0), np.float32))
        self._sessions: dict[int, int] = {}
        self._unmeasured: set[int] = set()
        self._layout: Layout | None = None
        self.postings = Postings()
        self.names: dict[int, frozenset[int]] = {}
        """The speakers that are people, and the words of their names."""

    def __len__(self) -> int:
        return len(self._columns["position"])

    def __getitem__(self, name: str) -> NDArray[Any]:
        """A column of the tables above."""
        return self._columns[name].values

    @property
    def vectors(self) -> Vectors:
        return self._vectors.values

    @property
    def nbytes(self) -> int:
        """What it takes, without what is computed from it for a moment."""
        columns = sum(column.nbytes for column in self._columns.values())
        return columns + self._vectors.nbytes + self.postings.nbytes + 2_000

    @property
    def last_position(self) -> int:
        return int(self["position"].max()) if len(self) else 0

    @property
    def fingerprint(self) -> tuple[int, int, int]:
        """How many memories, their greatest position, and the sum of all."""
        return len(self), self.last_position, int(self["position"].sum())

    @property
    def layout(self) -> Layout:
        if self._layout is None:
            counts = self["pieces"].astype(np.int64)
            self._layout = Layout(
                session=self["session"].astype(np.int64),
                order=np.lexsort((self["position"], self["session"])),
                first_piece=np.cumsum(counts) - counts,
                memory_of=np.repeat(np.arange(len(self)), counts),
            )
        return self._layout

    @property
    def spreads(self) -> NDArray[np.float64]:
        """Of each session, the length of the sum of its vectors."""
        spreads = self["spread"]
        while self._unmeasured:
            session = self._unmeasured.pop()
            rows = np.flatnonzero(self.layout.session_of == session)
            spreads[session] = np.linalg.norm(self.vectors[rows].sum(axis=0))
        return spreads

    def session(self, name: str) -> int:
        """Its place among the sessions, or -1."""
        return self._sessions.get(hashed(name), -1)

    @property
    def missing(self) -> list[int]:
        """The positions of memories that lack a vector."""
        lacking = self.layout.memory_of[~self["sound"]]
        return [int(position) for position in self["position"][np.unique(lacking)]]

    def memories(self) -> list[tuple[str, int, int]]:
        """Id, position and number of pieces of each."""
        ids = [name.decode() for name in self["id"].tolist()]
        return list(zip(ids, self["position"].tolist(), self["pieces"].tolist(), strict=True))

    def pieces_at(self, positions: Sequence[int]) -> dict[int, int]:
        """How many pieces they have that are there."""
        rows = np.flatnonzero(np.isin(self["position"], np.array(positions, np.int64)))
        found = zip(self["position"][rows].tolist(), self["pieces"][rows].tolist(), strict=True)
        return dict(found)

    @property
    def whole(self) -> bool:
        """Whether no vector is missing."""
        return bool(self["sound"].all())

    def extend(self, entries: Sequence[Entry], vectors: Sequence[Vectors | None]) -> None:
        """Add `entries`; of each, the vectors of its pieces (of length 1 or 0) where they are known."""
        made: dict[str, list[object]] = {name: [] for name in _MEMORIES | _PIECES}
        rows: list[Vectors] = []
        first, width = len(self["terms"]), self._width(vectors)
        for entry, known in zip(entries, vectors, strict=True):
            pieces = self._read(entry)
            for number, found in enumerate(pieces, first + len(made["terms"])):
                every = (hashed(one) for term, parts in found for one in (term, *parts))
                self.postings.add(number, Counter(every))
            fits = known is not None and known.shape == (len(pieces), width)
            rows.append(known if known is not None and fits else _nothing(len(pieces), width))
            made["terms"] += [len(found) for found in pieces]
            made["sound"] += [fits] * len(pieces)
            for name, value in self._about(entry, len(pieces)).items():
                made[name].append(value)
        for name, values in made.items():
            self._columns[name].extend(np.array(values, self[name].dtype))
        if rows:
            self._vectors.extend(np.concatenate(rows))
        self.postings.settle()
        self._layout = None

    def fill(self, position: int, vectors: Vectors) -> None:
        """Give the memory at `position` its vectors, unless it is gone."""
        rows = np.flatnonzero(self["position"] == position)
        if len(rows) and self._width([vectors]) == vectors.shape[1]:
            row = int(rows[0])
            first = int(self.layout.first_piece[row])
            pieces = slice(first, first + int(self["pieces"][row]))
            self._vectors.values[pieces] = vectors
            self["sound"][pieces] = True
            self._unmeasured.add(int(self["session"][row]))

    def drop(self, positions: Sequence[int]) -> bool:
        """Leave out the memories at `positions`; whether there was any."""
        kept = ~np.isin(self["position"], np.array(positions, np.int64))
        if kept.all():
            return False
        pieces = kept[self.layout.memory_of]
        self.postings.keep(pieces)
        self._unmeasured.update(int(session) for session in np.unique(self["session"][~kept]))
        for chosen, table in ((kept, _MEMORIES), (pieces, _PIECES)):
            for name in table:
                self._columns[name] = Column(self[name][chosen])
        self._vectors = Column(self.vectors[pieces])
        said = {int(speaker) for speaker in np.unique(self["speaker"])}
        self.names = {speaker: terms for speaker, terms in self.names.items() if speaker in said}
        self._layout = None
        return True

    def arrays(self) -> Arrays:
        """All of it, to be read again by `of_arrays`."""
        _ = self.spreads
        pairs = [(speaker, term) for speaker, terms in self.names.items() for term in terms]
        return {
            **{name: column.values for name, column in self._columns.items()},
            **self.postings.arrays(),
            "vectors": self.vectors,
            "names": np.array(pairs, np.uint64).reshape(-1, 2),
        }

    @classmethod
    def of_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> "OwnerIndex":
        made = cls()
        for name in made._columns:
            made._columns[name] = Column(arrays[name])
        made._vectors = Column(arrays["vectors"])
        made.postings = Postings.of_arrays(arrays)
        made._sessions = {int(name): place for place, name in enumerate(made["name"])}
        for speaker, term in arrays["names"].tolist():
            made.names[speaker] = made.names.get(speaker, frozenset()) | {term}
        return made

    def _width(self, vectors: Sequence[Vectors | None]) -> int:
        """How many numbers a vector has; rows that came before the first one are widened."""
        if not self.vectors.shape[1]:
            found = next((rows.shape[1] for rows in vectors if rows is not None), 0)
            self._vectors = Column(_nothing(len(self["terms"]), found))
        return int(self.vectors.shape[1])

    def _read(self, entry: Entry) -> list[list[Term]]:
        """The terms of each piece. In a log of several people, speaker and date are terms of it."""
        about = ""
        if entry.speaker.casefold() not in UNNAMED:
            self.names[hashed(entry.speaker)] = name_keys(entry.speaker)
            about = f"{entry.speaker} {_date(entry.at)} "
        return [read(about + piece) for piece in chunks(entry.text[:MAX_CHARS])]

    def _about(self, entry: Entry, pieces: int) -> dict[str, object]:
        session = self._sessions.setdefault(hashed(entry.session), len(self._sessions))
        if session == len(self["name"]):
            self._columns["name"].extend(np.array([hashed(entry.session)], np.uint64))
            self._columns["spread"].extend(np.zeros(1))
        self._unmeasured.add(session)
        speaker = hashed(entry.speaker)
        return {
            "position": entry.position,
            "id": entry.id.encode(),
            "session": session,
            "speaker": speaker if speaker in self.names else 0,
            "by_user": entry.role == "user",
            "asks": _BARE_QUESTION.fullmatch(entry.text.strip()) is not None,
            "numbers": has_number(entry.text[:MAX_CHARS]),
            "chars": min(len(entry.text), MAX_CHARS),
            "pieces": pieces,
        }


def _nothing(rows: int, width: int) -> Vectors:
    return np.zeros((rows, width), np.float32)


def _date(at: float) -> str:
    """As people write and ask for it; empty where no time is known."""
    try:
        return _written(datetime.fromtimestamp(at, UTC)) if at else ""
    except (OverflowError, ValueError, OSError):
        return ""


def _written(when: datetime) -> str:
    return f"{when.day} {when:%B %Y}"
