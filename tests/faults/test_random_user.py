"""Forty things that somebody may do, in any order; `make faults` does five hundred."""

from pathlib import Path

from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.faults.random_user import RandomUser


def run(folder: Path, steps: int) -> None:
    RandomUser.folder = folder
    run_state_machine_as_test(
        RandomUser,
        settings=settings(
            max_examples=1,
            stateful_step_count=steps,
            deadline=None,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        ),
    )


def test_whatever_somebody_does_nothing_is_lost(tmp_path: Path) -> None:
    run(tmp_path, steps=40)
