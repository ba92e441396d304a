"""A model's Markdown as safe HTML: nothing in it can run, load a picture or hide where a link goes."""

import re
from collections.abc import Callable
from functools import lru_cache
from html import escape
from urllib.parse import urlsplit

from markdown_it import MarkdownIt
from markdown_it.rules_core import StateCore
from markdown_it.token import Token

from components.highlight import code_block, open_code_block
from components.mathematics import mathematics
from components.mathematics_rules import is_unfinished, read_mathematics
from components.words import language, say, speaking

_FENCE = re.compile(r"^(`{3,}|~{3,})[ \t]*([^\n`]*)$")
_ITEM = re.compile(r"^ {0,3}(?:[-*+]|\d{1,9}[.)])(?:[ \t]|$)")
_ITEM_BEGINS = re.compile(r"^ {0,3}(?:[-*+]|\d{1,9}[.)]?)?$")
_REFERENCE = re.compile(r"^ {0,3}\[[^\]\n]{1,200}\]:[ \t]*\S+.*$", re.MULTILINE)
_RULE = re.compile(r"[|:\- ]*")
_LONGEST_HEAD = 240
"""Characters of a line that may still become the head of a table."""
_RIGHT_TO_LEFT = re.compile(r"[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]")
_BARE_URL = re.compile(r"https?://[^\s<>\"'`]{2,2000}")
_LONGEST = 60_000
"""Characters of one block that are still parsed; a longer one is shown as plain text."""


def pieces(text: str, growing: bool = False) -> list[str]:
    """HTML of `text`, split where Markdown allows it, so that only the last piece of a growing text
    changes. `growing` keeps that unfinished piece out of the cache.
    """
    blocks = split(text)
    references = "\n".join(_REFERENCE.findall(text)) if "]:" in text else ""
    done = [_block(block, references, language()) for block in blocks[:-1]]
    if not blocks:
        return []
    end = blocks[-1]
    last = _growing(end, references) if growing else _block(end, references, language())
    return [*done, last]


def split(text: str) -> list[str]:
    """The blocks of a Markdown text. A fence left open is code to the end, whatever stands in it."""
    blocks: list[list[str]] = []
    fence = ""
    after_blank = False
    lines = text.replace("\r\n", "\n").split("\n")
    for number, line in enumerate(lines):
        opening = None if fence else _FENCE.match(line)
        inside_list = bool(blocks) and bool(_ITEM.match(blocks[-1][0]))
        if fence:
            blocks[-1].append(line)
            if _closes(line, fence):
                fence = ""
                after_blank = not inside_list
            continue
        if not line.strip() and number < len(lines) - 1:
            after_blank = True
            if blocks:
                blocks[-1].append(line)
            continue
        unfinished = number == len(lines) - 1
        joins = inside_list and _continues_list(line, unfinished)
        if not blocks or opening or (after_blank and not joins and not _indented(line)):
            if line.strip() or not blocks:
                blocks.append([line])
        else:
            blocks[-1].append(line)
        if opening or (marker := _FENCE.match(line.lstrip())):
            fence = (opening or marker)[1]  # type: ignore[index]
        after_blank = False
    return [block for lines in blocks if (block := "\n".join(lines)).strip()]


def _indented(line: str) -> bool:
    return line.startswith((" ", "\t"))


def _continues_list(line: str, unfinished: bool) -> bool:
    """Whether a line after a blank one still belongs to the list; half a marker may become one."""
    return bool(_ITEM.match(line)) or (unfinished and bool(_ITEM_BEGINS.match(line)))


def _closes(line: str, fence: str) -> bool:
    bare = line.strip()
    return len(bare) >= len(fence) and set(bare) == {fence[0]}


@lru_cache(maxsize=2048)
def _block(block: str, references: str, spoken: str) -> str:
    """Kept for each language that is `spoken`: code has a button, whose name is said."""
    with speaking(spoken):
        return _draw(block, references)


def _growing(block: str, references: str) -> str:
    """The block as far as it is clear: the head of a table waits until its rule makes it one, and a
    formula until it is whole."""
    if is_unfinished(block):
        return f'<p class="tex-source">{escape(block)}</p>'
    html = _draw(block, references)
    lines = block.split("\n")
    head = len(lines) - 1
    if head and lines[head - 1].startswith("|") and _RULE.fullmatch(lines[head]):
        head -= 1
    begins = lines[head].startswith("|") and not (head and lines[head - 1].startswith("|"))
    drawn = "<table" in html or _FENCE.match(lines[0])
    if drawn or not begins or len(lines[head]) > _LONGEST_HEAD:
        return html
    return _draw("\n".join(lines[:head]), references)


def _draw(block: str, references: str) -> str:
    first, _, rest = block.partition("\n")
    if (fence := _FENCE.match(first)) and not _is_closed(rest, fence[1]):
        return open_code_block(rest, fence[2].strip())
    if len(block) > _LONGEST:
        return f'<p class="plain">{escape(block)}</p>'
    if references and "[" in block:
        block = f"{block}\n\n{references}"
    return str(_markdown().render(block))


def _is_closed(rest: str, fence: str) -> bool:
    return any(_closes(line, fence) for line in rest.split("\n"))


@lru_cache(maxsize=1)
def _markdown() -> MarkdownIt:
    markdown = MarkdownIt("commonmark", {"html": False, "breaks": True})
    markdown.enable(["table", "strikethrough"])
    markdown.validateLink = _may_link  # type: ignore[method-assign]
    read_mathematics(markdown)
    markdown.core.ruler.push("links", _mark_links)
    markdown.core.ruler.push("directions", _leave_directions)
    for name, drawn in _DRAWN.items():
        markdown.add_render_rule(name, _as_rule(drawn))
    return markdown


def _as_rule(drawn: Callable[[Token], str]) -> Callable[..., str]:
    """A rule as markdown-it calls it: with the renderer, all tokens, and the place of this one."""
    return lambda *given: drawn(given[1][given[2]])


def _mark_links(state: StateCore) -> None:
    """Tell every token whether it stands inside a link: links cannot hold others."""
    for token in state.tokens:
        inside = False
        for child in token.children or ():
            inside = inside or child.type == "link_open"
            child.meta["linked"] = inside
            inside = inside and child.type != "link_close"


def _leave_directions(state: StateCore) -> None:
    """Where Hebrew or Arabic is written, each block begins at the side of its own first word."""
    if not _RIGHT_TO_LEFT.search(state.src):
        return
    for token in state.tokens:
        if token.level == 0 and token.nesting == 1:
            token.attrSet("dir", "auto")


def _may_link(url: str) -> bool:
    return url.strip().lower().startswith(("http://", "https://", "mailto:"))


def _anchor(url: str, label: str, css: str = "") -> str:
    """A link; its title shows the whole address, so that a label cannot lie about it."""
    kind = f' class="{css}"' if css else ""
    return (
        f'<a{kind} href="{escape(url)}" title="{escape(url)}" target="_blank" '
        f'rel="noopener noreferrer nofollow">{label}</a>'
    )


def _link_open(token: Token) -> str:
    return _anchor(str(token.attrGet("href") or ""), "").removesuffix("</a>")


def _image(token: Token) -> str:
    """A picture from elsewhere is a link: loading it would tell its host that it was read."""
    url = str(token.attrGet("src") or "")
    named = token.content.strip() or say("Picture")
    label = f"{escape(named)} <small>{escape(urlsplit(url).hostname or say('elsewhere'))}</small>"
    return label if token.meta.get("linked") else _anchor(url, label, "remote-image")


def _text(token: Token) -> str:
    """Words, with bare addresses made into links."""
    content = token.content
    if "://" not in content or token.meta.get("linked"):
        return escape(content)
    html, end = "", 0
    for found in _BARE_URL.finditer(content):
        url = found[0].rstrip(".,;:!?*_~")
        if url.endswith(")") and url.count("(") < url.count(")"):
            url = url.rstrip(")")
        html += escape(content[end : found.start()]) + _anchor(url, escape(url))
        end = found.start() + len(url)
    return html + escape(content[end:])


def _table_open(token: Token) -> str:
    return f'<div class="table" tabindex="0"{_direction(token)}><table>'


def _direction(token: Token) -> str:
    return ' dir="auto"' if token.attrGet("dir") else ""


def _heading(token: Token) -> str:
    """The page has its own h1 and h2, so those of a reply begin at h3."""
    return f"h{min(6, int(token.tag[1]) + 2)}"


_DRAWN: dict[str, Callable[[Token], str]] = {
    "link_open": _link_open,
    "image": _image,
    "text": _text,
    "math": lambda token: mathematics(token.content, False),
    "math_display": lambda token: mathematics(token.content, True),
    "math_block": lambda token: f"<div>{mathematics(token.content, True)}</div>",
    "fence": lambda token: code_block(token.content, token.info.strip()),
    "code_block": lambda token: code_block(token.content, ""),
    "table_open": _table_open,
    "table_close": lambda _: "</table></div>",
    "heading_open": lambda token: f"<{_heading(token)}{_direction(token)}>",
    "heading_close": lambda token: f"</{_heading(token)}>",
}
