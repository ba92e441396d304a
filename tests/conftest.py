"""What the tests share: the scripted provider, and a whole house on a data directory of its own."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from events import Event
from house import House, open_house
from inference.connection import connect
from inference.provider import load_providers
from messages import Message, Part, Text, new_id
from settings import Settings
from tests.scripted_server import ScriptedServer

OWNER = "a-visitor"


@pytest.fixture
def model() -> Iterator[ScriptedServer]:
    with ScriptedServer() as server:
        yield server


@pytest.fixture
async def house(model: ScriptedServer, tmp_path: Path) -> AsyncIterator[House]:
    """A house that talks to the scripted provider."""
    chosen = Settings(
        base_url=model.base_url,
        model="big",
        vision_model="seeing",
        transcribe_model="hearing",
        speech_model="speaking",
        voice="calm",
        data_dir=tmp_path,
    )
    async with open_house(chosen, connect(load_providers(), model.base_url, "k-1", {})) as opened:
        yield opened


def said(*parts: Part | str) -> Message:
    """A user's message; a bare str is its text."""
    whole = tuple(Text(p) if isinstance(p, str) else p for p in parts)
    return Message(new_id(), "user", whole, at=1_700_000_000.0)


def kinds(events: list[Event]) -> list[str]:
    """The events' kinds in order, runs of deltas written once."""
    found: list[str] = []
    for event in events:
        if not (found and event.kind == found[-1] and event.kind.endswith("_delta")):
            found.append(event.kind)
    return found
