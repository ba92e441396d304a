"""The bytes of the page: its own styles and scripts, and the files of its visitor."""

import hashlib
import mimetypes
import re
from pathlib import Path
from urllib.parse import unquote

from fastapi import APIRouter, Request
from fastapi.responses import FileResponse, JSONResponse, Response

from assistant import Assistant, NotFound, Refused, tokens_of
from components.identity import who
from components.live import CONVERSATION_ID
from components.render import as_pictures, length_of, media_url
from components.words import explained, say
from messages import Audio, Document, Image

STATIC = Path(__file__).parent / "static"
_INLINE = ("image/png", "image/jpeg", "image/gif", "image/webp", "audio/")
_RANGE = re.compile(r"bytes=(\d{1,12})-(\d{0,12})")
_SEALED = {"content-security-policy": "default-src 'none'", "x-content-type-options": "nosniff"}


class StaticFiles:
    """The files beside this module, read once. `version` is in their address and changes with them."""

    def __init__(self, folder: Path = STATIC) -> None:
        self.files = {path.name: path.read_bytes() for path in sorted(folder.iterdir())}
        whole = hashlib.sha256()
        for name, data in self.files.items():
            whole.update(name.encode() + b"\0" + data)
        self.version = whole.hexdigest()[:12]

    @property
    def scripts(self) -> list[str]:
        return [data.decode() for name, data in self.files.items() if name.endswith(".js")]

    def url(self, name: str) -> str:
        return f"/parley/static/{self.version}/{name}"


def static_routes(static: StaticFiles) -> APIRouter:
    router = APIRouter()

    @router.get("/parley/static/{version}/{name}", include_in_schema=False)
    async def read(version: str, name: str) -> Response:
        data = static.files.get(name)
        if data is None:
            return Response(status_code=404)
        kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
        kind = "text/javascript" if name.endswith(".js") else kind
        lasting = "public, max-age=31536000, immutable"
        held = {"cache-control": lasting if version == static.version else "no-store"}
        return Response(data, media_type=kind, headers=held)

    return router


def media_routes(assistant: Assistant) -> APIRouter:
    """Uploads and the way back. Whoever asks gets only what is theirs."""
    router = APIRouter()

    @router.post("/parley/media", include_in_schema=False)
    async def attach(request: Request) -> JSONResponse:
        if who(request).guest:
            return _refusal(
                403, "Without a cookie Parley keeps no files.", "Open it in its own tab."
            )
        data = await request.body()  # the gate lets none in that is too large
        name = unquote(request.headers.get("x-file-name", ""))[:200]
        owner, here = request.state.owner, _conversation(request)
        try:
            kept = await assistant.at(owner, here).attach(owner, data, name, request.state.pool)
        except Refused as refused:
            return _refusal(422, refused.message, refused.advice)
        told = _described(kept)
        if isinstance(kept, Audio):
            told["rough"] = await assistant.dictation.is_rough(owner, "")
            told["requests"] = int((await assistant.senses(owner)).hearing_counts)
        return JSONResponse(told, status_code=201)

    @router.get("/parley/media/{sha256}", include_in_schema=False)
    async def read(request: Request, sha256: str) -> Response:
        owner = request.state.owner
        try:
            media, path = await assistant.media(owner, sha256)
        except NotFound:
            return await _of_temporary_chat(assistant, request, sha256)
        inline = media.mime.startswith(_INLINE)
        return FileResponse(
            path,
            media_type=media.mime if inline else "application/octet-stream",
            filename=media.name or sha256[:12],
            content_disposition_type="inline" if inline else "attachment",
            headers={**_SEALED, "cache-control": "private, max-age=3600", "vary": "cookie"},
        )

    return router


def _conversation(request: Request) -> str:
    """For which the file is; "" where that is not said."""
    named = request.headers.get("x-conversation", "")
    return named if CONVERSATION_ID.fullmatch(named) else ""


async def _of_temporary_chat(assistant: Assistant, request: Request, sha256: str) -> Response:
    """What was attached, drawn or spoken there; no browser keeps it either."""
    try:
        media, data = await assistant.temporary_media(request.state.owner, sha256)
    except NotFound as missing:
        return _refusal(404, missing.message, missing.advice)
    inline = media.mime.startswith(_INLINE)
    headers = {**_SEALED, "cache-control": "no-store", "accept-ranges": "bytes"}
    if not inline:
        headers["content-disposition"] = "attachment"
    status = 200
    # Some players take nothing but parts.
    if asked := _RANGE.fullmatch(request.headers.get("range", "")):
        first, last = int(asked[1]), min(int(asked[2] or len(data)), len(data) - 1)
        if first <= last:
            headers["content-range"] = f"bytes {first}-{last}/{len(data)}"
            data, status = data[first : last + 1], 206
    mime = media.mime if inline else "application/octet-stream"
    return Response(data, status, headers, mime)


def _described(kept: Image | Audio | Document) -> dict[str, object]:
    media = kept.media
    told: dict[str, object] = {
        "sha256": media.sha256,
        "kind": kept.kind,
        "mime": media.mime,
        "name": media.name,
        "url": media_url(media.sha256),
    }
    if isinstance(kept, Image):
        note = say("first frame only") if "(first frame)" in media.name else ""
        shape = {"width": kept.width, "height": kept.height}
        return {**told, **shape, "note": note, "tokens": tokens_of(kept)}
    if isinstance(kept, Document):
        note = as_pictures(kept)
        return {**told, "length": length_of(kept), "tokens": kept.tokens, "note": note}
    return {**told, "seconds": kept.seconds}


def _refusal(status: int, message: str, advice: str) -> JSONResponse:
    return JSONResponse(explained(message, advice), status_code=status)
