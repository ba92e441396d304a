"""A process of its own that spends as fast as it can, and prints how often it was let."""

import asyncio
import sys

from inference.backend import BudgetSpent, Errand, RateLimited
from inference.budget import Limits
from inference.ledger import MIGRATIONS, Ledger
from memory.database import open_database

ERRAND = Errand("ann", "c1", "t1", "answer")


async def spend(url: str, day: int, minute: int, tries: int) -> int:
    engine = await open_database(url, MIGRATIONS)
    ledger = Ledger(engine, {"oxlo": Limits(day or None, minute or None)})
    asked = (ledger.open(ERRAND, "oxlo", "big") for _ in range(tries))
    ended = await asyncio.gather(*asked, return_exceptions=True)
    await engine.dispose()
    for error in ended:
        if isinstance(error, BaseException) and not isinstance(error, BudgetSpent | RateLimited):
            raise error
    return sum(isinstance(entry, int) for entry in ended)


if __name__ == "__main__":
    url, *numbers = sys.argv[1:]
    sys.stdout.write(str(asyncio.run(spend(url, *map(int, numbers)))))
