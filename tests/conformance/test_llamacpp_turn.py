"""Whole turns on llama.cpp: the handler, the real tools, the ledger, and Stop."""

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from events import TextDelta, ToolCalled, ToolReturned, TurnEnded, TurnStarted
from exchange import begin, grow
from handler import run_turn
from house import House, open_house
from inference.connection import Connection
from messages import Message, Text, new_id
from settings import Settings
from steps.course import Turn
from tests.conformance.conftest import at
from tests.conformance.serving import Serving
from tests.conformance.test_llamacpp_chat import busy, freed
from tests.conftest import OWNER, kinds, said


@pytest.fixture
async def house(llama: Serving, tmp_path: Path) -> AsyncIterator[House]:
    chosen = Settings(base_url=llama.base_url, data_dir=tmp_path)
    async with open_house(chosen, Connection(at(llama), "not-needed")) as opened:
        yield opened


def turn(words: str, conversation_id: str = "") -> Turn:
    return Turn(OWNER, conversation_id or new_id(), said(words), new_id(), ())


async def test_a_turn_with_two_tools_runs_them_and_costs_two_requests(house: House) -> None:
    events = [event async for event in run_turn(turn("Make two calls"), house.layers)]
    assert kinds(events) == [
        "turn_started", "model_chosen", "context_built", "request_sent", "tool_called",
        "tool_called", "request_sent", "tool_returned", "tool_returned", "request_sent",
        "text_delta", "request_sent", "turn_ended",
    ]  # fmt: skip
    ended = events[-1]
    assert isinstance(ended, TurnEnded)
    assert (ended.reason, ended.fault) == ("done", None)
    results = {e.result.text: e.result.ok for e in events if isinstance(e, ToolReturned)}
    assert results.get("144") is True
    assert all(results.values())
    called = {e.call.call_id for e in events if isinstance(e, ToolCalled)}
    assert called == {e.result.call_id for e in events if isinstance(e, ToolReturned)}
    assert isinstance(events[0], TurnStarted)
    exchange = begin(events[0])
    for event in events:
        exchange = grow(exchange, event)
    assert exchange.reply.text == "So it is."
    about = exchange.reply.provenance
    assert about
    assert [(r.purpose, r.free) for r in about.requests] == [("answer", True), ("tool round", True)]
    assert all(r.prompt_tokens > 100 and r.completion_tokens for r in about.requests)
    assert await house.ledger.by_purpose("llamacpp", OWNER) == {"answer": 1, "tool round": 1}


async def test_a_conversation_goes_on_after_its_tools_and_thoughts(house: House) -> None:
    conversation_id = new_id()
    asked = ("Make one call", "Is twelve even? Show your thinking.", "A greeting")
    for words in asked:
        message = Message(new_id(), "user", (Text(words),), time.time())
        await house.turns.start(OWNER, conversation_id, message)
        await ended(house, conversation_id)
    shown = (await house.assistant.open(OWNER, conversation_id)).messages
    replies = [m for m in shown if m.role == "assistant"]
    assert [m.status for m in replies] == ["done"] * 3
    assert [m.text for m in replies] == ["So it is.", "Yes, it is.", "Hello, wörld! 你好, 🦙."]
    assert await house.ledger.used_today("llamacpp") == 4


async def test_stop_ends_the_turn_and_frees_the_servers_slot(house: House, llama: Serving) -> None:
    conversation_id = new_id()
    message = Message(new_id(), "user", (Text("Go on for ever"),), time.time())
    await house.turns.start(OWNER, conversation_id, message)
    await first_words(house, conversation_id)
    assert await busy(llama) == 1
    started = time.monotonic()
    await house.assistant.stop(OWNER, conversation_id)
    await ended(house, conversation_id)
    assert time.monotonic() - started < 2.0  # a tenth of it on an idle machine
    assert await freed(llama) < 0.5
    reply = (await house.assistant.open(OWNER, conversation_id)).messages[-1]
    assert reply.status == "stopped"
    assert reply.text
    assert ("round and " * 4_000).startswith(reply.text)


async def first_words(house: House, conversation_id: str) -> None:
    """Waits until a reply has begun to stream."""
    async with asyncio.timeout(20):
        async for events in house.turns.follow(OWNER, conversation_id):
            if any(isinstance(event, TextDelta) for event in events):
                return


async def ended(house: House, conversation_id: str) -> None:
    """Waits until the newest reply is no longer being written."""
    async with asyncio.timeout(20):
        while True:
            shown = (await house.assistant.open(OWNER, conversation_id)).messages
            if shown and shown[-1].role == "assistant" and shown[-1].status != "running":
                return
            await asyncio.sleep(0.02)
