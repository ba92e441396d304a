"""What can be done with a message, under it: copy, edit, retry, other versions, a verdict, a branch."""

from collections import Counter
from html import escape

from components.context import pin_act
from components.icons import icon
from components.moments import moment, seconds
from components.voice import read_aloud
from messages import Message, Provenance, Request


def said_foot(message: Message) -> str:
    """Under one's own message: the acts come with the pointer or the keyboard, the versions stay."""
    acts = (
        f"{moment(message.at)}{pin_act(message.pinned)}"
        f"{_act('edit-said', 'edit', 'Edit and send again')}{_act('copy', 'copy', 'Copy')}"
    )
    return f'<div class="said-foot"><div class="acts">{acts}</div>{versions(message)}</div>'


def reply_foot(message: Message, *, retry: bool) -> str:
    """Under a reply; `retry` where no notice above offers it already."""
    acts = _act("copy", "copy", "Copy") + read_aloud(message)
    if retry:
        acts += _act("retry", "retry", "Answer again")
    acts += _verdict(message, 1, "like", "Good reply") + _verdict(
        message, -1, "dislike", "Bad reply"
    )
    acts += _act("branch", "branch", "Branch into a new chat")
    return (
        f'<div class="foot">{versions(message)}<div class="acts">{acts}</div>'
        f"{_facts(message.provenance or Provenance())}</div>"
    )


def growing_foot(message: Message) -> str:
    """While a reply grows: which of several it is; usually nothing."""
    pager = versions(message)
    return f'<div class="foot">{pager}</div>' if pager else ""


def versions(message: Message) -> str:
    """Such as ‹ 2/3 ›; empty where there is but one."""
    ids = message.versions
    if message.id not in ids:
        return ""
    at = ids.index(message.id)
    what = "message" if message.role == "user" else "reply"
    before = _step(ids[at - 1] if at else "", f"Earlier version of this {what}", "back")
    after = _step(ids[at + 1] if at + 1 < len(ids) else "", f"Later version of this {what}", "on")
    told = f"Version {at + 1} of {len(ids)}"
    return (
        f'<div class="versions" role="group" aria-label="Versions of this {what}" '
        f'data-ids="{escape(" ".join(ids))}">{before}'
        f'<span aria-label="{told}" role="img">{at + 1}/{len(ids)}</span>{after}</div>'
    )


def go_on_act() -> str:
    """Beside the notice that a reply broke off."""
    return (
        f'<button type="button" class="plain strong" data-do="resume">{icon("go-on")}'
        "<span>Continue</span></button>"
    )


def retry_act() -> str:
    return (
        f'<button type="button" class="plain" data-do="retry">{icon("retry")}<span>Retry</span>'
        "</button>"
    )


def spent(requests: tuple[Request, ...]) -> str:
    """Such as "2 requests: 1 answer + 1 tool round"."""
    if not requests:
        return "no requests"
    if all(request.free for request in requests):
        return "nothing spent"
    if len(requests) == 1:
        only = requests[0].purpose
        return "1 request" if only == "answer" else f"1 request: {only}"
    kinds = Counter(request.purpose for request in requests)
    parts = " + ".join(
        f"{count} {kind}{'s' if count > 1 and kind in ('answer', 'tool round') else ''}"
        for kind, count in kinds.items()
    )
    return f"{len(requests)} requests: {parts}"


def _facts(about: Provenance) -> str:
    """Model, why it, what it cost."""
    facts: list[str] = []
    if about.model:
        why = escape(about.why)
        facts.append(f'<span class="model" title="{why}">{escape(about.model)}</span>')
        if why:
            facts.append(f'<span class="why">{why}</span>')
    facts.append(f'<span class="requests">{spent(about.requests)}</span>')
    if about.seconds:
        facts.append(f"<span>{escape(seconds(about.seconds))}</span>")
    return f'<p class="facts">{"".join(facts)}</p>'


def _act(do: str, sign: str, name: str) -> str:
    return (
        f'<button type="button" class="quiet" data-do="{do}" aria-label="{name}" title="{name}">'
        f"{icon(sign)}</button>"
    )


def _verdict(message: Message, rating: int, sign: str, name: str) -> str:
    pressed = str(message.rating == rating).lower()
    return (
        f'<button type="button" class="quiet" data-do="rate" data-rating="{rating}" '
        f'aria-pressed="{pressed}" aria-label="{name}" title="{name}">{icon(sign)}</button>'
    )


def _step(message_id: str, name: str, way: str) -> str:
    """A button to another version; one that leads nowhere stays where it is, for nothing to jump."""
    leads = f'data-message="{escape(message_id)}"' if message_id else "disabled"
    return (
        f'<button type="button" class="quiet {way}" data-do="select" {leads} aria-label="{name}" '
        f'title="{name}">{icon("chevron")}</button>'
    )
