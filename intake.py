"""What comes with a message: checked, cleaned and kept, and found again when the message is sent."""

import asyncio
import logging
import mimetypes
from collections.abc import Sequence
from dataclasses import replace
from pathlib import PurePosixPath

from attachments import BadAttachment, Picture, Scan, Writing, described, inspect
from memory.documents import Documents
from memory.edge import Missing
from memory.media import MediaStore
from memory.tokens import picture_tokens
from messages import Audio, Document, Image, Media, View
from refusals import NotFound, Refused
from temporary import refuse_recording
from voice.recording import passes_through_a_file

log = logging.getLogger(__name__)

LONGEST_NAME = 200
MOST_OF_A_STRANGER = 200 * 1024 * 1024
"""Bytes of all files that somebody without a login may have here."""
MOST_IN_MEMORY = 64 * 1024 * 1024
"""The same for anybody where files are no files: those of temporary chats."""
AT_ONCE = 2
"""A document is read in a process of its own, of up to 1 GB."""


def tokens_of(picture: Image) -> int:
    """The most that a model takes for it of its window."""
    return picture_tokens(picture.width, picture.height)


class Intake:
    """The owner comes first, always. Whatever is refused raises Refused, with words for the reader."""

    def __init__(self, media: MediaStore, documents: Documents) -> None:
        self._media = media
        self._documents = documents
        self._deciding = asyncio.Semaphore(AT_ONCE)

    async def keep(
        self, owner: str, data: bytes, name: str, most: int | None = None
    ) -> Image | Audio | Document:
        """`most` bytes may this owner's files have in all."""
        if most is not None and await self._media.total(owner) + len(data) > most:
            raise Refused(
                f"Your files here have {most >> 20} MB, which is all that one visitor may keep.",
                "Delete conversations with files you no longer need.",
            )
        if not self._media.writes_files and passes_through_a_file(data):
            raise refuse_recording()
        try:
            async with self._deciding:
                found = await inspect(data)
        except BadAttachment as error:
            raise Refused(error.message, error.advice) from None
        except OSError as error:
            # No process could be started to read it, or none of its files opened.
            log.exception("A file could not be looked at")
            raise Refused(
                "This machine is too busy to look at the file.", "Attach it again in a moment."
            ) from error
        if isinstance(found, Picture):
            name = _as_kept(name, found)
        media = await self._media.put(owner, found.data, found.mime, name[:LONGEST_NAME])
        if isinstance(found, Writing):
            outline = await self._documents.put(owner, media.sha256, found.pages)
            views = await self._keep_views(owner, media, found.scans)
            return Document(media, outline.pages, outline.tokens, views)
        if isinstance(found, Picture):
            views = await self._keep_views(owner, media, found.pieces)
            return Image(media, found.width, found.height, views=views)
        return Audio(media, found.seconds)

    def most(self, *, of_a_stranger: bool) -> int | None:
        """Bytes that the files of one owner may have in all."""
        if not self._media.writes_files:
            return MOST_IN_MEMORY
        return MOST_OF_A_STRANGER if of_a_stranger else None

    async def kept(self, owner: str, sha256: str) -> Image | Audio | Document:
        """The part of a message that shows what was kept."""
        try:
            media, data = await self._media.bytes_of(owner, sha256)
            if not media.mime.startswith(("image/", "audio/")):
                outline = await self._documents.outline(owner, sha256)
                views = await self._documents.views.of(media, owner)
                return Document(media, outline.pages, outline.tokens, views)
        except Missing:
            raise NotFound("This file is not here any more.", "Attach it again.") from None
        part = described(media, data)
        if isinstance(part, Image):
            return replace(part, views=await self._documents.views.of(media, owner))
        return part

    async def _keep_views(
        self, owner: str, media: Media, shown: Sequence[Picture | Scan]
    ) -> tuple[View, ...]:
        """Pages of a scan, or pieces of a long picture."""
        views = []
        for place, one in enumerate(shown, start=1):
            number, mime = (one.page, "image/jpeg") if isinstance(one, Scan) else (place, one.mime)
            kept = await self._media.put(owner, one.data, mime, media.name)
            views.append(View(number, kept, one.width, one.height))
        await self._documents.views.put(owner, media.sha256, views)
        return tuple(views)


def _as_kept(name: str, picture: Picture) -> str:
    """The name of the picture as it was encoded anew; it says where only its first frame was kept."""
    path = PurePosixPath(name.replace("\\", "/").strip())
    told = mimetypes.guess_type(f"a{path.suffix.lower()}")[0]
    stem = (path.stem if told else path.name)[: LONGEST_NAME - 20]
    ending = ".jpg" if picture.mime == "image/jpeg" else ".png"
    if picture.moves:
        return f"{stem or 'picture'} (first frame){ending}"
    return path.name if told == picture.mime or not stem else f"{stem}{ending}"
