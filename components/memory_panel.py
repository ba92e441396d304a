"""All that is remembered, in a dialog: to search, correct, pin, forget, pause and take along.

The dialog itself stands still; what it lists comes anew with every change, as the pane "remembering".
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from html import escape
from typing import Annotated, Literal

from pydantic import Field, StringConstraints, TypeAdapter, ValidationError

from assistant import Assistant
from components.controls import act, switch
from components.icons import icon
from components.recalled import SIGNS, acts, origin, words
from memories import MAX_TEXT, MemoryState, Sought
from messages import Memory, MemoryKind
from temporary import is_temporary

PAGE = 30
MOST_PAGES = 20
_LONG = 260
"""Characters from which on an entry is folded to a few lines."""

_SECTIONS: dict[MemoryKind, tuple[str, str]] = {
    "instruction": ("Always sent", "Standing instructions, from your own sentences"),
    "fact": ("Facts", "What you told Parley to remember"),
    "said": ("What was said", "Found again where it fits what you ask"),
    "passage": ("From documents", "Passages that all chats recall"),
}
_TIMES = {0: "Any time", 1: "Today", 7: "Last 7 days", 30: "Last 30 days"}


@dataclass(frozen=True, slots=True)
class Asked:
    """What the reader looks for. `here`: of one chat alone, the open one unless `chat` is another;
    `days` is 0 for any time.

    `pages` says how far each section is unfolded.
    """

    query: Annotated[str, StringConstraints(max_length=300)] = ""
    here: bool = False
    chat: Annotated[str, StringConstraints(pattern="^([0-9a-f]{32})?$")] = ""
    kind: MemoryKind | None = None
    days: Literal[0, 1, 7, 30] = 0
    pages: dict[MemoryKind, Annotated[int, Field(ge=1, le=MOST_PAGES)]] = field(
        default_factory=dict
    )


@dataclass(frozen=True, slots=True)
class Section:
    """Some of the memories of a kind; `more` says that there are others."""

    kind: MemoryKind
    memories: tuple[Memory, ...]
    more: bool = False


_asked: TypeAdapter[Asked] = TypeAdapter(Asked)


def asked(frame: object) -> Asked | None:
    """What a page says it looks for; None where it looks no longer, or says nothing sensible."""
    try:
        return _asked.validate_python(frame)
    except ValidationError:
        return None


async def look(
    assistant: Assistant, owner: str, conversation: str, wanted: Asked, now: datetime
) -> str:
    """The pane. `now` is the reader's clock: a day begins at their midnight."""
    standing = await state(assistant, owner, conversation)
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    since = (midnight - timedelta(days=wanted.days - 1)).timestamp() if wanted.days else 0.0
    here = (wanted.chat or conversation) if wanted.here else ""
    sections: list[Section] = []
    for kind in _SECTIONS:
        if wanted.kind not in (None, kind):
            continue
        sought = Sought(wanted.query.strip(), here, kind, since)
        limit = PAGE * wanted.pages.get(kind, 1)
        found = await assistant.memory.search(owner, sought, limit + 1)
        sections.append(Section(kind, tuple(found[:limit]), len(found) > limit))
    return pane(standing, sections, wanted)


async def state(assistant: Assistant, owner: str, conversation: str) -> MemoryState:
    """How memory stands there: a temporary chat neither recalls nor remembers."""
    found = await assistant.memory.state(owner, conversation)
    return replace(found, paused_here=True) if is_temporary(conversation) else found


def pane(state: MemoryState, sections: Sequence[Section], wanted: Asked) -> str:
    listed = "".join(_section(section, wanted) for section in sections if section.memories)
    return (
        f'<div data-part="list">{_standing(state)}{listed or _nothing(wanted)}</div>'
        f'<div data-part="switches">{_pauses(state)}</div>'
    )


def shell() -> str:
    """What stands still; static/memories.js makes the dialog from it."""
    kinds = [("", "Everything"), *((kind, title) for kind, (title, _) in _SECTIONS.items())]
    times = [(str(days), title) for days, title in _TIMES.items()]
    return (
        '<template id="parley-memories-shell"><div class="choice-head">'
        '<h2 id="parley-memories-title">What is remembered</h2><button type="button" class="quiet" '
        f'data-do="close-memories" aria-label="Close">{icon("close")}</button></div>'
        '<form class="sought" role="search"><label class="seek">'
        f'{icon("search")}<input type="search" name="query" maxlength="300" autocomplete="off" '
        'spellcheck="false" placeholder="Search what is remembered" '
        'aria-label="Search what is remembered"></label><div class="narrow">'
        f"{_select('kind', 'Which', kinds)}{_select('days', 'When', times)}"
        '<label class="pill"><input type="checkbox" name="here"><span>This chat</span></label>'
        '</div></form><div class="choice-told" role="alert" hidden></div>'
        '<div class="kept-body" tabindex="-1"><div class="choice-wait"><i></i><i></i><i></i></div>'
        '<div data-part="list"></div></div><div class="kept-foot"><div data-part="switches"></div>'
        f'{_data()}</div><p class="unseen" role="status"></p></template>'
    )


def _select(name: str, about: str, options: Sequence[tuple[str, str]]) -> str:
    listed = "".join(f'<option value="{value}">{says}</option>' for value, says in options)
    return f'<select name="{name}" aria-label="{about}">{listed}</select>'


def _data() -> str:
    return (
        f'<details class="kept-data"><summary>Your data{icon("chevron")}</summary><div>'
        '<a class="plain" href="/parley/memories.json" download="parley-memories.json">'
        f"{icon('down')}<span>Export</span></a>{act('import-memories', 'up', 'Import')}"
        '<input type="file" accept=".json,application/json" tabindex="-1" '
        'aria-label="File of memories">'
        f"{act('forget-chat', 'trash', 'Forget what was said in this chat')}"
        '<button type="button" class="plain risky" data-do="erase">'
        f"{icon('alert')}<span>Erase all my data…</span></button></div></details>"
    )


def _standing(state: MemoryState) -> str:
    """How memory stands, where that is worth saying."""
    told: list[str] = []
    if state.paused_everywhere or state.paused_here:
        where = "everywhere" if state.paused_everywhere else "in this chat"
        told.append(
            f"{icon('pause')}<span><b>Memory is paused {where}.</b> Nothing is recalled or "
            "remembered until you go on; what is kept stays.</span>"
        )
    if state.to_make:
        share = 100 * state.made / state.to_make
        told.append(
            f"{icon('retry')}<span>Making the memory's index again: {state.made:,} of "
            f'{state.to_make:,}<i class="bar" role="progressbar" aria-label="Index" '
            f'aria-valuemin="0" aria-valuemax="{state.to_make}" aria-valuenow="{state.made}">'
            f'<i style="width:{share:.0f}%"></i></i></span>'
        )
    if state.by_words:
        told.append(f"{icon('alert')}<span>{escape(state.by_words)}</span>")
    return "".join(
        f'<div class="standing" data-key="standing{number}">{line}</div>'
        for number, line in enumerate(told)
    )


def _section(section: Section, wanted: Asked) -> str:
    title, note = _SECTIONS[section.kind]
    kind = section.kind
    entries = "".join(_entry(memory, wanted) for memory in section.memories)
    more = ""
    if section.more:
        more = (
            f'<div data-key="more"><button type="button" class="plain" data-do="more-memories" '
            f'data-kind="{kind}">More</button></div>'
        )
        if wanted.pages.get(kind, 1) >= MOST_PAGES:
            more = (
                '<p data-key="more" class="none">Search, or choose a time, to see the others.</p>'
            )
    return (
        f'<section class="kept-section" data-key="{kind}" data-holds aria-labelledby="kept-{kind}">'
        f'<h3 data-key="head" id="kept-{kind}">{title} <small>{note}</small></h3>'
        f'<ul role="list" data-key="entries" data-holds>{entries}</ul>{more}</section>'
    )


def _entry(memory: Memory, wanted: Asked) -> str:
    name, old = escape(memory.id), " superseded" if memory.superseded_at else ""
    unfold = ""
    if len(memory.text) > _LONG:
        unfold = (
            '<button type="button" class="link" data-do="unfold-memory" aria-expanded="false">'
            "Show all</button>"
        )
    badge = {"passage": "In all chats", "instruction": ""}.get(memory.kind, "Always sent")
    pinned = f'<span class="badge">{badge}</span>' if memory.pinned and badge else ""
    return (
        f'<li class="kept {memory.kind}{old}" data-key="{name}" data-memory="{name}">'
        f'{icon(SIGNS[memory.kind])}<div class="kept-main">'
        f'<p class="kept-words{" long" if unfold else ""}">{words(memory, MAX_TEXT)}</p>{unfold}'
        f'<small>{pinned}{origin(memory)}</small><div class="acts">{acts(memory)}'
        f"{'' if wanted.here else _only_its_chat(memory)}</div></div></li>"
    )


def _only_its_chat(memory: Memory) -> str:
    """Narrows the list to what is from the same chat, whichever is open."""
    if memory.kind == "passage" or not memory.conversation_id or not memory.conversation_title:
        return ""
    of = f'data-chat="{escape(memory.conversation_id)}" data-title="{escape(memory.conversation_title)}"'
    return act("only-chat", "search", "Only its chat", f' {of} title="Show only this chat"')


def _nothing(wanted: Asked) -> str:
    if wanted.query.strip():
        said = f"Nothing is remembered of “{escape(wanted.query.strip())}”."
    elif wanted.here or wanted.kind or wanted.days:
        said = "Nothing of this kind is remembered."
    else:
        said = (
            "Nothing is remembered yet. What you say is found again in other chats; say "
            "“remember that …” for what shall last."
        )
    return f'<p class="none" data-key="none">{said}</p>'


def _pauses(state: MemoryState) -> str:
    here = switch(
        "pause-here",
        "Pause memory in this chat",
        on=state.paused_here or state.paused_everywhere,
        held=state.paused_everywhere,
    )
    return here + switch("pause-everywhere", "Pause memory everywhere", on=state.paused_everywhere)
