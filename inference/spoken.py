"""What a voice says of a written reply: its words, without the marks."""

from functools import cache

from markdown_it import MarkdownIt
from markdown_it.token import Token

MAX_CHARS = 4_000  # speech endpoints refuse more than 4,096


@cache
def _markdown() -> MarkdownIt:
    return MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])


def spoken(markdown: str) -> str:
    """Plain sentences, a paragraph a line; code and tables are named, not read. At most 4,000 characters."""
    lines: list[str] = []
    in_table = False
    for token in _markdown().parse(markdown):
        if token.type == "table_open":
            in_table = True
            lines.append("There is a table on the screen.")
        elif token.type == "table_close":
            in_table = False
        elif token.type in {"fence", "code_block"}:
            lines.append("There is code on the screen.")
        elif token.type == "inline" and not in_table:
            lines.append(_words(token))
    text = "\n".join(line for line in lines if line)
    return _cut(text)


def _words(inline: Token) -> str:
    pieces: list[str] = []
    for child in inline.children or ():
        if child.type in {"text", "code_inline"}:
            pieces.append(child.content)
        elif child.type in {"softbreak", "hardbreak"}:
            pieces.append(" ")
    return "".join(pieces).strip()


def _cut(text: str) -> str:
    if len(text) <= MAX_CHARS:
        return text
    end = max(text.rfind(mark, 0, MAX_CHARS) for mark in (". ", "! ", "? ", "\n", "。"))
    return text[: end + 1] if end > 0 else text[:MAX_CHARS]
