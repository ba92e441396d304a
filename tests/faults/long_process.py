"""Ten ends without warning and ten in order, at random points of a turn."""

import random

from tests.faults.checker import Checker
from tests.faults.parley_process import Parley
from tests.faults.sudden_end import end_suddenly
from tests.faults.test_process import checks as checks
from tests.faults.test_process import parley as parley
from tests.faults.test_process import server as server
from tests.scripted_server import ScriptedServer


async def test_ten_ends_of_each_kind_lose_nothing(
    parley: Parley, server: ScriptedServer, checks: Checker
) -> None:
    seed = random.SystemRandom().randrange(10**6)
    print(f"\nseed {seed}")
    chance = random.Random(seed)
    for orderly in (False, True):
        ends = [await end_suddenly(parley, server, checks, chance, orderly) for _ in range(10)]
        kind = "SIGTERM" if orderly else "kill -9"
        for end in ends:
            print(
                f"{kind} after {end.after_s:.2f} s: {end.status}, {end.behind} characters behind, "
                f"ended within {end.took_s:.2f} s"
            )
        assert max(end.took_s for end in ends) < 5
