"""Several providers at once: who does what, and with whose key."""

from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack
from dataclasses import replace

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from inference.backend import ChatRequest, Errand, ModelUnavailable, TextChunk
from inference.connection import Connection
from inference.ledger import Ledger
from inference.models import ModelFacts, sees
from inference.openai_backend import OpenAIBackend
from inference.provider import Provider, load_providers
from inference.switchboard import Line, Switchboard
from messages import Media, Pick
from tests.conftest import said
from tests.scripted_server import ScriptedServer

PROVIDERS = load_providers()
ERRAND = Errand("a-visitor", "c", "t", "answer")


@pytest.fixture
def servers() -> Iterator[list[ScriptedServer]]:
    with ExitStack() as stack:
        yield [stack.enter_context(ScriptedServer()) for _ in range(3)]


@pytest.fixture
async def board(engine: AsyncEngine) -> AsyncIterator[Switchboard]:
    ledger = Ledger(engine)

    def dial(provider: Provider, key: str) -> OpenAIBackend:
        return OpenAIBackend(provider, key, ledger)

    opened = Switchboard(dial)
    yield opened
    await opened.aclose()


def at(name: str, server: ScriptedServer | None = None, key: str = "a-key") -> Connection:
    facts = PROVIDERS[name]
    return Connection(replace(facts, base_url=server.base_url) if server else facts, key)


def _nothing(_: Media) -> bytes:
    raise AssertionError


async def reply(line: Line, model: str) -> str:
    request = ChatRequest(model, "", [said("Hello")], _nothing, 100)
    chunks = [chunk async for chunk in line.backend.chat(request, ERRAND)]
    return "".join(chunk.text for chunk in chunks if isinstance(chunk, TextChunk))


async def test_each_provider_gets_its_own_key_and_no_other(
    board: Switchboard, servers: list[ScriptedServer]
) -> None:
    names = ("oxlo", "groq", "ollama")
    for name, server in zip(names, servers, strict=True):
        server.says(f"from {name}")
        await board.add(at(name, server, f"key-of-{name}"))
    for name in reversed(names):
        assert await reply(board.line(name), "m") == f"from {name}"
    for name, server in zip(names, servers, strict=True):
        assert [hit.headers["authorization"] for hit in server.hits] == [f"Bearer key-of-{name}"]


async def test_the_first_line_does_what_it_can_and_a_free_one_the_rest(
    board: Switchboard, servers: list[ScriptedServer]
) -> None:
    await board.add(at("openrouter"))
    await board.add(at("groq"))  # hears and speaks, but bills
    await board.add(at("kokoro"))
    await board.add(at("offline", servers[0]))
    names = [board.for_sense(task).provider.name for task in ("chat", "transcription", "speech")]
    assert names == ["openrouter", "offline", "kokoro"]


async def test_another_provider_may_be_told_to_hear_and_speak(board: Switchboard) -> None:
    await board.add(at("oxlo"))
    await board.add(at("groq"))
    assert board.for_sense("transcription").provider.name == "oxlo"
    board.use("transcription", "groq")
    assert board.for_sense("transcription").provider.name == "groq"
    assert board.for_sense("speech").provider.name == "oxlo"
    with pytest.raises(ModelUnavailable, match="together is not connected"):
        board.use("speech", "together")


async def test_what_an_owner_picks_stands_before_all_else_for_that_owner_alone(
    board: Switchboard,
) -> None:
    await board.add(at("oxlo"))
    await board.add(at("groq"))
    mine = board.of(
        "me",
        (
            Pick("speech", "groq", "canopylabs/orpheus-v1-english"),
            Pick("images", "oxlo", "kimi-k2.6"),
            Pick("transcription", "together", "whisper"),  # not connected (any more)
        ),
    )
    speaks, hears = mine.for_sense("speech"), mine.for_sense("transcription")
    assert (speaks.provider.name, speaks.model_for("speech")) == (
        "groq",
        "canopylabs/orpheus-v1-english",
    )
    assert (hears.provider.name, mine.line("oxlo").provider.vision) == ("oxlo", "kimi-k2.6")
    assert board.for_sense("speech").provider.name == board.of("you").lines()[0].provider.name
    assert board.line("oxlo").provider.vision != "kimi-k2.6"


async def test_what_draws_is_offered_apart_and_only_as_the_plan_has_it(board: Switchboard) -> None:
    await board.add(at("oxlo"))
    assert {offer.model for offer in board.brushes()} >= {"stable-diffusion-1.5"}
    assert "oxlo-image-pro" not in {offer.model for offer in board.brushes()}
    assert not {o.model for o in board.offers()} & {o.model for o in board.brushes()}


async def test_where_nobody_can_it_is_the_first_line_that_says_so(board: Switchboard) -> None:
    with pytest.raises(ModelUnavailable):
        board.for_sense("chat")
    await board.add(at("openrouter"))
    assert board.for_sense("speech").provider.name == "openrouter"


async def test_a_server_that_only_speaks_never_answers_a_chat(board: Switchboard) -> None:
    line = await board.add(at("kokoro"))
    assert (line.model_for("chat"), line.model_for("speech")) == ("", "kokoro")
    assert [offer.senses for offer in board.offers()] == [("speech",), ("speech",)]


async def test_a_pin_to_a_provider_that_is_gone_says_what_to_do(board: Switchboard) -> None:
    assert not board.has("ollama")
    with pytest.raises(ModelUnavailable) as caught:
        board.line("ollama")
    assert (caught.value.message, caught.value.advice) == (
        "ollama is not connected.", "Choose another model.",
    )  # fmt: skip


async def test_only_what_the_plan_has_is_offered_the_usual_ones_first(board: Switchboard) -> None:
    await board.add(at("oxlo"))
    offers = board.offers()
    assert [offer.model for offer in offers[:2]] == ["deepseek-v3.2", "gemma-3-4b"]
    assert offers[1].senses == ("chat", "images")
    assert "llama-3.3-70b" not in {offer.model for offer in offers}
    assert {o.model for o in offers if o.senses == ("transcription",)} >= {"whisper-medium"}
    assert not [o for o in offers if "embedding" in o.senses]
    assert {(offer.provider, offer.label) for offer in offers} == {("oxlo", "Oxlo.ai")}


async def test_what_a_server_offers_is_shown_with_what_sets_it_apart(board: Switchboard) -> None:
    models = (
        ModelFacts("/home/a/tiny.gguf"),
        ModelFacts(
            "big", "Big One", sees=True, window=131072, reasons=True, price_in=0.25, price_out=2.0
        ),
        ModelFacts("my-gemma3", window=1_000_000, tools=False, price_in=0.0, price_out=0.0),
    )
    await board.add(at("custom", key="k"), models)
    shown = {offer.model: (offer.senses, offer.note) for offer in board.offers()}
    assert shown["big"] == (
        ("chat", "images"),
        "128K tokens · reasons · $0.25 in, $2 out a million tokens",
    )
    titles = {offer.model: offer.title for offer in board.offers()}
    assert titles == {"big": "Big One", "my-gemma3": "my-gemma3", "/home/a/tiny.gguf": "tiny"}
    assert shown["my-gemma3"] == (("chat", "images"), "1M tokens · no tools · free")


async def test_what_is_heard_later_reaches_the_backend_too(board: Switchboard) -> None:
    await board.add(at("vllm"))
    assert board.line("vllm").model_for("chat") == ""
    board.learn("vllm", [ModelFacts("Qwen/Qwen3-8B", sees=True)])
    line = board.line("vllm")
    assert line.model_for("chat") == "Qwen/Qwen3-8B"
    assert sees(line.backend.provider, "Qwen/Qwen3-8B")


async def test_one_server_has_one_line_however_it_is_named(
    board: Switchboard, servers: list[ScriptedServer]
) -> None:
    mine = await board.add(at("custom", servers[0]))
    found = at("ollama", servers[0])
    by_name = replace(
        found.provider, base_url=servers[0].base_url.replace("127.0.0.1", "localhost")
    )
    assert await board.add(replace(found, provider=by_name)) is mine
    assert [line.provider.name for line in board.lines()] == ["custom"]


async def test_a_replaced_line_still_ends_its_reply(
    board: Switchboard, servers: list[ScriptedServer]
) -> None:
    servers[0].says("still ", "here", delay_s=0.05)
    before = await board.add(at("groq", servers[0], "old-key"))
    request = ChatRequest("m", "", [said("Hello")], _nothing, 100)
    stream = before.backend.chat(request, ERRAND)
    words = [await anext(stream)]
    await board.add(at("groq", servers[1], "new-key"))
    words += [chunk async for chunk in stream]
    assert [w.text for w in words if isinstance(w, TextChunk)] == ["still ", "here"]
    await reply(board.line("groq"), "m")
    assert servers[1].hits[0].headers["authorization"] == "Bearer new-key"


async def test_no_key_is_seen_in_what_a_line_looks_like(board: Switchboard) -> None:
    line = await board.add(at("groq", key="a-secret-key"))
    assert "a-secret-key" not in repr(line)
    assert line.connection.key == "a-secret-key"
