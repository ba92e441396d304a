"""What Prometheus is told, and whom else."""

import asyncio
from functools import partial

import httpx2
import pytest
from prometheus_client.parser import text_string_to_metric_families
from starlette.responses import PlainTextResponse

from house import House
from messages import new_id
from metrics import in_front
from tests.conftest import OWNER
from tests.scripted_server import ScriptedServer

TOKEN = "t" * 24
SECRET = "a question about xylophones"


def client(house: House, **headers: str) -> httpx2.AsyncClient:
    left = partial(house.ledger.left, house.lines.lines()[0].provider.name)
    app = in_front(PlainTextResponse("the page"), house.metrics, TOKEN, left)
    carried = httpx2.ASGITransport(app=app)
    return httpx2.AsyncClient(transport=carried, base_url="http://parley", headers=headers)


async def figures(house: House) -> dict[tuple[str, ...], float]:
    async with client(house, authorization=f"Bearer {TOKEN}") as asking:
        answer = await asking.get("/metrics")
    assert SECRET not in answer.text
    assert OWNER not in answer.text
    return {
        (sample.name, *(value for _, value in sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


async def turn(house: House) -> None:
    conversation = new_id()
    await house.assistant.send(OWNER, conversation, SECRET, (), speak=False)
    async with asyncio.timeout(15):
        while (await house.assistant.open(OWNER, conversation)).messages[-1].status == "running":
            await asyncio.sleep(0.02)


async def test_requests_turns_and_first_tokens_are_counted(
    house: House, model: ScriptedServer
) -> None:
    provider = house.lines.lines()[0].provider.name
    model.calls("clock", zone="Asia/Tokyo").says("Noon.")
    await turn(house)
    model.fails(401)
    await turn(house)
    async with asyncio.timeout(15):
        while (told := await figures(house))["parley_live_turns",]:
            await asyncio.sleep(0.02)
    assert told["parley_requests_total", "done", provider, "answer"] == 1
    assert told["parley_requests_total", "done", provider, "tool round"] == 1
    assert told["parley_requests_total", "KeyRejected", provider, "answer"] == 1
    assert told["parley_turns_total", "done"] == 1
    assert told["parley_turns_total", "failed"] == 1
    assert told["parley_first_token_seconds_count",] == 1
    assert told["parley_requests_left",] == float("inf")


async def test_a_turn_that_runs_or_is_stopped_is_told(house: House, model: ScriptedServer) -> None:
    model.says(*("word " for _ in range(300)), delay_s=0.05)
    conversation = new_id()
    await house.assistant.send(OWNER, conversation, SECRET, (), speak=False)
    assert (await figures(house))["parley_live_turns",] in (0, 1)
    while not model.requests:
        await asyncio.sleep(0.02)
    assert (await figures(house))["parley_live_turns",] == 1
    await house.assistant.stop(OWNER, conversation)
    async with asyncio.timeout(10):
        while (told := await figures(house))["parley_live_turns",]:
            await asyncio.sleep(0.02)
    assert told["parley_turns_total", "stopped"] == 1


@pytest.mark.parametrize("given", ["", "Bearer", "Bearer ", f"bearer {TOKEN}x", f"Basic {TOKEN}"])
async def test_nobody_else_is_told(house: House, given: str) -> None:
    async with client(house, **({"authorization": given} if given else {})) as asking:
        answer = await asking.get("/metrics")
        assert answer.status_code == 401
        assert "parley_" not in answer.text
        assert (await asking.get("/")).text == "the page"
