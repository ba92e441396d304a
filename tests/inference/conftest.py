"""A real ledger, and backends that talk to the scripted server."""

from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from inference.budget import Limits
from inference.ledger import MIGRATIONS, Ledger
from inference.openai_backend import OpenAIBackend
from inference.provider import Quirks, load_providers
from inference.retries import Retries
from inference.transport import Deadlines
from memory.database import open_database
from tests.scripted_server import ScriptedServer

KEY = (
    "correct-horse-battery"  # unlike any known form of key, so that only knowing it strikes it out
)

Open = Callable[..., OpenAIBackend]


@pytest.fixture
async def engine(tmp_path: Path) -> AsyncIterator[AsyncEngine]:
    opened = await open_database(f"sqlite+aiosqlite:///{tmp_path / 'parley.db'}", MIGRATIONS)
    yield opened
    await opened.dispose()


@pytest.fixture
async def backend(model: ScriptedServer, engine: AsyncEngine) -> AsyncIterator[Open]:
    """Opens a backend on the scripted server; closed at the end of the test."""
    opened: list[OpenAIBackend] = []

    def open_(
        base_url: str = "",
        key: str = KEY,
        deadlines: Deadlines | None = None,
        limits: dict[str, int] | None = None,
        quirks: Quirks | None = None,
        retries: Retries | None = None,
    ) -> OpenAIBackend:
        facts = load_providers()["custom"]
        facts = replace(facts, base_url=base_url or model.base_url, quirks=quirks or facts.quirks)
        opened.append(
            OpenAIBackend(
                facts,
                key,
                Ledger(engine, {k: Limits(n) for k, n in (limits or {}).items()}),
                deadlines,
                retries or Retries(shortest=0.01, longest=0.02),
            )
        )
        return opened[-1]

    yield open_
    for one in opened:
        await one.aclose()
