"""Conversations of Open WebUI, as "Export chats" writes them: a list, each with its `chat`.

`chat.history.messages` is a tree by id (`parentId`, `childrenIds`), of which `currentId` ends the way
that is shown; older exports have a plain list `chat.messages`. Pictures are data URLs in `files`.
What models thought, and what tools did, stands in the text in `<details type="…">`; what `[1]` in it
refers to in `sources`.
"""

import base64
import binascii
import re
from collections.abc import Mapping
from functools import partial
from hashlib import sha256
from html import unescape

from messages import Image, Media, Part, Reasoning, Role, Text
from porting.carried import Carried, Fetch, Unreadable, listed, mapping, moment, words
from porting.sayings import Turns, last_of, way_to

FOLDER = "Open WebUI"
_DETAILS = re.compile(
    r'<details\s[^>]*?type="(reasoning|code_interpreter|tool_calls)"[^>]*>(.*?)</details>\n?',
    re.DOTALL,
)
_SUMMARY = re.compile(r"<summary>.*?</summary>", re.DOTALL)
_CODE = re.compile(r"(```.*?(?:```|$)|`[^`\n]*`)", re.DOTALL)
_CITED = re.compile(r"\[(\d{1,3})\](?![(:])")
_ADDRESS = re.compile(r"https?://[^\s()<>]+")
_DATA_URL = re.compile(r"^data:image/[a-z+.-]{1,40};base64,")


def is_one(found: Mapping[str, object]) -> bool:
    chat = mapping(found.get("chat") or found)
    return isinstance(chat.get("history"), dict) or isinstance(chat.get("messages"), list)


def read(found: Mapping[str, object]) -> Carried:
    chat = mapping(found.get("chat") or found)
    begun = moment(found.get("created_at"), moment(chat.get("timestamp")))
    files: dict[str, Fetch] = {}
    turns, at = Turns(), begun
    for node in _shown(chat):
        message = mapping(node)
        at = moment(message.get("timestamp"), at)
        if message.get("role") in ("user", "assistant"):
            role: Role = "user" if message.get("role") == "user" else "assistant"
            parts = tuple(_parts(message, files))
            turns.add(role, parts, at, words(message.get("model")))
    return Carried(
        source=words(found.get("id")) or words(chat.get("id")),
        title=words(found.get("title")) or words(chat.get("title")),
        created_at=begun,
        updated_at=moment(found.get("updated_at"), at),
        messages=tuple(turns.messages),
        pinned=found.get("pinned") is True,
        folder=FOLDER,
        files=files,
    )


def _shown(chat: Mapping[str, object]) -> list[object]:
    history = mapping(chat.get("history"))
    nodes = mapping(history.get("messages"))
    last = history.get("currentId")
    if not isinstance(last, str) or last not in nodes:
        last = last_of(nodes, _parent)
    return way_to(last, nodes, _parent) or listed(chat.get("messages"))


def _parent(node: object) -> object:
    return mapping(node).get("parentId")


def _parts(message: Mapping[str, object], files: dict[str, Fetch]) -> list[Part]:
    parts: list[Part] = []
    for one in listed(message.get("files")):
        file = mapping(one)
        url = file.get("url")
        if file.get("type") == "image" and isinstance(url, str) and _DATA_URL.match(url):
            name = sha256(url.encode("utf-8", "replace")).hexdigest()
            files[name] = partial(_bytes, url)
            parts.append(Image(Media(name, "image/png", 0, words(file.get("name"))[:200]), 0, 0))
        elif file.get("type") == "image":
            parts.append(Image(Media("", "image/png", 0, words(file.get("name"))[:200]), 0, 0))
        elif name := words(file.get("name"))[:200]:
            parts.append(Text(f"📎 {name}"))
    content = message.get("content")
    if isinstance(content, list):  # as it is sent to models
        texts = [words(mapping(one).get("text")) for one in content]
        content = "\n\n".join(filter(None, texts))
    text = words(content)
    for kind, inner in _DETAILS.findall(text):
        quoted = _SUMMARY.sub("", inner).strip()
        if quoted.startswith("&gt;"):  # so since version 0.6
            quoted = unescape(quoted)
        thought = re.sub(r"^> ?", "", quoted, flags=re.MULTILINE)
        if kind == "reasoning" and thought:
            parts.append(Reasoning(thought))
    if said := _DETAILS.sub("", text).strip():
        parts.append(Text(_with_links(said, message)))
    return parts


def _with_links(text: str, message: Mapping[str, object]) -> str:
    """Where `[2]` names a page among the sources, it leads there. They count each source once."""
    named: dict[str, None] = {}
    for one in listed(message.get("sources")):
        source, passages = mapping(mapping(one).get("source")), mapping(one).get("metadata")
        for passage in listed(passages) or [{}]:
            origin = words(mapping(passage).get("source"))
            named[origin or words(source.get("url")) or words(source.get("id"))] = None
    pages = list(named)

    def linked(cited: re.Match[str]) -> str:
        place = int(cited[1]) - 1
        is_page = 0 <= place < len(pages) and _ADDRESS.fullmatch(pages[place])
        return f"[{cited[1]}]({pages[place]})" if is_page else cited[0]

    pieces = _CODE.split(text)  # every other one is code
    return "".join(one if n % 2 else _CITED.sub(linked, one) for n, one in enumerate(pieces))


def _bytes(url: str) -> bytes:
    try:
        return base64.b64decode(url.partition(",")[2], validate=True)
    except (binascii.Error, ValueError):
        raise Unreadable("A picture of the file is damaged.") from None
