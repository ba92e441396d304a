"""What can be done with a message, under it: copy, edit, retry, other versions, a verdict, a branch."""

from collections import Counter
from html import escape

from components.context import pin_act
from components.icons import icon
from components.moments import moment, seconds
from components.voice import read_aloud
from components.words import count, say, told, word
from messages import Message, Provenance, Purpose, Request

_KINDS: dict[Purpose, tuple[str, str, str]] = {
    "answer": (word("answer"), word("1 answer"), word("{n} answers")),
    "tool round": (word("tool round"), word("1 tool round"), word("{n} tool rounds")),
    "image": (word("image"), word("1 image"), word("{n} image")),
    "transcription": (word("transcription"), word("1 transcription"), word("{n} transcription")),
    "speech": (word("speech"), word("1 speech"), word("{n} speech")),
    "reading": (word("reading"), word("1 reading"), word("{n} reading")),
    "embedding": (word("embedding"), word("1 embedding"), word("{n} embedding")),
    "summary": (word("summary"), word("1 summary"), word("{n} summary")),
    "models": (word("models"), word("1 models"), word("{n} models")),
}
_VERSIONS_OF = {
    "user": (
        word("Versions of this message"),
        word("Earlier version of this message"),
        word("Later version of this message"),
    ),
    "assistant": (
        word("Versions of this reply"),
        word("Earlier version of this reply"),
        word("Later version of this reply"),
    ),
}


def said_foot(message: Message) -> str:
    """Under one's own message: the acts come with the pointer or the keyboard, the versions stay."""
    acts = (
        f"{moment(message.at)}{pin_act(message.pinned)}"
        f"{_act('edit-said', 'edit', say('Edit and send again'))}{_act('copy', 'copy', say('Copy'))}"
    )
    return f'<div class="said-foot"><div class="acts">{acts}</div>{versions(message)}</div>'


def reply_foot(message: Message, *, retry: bool) -> str:
    """Under a reply; `retry` where no notice above offers it already."""
    acts = _act("copy", "copy", say("Copy")) + read_aloud(message)
    if retry:
        acts += _act("retry", "retry", say("Answer again"))
    acts += _verdict(message, 1, "like", say("Good reply"))
    acts += _verdict(message, -1, "dislike", say("Bad reply"))
    acts += _act("branch", "branch", say("Branch into a new chat"))
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
    all_of_it, earlier, later = map(say, _VERSIONS_OF[message.role])
    before = _step(ids[at - 1] if at else "", earlier, "back")
    after = _step(ids[at + 1] if at + 1 < len(ids) else "", later, "on")
    which = say("Version {n} of {all}", n=at + 1, all=len(ids))
    return (
        f'<div class="versions" role="group" aria-label="{all_of_it}" '
        f'data-ids="{escape(" ".join(ids))}">{before}'
        f'<span aria-label="{which}" role="img">{at + 1}/{len(ids)}</span>{after}</div>'
    )


def go_on_act() -> str:
    """Beside the notice that a reply broke off."""
    return (
        f'<button type="button" class="plain strong" data-do="resume">{icon("go-on")}'
        f"<span>{say('Continue')}</span></button>"
    )


def retry_act() -> str:
    return (
        f'<button type="button" class="plain" data-do="retry">{icon("retry")}'
        f"<span>{say('Retry')}</span></button>"
    )


def spent(requests: tuple[Request, ...]) -> str:
    """Such as "2 requests: 1 answer + 1 tool round"."""
    if not requests:
        return say("no requests")
    if all(request.free for request in requests):
        return say("nothing spent")
    if len(requests) == 1:
        only = requests[0].purpose
        if only == "answer":
            return say("1 request")
        return say("1 request: {kind}", kind=say(_KINDS[only][0]))
    kinds = Counter(request.purpose for request in requests)
    parts = " + ".join(count(n, *_KINDS[kind][1:]) for kind, n in kinds.items())
    return say("{n} requests: {parts}", n=len(requests), parts=parts)


def _facts(about: Provenance) -> str:
    """Model, why it, what it cost."""
    facts: list[str] = []
    if about.model:
        why = escape(told(about.why))
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
