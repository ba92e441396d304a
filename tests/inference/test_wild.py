"""The exact bytes of servers, played by a real one and read by the whole backend."""

from dataclasses import replace

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from inference.backend import (
    BackendError,
    BadReply,
    CallChunk,
    Chunk,
    ContextTooLong,
    FinishedChunk,
    Interrupted,
    ProviderDown,
    RateLimited,
    ReasoningChunk,
    TextChunk,
    ToolSpec,
)
from tests.inference.asking import ERRAND, outcomes, question
from tests.inference.conftest import Open
from tests.inference.wild import End, Wild
from tests.inference.wild_calls import CALLS
from tests.inference.wild_streams import BROKEN, FRAMES, THOUGHTS
from tests.scripted_server import ScriptedServer

ENDS: dict[End, type[BackendError]] = {
    "interrupted": Interrupted,
    "bad": BadReply,
    "down": ProviderDown,
    "limited": RateLimited,
    "long": ContextTooLong,
}
TOOLS = (
    ToolSpec("add", "A sum.", {"type": "object", "properties": {"a": {"type": "integer"}}}),
    ToolSpec("clock", "The time.", {"type": "object", "properties": {}}),
)
ALL = (*CALLS, *FRAMES, *BROKEN, *THOUGHTS)


@pytest.mark.parametrize("size", [0, 5], ids=["at once", "in pieces"])
@pytest.mark.parametrize("wild", ALL, ids=lambda wild: wild.who)
async def test_what_servers_send_is_understood(
    model: ScriptedServer, backend: Open, engine: AsyncEngine, wild: Wild, size: int
) -> None:
    step = size or max(1, len(wild.sent))
    pieces = [wild.sent[start : start + step] for start in range(0, len(wild.sent), step)]
    model.raw(*pieces, content_type=wild.kind, cut=wild.cut)
    chunks: list[Chunk] = []
    failed: BackendError | None = None
    try:
        async for chunk in backend().chat(question(tools=TOOLS), ERRAND):
            chunks.append(chunk)
    except BackendError as error:
        failed = error
    assert read(wild, chunks) == replace(wild, finish=wild.finish or _usual(wild))
    assert isinstance(failed, ENDS[wild.fails]) if wild.fails else failed is None
    assert wild.says in f"{failed.message} {failed.advice}" if failed else True
    assert len(model.requests) == len(await outcomes(engine)) == 1


def read(wild: Wild, chunks: list[Chunk]) -> Wild:
    """What was understood, as a Wild that says so."""
    ends = [c for c in chunks if isinstance(c, FinishedChunk)]
    assert ends == chunks[-1:] or wild.fails
    return replace(
        wild,
        text="".join(c.text for c in chunks if isinstance(c, TextChunk)),
        thoughts="".join(c.text for c in chunks if isinstance(c, ReasoningChunk)),
        calls=tuple((c.call.name, c.call.arguments) for c in chunks if isinstance(c, CallChunk)),
        finish=ends[0].finish if ends else "",
        tokens=(ends[0].prompt_tokens, ends[0].completion_tokens) if ends else (0, 0),
    )


def _usual(wild: Wild) -> str:
    return "" if wild.fails else "tool_calls" if wild.calls else "stop"
