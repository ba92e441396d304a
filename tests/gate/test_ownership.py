"""Every order and every route, tried with the ids of somebody else: those that come later, too."""

import asyncio
import json
from collections.abc import Iterator
from dataclasses import MISSING, fields
from typing import Any, get_args

import pytest

from components.orders import Order
from tests.attacker import A, Attacker, B, Frame, from_network, opened, shown
from tests.browser.conftest import RunningParley
from tests.scripted_server import ScriptedServer

CANARY = "quillfeather"
ORDERS = [one for one in get_args(Order) if one.__name__ != "Erase"]


@pytest.fixture(scope="module")
def provider() -> Iterator[ScriptedServer]:
    with ScriptedServer() as server:
        yield server


@pytest.fixture(scope="module")
def parley(
    provider: ScriptedServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningParley]:
    environ = {"PARLEY_BASE_URL": provider.base_url, "PARLEY_MODEL": "big"}
    running = RunningParley(
        tmp_path_factory.mktemp("data"), {**environ, "PARLEY_PROXIES": "127.0.0.1"}
    )
    running.start()
    yield running
    running.end()


def forged(order: Any, ids: dict[str, str]) -> Frame:
    """The order with somebody else's ids wherever it takes any, and something in its other fields."""
    made: Frame = {}
    for field in fields(order):
        if field.name in ids:
            made[field.name] = ids[field.name]
        elif field.default_factory is not MISSING:
            continue
        elif field.default is not MISSING:
            made[field.name] = field.default
        elif field.name in ("verdict", "permission", "rating"):
            made[field.name] = {"verdict": "approve", "permission": "off", "rating": 1}[field.name]
        elif "bool" in str(field.type):
            made[field.name] = True
        else:
            made[field.name] = "x"
    return {name: value for name, value in made.items() if value is not None}


async def whole(victim: Attacker) -> str:
    """All that the victim sees of their conversation."""
    async with victim.listen() as socket:
        return json.dumps(await opened(socket, A))


async def test_no_order_and_no_route_reaches_what_is_somebody_elses(
    parley: RunningParley, provider: ScriptedServer
) -> None:
    async with from_network(parley, 1) as victim:
        await victim.get("/")
        file = await victim.post("/parley/media", content=f"About the {CANARY}.".encode())
        sha256 = file.json()["sha256"]
        provider.says(f"The {CANARY} it is.")
        said = {"do": "send", "conversation": A, "text": f"Remember that I like {CANARY}."}
        assert (await victim.does({**said, "media": [sha256]}))["ok"]
        await shown(victim, A, "it is.")
        async with victim.listen() as socket:
            message, reply = (one["id"] for one in (await opened(socket, A))["messages"])
        # What was told, and what each of them said: kept once the turn is over.
        memories: list[Frame] = []
        while len(memories) < 3:
            memories = (await victim.get("/parley/memories.json")).json()["memories"]
            await asyncio.sleep(0.2)
        while 'data-status=\\"running' in (before := await whole(victim)):
            await asyncio.sleep(0.2)
        assert CANARY in before
        ids = {"conversation": A, "reply": reply, "message": message, "sha256": sha256}
        ids |= {"recording": sha256, "memory": str(memories[0].get("id", reply)), "into": B}
        told = ""
        for number, order in enumerate(ORDERS):
            async with from_network(parley, 10 + number) as attacker:
                await attacker.get("/")
                told += json.dumps(await attacker.does(forged(order, ids)))
                for path in (
                    *(f"/parley/conversations/{A}.{kind}" for kind in ("md", "json", "html")),
                    *(f"/parley/pictures/{A}", f"/parley/media/{sha256}", "/parley/memories.json"),
                ):
                    told += (await attacker.get(path)).text if number == 0 else ""
                if number == 0:
                    told += (await attacker.post("/parley/search", content=CANARY)).text.replace(
                        CANARY, "", 1
                    )
                    told += (await attacker.post(f"/parley/aloud/{A}/{reply}")).text
                    async with attacker.listen() as socket:
                        assert (await opened(socket, A))["known"] is False
        assert CANARY not in told
        assert told.count("does not know") <= 2, "they were not even read: this proves little"
        assert await whole(victim) == before
        assert (await victim.get(f"/parley/media/{sha256}")).status_code == 200
        assert (await victim.get("/parley/memories.json")).json()["memories"] == memories
