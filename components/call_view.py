"""What a call shows: whose turn it is, what was heard, what it costs. call.js fills it."""

from components.controls import act
from components.icons import icon
from components.words import say

_SIGNS = (("mic", "listening hearing"), ("thought", "thinking calling cut"), ("sound", "speaking"))


def shell() -> str:
    """Hidden until a call begins. The reply itself comes in the chat above."""
    signs = "".join(f'<span data-for="{states}">{icon(sign)}</span>' for sign, states in _SIGNS)
    signs += f'<span data-for="resting drafting">{icon("pause")}</span>'
    return (
        f'<section aria-label="{say("Call")}" hidden><div class="call-state">'
        f'<div class="orb" aria-hidden="true">{signs}</div>'
        "<p><b></b><span></span></p>"
        f"{act('call-wake', 'mic', say('Go on'))}{act('call-interrupt', 'stop', say('Interrupt'))}"
        '<button type="button" class="plain hang-up" data-do="hang-up" title="Escape">'
        f"{icon('hang-up')}<span>{say('End call')}</span></button></div>"
        f'<p class="call-heard" hidden><span>{say("Heard")}</span> <q></q></p>'
        '<form class="call-draft"><label class="unseen" for="parley-call-draft">'
        f"{say('What you said')}</label>"
        '<textarea id="parley-call-draft" rows="2" maxlength="4000"></textarea>'
        f'<button class="plain">{say("Send")}</button>'
        f'<button type="button" class="plain" data-do="call-drop">{say("Say it again")}</button></form>'
        '<div class="call-foot"><label>'
        '<input type="checkbox" role="switch" data-half-duplex>'
        f"<span>{say('Loudspeaker')} "
        f"<small>{say('microphone off while Parley speaks')}</small></span></label>"
        '<p class="call-meter"><span data-costs></span> <span data-spent></span> '
        "<span data-left></span></p></div></section>"
        '<div id="parley-call-said" class="unseen" role="status" aria-live="polite"></div>'
    )
