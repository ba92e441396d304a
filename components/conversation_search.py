"""What a search through all conversations found, in the place of the list."""

import re
from collections.abc import Sequence
from html import escape

from archive import Found, Piece
from components.moments import moment
from components.words import count, say

_RULE = r"(?::?-{2,}:?|:-:?|-:)"
_CELLS = re.compile(rf"(?:\s*(?<!\|)\|(?!\|)(?:\s*{_RULE}(?=\s*\|))?)+\s*")
_ROWS = re.compile(rf"(?<!\|)\|(?:\s+|\s*{_RULE}\s*)\|(?!\|)")
"""Where a row of a table ends, or is ruled off; a lone `|` may be anybody's."""
_EMPHASIS = re.compile(r"\*\*|~~|`+|(?<!\S)#{1,6} ")


def results(found: Sequence[Found], query: str) -> str:
    if not query.strip():
        return ""
    if not found:
        words = say("Nothing was said of “{words}”.", words=escape(query.strip()))
        return f'<p class="none" role="status">{words}</p>'
    many = count(len(found), "1 conversation", "{n} conversations")
    return (
        f'<p class="unseen" role="status">{many}</p>'
        f'<ul role="list" aria-label="{say("Found")}">{"".join(map(_one, found))}</ul>'
    )


def _one(found: Found) -> str:
    name = escape(found.conversation_id)
    hits = "".join(
        f'<a class="hit" href="?c={name}&amp;m={escape(hit.message_id)}" data-do="found">'
        f"<small>{say('You') if hit.role == 'user' else 'Parley'}, {moment(hit.at, date=True)}</small>"
        f'<span dir="auto">{_marked(hit.excerpt, written=hit.role != "user")}</span></a>'
        for hit in found.hits
    )
    more = ""
    if found.more:
        words = count(found.more, "and 1 more there", "and {n} more there")
        more = f'<small class="rest">{words}</small>'
    return (
        f'<li><a class="title" href="?c={name}" data-do="open" dir="auto">{_marked(found.title)}</a>'
        f"{hits}{more}</li>"
    )


def _marked(pieces: Sequence[Piece], *, written: bool = False) -> str:
    """What was looked for is marked; what was `written` by a model stands without its own marks."""
    table = written and bool(_ROWS.search("".join(piece.text for piece in pieces)))
    texts = ((_plain(p.text, table) if written else p.text, p.match) for p in pieces)
    return "".join(
        f"<mark>{escape(text)}</mark>" if match else escape(text) for text, match in texts
    )


def _plain(text: str, table: bool) -> str:
    """An excerpt begins and ends anywhere: what can be known for a mark in it is taken out."""
    return _EMPHASIS.sub("", _CELLS.sub(" · ", text) if table else text)
