"""Parley's own file of conversations: JSON with everything that was said, and the files that belong to it."""

import base64
import binascii
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from time import time

from pydantic import ValidationError

from messages import (
    Audio,
    Conversation,
    Document,
    Image,
    Media,
    Message,
    Provenance,
    ToolResult,
    message_from_json,
    message_to_json,
)
from porting.carried import Carried, Fetch, Unreadable, listed, mapping, moment, words

FORMAT, VERSION = "parley-conversations", 1


def is_one(found: Mapping[str, object]) -> bool:
    return found.get("format") == FORMAT


def to_file(
    conversation: Conversation, said: Sequence[Message], files: Mapping[str, tuple[Media, bytes]]
) -> bytes:
    """`files` are the media by sha256; what is not among them is named only."""
    about = {
        "id": conversation.id,
        "title": conversation.title,
        "created_at": conversation.created_at,
        "updated_at": conversation.updated_at,
        "pinned": conversation.pinned,
        "folder": conversation.folder,
    }
    head = {"format": FORMAT, "version": VERSION, "exported_at": round(time(), 3)}
    kept = {
        sha256: {
            "name": media.name,
            "mime": media.mime,
            "data": base64.b64encode(data).decode("ascii"),
        }
        for sha256, (media, data) in files.items()
    }
    # Messages one by one: each is a line that can be read.
    lines = ",".join(f"\n{message_to_json(message)}" for message in said)
    opened = json.dumps({**head, "conversation": about}, ensure_ascii=False)[:-1]
    return f'{opened}, "messages": [{lines}\n], "files": {json.dumps(kept)}}}\n'.encode()


def read(found: Mapping[str, object]) -> Carried:
    if found.get("version") != VERSION:
        raise Unreadable("This file is of another version of Parley.")
    about = mapping(found.get("conversation"))
    files: dict[str, Fetch] = {}
    for name, one in mapping(found.get("files")).items():
        files[name] = partial(_bytes, mapping(one).get("data"))
    read = [_message(one) for one in listed(found.get("messages"))]
    first = read[0].at if read else 0.0
    return Carried(
        source=words(about.get("id")),
        title=words(about.get("title")),
        created_at=moment(about.get("created_at"), first),
        updated_at=moment(about.get("updated_at"), first),
        messages=tuple(read),
        pinned=about.get("pinned") is True,
        folder=words(about.get("folder")),
        files=files,
    )


def media_of(said: Sequence[Message]) -> dict[str, Media]:
    """Pictures, recordings and documents of the messages, by sha256."""
    found: dict[str, Media] = {}
    for message in said:
        for part in message.parts:
            if isinstance(part, Image | Audio | Document):
                found[part.media.sha256] = part.media
            elif isinstance(part, ToolResult):
                found |= {picture.sha256: picture for picture in part.pictures}
    return found


def _message(found: object) -> Message:
    """What it says; of how it came about only who answered, as memories and the like were others'."""
    try:
        message = message_from_json(json.dumps(found))
    except ValidationError as error:
        what = error.errors()[0]
        raise Unreadable(f"A message of the file cannot be read: {what['msg']}.") from None
    old = message.provenance or Provenance()
    about = None
    if message.role == "assistant":
        about = Provenance(provider=old.provider, model=old.model, seconds=old.seconds)
    status = "interrupted" if message.status == "running" else message.status
    return replace(message, provenance=about, status=status, at=moment(message.at), pinned=False)


def _bytes(data: object) -> bytes:
    try:
        return base64.b64decode(data if isinstance(data, str) else "", validate=True)
    except (binascii.Error, ValueError):
        raise Unreadable("A file in the file is damaged.") from None
