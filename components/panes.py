"""What stands around the chat: conversations, who answers, what was spent, what is remembered."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from html import escape

from assistant import Answering, Usage
from components.icons import icon
from components.render import moment
from messages import Conversation

MOST_TOOL_REQUESTS = 5
"""Requests a turn with tools may need at most, as the forecast says it."""


def conversations(listed: Sequence[Conversation], now: datetime) -> str:
    """The list by day, in the zone of `now`."""
    if not listed:
        return '<p class="none">What you talk about is listed here.</p>'
    html, heading = "", ""
    for conversation in listed:
        day = _day(conversation.updated_at, now)
        if day != heading:
            html += ("</ul>" if heading else "") + f'<h2>{day}</h2><ul role="list">'
            heading = day
        html += _entry(conversation)
    return html + "</ul>"


def _day(at: float, now: datetime) -> str:
    day = datetime.fromtimestamp(at, now.tzinfo).date()
    if day >= now.date():
        return "Today"
    return "Yesterday" if day == now.date() - timedelta(days=1) else "Earlier"


def _entry(conversation: Conversation) -> str:
    name, title = escape(conversation.id), escape(conversation.title or "Untitled")
    return (
        f'<li data-conversation="{name}"><a href="?c={name}" data-do="open" '
        f'title="{title}">{title}</a><span class="acts">'
        f'<button type="button" class="quiet" data-do="rename" aria-label="Rename {title}" '
        f'title="Rename">{icon("edit")}</button>'
        f'<button type="button" class="quiet" data-do="delete" aria-label="Delete {title}" '
        f'title="Delete">{icon("trash")}</button></span></li>'
    )


def status(answering: Answering) -> str:
    kind = "offline" if answering.offline else "online"
    if answering.offline:
        names = "<b>Offline engine</b><span>no language model</span>"
    else:
        names = f"<b>{escape(answering.model)}</b><span>{escape(answering.provider)}</span>"
    return f'<p class="status {kind}"><i></i>{names}</p>'


def banner(answering: Answering) -> str:
    """How to connect a model, while none is; nothing otherwise."""
    if not answering.offline:
        return ""
    advice = f"<p>{escape(answering.advice)}</p>" if answering.advice else ""
    return f"""<details class="banner"><summary>
{icon("plug")}<span><b>Answering: Parley's offline
engine.</b> <span class="more">It has no language model: it calculates, tells time, reads text in pictures,
hears, speaks and recalls.</span></span><em>Connect a model</em></summary>
<div>{advice}<p>Set one of these and start Parley again:</p>
<pre tabindex="0"><code>OXLO_API_KEY=your-key python app.py

PARLEY_BASE_URL=https://host/v1 PARLEY_API_KEY=your-key PARLEY_MODEL=name python app.py

PARLEY_BASE_URL=http://127.0.0.1:11434/v1 PARLEY_MODEL=llama3.2 python app.py   # Ollama</code></pre>
<p>Keys stay on the server: they never reach the browser, the database or a log.</p></div></details>"""


def usage(spent: Usage, answering: Answering) -> str:
    if answering.offline or spent.billing == "free":
        return '<p class="usage free">Offline engine: no requests are spent</p>'
    told = ", ".join(f"{count} {escape(kind)}" for kind, count in spent.by_purpose.items() if count)
    title = f' title="{told}"' if told else ""
    resets = f"<small>Resets {moment(spent.resets_at)}</small>" if spent.resets_at else ""
    if spent.limit is None:
        word = "request" if spent.used == 1 else "requests"
        return f'<p class="usage"{title}><b>{spent.used}</b> {word} today</p>{resets}'
    share = min(100, round(100 * spent.used / spent.limit)) if spent.limit else 100
    full = " full" if share >= 90 else ""
    return (
        f'<p class="usage"{title}><b>{spent.used}</b> of {spent.limit} requests today</p>'
        f'<div class="bar{full}" role="meter" aria-label="Requests used today" aria-valuemin="0" '
        f'aria-valuemax="{spent.limit}" aria-valuenow="{spent.used}">'
        f'<i style="width:{share}%"></i></div>{resets}'
    )


def forecast(spent: Usage, answering: Answering) -> str:
    """What the next turn may cost; composer.js adds what its attachments cost."""
    if answering.offline or spent.billing == "free":
        return '<span data-free="1">No requests: offline engine</span>'
    left = ""
    if spent.limit is not None:
        left = f"<small>{max(0, spent.limit - spent.used)} of {spent.limit} left</small>"
    return (
        f'<span data-most="{MOST_TOOL_REQUESTS}">1 request, up to {MOST_TOOL_REQUESTS} with tools'
        f"</span>{left}"
    )


def memory() -> str:
    return (
        f"<p>{icon('memory')}<span>Every turn is remembered on this machine. What was recalled is "
        "shown under the reply.</span></p>"
    )


def local_now(offset_min: int) -> datetime:
    """The reader's clock; `offset_min` is minutes east of UTC, kept within a day."""
    from datetime import timezone

    bounded = max(-14 * 60, min(14 * 60, offset_min))
    return datetime.now(UTC).astimezone(timezone(timedelta(minutes=bounded)))
