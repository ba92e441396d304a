"""What ChatGPT writes into its texts for its own page, as words and links that any page can show.

A mark stands between U+E200 and U+E201, its fields apart by U+E202: `cite` for sources, `entity` for a
name, `url` for a link, and others for what only its page can draw. What a mark became there stands in
the message's `content_references`, as `matched_text` and, in Markdown, `alt`. Older marks look
like 【3†source】.
"""

import json
import re
from collections.abc import Mapping

from porting.carried import listed, mapping, words

_MARK = re.compile("\ue200([^\ue200\ue201]*)\ue201|【[^【】]{0,60}†[^【】]{0,200}】")
_ADDRESS = re.compile(r"https?://[^\s()<>]+")


def without_marks(text: str, about: Mapping[str, object]) -> str:
    """`about` is the metadata of the message. What cannot be said in words goes without a trace."""
    shown = {}
    for one in listed(about.get("content_references")):
        reference = mapping(one)
        if alt := words(reference.get("alt")):
            shown[words(reference.get("matched_text")).strip()] = alt
    return _MARK.sub(lambda mark: shown.get(mark[0]) or _in_words(mark[1] or ""), text)


def _in_words(mark: str) -> str:
    kind, *fields = mark.split("\ue202")
    match kind, fields:
        case "entity", [name, *_]:
            return _name(name)
        case "url", [title, address, *_] if _ADDRESS.fullmatch(address):
            return f"[{title}]({address})"
        case "url", [title, *_]:
            return title
        case _:
            return ""


def _name(field: str) -> str:
    """That of `["city", "Paris", "capital of France"]`, or the field where it is no list."""
    try:
        found = json.loads(field)
    except ValueError:
        return "" if field.startswith("[") else field
    names = [words(one) for one in listed(found)]
    return (names[1:2] or names[:1] or [""])[0]
