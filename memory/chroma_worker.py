"""Embedded Chroma in a process of its own: `python -m memory.chroma_worker DIRECTORY COLLECTION SECONDS`.

Spoken to by pipe (`memory/chroma_apart.py`); ends when its owner does, for its input then ends.
"""

import contextlib
import faulthandler
import logging
import pickle
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

from memory.chroma_embedded import EmbeddedChroma
from memory.vector_rows import VectorRows, VectorsUnusable
from process_apart.inside import claim_stdout


def main(directory: str, collection: str, answer_s: str) -> None:
    # Ctrl-C, and a service's end, are for the owner; this process ends with its input.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    answers, told = claim_stdout(), _Told()
    logging.basicConfig(handlers=[told], level=logging.INFO)
    rows = VectorRows(EmbeddedChroma(Path(directory)), collection, within, float(answer_s))
    with contextlib.suppress(EOFError, BrokenPipeError):
        while True:
            what, arguments = pickle.load(sys.stdin.buffer)  # noqa: S301 of the owner alone
            try:
                outcome, value = "done", getattr(rows, what)(*arguments)
            except VectorsUnusable as error:
                outcome, value = "unusable", str(error)
            except Exception as error:
                outcome, value = "bug", f"{type(error).__name__}: {error}"
            pickle.dump((outcome, value, rows.losses, rows.trouble, told.taken()), answers)
            answers.flush()
    rows.close()


class _Told(logging.Handler):
    """What is to be logged goes to the owner, whose log it is, with the next answer."""

    def __init__(self) -> None:
        super().__init__()
        self._records: list[tuple[str, int, str]] = []

    def emit(self, record: logging.LogRecord) -> None:
        self._records.append((record.name, record.levelno, record.getMessage()))

    def taken(self) -> list[tuple[str, int, str]]:
        records, self._records = self._records, []
        return records


@contextlib.contextmanager
def within(seconds: float) -> Iterator[None]:
    """End this process when it takes longer: Chroma may wait for ever, and lets no thread run meanwhile.

    After a disk was full in the middle of a write, 1.5.9 does so. This watch needs no interpreter.
    """
    faulthandler.dump_traceback_later(seconds, exit=True)
    try:
        yield
    finally:
        faulthandler.cancel_dump_traceback_later()


if __name__ == "__main__":
    main(*sys.argv[1:])
