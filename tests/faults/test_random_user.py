"""Forty things that somebody may do, in any order; `make faults` does five hundred."""

from pathlib import Path

from tests.faults.random_user import run


def test_whatever_somebody_does_nothing_is_lost(tmp_path: Path) -> None:
    run(tmp_path, steps=40, seed=7)
