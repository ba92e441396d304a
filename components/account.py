"""What the page asks about its visitor."""

from fastapi import APIRouter, Request

from components.identity import who


def account_routes() -> APIRouter:
    router = APIRouter()

    @router.get("/parley/me", include_in_schema=False)
    async def me(request: Request) -> dict[str, object]:
        found = who(request)
        return {
            "name": found.session.name if found.session else "",
            "session": found.session is not None,
            "guest": found.guest,
            "operator": found.operator,
        }

    return router
