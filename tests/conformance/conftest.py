"""Backends as Parley builds them, a real ledger, and servers that nobody here wrote."""

import importlib.util
import itertools
import json
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from inference.backend import (
    ChatRequest,
    Chunk,
    Errand,
    JsonAnswer,
    ReasoningChunk,
    TextChunk,
    ToolSpec,
)
from inference.ledger import MIGRATIONS, Ledger
from inference.openai_backend import OpenAIBackend
from inference.provider import Provider, load_providers
from inference.transport import Deadlines
from memory.database import open_database
from messages import Media, Message, Part, Text
from tests.conformance.aimock_answers import FIXTURES
from tests.conformance.by_heart import TEXTS
from tests.conformance.serving import Serving

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
AIMOCK = ROOT / ".venv" / "aimock" / "node_modules" / "@copilotkit" / "aimock"
KEY = "a-key-like-no-other"
ERRAND = Errand("ann", "c1", "t1", "answer")

ZONES: dict[str, object] = {
    "type": "object",
    "properties": {"zone": {"type": "string"}},
    "required": ["zone"],
}
TERMS: dict[str, object] = {"type": "object", "properties": {"expression": {"type": "string"}}}
CLOCK = ToolSpec("clock", "The time in a zone.", ZONES)
SUM = ToolSpec("calculate", "Arithmetic.", TERMS)

Open = Callable[..., OpenAIBackend]
StartLlama = Callable[..., AbstractContextManager[Serving]]


# ── llama.cpp ───────────────────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="session")
def by_heart(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with model.gguf, which knows TEXTS by heart, and projector.gguf, its eyes."""
    if not (importlib.util.find_spec("xllamacpp") and importlib.util.find_spec("gguf")):
        pytest.skip("the wheels xllamacpp and gguf are not there (requirements-dev.txt)")
    from tests.conformance.tiny_model import write_model
    from tests.conformance.tiny_projector import write_projector

    folder = tmp_path_factory.mktemp("llamacpp")
    width = write_model(folder / "model.gguf", TEXTS)
    write_projector(folder / "projector.gguf", width)
    return folder


@pytest.fixture(scope="session")
def start_llama(by_heart: Path) -> StartLlama:
    """Starts llama.cpp's server; keywords go to its process."""
    logs = itertools.count()

    def start(**wanted: object) -> Serving:
        told = json.dumps({"model": str(by_heart / "model.gguf"), **wanted})
        command = [sys.executable, str(HERE / "llamacpp_process.py"), told]
        return Serving(command, by_heart / f"server-{next(logs)}.log")

    return start


@pytest.fixture(scope="session")
def llama(start_llama: StartLlama) -> Iterator[Serving]:
    with start_llama() as server:
        yield server


# ── aimock ──────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="session")
def aimock(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    """aimock with the answers of FIXTURES; it takes KEY and no other key."""
    node = shutil.which("node")
    if not node:
        pytest.skip("aimock needs Node 20, and there is no node here")
    if not AIMOCK.exists():
        pytest.skip("aimock is not installed (make conformance)")
    if int(_asked(node, "-p", "process.versions.node").split(".")[0]) < 20:
        pytest.skip("aimock needs Node 20")
    folder = tmp_path_factory.mktemp("aimock")
    fixtures = folder / "fixtures.json"
    fixtures.write_text(json.dumps({"fixtures": FIXTURES}))
    command = [node, str(AIMOCK / "dist" / "cli.js"), "-p", "0", "-f", str(fixtures)]
    with Serving(command, folder / "server.log", {"AIMOCK_API_KEYS": KEY}) as server:
        yield server


def journal(server: Serving, words: str = "") -> list[dict[str, Any]]:
    """The requests aimock had so far, or those whose last message holds `words`, oldest first."""
    entries = server.get("/__aimock/journal", authorization=f"Bearer {KEY}")
    return [e for e in entries if not words or words in json.dumps(_last_said(e))]


def _last_said(entry: dict[str, Any]) -> object:
    messages = (entry["body"] or {}).get("messages") or [None]
    return messages[-1]


def _asked(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


# ── our side ────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
async def engine(tmp_path: Path) -> AsyncIterator[AsyncEngine]:
    opened = await open_database(f"sqlite+aiosqlite:///{tmp_path / 'parley.db'}", MIGRATIONS)
    yield opened
    await opened.dispose()


@pytest.fixture
async def backend(engine: AsyncEngine) -> AsyncIterator[Open]:
    """Opens a backend on a server, with the facts of a provider; closed at the end of the test."""
    opened: list[OpenAIBackend] = []

    def open_(
        server: Serving,
        provider: str = "llamacpp",
        key: str = KEY,
        deadlines: Deadlines | None = None,
    ) -> OpenAIBackend:
        facts = at(server, provider)
        opened.append(OpenAIBackend(facts, key, Ledger(engine), deadlines))
        return opened[-1]

    yield open_
    for one in opened:
        await one.aclose()


def at(server: Serving, provider: str = "llamacpp") -> Provider:
    """A provider's facts, with the address of a server that stands for it."""
    return replace(load_providers()[provider], base_url=server.base_url)


def said(*parts: Part | str) -> Message:
    whole = tuple(Text(p) if isinstance(p, str) else p for p in parts)
    return Message("m1", "user", whole, 0.0)


def asking(
    *messages: Message | str,
    tools: tuple[ToolSpec, ...] = (),
    json: JsonAnswer | None = None,
    max_tokens: int = 500,
    images: dict[str, bytes] | None = None,
) -> ChatRequest:
    """A request with these messages; a bare str is what the user says. `images` by their sha256."""

    def read(media: Media) -> bytes:
        return (images or {})[media.sha256]

    whole = [said(m) if isinstance(m, str) else m for m in messages]
    return ChatRequest("default", "Be brief.", whole, read, max_tokens, tools, json)


async def ask(backend: OpenAIBackend, request: ChatRequest) -> list[Chunk]:
    return [chunk async for chunk in backend.chat(request, ERRAND)]


def words(chunks: Sequence[Chunk]) -> str:
    return "".join(c.text for c in chunks if isinstance(c, TextChunk))


def thoughts(chunks: Sequence[Chunk]) -> str:
    return "".join(c.text for c in chunks if isinstance(c, ReasoningChunk))


async def entries(engine: AsyncEngine) -> list[tuple[str, int, int]]:
    """The ledger's entries: outcome, prompt tokens, completion tokens."""
    asked = "SELECT outcome, prompt_tokens, completion_tokens FROM ledger_entries ORDER BY id"
    async with engine.connect() as connection:
        return [(row[0], row[1], row[2]) for row in await connection.execute(sa.text(asked))]
