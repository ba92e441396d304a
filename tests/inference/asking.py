"""How the wire's tests ask, and what they look at afterwards."""

from dataclasses import replace

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from inference.backend import (
    BackendError,
    ChatRequest,
    Chunk,
    Errand,
    JsonAnswer,
    RetryChunk,
    TextChunk,
    ToolSpec,
)
from inference.openai_backend import OpenAIBackend
from messages import Media, Message, Text

ERRAND = Errand("ann", "c1", "t1", "answer")
CLOCK = ToolSpec("clock", "The time.", {"type": "object", "properties": {}})


def question(
    *messages: Message, tools: tuple[ToolSpec, ...] = (), json: JsonAnswer | None = None
) -> ChatRequest:
    def read(media: Media) -> bytes:
        return b"\x89PNG"

    said = messages or (Message("m1", "user", (Text("Hi"),), 0.0),)
    return ChatRequest("big", "Be brief.", said, read, 500, tools, json)


async def ask(
    backend: OpenAIBackend, request: ChatRequest | None = None, model: str = "big"
) -> list[Chunk]:
    request = replace(request or question(), model=model)
    return [chunk async for chunk in backend.chat(request, ERRAND)]


async def ask_and_fail(
    backend: OpenAIBackend, request: ChatRequest | None = None
) -> tuple[list[Chunk], BackendError]:
    chunks: list[Chunk] = []
    with pytest.raises(BackendError) as caught:
        async for chunk in backend.chat(request or question(), ERRAND):
            chunks.append(chunk)
    return chunks, caught.value


async def outcomes(engine: AsyncEngine) -> list[str]:
    asked = "SELECT outcome FROM ledger_entries ORDER BY id"
    async with engine.connect() as connection:
        return [row[0] for row in await connection.execute(sa.text(asked))]


def text(chunks: list[Chunk]) -> str:
    return "".join(c.text for c in chunks if isinstance(c, TextChunk))


def retries(chunks: list[Chunk]) -> list[RetryChunk]:
    return [c for c in chunks if isinstance(c, RetryChunk)]
