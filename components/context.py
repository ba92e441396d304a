"""How full the model's window is, and from which message on it sees the conversation word for word."""

from html import escape

from assistant import Fullness
from components.controls import act, switch, tokens
from components.icons import icon
from components.words import count, number, say
from messages import Provenance

_TIGHT = 0.6
"""From this share of the window on, a summary is offered before anything has to go."""
_FULL = 0.9


def meter(full: Fullness, conversation: str = "", *, can_summarise: bool) -> str:
    """A ring, and behind it what was sent; nothing before anything was.

    It says where the marker belongs in this conversation, too: a summary moves it between replies.
    """
    if not full.window:
        return ""
    from_now_on = _note(full.dropped, full.summarised, full.sent_from, conversation)
    share = min(1.0, full.tokens / full.window)
    used, room = (tokens(n, full.window) for n in (full.tokens, full.window))
    said = say("{used} of {all} tokens", used=used, all=room)
    with_last = say("{tokens} with the last message", tokens=f"<b>{said}</b>")
    window = escape(say("The model's window: {tokens}", tokens=said))
    about = say("Context: {tokens}", tokens=said)
    tone = " full" if share >= _FULL else ""
    whole = ' data-whole="yes"' if full.whole else ""
    return (
        f'<button type="button" class="quiet meter{tone}" data-do="context" aria-haspopup="dialog" '
        f'title="{window}" aria-label="{about}">{_ring(share)}</button>'
        f'<div class="memory-card context-card" popover tabindex="-1" role="dialog"{whole} '
        'aria-labelledby="parley-context-title"><h2 id="parley-context-title">'
        f'{say("What the model sees")}</h2><p class="usage">{with_last}</p>'
        f'<div class="bar{tone}" role="meter" aria-label="{say("Tokens of the window")}" '
        f'aria-valuemin="0" aria-valuemax="{full.window}" aria-valuenow="{min(full.tokens, full.window)}">'
        f'<i style="width:{100 * share:.0f}%"></i></div>{_sent(full)}'
        f"{_summarise(full, share) if can_summarise else ''}{_whole(full)}</div>{from_now_on}"
    )


def sent_from(about: Provenance) -> str:
    """An unseen note in a reply, for the page's script: where the marker belongs while it is the last.

    Empty where the reply never came so far as to ask a model.
    """
    return _note(about.dropped, about.summarised, about.sent_from) if about.window else ""


def _note(dropped: int, summarised: int, first: str, conversation: str = "") -> str:
    inner = _marker(dropped, summarised) if dropped else ""
    where = f' data-conversation="{escape(conversation)}"' if conversation else ""
    return (
        f'<template class="sent-from" data-dropped="{dropped}" data-from="{escape(first)}"{where}>'
        f"{inner}</template>"
    )


def _marker(dropped: int, summarised: int) -> str:
    what = count(
        dropped,
        "1 earlier message is no longer sent word for word",
        "{n} earlier messages are no longer sent word for word",
    )
    again = count(dropped, "Send it again", "Send them again")
    asked = say("All that fits goes along from your next message on.")
    return (
        f'<div class="marker" role="note"><p><b>{what}</b><span>'
        f"{_instead(dropped, summarised)}</span> "
        f'<button type="button" class="link" data-do="send-whole">{again}'
        f'</button><span class="asked">{asked}</span> <button type="button" class="link" '
        f'data-do="show-unsent">{say("Show")}</button></p></div>'
    )


def _instead(dropped: int, summarised: int) -> str:
    if summarised >= dropped:
        return count(dropped, "it stands in a summary", "they stand in a summary")
    if summarised:
        return say("{n} stand in a summary, recall finds the others again", n=number(summarised))
    return count(dropped, "recall finds it again", "recall finds them again")


def _sent(full: Fullness) -> str:
    if not full.dropped:
        return f"<p>{say('All of this conversation was sent word for word.')}</p>"
    told = count(
        full.dropped,
        "1 earlier message was not sent word for word: {instead}.",
        "{n} earlier messages were not sent word for word: {instead}.",
        instead=_instead(full.dropped, full.summarised),
    )
    return (
        f'<p>{told} <button type="button" class="link" data-do="show-unsent">'
        f"{say('Show where')}</button></p>"
    )


def _summarise(full: Fullness, share: float) -> str:
    left_out = full.dropped > full.summarised
    if full.whole or not (left_out or share > _TIGHT):
        return ""
    words = say("Summarise the earlier part (1 request)")
    return f'<p class="acts">{act("summarise", "fold", words)}</p>'


def _whole(full: Fullness) -> str:
    note = say("Word for word, without a summary; more tokens a request")
    return switch("whole", say("Send all that fits"), note, on=full.whole)


def _ring(share: float) -> str:
    """Drawn from the top; a window that is hardly touched still shows a dot."""
    part = max(2.0, 100 * share)
    return (
        '<svg class="ring" viewBox="0 0 24 24" aria-hidden="true"><circle cx="12" cy="12" r="8.5"/>'
        f'<circle class="part" cx="12" cy="12" r="8.5" pathLength="100" stroke-dasharray="{part:.0f} '
        '100"/></svg>'
    )


def pin_act(pinned: bool) -> str:
    """On a message of one's own: whether it goes along however long ago it was said."""
    name, state = say("Always send"), say("Always sent")
    pressed = str(pinned).lower()
    return (
        f'<button type="button" class="quiet pin" data-do="pin-message" aria-pressed="{pressed}" '
        f'aria-label="{name}" title="{state if pinned else name}">{icon("pin")}'
        f'<span class="pinned">{state}</span></button>'
    )
