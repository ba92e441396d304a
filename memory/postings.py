"""Which pieces of text have which terms, as arrays: sorted once, with what came since at the end."""

from array import array
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Rows = NDArray[np.int32]
Arrays = dict[str, NDArray[np.generic]]

MOST_TIMES = 255
TAIL = 30_000
"""Postings that wait unsorted: finding a term among so many takes some 20 µs."""


class Postings:
    """Terms are 64-bit hashes (memory/words.py), so no word of a text stands here or on disk."""

    def __init__(self) -> None:
        self._terms = np.zeros(0, np.uint64)
        self._starts = np.zeros(1, np.int64)
        self._rows = np.zeros(0, np.int32)
        self._times = np.zeros(0, np.uint8)
        self._empty_tail()

    def __len__(self) -> int:
        return len(self._rows) + len(self._late_terms)

    @property
    def nbytes(self) -> int:
        sorted_ones = (self._terms, self._starts, self._rows, self._times)
        return sum(part.nbytes for part in sorted_ones) + 13 * len(self._late_terms)

    def add(self, row: int, counts: Mapping[int, int]) -> None:
        """`row` is greater than every row before."""
        self._late_terms.extend(counts)
        self._late_rows.extend([row] * len(counts))
        self._late_times.extend(min(times, MOST_TIMES) for times in counts.values())

    def settle(self, *, wholly: bool = False) -> None:
        """Sort in what came late, once it is much."""
        if len(self._late_terms) > (0 if wholly else max(TAIL, len(self._rows) // 8)):
            late = np.array(self._late_terms, np.uint64)
            rows, times = np.array(self._late_rows, np.int32), np.array(self._late_times, np.uint8)
            order = np.argsort(late, kind="stable")
            self._merge(late[order], rows[order], times[order])
            self._empty_tail()

    def of(self, term: int) -> tuple[Rows, NDArray[np.uint8]]:
        """The rows that have `term`, ascending, and how often each has it."""
        rows, times = self._rows[:0], self._times[:0]
        place = int(np.searchsorted(self._terms, np.uint64(term)))
        if place < len(self._terms) and int(self._terms[place]) == term:
            here = slice(int(self._starts[place]), int(self._starts[place + 1]))
            rows, times = self._rows[here], self._times[here]
        if len(self._late_terms):
            late = np.flatnonzero(np.array(self._late_terms, np.uint64) == np.uint64(term))
            if len(late):
                rows = np.concatenate([rows, np.array(self._late_rows, np.int32)[late]])
                times = np.concatenate([times, np.array(self._late_times, np.uint8)[late]])
        return rows, times

    def keep(self, kept: NDArray[np.bool_]) -> None:
        """Leave out the rows that are not `kept`, and number the others anew."""
        self.settle(wholly=True)
        here = kept[self._rows]
        number = np.cumsum(kept, dtype=np.int32) - np.int32(1)
        terms = np.repeat(self._terms, np.diff(self._starts))[here]
        rows, times = number[self._rows[here]], self._times[here]
        self._terms, self._starts = terms[:0], np.zeros(1, np.int64)
        self._rows, self._times = rows[:0], times[:0]
        self._merge(terms, rows, times)

    def arrays(self) -> Arrays:
        self.settle(wholly=True)
        return {
            "posted_terms": self._terms,
            "posted_starts": self._starts,
            "posted_rows": self._rows,
            "posted_times": self._times,
        }

    @classmethod
    def of_arrays(cls, arrays: Mapping[str, NDArray[np.generic]]) -> "Postings":
        made = cls()
        made._terms = arrays["posted_terms"].astype(np.uint64, copy=False)
        made._starts = arrays["posted_starts"].astype(np.int64, copy=False)
        made._rows = arrays["posted_rows"].astype(np.int32, copy=False)
        made._times = arrays["posted_times"].astype(np.uint8, copy=False)
        return made

    def _empty_tail(self) -> None:
        self._late_terms = array("Q")
        self._late_rows = array("i")
        self._late_times = array("B")

    def _merge(self, terms: NDArray[np.uint64], rows: Rows, times: NDArray[np.uint8]) -> None:
        """Add postings sorted by term; in each term their rows are greater than those there."""
        new, first, counts = np.unique(terms, return_index=True, return_counts=True)
        whole = np.union1d(self._terms, new)
        old_place, new_place = np.searchsorted(whole, self._terms), np.searchsorted(whole, new)
        lengths = np.zeros(len(whole), np.int64)
        lengths[old_place] += np.diff(self._starts)
        kept_before = lengths[new_place]
        lengths[new_place] += counts
        starts = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
        all_rows = np.empty(int(starts[-1]), np.int32)
        all_times = np.empty(int(starts[-1]), np.uint8)
        old_at = _spread(starts[old_place], self._starts[:-1], np.diff(self._starts))
        all_rows[old_at], all_times[old_at] = self._rows, self._times
        new_at = _spread(starts[new_place] + kept_before, first, counts)
        all_rows[new_at], all_times[new_at] = rows, times
        self._terms, self._starts = whole, starts
        self._rows, self._times = all_rows, all_times


def _spread(to: Ints, start: Ints, counts: Ints) -> Ints:
    """Where each of the entries goes that stand in runs: from `start`, `counts` of them, to `to`."""
    return np.repeat(to - start, counts) + np.arange(int(counts.sum()), dtype=np.int64)
