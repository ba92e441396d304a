"""What the page asks about its visitor, and what they had before they logged in."""

from collections.abc import Callable

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

from assistant import Assistant, Refused
from components.identity import who
from components.words import explained


def account_routes(assistant: Assistant, changed: Callable[[str], None]) -> APIRouter:
    """`changed` is told an owner who has more than before."""
    router = APIRouter()

    @router.get("/parley/me", include_in_schema=False)
    async def me(request: Request) -> dict[str, object]:
        found = who(request)
        return {
            "name": found.session.name if found.session else "",
            "session": found.session is not None,
            "guest": found.guest,
            "operator": found.operator,
            "before": len(await assistant.conversations(found.before)) if found.before else 0,
        }

    @router.post("/parley/me/before", include_in_schema=False)
    async def bring(request: Request) -> JSONResponse:
        """Theirs from now on is what they had in this very browser, which its signed cookie says."""
        found = who(request)
        try:
            if found.before:
                await assistant.take_over(found.owner, found.before)
        except Refused as refused:
            return JSONResponse(explained(refused.message, refused.advice), 409)
        changed(found.owner)
        return JSONResponse({"message": "", "advice": ""})

    return router
