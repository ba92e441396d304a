"""Words that were written in Markdown, as they read without its marks; line breaks and lists stay."""

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache

from markdown_it import MarkdownIt
from markdown_it.token import Token

_MARK = re.compile(r"[*_`~|\\#>\[<&]|^ {0,3}(?:[-+] |-{3,}|={3,})", re.MULTILINE)
_LONGEST = 20_000
"""Characters that are read for marks; a longer text stays as it is."""


@lru_cache(maxsize=1024)
def without_marks(text: str) -> str:
    if len(text) > _LONGEST or not _MARK.search(text):
        return text
    return "\n".join(_lines(_markdown().parse(text))).strip() or text


@lru_cache(maxsize=1)
def _markdown() -> MarkdownIt:
    # What is indented or looks like HTML was hardly meant as such.
    plain = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])
    return plain.disable(["code", "html_block", "html_inline", "lheading", "reference"])


def _lines(tokens: Sequence[Token]) -> Iterator[str]:
    """The blocks: an entry of a list with its marker, a row of a table with dots between its cells."""
    marker, depth = "", 0
    row: list[str] | None = None
    for token in tokens:
        match token.type:
            case "bullet_list_open" | "ordered_list_open":
                depth += 1
            case "bullet_list_close" | "ordered_list_close":
                depth -= 1
            case "list_item_open":
                sign = f"{token.info}{token.markup}" if token.info else "-"
                marker = f"{'  ' * (depth - 1)}{sign} "
            case "tr_open":
                row = []
            case "tr_close" if row is not None:
                yield " · ".join(row)
                row = None
            case "inline" | "fence":
                words = "".join(_words(token.children)) if token.children else token.content
                if row is None:
                    yield marker + words.rstrip("\n")
                    marker = ""
                elif words:
                    row.append(words)


def _words(tokens: Sequence[Token]) -> Iterator[str]:
    """An address stands behind its words, unless it is what they say."""
    address, said = "", ""
    for token in tokens:
        if token.type == "link_open":
            address, said = str(token.attrGet("href") or ""), ""
            continue
        if token.type == "link_close":
            yield "" if address.removeprefix("mailto:") == said else f" ({address})"
            continue
        words = "\n" if token.type in ("softbreak", "hardbreak") else token.content
        said += words
        yield words
