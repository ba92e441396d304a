"""Memories as a file: taken along, and brought back."""

from collections.abc import Callable

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response

from assistant import Assistant, Refused
from components.words import explained

_HEADERS = {
    "content-disposition": 'attachment; filename="parley-memories.json"',
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
}


def memory_routes(assistant: Assistant, changed: Callable[[str], None]) -> APIRouter:
    """`changed` is told the owner when memories came."""
    router = APIRouter()

    @router.get("/parley/memories.json", include_in_schema=False)
    async def export(request: Request) -> Response:
        data = await assistant.memory.export(request.state.owner)
        return Response(data, media_type="application/json", headers=_HEADERS)

    @router.post("/parley/memories", include_in_schema=False)
    async def bring_back(request: Request) -> JSONResponse:
        owner: str = request.state.owner
        try:
            added = await assistant.memory.bring_back(owner, await request.body())
        except Refused as refused:
            return JSONResponse(explained(refused.message, refused.advice), status_code=422)
        changed(owner)
        return JSONResponse({"added": added})

    return router
