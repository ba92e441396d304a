"""The list of conversations: pinned ones, folders, and the others by day, as far as it was asked for."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from html import escape
from typing import Annotated

from pydantic import Field, StringConstraints, TypeAdapter, ValidationError

from archive import Contents, Folder
from assistant import Assistant
from components.icons import icon
from components.words import number, say, word
from messages import Conversation

PAGE, MOST_ROWS = 60, 1_200
_MONTHS = (
    (word("January"), word("January {year}")),
    (word("February"), word("February {year}")),
    (word("March"), word("March {year}")),
    (word("April"), word("April {year}")),
    (word("May"), word("May {year}")),
    (word("June"), word("June {year}")),
    (word("July"), word("July {year}")),
    (word("August"), word("August {year}")),
    (word("September"), word("September {year}")),
    (word("October"), word("October {year}")),
    (word("November"), word("November {year}")),
    (word("December"), word("December {year}")),
)


@dataclass(frozen=True, slots=True)
class Asked:
    """How far the list is shown, and which folders are unfolded."""

    rows: Annotated[int, Field(ge=1, le=MOST_ROWS)] = PAGE
    unfolded: Annotated[
        tuple[Annotated[str, StringConstraints(max_length=100)], ...], Field(max_length=20)
    ] = ()


_asked: TypeAdapter[Asked] = TypeAdapter(Asked)


def asked(frame: object) -> Asked:
    """What a page says of its list; as it is at first where that makes no sense."""
    try:
        return _asked.validate_python(frame)
    except ValidationError:
        return Asked()


async def look(assistant: Assistant, owner: str, here: str, wanted: Asked, now: datetime) -> str:
    """The pane, in the zone of `now`. `here` is the conversation that the page has open."""
    contents = await assistant.archive.contents(owner, wanted.rows, wanted.unfolded)
    about = await assistant.at(owner, here).archive.about(owner, here)
    return pane(contents, wanted, now) + _here(here, about)


def pane(contents: Contents, wanted: Asked, now: datetime) -> str:
    if not (contents.pinned or contents.folders or contents.recent):
        return f'<p class="none">{say("What you talk about is listed here.")}</p>'
    html = ""
    if contents.pinned:
        html += _section("pinned", say("Pinned"), contents.pinned)
    if contents.folders:
        inside = "".join(_folder(folder) for folder in contents.folders)
        html += f'<h2 id="parley-folders">{say("Folders")}</h2><div class="folders">{inside}</div>'
    days: dict[str, list[Conversation]] = {}
    for conversation in contents.recent:
        days.setdefault(_day(conversation.updated_at, now), []).append(conversation)
    for place, (day, listed) in enumerate(days.items()):
        html += _section(f"day-{place}", day, listed)
    if not contents.more:
        return html
    if wanted.rows >= MOST_ROWS:
        return f'{html}<p class="none">{say("Search to find the older ones.")}</p>'
    return html + (
        '<button type="button" class="more-rows" data-do="more-conversations">'
        f"{say('Show more')}</button>"
    )


def _here(conversation_id: str, about: Conversation | None) -> str:
    """What the page has to know of the conversation that is open, whether or not it is listed."""
    known = "yes" if about else "no"
    title = escape(about.title) if about else ""
    return (
        f'<span hidden data-for="{escape(conversation_id)}" data-known="{known}" '
        f'data-title="{title}"></span>'
    )


def _section(name: str, title: str, listed: Sequence[Conversation]) -> str:
    return (
        f'<h2 id="parley-{name}">{escape(title)}</h2>'
        f'<ul role="list" aria-labelledby="parley-{name}">{"".join(map(_entry, listed))}</ul>'
    )


def _day(at: float, now: datetime) -> str:
    then, today = datetime.fromtimestamp(at, now.tzinfo).date(), now.date()
    if then >= today:
        return say("Today")
    if then == today - timedelta(days=1):
        return say("Yesterday")
    if then > today - timedelta(days=7):
        return say("Last 7 days")
    if then > today - timedelta(days=30):
        return say("Last 30 days")
    month, with_year = _MONTHS[then.month - 1]
    return say(month) if then.year == today.year else say(with_year, year=then.year)


def _folder(folder: Folder) -> str:
    name = escape(folder.name)
    inside = ""
    if folder.is_open:
        inside = (
            f'<ul role="list" aria-label="{name}">{"".join(map(_entry, folder.conversations))}</ul>'
        )
        if (rest := folder.count - len(folder.conversations)) > 0:
            older = say("{n} older ones are found by search.", n=number(rest))
            inside += f'<p class="none">{older}</p>'
    return (
        f'<div class="folder" data-folder="{name}"><div class="folder-head">'
        f'<button type="button" data-do="unfold-folder" aria-expanded="{str(folder.is_open).lower()}">'
        f'{icon("chevron")}<span dir="auto">{name}</span><small>{number(folder.count)}</small></button>'
        f"{_more('folder-menu', say('More for the folder {name}', name=name))}</div>{inside}</div>"
    )


def _entry(conversation: Conversation) -> str:
    name, title = escape(conversation.id), escape(conversation.title or say("Untitled"))
    marks = ' data-pinned="yes"' if conversation.pinned else ""
    marks += ' data-shared="yes"' if conversation.shared else ""
    shared = f'<span class="shared" title="{say("Shared by a link")}">{icon("link")}</span>'
    return (
        f'<li data-conversation="{name}" data-folder="{escape(conversation.folder)}"{marks}>'
        f'<a href="?c={name}" data-do="open" dir="auto" title="{title}">{title}</a>'
        f"{shared if conversation.shared else ''}"
        f"{_more('conversation-menu', say('More for {title}', title=title))}</li>"
    )


def _more(act: str, label: str) -> str:
    return (
        f'<button type="button" class="quiet more" data-do="{act}" aria-haspopup="menu" '
        f'aria-label="{label}" title="{say("More")}">{icon("dots")}</button>'
    )
