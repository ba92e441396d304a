"""Code with colours: Pygments gives the classes, the style sheets give them colours in light and dark."""

from functools import lru_cache
from html import escape

from components.icons import icon
from components.words import say

_LONGEST = 40_000
"""Characters of code that are still coloured; more is shown plain."""
_GROUP = 24
"""Lines that are coloured together while code is still being written."""


def code_block(code: str, info: str) -> str:
    """A finished block: language label, copy button, coloured code."""
    return _frame(_colour(code.rstrip("\n"), _language(info)), info)


def open_code_block(code: str, info: str) -> str:
    """A block whose end has not come yet: coloured in groups of lines, so that only the last is new."""
    language = _language(info)
    lines = code.split("\n")
    groups = ["\n".join(lines[i : i + _GROUP]) for i in range(0, len(lines), _GROUP)]
    done = [_colour(group, language) for group in groups[:-1]]
    return _frame("\n".join([*done, _colour.__wrapped__(groups[-1], language)]), info)


def _frame(html: str, info: str) -> str:
    label = escape(_language(info)[:24]) or "text"
    return (
        f'<div class="code"><div class="code-head"><span>{label}</span>'
        f'<button type="button" class="quiet" data-do="copy-code" aria-label="{say("Copy code")}">'
        f"{icon('copy')}<span>{say('Copy')}</span></button></div>"
        f'<pre tabindex="0"><code>{html}</code></pre></div>'
    )


def _language(info: str) -> str:
    return info.split()[0].lower() if info.split() else ""


@lru_cache(maxsize=512)
def _colour(code: str, language: str) -> str:
    if not language or len(code) > _LONGEST:
        return escape(code)
    from pygments import highlight
    from pygments.formatters.html import HtmlFormatter
    from pygments.lexers import get_lexer_by_name
    from pygments.util import ClassNotFound

    try:
        lexer = get_lexer_by_name(language, stripnl=False, ensurenl=False)
    except ClassNotFound:
        return escape(code)
    return str(highlight(code, lexer, HtmlFormatter(nowrap=True, classprefix="hl-")))
