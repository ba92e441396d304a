"""Choices for a conversation, on a real database."""

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
