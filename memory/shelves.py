"""The stores of conversations as a whole, put together."""

from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncEngine

from memory.bringing import Arrivals
from memory.listing import Listing
from memory.search import Search
from memory.shares import Shares


@dataclass(frozen=True, slots=True)
class Shelves:
    listing: Listing
    search: Search
    shares: Shares
    arrivals: Arrivals

    @classmethod
    def of(cls, engine: AsyncEngine) -> "Shelves":
        return cls(Listing(engine), Search(engine), Shares(engine), Arrivals(engine))
