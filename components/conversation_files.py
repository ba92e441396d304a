"""Conversations over HTTP: searched, taken along as files, brought in, and read by whoever has a link."""

import asyncio
import base64
import hashlib
import json
import tempfile
import zipfile
from collections.abc import AsyncIterator, Callable, Mapping
from typing import IO
from urllib.parse import quote

from fastapi import APIRouter, Request
from fastapi.responses import FileResponse, HTMLResponse, JSONResponse, Response, StreamingResponse

from archive import Archive, to_markdown
from assistant import Assistant, NotFound, Refused
from components import reading_page
from components.conversation_search import results
from components.identity import who
from components.live import CONVERSATION_ID
from components.words import explained, language, say, speaking, word
from messages import Media

_LONGEST_NAME = 80
_MOST_QUERY = 4_096
_IN_MEMORY = 4_000_000
"""Bytes of a file that are kept in memory; more goes to a file without a name."""
_CHUNK = 1 << 18
_INLINE = ("image/png", "image/jpeg", "image/gif", "image/webp", "audio/")
_KINDS = {
    "md": "text/markdown; charset=utf-8",
    "json": "application/json",
    "html": "text/html; charset=utf-8",
}
_UNSEEN = {
    "x-robots-tag": "noindex, nofollow",
    "referrer-policy": "no-referrer",
    "cache-control": "no-store",
}
_NOT_HERE = word("This conversation is not shared, or not any more.")


def conversation_routes(assistant: Assistant, changed: Callable[[str], None]) -> APIRouter:
    """`changed` is told the owner when conversations came."""
    router = APIRouter()

    @router.post("/parley/search", include_in_schema=False)
    async def search(request: Request) -> JSONResponse:
        # The words come in the body: addresses are written down on the way, and in histories.
        query = (await request.body())[:_MOST_QUERY].decode("utf-8", "replace")
        found = await assistant.archive.find(request.state.owner, query)
        return JSONResponse({"html": results(found, query)}, headers={"cache-control": "no-store"})

    @router.get("/parley/conversations.zip", include_in_schema=False)
    async def everything(request: Request) -> Response:
        file: IO[bytes] = tempfile.SpooledTemporaryFile(_IN_MEMORY)  # noqa: SIM115
        await _pack(assistant, request.state.owner, file)
        return StreamingResponse(
            _pieces(file),
            media_type="application/zip",
            headers=_saved_as("parley-conversations.zip"),
        )

    @router.get("/parley/conversations/{name}", include_in_schema=False)
    async def export(request: Request, name: str) -> Response:
        owner: str = request.state.owner
        conversation, _, kind = name.partition(".")
        try:
            if kind not in _KINDS or not CONVERSATION_ID.fullmatch(conversation):
                raise NotFound(word("There is nothing here."), word("Open Parley itself."))
            archive = assistant.at(owner, conversation).archive
            about, _ = await archive.whole(owner, conversation)
            data = await _written(archive, owner, conversation, kind)
        except NotFound as missing:
            return _refusal(404, missing)
        headers = _saved_as(f"{file_name(about.title)}.{kind}")
        headers["content-security-policy"] = "default-src 'none'"
        return Response(data, media_type=_KINDS[kind], headers=headers)

    @router.post("/parley/conversations", include_in_schema=False)
    async def bring_in(request: Request) -> Response:
        if who(request).guest:
            return _refusal(
                403,
                Refused(
                    word("Without a cookie Parley keeps no files."), word("Open it in its own tab.")
                ),
            )
        file: IO[bytes] = tempfile.SpooledTemporaryFile(_IN_MEMORY)  # noqa: SIM115
        async for chunk in request.stream():
            file.write(chunk)
        lines = _brought_in(assistant, request.state.owner, file, changed)
        return StreamingResponse(
            lines, media_type="application/x-ndjson", headers={"cache-control": "no-store"}
        )

    return router


def shared_routes(assistant: Assistant) -> APIRouter:
    """For whoever has the link: no cookie, no login, no script."""
    router = APIRouter()

    @router.get("/parley/shared/{token}", include_in_schema=False)
    async def read(token: str) -> Response:
        try:
            found = await assistant.archive.shared(token)
        except NotFound:
            return _nothing()
        html = reading_page.page(
            found.title,
            found.shared_at,
            found.messages,
            lambda media: f"/parley/shared/{token}/{media.sha256}",
            say(
                "Shared by somebody who talked with Parley. It shows what was said until that day."
            ),
        )
        return HTMLResponse(html, headers={**_UNSEEN, "content-security-policy": _reading_policy()})

    @router.get("/parley/shared/{token}/{sha256}", include_in_schema=False)
    async def media(token: str, sha256: str) -> Response:
        try:
            found, path = await assistant.archive.shared_media(token, sha256)
        except NotFound:
            return _nothing()
        inline = found.mime.startswith(_INLINE)
        return FileResponse(
            path,
            media_type=found.mime if inline else "application/octet-stream",
            content_disposition_type="inline" if inline else "attachment",
            headers={**_UNSEEN, "content-security-policy": "default-src 'none'"},
        )

    return router


def _nothing() -> Response:
    """The same for what never was and what is withdrawn."""
    html = (
        f'<!doctype html><html lang="{language()}"><head><meta charset="utf-8">'
        f"<title>{say('Not shared')}</title>"
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<style>{reading_page.style()}</style></head>"
        f'<body><main class="reading"><h1>{say(_NOT_HERE)}</h1></main></body></html>'
    )
    headers = {**_UNSEEN, "content-security-policy": _reading_policy()}
    return HTMLResponse(html, 404, headers)


def _reading_policy() -> str:
    digest = base64.b64encode(hashlib.sha256(reading_page.style().encode()).digest()).decode()
    return (
        f"default-src 'none'; style-src 'sha256-{digest}'; img-src 'self'; media-src 'self'; "
        "base-uri 'none'; form-action 'none'"
    )


async def _written(archive: Archive, owner: str, conversation: str, kind: str) -> bytes:
    if kind == "json":
        return await archive.file(owner, conversation)
    about, said = await archive.whole(owner, conversation)
    if kind == "md":
        return to_markdown(about, said).encode()
    files = await archive.files(owner, said)
    note = "Saved from Parley. Its pictures are in this file."
    with speaking("en"):  # a file may be read by anybody
        page = reading_page.page(about.title, about.created_at, said, _inside(files), note)
    return page.encode()


def _inside(files: Mapping[str, tuple[Media, bytes]]) -> reading_page.Address:
    def address(media: Media) -> str:
        kept, data = files.get(media.sha256, (media, b""))
        if not data or not kept.mime.startswith(_INLINE):
            return ""
        return f"data:{kept.mime};base64,{base64.b64encode(data).decode('ascii')}"

    return address


async def _pack(assistant: Assistant, owner: str, file: IO[bytes]) -> None:
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        number = 0
        async for about, data in assistant.archive.everything(owner):
            number += 1
            name = f"{number:04d} {file_name(about.title)}.json"
            await asyncio.to_thread(archive.writestr, name, data)  # it is compressed meanwhile


async def _pieces(file: IO[bytes]) -> AsyncIterator[bytes]:
    with file:
        file.seek(0)
        while piece := file.read(_CHUNK):
            yield piece


async def _brought_in(
    assistant: Assistant, owner: str, file: IO[bytes], changed: Callable[[str], None]
) -> AsyncIterator[str]:
    """A line of JSON for each step: how far it is, and how it ended."""
    with file:
        try:
            async for done in assistant.archive.bring_in(owner, file):
                counted = {"added": done.added, "known": done.known, "left_out": done.left_out}
                changed(owner)
                yield json.dumps(counted) + "\n"
            yield json.dumps({"done": True}) + "\n"
        except Refused as refused:
            yield json.dumps(explained(refused.message, refused.advice)) + "\n"


def file_name(title: str) -> str:
    """A title as every system takes it for the name of a file."""
    kept = "".join(c if c.isalnum() or c in " -_.,()" else " " for c in title)
    return " ".join(kept.split())[:_LONGEST_NAME].strip(" .") or "conversation"


def _saved_as(name: str) -> dict[str, str]:
    plain = name.encode("ascii", "ignore").decode().strip(" .") or "conversation"
    return {
        "content-disposition": f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name)}",
        "cache-control": "no-store",
        "x-content-type-options": "nosniff",
    }


def _refusal(status: int, refused: Refused) -> JSONResponse:
    return JSONResponse(explained(refused.message, refused.advice), status_code=status)
