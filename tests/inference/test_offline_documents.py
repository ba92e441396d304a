"""What the offline engine answers from attached documents: it quotes, with the page, and says so."""

import asyncio
from collections.abc import AsyncIterator, Iterator

import openai
import pytest

from inference.offline.engine import OfflineEngine
from tests.inference.test_offline_chat import words

FRUIT = """The document between the marks below was attached as a file.
<document name="fruit &amp; nuts.pdf" pages="3">
<page n="1">
Pears ripen in August. They keep until Christmas.
</page>
<page n="2">
Plums ripen in July. Pick them in the morning, when it is cool.
</page>
<page n="3">
Quinces ripen in October; the harvest of 2025 was 4,200 kg.
</page>
</document>"""
RECALLED = """You are Parley.
<recalled>
[2026-11-20 · user · Boiler] My boiler was serviced by Mr Green.
[boiler manual.pdf · p. 2] Error E17 means that the flame sensor is dirty: clean it with a dry cloth.
[boiler manual.pdf · p. 5] Error E18 means that the water pressure is below one bar.
</recalled>"""
ONLY = "I only quote what stands in your documents."


@pytest.fixture(scope="module")
def engine() -> Iterator[OfflineEngine]:
    engine = OfflineEngine()
    asyncio.run(engine.start())
    yield engine
    asyncio.run(engine.stop())


@pytest.fixture
async def client(engine: OfflineEngine) -> AsyncIterator[openai.AsyncOpenAI]:
    async with openai.AsyncOpenAI(base_url=engine.base_url, api_key=engine.key) as client:
        yield client


async def test_the_place_that_tells_it_is_quoted_with_its_page(client: openai.AsyncOpenAI) -> None:
    told = await words(client, f"{FRUIT}\n\nWhen do plums ripen?")
    assert ONLY in told
    assert "> Plums ripen in July." in told
    assert "— fruit & nuts.pdf, p. 2" in told
    assert "Pears" not in told


async def test_a_document_of_an_earlier_message_is_asked_in_later_ones(
    client: openai.AsyncOpenAI,
) -> None:
    earlier = (
        {"role": "user", "content": f"{FRUIT}\n\nHere."},
        {"role": "assistant", "content": "Thank you."},
    )
    assert "p. 3" in await words(client, "How great was the harvest of 2025?", *earlier)
    assert ONLY not in await words(client, "I like plums that ripen early.", *earlier)
    assert ONLY not in await words(client, "Who won the chess championship?", *earlier)


async def test_passages_that_came_along_are_quoted_and_memories_stay_memories(
    client: openai.AsyncOpenAI,
) -> None:
    system = {"role": "system", "content": RECALLED}
    told = await words(client, "What does error E17 mean?", system)
    assert "flame sensor is dirty" in told
    assert "boiler manual.pdf, p. 2" in told
    assert "E18" not in told
    told = await words(client, "What did I say about the boiler?", system)
    assert "serviced by Mr Green" in told
    assert "E17" not in told


async def test_who_attaches_a_document_and_asks_for_more_is_told_what_can_be_done(
    client: openai.AsyncOpenAI,
) -> None:
    told = await words(client, f"{FRUIT}\n\nSummarise it, please.")
    assert ONLY in told
    assert "“fruit & nuts.pdf”" in told
    stub = "[document chronicle.pdf, 400 pages: the best passages are quoted in the context]"
    assert "“chronicle.pdf”" in await words(
        client, f"{stub}\n\nSummarise it.", {"role": "system", "content": RECALLED}
    )
