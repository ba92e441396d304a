"""Under a reply: what was recalled for it and sent, and what is remembered of what was said."""

from collections.abc import Sequence
from html import escape

from components.controls import act
from components.icons import icon
from components.moments import moment
from components.without_marks import without_marks
from components.words import meant, say
from messages import Document, Memory, MemoryKind

MOST_CHIPS = 4
"""So many are shown at once, two lines of them; the others are folded away behind "+ 9 more"."""
_CHIP, _NOTE = 60, 200
_SHOWN = 1_200
"""Characters of a memory that its chip, its note and its card show."""

SIGNS: dict[MemoryKind, str] = {
    "said": "quote",
    "fact": "memory",
    "instruction": "pin",
    "passage": "page",
}


def recalled(memories: Sequence[Memory]) -> str:
    """A chip each, and behind each chip a card."""
    first, rest = memories[:MOST_CHIPS], memories[MOST_CHIPS:]
    if len(rest) == 1:  # "+ 1 more" takes as much room as the chip itself
        first, rest = memories, ()
    chips = "".join(_chip(memory) for memory in first)
    if rest:
        folded = "".join(_chip(memory) for memory in rest)
        chips += (
            '<button type="button" class="chip more" data-do="unfold-chips" aria-expanded="false">'
            f'{say("+ {n} more", n=len(rest))}</button><span class="folded" hidden>{folded}</span>'
        )
    lead = say("Recalled and sent")
    return (
        f'<div class="recalled" role="group" aria-label="{lead}">'
        f'<span class="lead">{icon("memory")}{lead}</span>{chips}</div>'
    )


def remembered(memories: Sequence[Memory]) -> str:
    """A line each, with Undo. They are remembered already; to undo is to forget."""
    return f'<div class="remembered">{"".join(_note(memory) for memory in memories)}</div>'


def label(memory: Memory) -> str:
    """What a memory is called, by its kind, for those who hear it and for those who see it."""
    if memory.kind == "passage":  # it goes by the name of its document
        title = memory.conversation_title or say("Document")
        return escape(say("{title}, p. {page}", title=title, page=memory.page))
    if memory.kind == "instruction":
        return meant("memory", "Always")
    if memory.kind == "fact":
        return say("Fact")
    return say("You said") if memory.role == "user" else say("Parley said")


def origin(memory: Memory) -> str:
    """Who said it, when, and where: a link that leads to the very message."""
    facts = [_who(memory), moment(memory.at, date=True)]
    if memory.superseded_at:
        when = moment(memory.superseded_at, date=True)
        facts.append(say("no longer holds since {when}", when=when))
    title = say("its chat") if memory.kind == "passage" else escape(memory.conversation_title)
    if memory.conversation_id and title:
        address = f"?c={escape(memory.conversation_id)}"
        if memory.message_id:
            address += f"&amp;m={escape(memory.message_id)}"
        link = f'<a href="{address}" data-do="origin">{title}</a>'
        facts.append(say("in {chat}", chat=link))
    return " · ".join(facts)


def _who(memory: Memory) -> str:
    match memory.kind, memory.role:
        case "fact", "user":
            return say("You told this")
        case "fact", _:
            return say("The model noted this")
        case "instruction", _:
            return say("You asked for this always")
        case _:
            return label(memory)


def shown(memory: Memory) -> str:
    """Its words as one reads them; those of a document as they stand in it."""
    return memory.text if memory.kind == "passage" else without_marks(memory.text)


def words(memory: Memory, most: int) -> str:
    """Its words without marks, struck out where another fact took their place."""
    text = shown(memory)
    if len(text) > most:
        text = f"{text[:most].rstrip()}…"
    return f"<s>{escape(text)}</s>" if memory.superseded_at else escape(text)


def acts(memory: Memory, *, whole: bool = True) -> str:
    """What can be done with it. `whole`: all its words are shown, so that they can be edited."""
    forget = act("forget-memory", "trash", say("Forget"))
    if memory.superseded_at:
        return forget
    edit = act("edit-memory", "edit", say("Edit")) if whole and memory.kind != "passage" else ""
    if memory.kind == "instruction":  # sent always as it is
        return edit + forget
    return _pin(memory) + edit + forget


def _pin(memory: Memory) -> str:
    words, effect = (meant("memory", "Unpin"), meant("memory", "Pin")), say("Pinned: always sent")
    if memory.kind == "passage":
        words = (say("Only in its chat"), say("In all chats"))
        effect = say("Recalled in all chats")
    pressed = str(memory.pinned).lower()
    return act(
        "pin-memory",
        "pin",
        words[not memory.pinned],
        f' aria-pressed="{pressed}" data-pressed="{words[0]}" data-released="{words[1]}" '
        f'title="{effect}"',
    )


def keep_document(document: Document) -> str:
    """Beside an attached document: all conversations may recall it. Nothing where it has no text.

    Whether they do already, static/memory.js shows.
    """
    if not document.tokens:
        return ""
    words, other = say("Add to your memory"), say("In your memory: Undo")
    effect = say("Recalled in all chats")
    return (
        f'<button type="button" class="quiet keep-document" data-do="keep-document" '
        f'data-sha256="{document.media.sha256}" data-kept="no" data-pressed="{other}" '
        f'data-released="{words}" title="{effect}">{icon("memory")}<span>{words}</span>'
        "</button>"
    )


def _chip(memory: Memory) -> str:
    old = " superseded" if memory.superseded_at else ""
    # A document is known by its name and page, everything else by its words.
    short = " ".join(shown(memory).split())[:_CHIP]
    said = label(memory) if memory.kind == "passage" else escape(short)
    spoken = f"{say('Passage') if memory.kind == 'passage' else label(memory)}: "
    inner = f"<s>{said}</s>" if memory.superseded_at else said
    return (
        f'<button type="button" class="chip {memory.kind}{old}" data-do="memory" '
        f'aria-haspopup="dialog">{icon(SIGNS[memory.kind])}<span class="unseen">{spoken}</span>'
        f'<span class="chip-words">{inner}</span></button>{_card(memory)}'
    )


def _card(memory: Memory) -> str:
    whole = len(memory.text) <= _SHOWN
    wrong = act("wrong", "retry", say("Wrong, answer again (1 request)"))
    return (
        f'<div class="memory-card" popover tabindex="-1" role="dialog" aria-label="{label(memory)}" '
        f'data-memory="{escape(memory.id)}"><p class="kept-words">{words(memory, _SHOWN)}</p>'
        f'<small>{origin(memory)}</small><div class="acts">{acts(memory, whole=whole)}</div>'
        f'<div class="acts wrong">{wrong}</div></div>'
    )


def _note(memory: Memory) -> str:
    always = memory.kind == "instruction"
    lead = say("Always:") if always else say("Will be remembered:")
    return (
        f'<p data-memory="{escape(memory.id)}">{icon(SIGNS[memory.kind])}<span><b>{lead}</b> '
        f'<span class="kept-words">{words(memory, _NOTE)}</span></span>'
        f'<button type="button" class="link" data-do="undo-memory">{say("Undo")}</button></p>'
    )
