"""How full the model's window is, and from which message on it sees the conversation word for word."""

from html import escape

from assistant import Fullness
from components.controls import act, switch, tokens
from components.icons import icon
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
    said = f"{tokens(full.tokens, full.window)} of {tokens(full.window, full.window)} tokens"
    tone = " full" if share >= _FULL else ""
    whole = ' data-whole="yes"' if full.whole else ""
    return (
        f'<button type="button" class="quiet meter{tone}" data-do="context" aria-haspopup="dialog" '
        f'title="The model&#x27;s window: {said}" aria-label="Context: {said}">{_ring(share)}</button>'
        f'<div class="memory-card context-card" popover tabindex="-1" role="dialog"{whole} '
        'aria-labelledby="parley-context-title"><h2 id="parley-context-title">What the model sees'
        f'</h2><p class="usage"><b>{said}</b> with the last message</p>'
        f'<div class="bar{tone}" role="meter" aria-label="Tokens of the window" aria-valuemin="0" '
        f'aria-valuemax="{full.window}" aria-valuenow="{min(full.tokens, full.window)}">'
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
    one = dropped == 1
    what = "1 earlier message is" if one else f"{dropped:,} earlier messages are"
    return (
        f'<div class="marker" role="note"><p><b>{what} no longer sent word for word</b><span>'
        f"{_instead(dropped, summarised)}</span> "
        f'<button type="button" class="link" data-do="send-whole">Send {"it" if one else "them"} '
        'again</button><span class="asked">All that fits goes along from your next message on.</span> '
        '<button type="button" class="link" data-do="show-unsent">Show</button></p></div>'
    )


def _instead(dropped: int, summarised: int) -> str:
    they, them, stand = ("it", "it", "stands") if dropped == 1 else ("they", "them", "stand")
    if summarised >= dropped:
        return f"{they} {stand} in a summary"
    if summarised:
        return f"{summarised:,} stand in a summary, recall finds the others again"
    return f"recall finds {them} again"


def _sent(full: Fullness) -> str:
    if not full.dropped:
        return "<p>All of this conversation was sent word for word.</p>"
    was = "message was" if full.dropped == 1 else "messages were"
    instead = _instead(full.dropped, full.summarised)
    return (
        f"<p>{full.dropped:,} earlier {was} not sent word for word: {instead}. "
        '<button type="button" class="link" data-do="show-unsent">Show where</button></p>'
    )


def _summarise(full: Fullness, share: float) -> str:
    left_out = full.dropped > full.summarised
    if full.whole or not (left_out or share > _TIGHT):
        return ""
    return (
        f'<p class="acts">{act("summarise", "fold", "Summarise the earlier part (1 request)")}</p>'
    )


def _whole(full: Fullness) -> str:
    note = "Word for word, without a summary; more tokens a request"
    return switch("whole", "Send all that fits", note, on=full.whole)


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
    name = "Always sent" if pinned else "Always send"
    pressed = str(pinned).lower()
    return (
        f'<button type="button" class="quiet pin" data-do="pin-message" aria-pressed="{pressed}" '
        f'aria-label="Always send" title="{name}">{icon("pin")}<span class="pinned">Always sent</span>'
        "</button>"
    )
