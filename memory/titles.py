"""A conversation is called by the first words said in it; no model is asked."""

import re

from messages import Audio, Document, Image, Message

LONGEST = 48
UNNAMED = {"image": "Picture", "audio": "Recording", "document": "Document"}

_LEADING_MARKS = re.compile(r"^(?:\s*(?:#{1,6}\s|>|[-*+]\s|\d+[.)]\s|```\w*|~~~\w*))*\s*")
_LINK = re.compile(r"!?\[([^\]]*)\]\([^)]*\)")
_MARKS = re.compile(r"(\*\*|__|~~|`+|\*(?=\S)|(?<=\S)\*)")


def title_of(message: Message) -> str:
    """The first line said that has words, without Markdown's marks, cut at a word."""
    for line in message.text.splitlines():
        words = plain_line(line)
        if words:
            return shortened(words)
    for part in message.parts:
        if isinstance(part, Document) and (name := plain_line(part.media.name)):
            return shortened(name)
        if isinstance(part, Image | Audio | Document):
            return UNNAMED[part.kind]
    return "Conversation"


def plain_line(line: str) -> str:
    words = _LEADING_MARKS.sub("", line)
    words = _MARKS.sub("", _LINK.sub(r"\1", words))
    # Marks that turn the direction of writing, and other unprintables, could disguise a title.
    return " ".join("".join(c if c.isprintable() else " " for c in words).split())


def shortened(words: str) -> str:
    if len(words) <= LONGEST:
        return words
    head = words[:LONGEST]
    if " " in head and not words[LONGEST].isspace():
        head = head.rsplit(" ", 1)[0]
    return head.rstrip(" ,;:.-–—") + "…"
