"""What comes from outside is checked or made storable here, once, before it meets a database."""

import re
from dataclasses import fields, is_dataclass, replace
from typing import Any, TypeVar

from messages import Message

_ID = re.compile(r"[0-9a-f]{32}")
_HASH = re.compile(r"[0-9a-f]{64}")
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_SURROGATE = re.compile("[\ud800-\udfff]")

T = TypeVar("T")


class Missing(Exception):
    """Not there or not yours: both answer alike."""


def known_id(value: str) -> str:
    """`value` if it is 32 hexadecimal digits; else nothing can be stored under it: Missing."""
    if isinstance(value, str) and _ID.fullmatch(value):
        return value
    raise Missing("No such id.")


def known_hash(value: str) -> str:
    """`value` if it is 64 hexadecimal digits, and so safe in a path; else Missing."""
    if isinstance(value, str) and _HASH.fullmatch(value):
        return value
    raise Missing("No such file.")


def known_owner(value: str) -> str:
    """`value` if it can own something. Nobody, or a filter for a name, owns nothing: Missing."""
    if isinstance(value, str) and value and not _UNSTORABLE.search(value):
        return value
    raise Missing("Nothing belongs to nobody.")


def of_conversation(owner: str, conversation_id: str) -> dict[str, str]:
    """Both, as statements about what is theirs take them: `of_owner`, `of_conversation`. Raises Missing."""
    return {"of_owner": known_owner(owner), "of_conversation": known_id(conversation_id)}


def clean(text: str) -> str:
    """`text` as any database takes it: surrogate pairs joined, lone ones and NULs made U+FFFD."""
    if not _UNSTORABLE.search(text):
        return text
    if _SURROGATE.search(text):
        text = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text.replace("\x00", "\ufffd")


def clean_message(message: Message) -> Message:
    return _scrubbed(message)


def _scrubbed(value: T) -> T:
    """`value` with every text in it cleaned, however deep it stands."""
    found: Any = value
    if isinstance(value, str):
        found = clean(value)
    elif isinstance(value, tuple):
        found = tuple(_scrubbed(item) for item in value)
    elif is_dataclass(value) and not isinstance(value, type):
        found = replace(value, **{f.name: _scrubbed(getattr(value, f.name)) for f in fields(value)})
    return found  # type: ignore[no-any-return]
