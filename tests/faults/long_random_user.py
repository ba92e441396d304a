"""Five hundred things that somebody may do, in any order, the invariants looked at after each."""

import random
from pathlib import Path

from tests.faults.random_user import run


def test_five_hundred_steps_lose_nothing(tmp_path: Path) -> None:
    seed = random.SystemRandom().randrange(10**6)
    print(f"\nseed {seed}")
    run(tmp_path, steps=500, seed=seed)
