"""No code path reaches a provider without the ledger: by the source, and by counting at the server."""

import ast
import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from inference.backend import BackendError, ChatRequest, Errand, Speech
from inference.connection import Connection
from inference.discovery import Catalogue
from inference.drawing import Wanted
from inference.ledger import Ledger
from inference.openai_backend import OpenAIBackend
from inference.provider import Quirks
from messages import Media, Message, Purpose, Text
from tests.inference.conftest import KEY, Open
from tests.scripted_server import ScriptedServer, tone

ROOT = Path(__file__).parents[2]
ROOMS = ("inference", "memory", "components")
SOURCES = [*ROOT.glob("*.py"), *(path for room in ROOMS for path in (ROOT / room).rglob("*.py"))]
CLIENTS = {
    f"{way}{name}" for way in ("Async", "") for name in ("OpenAI", "AzureOpenAI", "Client")
} | {"DefaultAsyncHttpx2Client", "DefaultHttpx2Client", "DefaultAsyncHttpxClient", "ClientSession"}

# Each step from the client to the one who writes the ledger first. A new name here is a new way to
# a provider: it must lead through a function that opens an entry before it sends.
MAKES_A_CLIENT = {
    "transport.open_client",
    "aio_transport.AioTransport._opened",  # its session, for what comes from there alone
    "local_servers._open_client",  # looks for servers of this machine, sends no key, costs nothing
}
TAKES_A_CLIENT = {"openai_backend.OpenAIBackend._ready", "discovery.Asking.open"}
DOORS = {"openai_backend.OpenAIBackend._door", "discovery.Catalogue._ask"}


def functions() -> Iterator[tuple[str, ast.AST]]:
    """Every function of ours by module, class and name; a nested one belongs to its outer one."""
    for path in SOURCES:
        for node in ast.parse(path.read_text()).body:
            inside = [node] if not isinstance(node, ast.ClassDef) else node.body
            of = f"{path.stem}." + (f"{node.name}." if isinstance(node, ast.ClassDef) else "")
            for one in inside:
                yield of + getattr(one, "name", "(body)"), one


def names(node: ast.AST) -> set[str]:
    """What a node mentions: bare names, and attributes with and without what stands before them."""
    found = {n.id for n in ast.walk(node) if isinstance(n, ast.Name)}
    parts = [n for n in ast.walk(node) if isinstance(n, ast.Attribute)]
    return found | {n.attr for n in parts} | {ast.unparse(n) for n in parts}


def who(*mentioned: str, called: bool = False) -> set[str]:
    """The functions that mention one of these, or call something whose last name is one of these."""
    found = set()
    for name, node in functions():
        calls = [n.func for n in ast.walk(node) if isinstance(n, ast.Call)]
        seen = {ast.unparse(c).rpartition(".")[2] for c in calls} if called else names(node)
        if seen & set(mentioned):
            found.add(name)
    return found


def first_line(node: ast.AST, *texts: str) -> int:
    """Where one of these calls, or a yield, first stands in a function."""
    lines = [
        n.lineno
        for n in ast.walk(node)
        if (isinstance(n, ast.Yield) and "yield" in texts)
        or (isinstance(n, ast.Call) and ast.unparse(n.func) in texts)
    ]
    return min(lines)


def test_one_function_makes_the_client_and_two_take_it() -> None:
    assert who(*CLIENTS, called=True) == MAKES_A_CLIENT
    assert who("open_client") == TAKES_A_CLIENT


def test_whoever_gets_the_client_writes_the_ledger_first() -> None:
    assert who("self._ready", "Asking.open") == DOORS
    for name, node in functions():
        if name in DOORS:
            entry = first_line(node, "self._ledger.open")
            assert entry < first_line(node, "yield", "offered"), f"{name} sends before it writes"


def test_nobody_else_touches_the_backends_client() -> None:
    expected = {
        "openai_backend.OpenAIBackend": {"__init__", "_ready", "aclose"},
        "discovery.Asking": {"__init__", "__call__", "aclose"},
    }
    assert who("_client") == {f"{of}.{name}" for of, these in expected.items() for name in these}


def chat() -> ChatRequest:
    def read(media: Media) -> bytes:
        return b""

    said = Message("m1", "user", (Text("Hi"),), 0.0)
    return ChatRequest("big", "Be brief.", (said,), read, 500)


async def talk(backend: OpenAIBackend) -> None:
    try:
        async for _ in backend.chat(chat(), errand("answer")):
            pass
    except BackendError:
        pass


def errand(purpose: Purpose) -> Errand:
    return Errand("ann", "c1", "t1", purpose)


async def rows(engine: AsyncEngine) -> list[str]:
    asked = sa.text("SELECT purpose FROM ledger_entries WHERE outcome != 'unreached' ORDER BY id")
    async with engine.connect() as connection:
        return [row[0] for row in await connection.execute(asked)]


async def test_the_server_sees_as_many_requests_as_the_ledger_whatever_is_asked(
    model: ScriptedServer, backend: Open, engine: AsyncEngine
) -> None:
    opened = backend(quirks=Quirks(stream_options=True))
    await talk(opened)
    model.fails(503).says("after all")  # sent twice
    await talk(opened)
    model.fails(400, {"error": {"message": "Unrecognized parameter: stream_options"}}).says("so")
    await talk(opened)  # sent twice, in another form
    model.fails(401, {"error": {"message": "Incorrect API key"}})
    await talk(opened)
    model.raw(b'data: {"choices":[{"delta":{"content":"Half"}}]}\n\n', cut=True)
    await talk(opened)
    model.says(*["word "] * 50, delay_s=0.05)
    stopped = asyncio.create_task(talk(opened))
    await asyncio.sleep(0.3)
    stopped.cancel()
    await asyncio.gather(stopped, return_exceptions=True)
    await opened.transcribe(Speech(tone(), "audio/wav"), "hearing", errand("transcription"))
    await opened.speak("Hi", "speaking", "calm", errand("speech"))
    await opened.embed(["one"] * 70, "embedding", errand("embedding"))  # two batches
    model.draws(link=f"{model.base_url.removesuffix('/v1')}/picture.png").serves(
        "/picture.png", b"\x89PNG\r\n\x1a\n"
    )
    await opened.draw(Wanted("A house", "painter"), errand("image"), lambda: None)
    catalogue = Catalogue(Ledger(engine))
    await catalogue.offered(Connection(opened.provider, KEY), "ann")
    await talk(backend(base_url="http://127.0.0.1:9/v1"))  # nobody there: no request
    expected = {
        "chat/completions": 8,
        "audio/transcriptions": 1,
        "audio/speech": 1,
        "embeddings": 2,
        "images/generations": 1,
        "/picture.png": 1,  # of the same request
        "models": 1,
    }
    seen = [hit.path.removeprefix("/v1/") for hit in model.hits]
    assert {path: seen.count(path) for path in seen} == expected
    written = await rows(engine)
    assert len(written) == len(model.hits) - 1
    purposes = ("answer", "transcription", "speech", "embedding", "image")
    assert [written.count(p) for p in purposes] == [8, 1, 1, 2, 1]
    assert written.count("models") == 1


async def test_what_the_server_reads_is_on_disk_already(
    model: ScriptedServer, backend: Open, engine: AsyncEngine
) -> None:
    model.hangs(5)
    asking = asyncio.create_task(talk(backend()))
    async with asyncio.timeout(20):
        while not model.hits:
            await asyncio.sleep(0.01)
    assert await rows(engine) == ["answer"]
    asking.cancel()
    await asyncio.gather(asking, return_exceptions=True)


async def test_at_the_end_of_the_budget_no_kind_of_request_leaves(
    model: ScriptedServer, backend: Open
) -> None:
    opened = backend(limits={"custom": 0})
    await talk(opened)
    for asked in (
        opened.transcribe(Speech(tone(), "audio/wav"), "hearing", errand("transcription")),
        opened.speak("Hi", "speaking", "calm", errand("speech")),
        opened.embed(["one"], "embedding", errand("embedding")),
        opened.draw(Wanted("A house", "painter"), errand("image"), lambda: None),
    ):
        with pytest.raises(BackendError, match="All 0 requests"):
            await asked
    assert model.hits == []


async def test_what_the_provider_says_is_left_is_heeded_by_the_next_request(
    model: ScriptedServer, backend: Open, engine: AsyncEngine
) -> None:
    opened = backend(quirks=Quirks(rate_headers="day"))
    told = {
        "x-ratelimit-limit-requests": "1000",
        "x-ratelimit-remaining-requests": "0",
        "x-ratelimit-reset-requests": "3h",
        "retry-after": "7200",
    }
    model.fails(429, {"error": {"message": "Rate limit reached for requests per day"}}, told)
    await talk(opened)
    with pytest.raises(BackendError, match="says that all 1000 requests of today for big"):
        async for _ in opened.chat(chat(), errand("answer")):
            pass
    assert len(model.hits) == 1
