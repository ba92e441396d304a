"""Two Parleys on one PostgreSQL: what is forgotten in one leaves the indexes that the other holds."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from time import time

import pytest

from house import House, open_house
from inference.connection import connect
from inference.provider import load_providers
from settings import Settings
from tests.conftest import OWNER
from tests.postgres import Postgres
from tests.scripted_server import ScriptedServer

MANY = 300
"""So many that an index of them is written to a file while it is in use."""


@pytest.fixture
async def houses(
    model: ScriptedServer, postgres: Postgres, tmp_path: Path
) -> AsyncIterator[tuple[House, House]]:
    database = postgres.fresh()
    connection = connect(load_providers(), model.base_url, "k-1", {})
    async with AsyncExitStack() as stack:
        one, two = [
            await stack.enter_async_context(
                open_house(
                    Settings(
                        base_url=model.base_url,
                        model="big",
                        data_dir=tmp_path / name,
                        database_url=database,
                    ),
                    connection,
                )
            )
            for name in ("one", "two")
        ]
        yield one, two


def exported(count: int) -> bytes:
    """A file of memories, as Parley exports them."""
    about = {"kind": "said", "role": "user"}
    rows = [
        {**about, "id": f"{n:032x}", "text": f"Barrel {n} holds herring.", "at": time() - n}
        for n in range(count)
    ]
    return json.dumps({"format": "parley-memories", "version": 1, "memories": rows}).encode()


async def edit(house: House, memory: str) -> None:
    await house.assistant.memory.edit(OWNER, memory, "Another barrel altogether.")


async def forget(house: House, memory: str) -> None:
    await house.assistant.forget(OWNER, memory)


async def erase(house: House, _memory: str) -> None:
    await house.assistant.erase(OWNER)


@pytest.mark.parametrize("change", [forget, edit, erase])
async def test_what_is_forgotten_in_one_leaves_the_files_of_the_other_unasked(
    houses: tuple[House, House], tmp_path: Path, change: Callable[[House, str], Awaitable[None]]
) -> None:
    one, two = houses
    assert await one.assistant.memory.bring_back(OWNER, exported(MANY)) == MANY
    found = await two.layers.recall.search(OWNER, "Which barrel holds herring?", limit=1)
    await until(lambda: files(tmp_path / "two"))
    await change(one, found[0].id)
    await until(lambda: not files(tmp_path / "two"))


def files(data: Path) -> list[Path]:
    return list((data / "indexes").glob("*.index"))


async def until(seen: Callable[[], object]) -> None:
    async with asyncio.timeout(20):
        while not seen():
            await asyncio.sleep(0.05)
