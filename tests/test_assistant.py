"""What the house says of itself to those who ask from outside."""

import asyncio
from dataclasses import replace
from pathlib import Path

from house import House, open_house
from inference.connection import connect
from inference.provider import Plan, load_providers
from messages import new_id
from settings import Settings
from tests.conftest import OWNER
from tests.scripted_server import ScriptedServer

TALK = "c" * 32


async def ended(house: House) -> None:
    """The turn that runs is over, and its reply stored."""
    async with asyncio.timeout(15):
        while (await house.assistant.open(OWNER, TALK)).messages[-1].status == "running":
            await asyncio.sleep(0.02)


async def test_a_turn_may_send_no_more_than_the_day_has_left(
    model: ScriptedServer, tmp_path: Path
) -> None:
    chosen = Settings(base_url=model.base_url, model="big", data_dir=tmp_path)
    connection = connect(load_providers(), model.base_url, "k-1", {})
    provider = replace(connection.provider, plans={"": Plan(requests_per_day=3)})
    async with open_house(chosen, replace(connection, provider=provider)) as house:
        assert (await house.assistant.usage(OWNER)).most_requests == 3
        await house.assistant.send(OWNER, TALK, "Hello", (), speak=False)
        await ended(house)
        spent = await house.assistant.usage(OWNER)
        assert (spent.report.used, spent.report.limit, spent.most_requests) == (1, 3, 2)


async def test_without_a_limit_a_turn_may_answer_after_each_of_its_tool_rounds(
    house: House, model: ScriptedServer
) -> None:
    for _ in range(20):
        model.calls("clock", zone="Asia/Tokyo")
    most = (await house.assistant.usage(OWNER)).most_requests
    await house.assistant.send(OWNER, TALK, "What time is it?", (), speak=False)
    await ended(house)
    assert len(model.hits) == most


async def test_what_was_said_is_counted_as_remembered_and_its_owner_told_of_it(
    house: House,
) -> None:
    told: list[str] = []
    house.assistant.listen(told.append)
    assert (await house.assistant.memory.state(OWNER, "")).count == 0
    await house.assistant.send(OWNER, TALK, "I am allergic to peanuts.", (), speak=False)
    assert told == [OWNER]
    async with asyncio.timeout(15):
        while len(told) < 2:
            await asyncio.sleep(0.02)
    assert told == [OWNER, OWNER]
    assert (await house.assistant.memory.state(OWNER, "")).count > 0
    assert (await house.assistant.memory.state(new_id(), "")).count == 0
