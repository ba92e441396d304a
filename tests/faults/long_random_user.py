"""Five hundred things that somebody may do, in any order, the invariants looked at after each."""

from pathlib import Path

from tests.faults.test_random_user import run


def test_five_hundred_steps_lose_nothing(tmp_path: Path) -> None:
    run(tmp_path, steps=500)
