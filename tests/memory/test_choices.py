"""Choices for a conversation, on a real database."""

import asyncio
from pathlib import Path

import pytest

from memory.choices import ConversationChoices
from memory.database import open_database
from memory.edge import Missing
from memory.migrations import MIGRATIONS
from messages import Choices, new_id


async def test_choices_are_kept_by_owner_and_conversation(tmp_path: Path) -> None:
    engine = await open_database(f"sqlite+aiosqlite:///{tmp_path / 'parley.db'}", MIGRATIONS)
    kept, here = ConversationChoices(engine), new_id()
    decided = Choices(provider="ollama", model="llama3.2", json=True, schema='{"type": "object"}')
    await kept.set("ann", here, Choices(model="other"))
    await kept.set("ann", here, decided)
    assert await kept.get("ann", here) == decided
    assert await kept.get("bob", here) is None
    assert await kept.get("ann", new_id()) is None
    await kept.forget("ann", here)
    assert await kept.get("ann", here) is None
    with pytest.raises(Missing):
        await kept.get("ann", "../x")
    await engine.dispose()


async def test_what_is_decided_is_seen_at_once_and_what_another_parley_wrote_soon(
    tmp_path: Path,
) -> None:
    where = f"sqlite+aiosqlite:///{tmp_path / 'parley.db'}"
    engine, elsewhere = [await open_database(where, MIGRATIONS) for _ in range(2)]
    kept, theirs = ConversationChoices(engine), ConversationChoices(elsewhere)
    here = new_id()
    for model in ("big", "small"):
        assert await kept.get("ann", here) != Choices(model=model)
        await kept.set("ann", here, Choices(model=model))
        assert await kept.get("ann", here) == Choices(model=model)
    await asyncio.gather(
        *(kept.get("ann", here) for _ in range(20)), kept.set("ann", here, Choices(model="other"))
    )
    assert await kept.get("ann", here) == Choices(model="other")
    await theirs.set("ann", here, Choices(model="theirs"))
    async with asyncio.timeout(3):
        while await kept.get("ann", here) != Choices(model="theirs"):
            await asyncio.sleep(0.05)
    await engine.dispose()
    await elsewhere.dispose()
