"""Where formulas stand in Markdown: $…$ and \\(…\\) in a line, $$…$$ and \\[…\\] on their own.

A dollar is money unless it looks like TeX: no space after the first, none before the last, and no
digit after that.
"""

from markdown_it import MarkdownIt
from markdown_it.ruler import RuleOptionsType
from markdown_it.rules_block import StateBlock
from markdown_it.rules_inline import StateInline

from components.mathematics import LONGEST

_DISPLAYED = (("$$", "$$"), ("\\[", "\\]"))
_IN_LINE = (*_DISPLAYED, ("\\(", "\\)"), ("$", "$"))


def read_mathematics(markdown: MarkdownIt) -> None:
    """Before all that would take a part of a formula for Markdown."""
    markdown.inline.ruler.before("escape", "math", _in_line)
    around: RuleOptionsType = {"alt": ["paragraph", "reference", "blockquote", "list"]}
    markdown.block.ruler.before("fence", "math", _on_its_own, around)


def is_unfinished(block: str) -> bool:
    """Whether a growing block is a formula whose end has not come yet."""
    words = block.lstrip()
    return any(
        words.startswith(opening) and closing not in words[len(opening) :]
        for opening, closing in _DISPLAYED
    )


def _in_line(state: StateInline, silent: bool) -> bool:
    for opening, closing in _IN_LINE:
        if not state.src.startswith(opening, state.pos):
            continue
        start = state.pos + len(opening)
        end = _end(state.src, start, closing)
        if end < 0 or (opening == "$" and not _is_tex(state.src, start, end)):
            return False
        if not silent:
            displayed = (opening, closing) in _DISPLAYED
            state.push("math_display" if displayed else "math", "math", 0)
            state.tokens[-1].content = state.src[start:end]
        state.pos = end + len(closing)
        return True
    return False


def _end(text: str, start: int, closing: str) -> int:
    """Where the closing mark stands, which is not escaped itself; -1 where there is none near."""
    at = text.find(closing, start, start + LONGEST)
    while closing[0] == "$" and at > start and text[at - 1] == "\\":
        at = text.find(closing, at + 1, start + LONGEST)
    return at if at > start else -1


def _is_tex(text: str, start: int, end: int) -> bool:
    following = text[end + 1 : end + 2]
    return not (text[start].isspace() or text[end - 1].isspace() or following.isalnum())


def _on_its_own(state: StateBlock, first: int, last: int, silent: bool) -> bool:
    if state.is_code_block(first):
        return False
    text = _line(state, first)
    closing = next((c for opening, c in _DISPLAYED if text.startswith(opening)), "")
    if not closing:
        return False
    lines = [text[2:]]
    at = first
    while not lines[-1].rstrip().endswith(closing) and at + 1 < last:
        at += 1
        lines.append(_line(state, at))
    tex = "\n".join(lines).rstrip()
    if not tex.endswith(closing) or closing in tex.removesuffix(closing):
        return False
    if not silent:
        state.line = at + 1
        token = state.push("math_block", "math", 0)
        token.content, token.block, token.map = tex.removesuffix(closing), True, [first, at + 1]
    return True


def _line(state: StateBlock, number: int) -> str:
    start = state.bMarks[number] + state.tShift[number]
    return state.src[start : state.eMarks[number]]
