"""What lets a browser install the page as an app of its own.

There is no service worker: browsers install without one, and nothing of a conversation is kept in their
caches.
"""

from fastapi import APIRouter
from fastapi.responses import JSONResponse

from components.files import StaticFiles
from components.theme import LIGHT

_ICONS = (
    ("mark.svg", "any", "image/svg+xml", "any"),
    ("icon-192.png", "192x192", "image/png", "any"),
    ("icon-512.png", "512x512", "image/png", "any"),
    ("icon-maskable.png", "512x512", "image/png", "maskable"),
)


def install_routes(static: StaticFiles) -> APIRouter:
    """At the address that Gradio's page names; this route comes before Gradio's own."""
    router = APIRouter()
    icons = [
        {"src": static.url(name), "sizes": sizes, "type": kind, "purpose": purpose}
        for name, sizes, kind, purpose in _ICONS
    ]
    told = {
        "id": "/",
        "name": "Parley",
        "short_name": "Parley",
        "description": "An assistant that talks, sees, listens and remembers.",
        "start_url": "/",
        "scope": "/",
        "display": "standalone",
        "background_color": LIGHT,
        "theme_color": LIGHT,
        "icons": icons,
    }

    @router.get("/manifest.json", include_in_schema=False)
    async def manifest() -> JSONResponse:
        return JSONResponse(told, media_type="application/manifest+json")

    return router
