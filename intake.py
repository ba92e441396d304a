"""What comes with a message: checked, cleaned and kept, and found again when the message is sent."""

import asyncio

from attachments import BadAttachment, Picture, Writing, described, inspect
from memory.documents import Documents
from memory.edge import Missing
from memory.media import MediaStore
from messages import Audio, Document, Image
from refusals import NotFound, Refused

LONGEST_NAME = 200
AT_ONCE = 2
"""A document is read in a process of its own, of up to 1 GB."""


class Intake:
    """The owner comes first, always. Whatever is refused raises Refused, with words for the reader."""

    def __init__(self, media: MediaStore, documents: Documents) -> None:
        self._media = media
        self._documents = documents
        self._deciding = asyncio.Semaphore(AT_ONCE)

    async def keep(self, owner: str, data: bytes, name: str) -> Image | Audio | Document:
        try:
            async with self._deciding:
                found = await inspect(data)
        except BadAttachment as error:
            raise Refused(error.message, error.advice) from None
        media = await self._media.put(owner, found.data, found.mime, name[:LONGEST_NAME])
        if isinstance(found, Writing):
            outline = await self._documents.put(owner, media.sha256, found.pages)
            return Document(media, outline.pages, outline.tokens)
        if isinstance(found, Picture):
            return Image(media, found.width, found.height)
        return Audio(media, found.seconds)

    async def kept(self, owner: str, sha256: str) -> Image | Audio | Document:
        """The part of a message that shows what was kept."""
        try:
            media, path = await self._media.path(owner, sha256)
            if not media.mime.startswith(("image/", "audio/")):
                outline = await self._documents.outline(owner, sha256)
                return Document(media, outline.pages, outline.tokens)
        except Missing:
            raise NotFound("This file is not here any more.", "Attach it again.") from None
        return described(media, await asyncio.to_thread(path.read_bytes))
