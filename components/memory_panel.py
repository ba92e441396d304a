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
from components.words import meant, number, say, told, word
from memories import MAX_TEXT, MemoryState, Sought
from messages import Memory, MemoryKind
from temporary import is_temporary

PAGE = 30
MOST_PAGES = 20
_LONG = 260
"""Characters from which on an entry is folded to a few lines."""

_SECTIONS: dict[MemoryKind, tuple[str, str]] = {
    "instruction": (word("Always sent"), word("Standing instructions, from your own sentences")),
    "fact": (word("Facts"), word("What you told Parley to remember")),
    "said": (word("What was said"), word("Found again where it fits what you ask")),
    "passage": (word("From documents"), word("Passages that all chats recall")),
}
_TIMES = {
    0: word("Any time"),
    1: word("Today"),
    7: word("Last 7 days"),
    30: word("Last 30 days"),
}


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
    if not is_temporary(conversation):
        return found
    return replace(found, temporary=True, paused_here=True)


def pane(state: MemoryState, sections: Sequence[Section], wanted: Asked) -> str:
    listed = "".join(_section(section, wanted) for section in sections if section.memories)
    return (
        f'<div data-part="list">{_standing(state)}{listed or _nothing(wanted)}</div>'
        f'<div data-part="switches">{_pauses(state)}</div>'
    )


def shell() -> str:
    """What stands still; static/memories.js makes the dialog from it."""
    kinds = [
        ("", say("Everything")),
        *((kind, say(title)) for kind, (title, _) in _SECTIONS.items()),
    ]
    times = [(str(days), say(title)) for days, title in _TIMES.items()]
    search = say("Search what is remembered")
    return (
        '<template id="parley-memories-shell"><div class="choice-head">'
        f'<h2 id="parley-memories-title">{say("What is remembered")}</h2>'
        '<button type="button" class="quiet" data-do="close-memories" '
        f'aria-label="{say("Close")}">{icon("close")}</button></div>'
        '<form class="sought" role="search"><label class="seek">'
        f'{icon("search")}<input type="search" name="query" maxlength="300" autocomplete="off" '
        f'spellcheck="false" placeholder="{search}" '
        f'aria-label="{search}"></label><div class="narrow">'
        f"{_select('kind', say('Which'), kinds)}{_select('days', say('When'), times)}"
        '<label class="pill"><input type="checkbox" name="here">'
        f"<span>{say('This chat')}</span></label>"
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
        f'<details class="kept-data"><summary>{say("Your data")}{icon("chevron")}</summary><div>'
        '<a class="plain" href="/parley/memories.json" data-do="save" download>'
        f"{icon('down')}<span>{say('Export')}</span></a>"
        f"{act('import-memories', 'up', say('Import'))}"
        '<input type="file" accept=".json,application/json" tabindex="-1" '
        f'aria-label="{say("File of memories")}">'
        f"{act('forget-chat', 'trash', say('Forget what was said in this chat'))}"
        '<button type="button" class="plain risky" data-do="erase">'
        f"{icon('alert')}<span>{say('Erase all my data…')}</span></button></div></details>"
    )


def _standing(state: MemoryState) -> str:
    """How memory stands, where that is worth saying."""
    lines: list[str] = []
    if state.temporary:
        here = say("This chat is temporary.")
        kept = say("Nothing is recalled or remembered in it; what is kept stays.")
        lines.append(f"{icon('fleeting')}<span><b>{here}</b> {kept}</span>")
    elif state.paused_everywhere or state.paused_here:
        here = say("Memory is paused in this chat.")
        where = say("Memory is paused everywhere.") if state.paused_everywhere else here
        kept = say("Nothing is recalled or remembered until you go on; what is kept stays.")
        lines.append(f"{icon('pause')}<span><b>{where}</b> {kept}</span>")
    if state.to_make:
        share = 100 * state.made / state.to_make
        making = say(
            "Making the memory's index again: {made} of {all}",
            made=number(state.made),
            all=number(state.to_make),
        )
        lines.append(
            f"{icon('retry')}<span>{making}"
            f'<i class="bar" role="progressbar" aria-label="{say("Index")}" '
            f'aria-valuemin="0" aria-valuemax="{state.to_make}" aria-valuenow="{state.made}">'
            f'<i style="width:{share:.0f}%"></i></i></span>'
        )
    if state.by_words:
        lines.append(f"{icon('alert')}<span>{escape(told(state.by_words))}</span>")
    return "".join(
        f'<div class="standing" data-key="standing{place}">{line}</div>'
        for place, line in enumerate(lines)
    )


def _section(section: Section, wanted: Asked) -> str:
    title, note = _SECTIONS[section.kind]
    kind = section.kind
    entries = "".join(_entry(memory, wanted) for memory in section.memories)
    more = ""
    if section.more:
        more = (
            f'<div data-key="more"><button type="button" class="plain" data-do="more-memories" '
            f'data-kind="{kind}">{meant("memory", "More")}</button></div>'
        )
        if wanted.pages.get(kind, 1) >= MOST_PAGES:
            others = say("Search, or choose a time, to see the others.")
            more = f'<p data-key="more" class="none">{others}</p>'
    return (
        f'<section class="kept-section" data-key="{kind}" data-holds aria-labelledby="kept-{kind}">'
        f'<h3 data-key="head" id="kept-{kind}">{say(title)} <small>{say(note)}</small></h3>'
        f'<ul role="list" data-key="entries" data-holds>{entries}</ul>{more}</section>'
    )


def _entry(memory: Memory, wanted: Asked) -> str:
    name, old = escape(memory.id), " superseded" if memory.superseded_at else ""
    unfold = ""
    if len(memory.text) > _LONG:
        unfold = (
            '<button type="button" class="link" data-do="unfold-memory" aria-expanded="false">'
            f"{say('Show all')}</button>"
        )
    badges = {"passage": say("In all chats"), "instruction": ""}
    badge = badges.get(memory.kind, say("Always sent"))
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
    title = say("Show only this chat")
    return act("only-chat", "search", say("Only its chat"), f' {of} title="{title}"')


def _nothing(wanted: Asked) -> str:
    if wanted.query.strip():
        said = say("Nothing is remembered of “{words}”.", words=escape(wanted.query.strip()))
    elif wanted.here or wanted.kind or wanted.days:
        said = say("Nothing of this kind is remembered.")
    else:
        said = say(
            "Nothing is remembered yet. What you say is found again in other chats; say "
            "“remember that …” for what shall last."
        )
    return f'<p class="none" data-key="none">{said}</p>'


def _pauses(state: MemoryState) -> str:
    here = switch(
        "pause-here",
        say("Pause memory in this chat"),
        on=state.paused_here or state.paused_everywhere,
        held=state.paused_everywhere or state.temporary,
    )
    everywhere = say("Pause memory everywhere")
    return here + switch("pause-everywhere", everywhere, on=state.paused_everywhere)
