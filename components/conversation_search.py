"""What a search through all conversations found, in the place of the list."""

from collections.abc import Sequence
from html import escape

from archive import Found, Piece
from components.moments import moment


def results(found: Sequence[Found], query: str) -> str:
    if not query.strip():
        return ""
    if not found:
        return f'<p class="none">Nothing was said of “{escape(query.strip())}”.</p>'
    count = f"{len(found)} conversation{'s' if len(found) > 1 else ''}"
    return (
        f'<p class="unseen" role="status">{count}</p>'
        f'<ul role="list" aria-label="Found">{"".join(map(_one, found))}</ul>'
    )


def _one(found: Found) -> str:
    name = escape(found.conversation_id)
    hits = "".join(
        f'<a class="hit" href="?c={name}&amp;m={escape(hit.message_id)}" data-do="found">'
        f"<small>{'You' if hit.role == 'user' else 'Parley'}, {moment(hit.at, date=True)}</small>"
        f"<span>{_marked(hit.excerpt)}</span></a>"
        for hit in found.hits
    )
    more = f'<small class="rest">and {found.more} more there</small>' if found.more else ""
    return (
        f'<li><a class="title" href="?c={name}" data-do="open">{_marked(found.title)}</a>'
        f"{hits}{more}</li>"
    )


def _marked(pieces: Sequence[Piece]) -> str:
    return "".join(
        f"<mark>{escape(piece.text)}</mark>" if piece.match else escape(piece.text)
        for piece in pieces
    )
