"""Conversations of ChatGPT, as its export has them in conversations.json.

Each has a `mapping` of nodes by id, `{"message", "parent", "children"}`, a tree in which edits and
other answers are branches; `current_node` ends the one that is shown. Pictures stand in the messages
as pointers, `file-service://file-…` or `sediment://file_…`; the zip has them under names that begin so,
today all of them as `.dat`.
"""

import re
from collections.abc import Mapping

from messages import Image, Media, Part, Reasoning, Role, Text
from porting.carried import Carried, Fetch, listed, mapping, moment, words
from porting.chatgpt_canvas import Canvas, fenced
from porting.chatgpt_marks import without_marks
from porting.sayings import Turns, last_of, way_to

FOLDER = "ChatGPT"
_POINTER = re.compile(r"^[a-z-]+://(file[-_][A-Za-z0-9]+)")


def is_one(found: Mapping[str, object]) -> bool:
    return isinstance(found.get("mapping"), dict)


def read(found: Mapping[str, object], files: Mapping[str, Fetch]) -> Carried:
    """`files` are those of the archive by their ids."""
    nodes = mapping(found["mapping"])
    last = found.get("current_node")
    if not isinstance(last, str) or last not in nodes:
        last = last_of(nodes, _parent)
    begun = moment(found.get("create_time"))
    turns, canvas, at = Turns(), Canvas(), begun
    for node in way_to(last, nodes, _parent):
        message = mapping(mapping(node).get("message"))
        at = moment(message.get("create_time"), at)
        role, parts = _said(message, canvas)
        about = mapping(message.get("metadata"))
        turns.add(role, parts, at, words(about.get("model_slug")))
    return Carried(
        source=words(found.get("conversation_id")) or words(found.get("id")),
        title=words(found.get("title")),
        created_at=begun,
        updated_at=moment(found.get("update_time"), at),
        messages=tuple(turns.messages),
        pinned=found.get("is_starred") is True or moment(found.get("pinned_time")) > 0,
        folder=FOLDER,
        files=files,
    )


def _parent(node: object) -> object:
    return mapping(node).get("parent")


def _said(message: Mapping[str, object], canvas: Canvas) -> tuple[Role, tuple[Part, ...]]:
    """Who said it and what of it the reader saw: nothing of what was hidden, or meant for a tool."""
    who = mapping(message.get("author")).get("role")
    role: Role = "user" if who == "user" else "assistant"
    about, content = mapping(message.get("metadata")), mapping(message.get("content"))
    if about.get("is_visually_hidden_from_conversation") or who not in (
        "user",
        "assistant",
        "tool",
    ):
        return role, ()
    if who == "assistant" and message.get("recipient") not in (None, "all"):
        return role, canvas.told(message.get("recipient"), content)
    kind = content.get("content_type")
    if kind == "thoughts":
        told = [mapping(one) for one in listed(content.get("thoughts"))]
        thoughts = [words(one.get("content")) or words(one.get("summary")) for one in told]
        thought = "\n\n".join(filter(None, thoughts))
        return role, (Reasoning(thought),) if thought else ()
    if kind == "code" and who == "assistant":
        code, language = words(content.get("text")), words(content.get("language"))
        language = "" if language == "unknown" else language
        return role, (fenced(language, code),) if code else ()
    if kind not in ("text", "multimodal_text"):
        return role, ()
    parts = [part for one in listed(content.get("parts")) for part in _part(one, about)]
    if who == "tool":  # of tools only the pictures they made were shown
        parts = [part for part in parts if isinstance(part, Image)]
    return role, (*parts, *_attached(about))


def _part(one: object, about: Mapping[str, object]) -> list[Part]:
    if isinstance(one, str):
        text = without_marks(words(one), about)
        return [Text(text)] if text.strip() else []
    piece = mapping(one)
    pointer = piece.get("asset_pointer")
    if piece.get("content_type") == "image_asset_pointer" and isinstance(pointer, str):
        found = _POINTER.match(pointer)
        return [_picture(found[1] if found else "")]
    text = words(piece.get("text"))  # what was spoken, as it was understood
    return [Text(text)] if text.strip() else []


def _attached(about: Mapping[str, object]) -> list[Part]:
    """The names of attached files; pictures among them stand in the message themselves."""
    files = [mapping(one) for one in listed(about.get("attachments"))]
    names = [
        words(one.get("name"))[:200]
        for one in files
        if not words(one.get("mime_type") or one.get("mimeType")).startswith("image/")
    ]
    return [Text("\n".join(f"📎 {name}" for name in names if name))] if any(names) else []


def _picture(name: str) -> Image:
    return Image(Media(name, "image/png", 0, "picture"), 0, 0)
