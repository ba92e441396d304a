"""The route by which a reply is read out on demand: what changes in it, line by line, as it comes."""

import json
from collections.abc import AsyncIterator, Mapping
from typing import Annotated

from fastapi import APIRouter, Path, Request
from fastapi.responses import StreamingResponse

from assistant import Assistant, Refused
from components.render import draw
from components.words import explained
from messages import Message

_CHANGING = ("spoken", "foot")
_Id = Annotated[str, Path(pattern="^[0-9a-f]{32}$")]


def aloud_routes(assistant: Assistant) -> APIRouter:
    router = APIRouter()

    @router.post("/parley/aloud/{conversation}/{reply}", include_in_schema=False)
    async def read_out(request: Request, conversation: _Id, reply: _Id) -> StreamingResponse:
        """JSON lines: changes as those of a turn, and in the end what went wrong, if anything did."""
        state = request.state
        recitals = assistant.at(state.owner, conversation).recitals
        messages = recitals.follow(state.owner, conversation, reply, state.pool)
        held = {"cache-control": "no-store", "x-accel-buffering": "no"}
        return StreamingResponse(_lines(messages), media_type="application/x-ndjson", headers=held)

    return router


async def _lines(messages: AsyncIterator[Message]) -> AsyncIterator[str]:
    before = ""
    try:
        async for message in messages:
            if (line := _change(message)) != before:
                before = line
                yield line
    except Refused as refused:
        yield _line(explained(refused.message, refused.advice))


def _change(message: Message) -> str:
    pieces = draw(message)
    changed = {piece.key: piece.html for piece in pieces if piece.key in _CHANGING}
    return _line({"id": message.id, "set": changed, "keys": [piece.key for piece in pieces]})


def _line(frame: Mapping[str, object]) -> str:
    return json.dumps(frame, separators=(",", ":")) + "\n"
