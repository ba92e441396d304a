"""Texts of any kind: how they are encoded, and where their pages end."""

import re
from collections.abc import Iterator

from document_reader.limits import PAGE_CHARS

_CONTROLS = re.compile(r"[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f\ufffd]")
_MARKED = (
    (b"\xff\xfe\x00\x00", "utf-32"),
    (b"\x00\x00\xfe\xff", "utf-32"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
    (b"\xef\xbb\xbf", "utf-8-sig"),
)


def decoded(data: bytes) -> str | None:
    """`data` as text: as its byte order mark says, as UTF-8, at last as Windows-1252; else None."""
    for mark, encoding in _MARKED:
        if data.startswith(mark):
            return _text(data, encoding, most_strange=0.01, errors="replace")
    text = _text(data, "utf-8", most_strange=0.01)
    return text if text is not None else _text(data, "cp1252", most_strange=0.0)


def _text(data: bytes, encoding: str, most_strange: float, errors: str = "strict") -> str | None:
    """None where it is another encoding, or more than this share of it are no characters of texts."""
    try:
        text = data.decode(encoding, errors)
    except UnicodeDecodeError:
        return None
    strange = len(_CONTROLS.findall(text))
    return text if strange <= len(text) * most_strange else None


def cut(text: str) -> Iterator[str]:
    """Pages of about PAGE_CHARS characters, cut at the ends of lines, at spaces in endless ones."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    start = 0
    while len(text) - start > PAGE_CHARS:
        end = start + PAGE_CHARS
        found = text.rfind("\n", start + PAGE_CHARS // 2, end)
        if found < 0:
            found = text.rfind(" ", start + PAGE_CHARS // 2, end)
        end = found + 1 if found >= 0 else end
        yield text[start:end]
        start = end
    yield text[start:]
