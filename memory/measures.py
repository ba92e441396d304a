"""Each message measured once, so that a long conversation costs a turn next to nothing."""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Final

import numpy as np
import numpy.typing as npt

from memory.tokens import COSTS, KINDS, Features, measure_message
from messages import Message, Part, Text

CHUNK: Final = 1_024
"""Messages that are measured and summed up together."""
REMEMBERED: Final = 50_000
"""Messages whose measures are held, of all conversations together (300 bytes each)."""

_ID = attrgetter("id")
_PARTS = attrgetter("parts")


@dataclass(frozen=True, slots=True, eq=False)
class Measured:
    """Messages that follow each other: a row of features each, their sum, and which of them are the
    user's. By `ids` and `looks` they are known again."""

    ids: list[str]
    looks: list[int]
    rows: npt.NDArray[np.float32]
    total: Features
    users: npt.NDArray[np.int64]


class Measures:
    """What conversations are made of, chunk by chunk.

    A message is measured again if it looks different, by the lengths of its texts: a document may
    stand there whole, or in passages.
    """

    def __init__(self) -> None:
        self._chunks: OrderedDict[tuple[str, bool], Measured] = OrderedDict()
        self._held = 0

    def of(self, messages: Sequence[Message], sees: bool) -> Measured:
        """Of one chunk, known by its first message; `sees`: pictures go as pictures."""
        # Looked at without a call of ours: this is what a long conversation costs each turn.
        ids = list(map(_ID, messages))
        looks = [
            len(parts[0].text) if len(parts) == 1 and type(parts[0]) is Text else _look(parts)
            for parts in map(_PARTS, messages)
        ]
        name = (ids[0] if ids else "", sees)
        found = self._chunks.pop(name, None)
        self._held -= len(found.ids) if found else 0
        if found is None or found.ids != ids or found.looks != looks:
            found = _measured(messages, ids, looks, sees, found)
        self._chunks[name] = found
        self._held += len(ids)
        while self._held > REMEMBERED:
            self._held -= len(self._chunks.popitem(last=False)[1].ids)
        return found

    def tokens(self, messages: Sequence[Message]) -> int:
        """Of them all, for a model of which nothing is known."""
        chunks = (messages[n : n + CHUNK] for n in range(0, len(messages), CHUNK))
        return int(sum(float(self.of(chunk, True).total @ COSTS) for chunk in chunks))


def _measured(
    messages: Sequence[Message],
    ids: list[str],
    looks: list[int],
    sees: bool,
    before: Measured | None,
) -> Measured:
    """What is as before is not measured again: mostly, a conversation has grown at its end."""
    rows = np.zeros((len(messages), len(KINDS)), np.float32)
    same, known = 0, dict[tuple[str, int], npt.NDArray[np.float32]]()
    if before:
        same = len(before.ids)
        if ids[:same] == before.ids and looks[:same] == before.looks:
            rows[:same] = before.rows
        else:
            names = zip(before.ids, before.looks, strict=True)
            same, known = 0, dict(zip(names, before.rows, strict=True))
    for place in range(same, len(messages)):
        row = known.get((ids[place], looks[place]))
        rows[place] = measure_message(messages[place], sees) if row is None else row
    users = np.array([n for n, m in enumerate(messages) if m.role == "user"], np.int64)
    return Measured(ids, looks, rows, rows.sum(axis=0, dtype=np.float64), users)


def _look(parts: Sequence[Part]) -> int:
    total = 0
    for place, part in enumerate(parts, 1):
        text = getattr(part, "text", "") or getattr(part, "transcript", "") or ""
        total += place * (1 + len(text))
    return total
