"""What stands around the chat: who answers, what was spent, what is remembered."""

from datetime import UTC, datetime, timedelta
from html import escape

from assistant import OFFLINE_ADVICE, Answering, Usage
from components.icons import icon
from components.own_key import offer
from components.usage import forecast_at_nothing_left, pane
from components.words import count, number, say, told
from memories import MemoryState


def status(answering: Answering) -> str:
    kind = "offline" if answering.offline else "online"
    if answering.offline:
        names = f"<b>{say('Offline engine')}</b><span>{say('no language model')}</span>"
    else:
        names = f"<b>{escape(answering.model)}</b><span>{escape(told(answering.provider))}</span>"
    return (
        f'<button type="button" class="status {kind}" data-do="who-answers" aria-haspopup="dialog" '
        f'title="{say("Who answers here")}"><i></i>{names}{icon("chevron")}</button>'
    )


def banner(answering: Answering) -> str:
    """How to connect a model, while none is; nothing otherwise."""
    if not answering.offline:
        return ""
    advice = f"<p>{escape(told(answering.advice))}</p>" if answering.advice else ""
    act = f"<em>{say('Connect a model')}</em>"
    if answering.advice != OFFLINE_ADVICE:
        act = (
            '<button type="button" class="plain" data-do="who-answers" aria-haspopup="dialog">'
            f"{say('Choose a model')}</button>"
        )
    who = say("Answering: Parley's offline engine.")
    able = say(
        "It has no language model: it calculates, tells time, reads text in pictures, hears, speaks "
        "and recalls."
    )
    kept = say("Keys stay on the server: they never reach the browser, the database or a log.")
    return f"""<details class="banner"><summary>
{icon("plug")}<span><b>{who}</b> <span class="more">{able}</span></span>{act}</summary>
<div>{advice}<p>{offer(kind="plain")}</p>
<p>{say("Or set one of these and start Parley again:")}</p>
<pre tabindex="0"><code>OXLO_API_KEY=your-key python app.py

PARLEY_BASE_URL=https://host/v1 PARLEY_API_KEY=your-key PARLEY_MODEL=name python app.py

PARLEY_BASE_URL=http://127.0.0.1:11434/v1 PARLEY_MODEL=llama3.2 python app.py   # Ollama</code></pre>
<p>{kept}</p></div></details>"""


def usage(spent: Usage, answering: Answering) -> str:
    return pane(spent.report, answering, spent.lent)


def forecast(spent: Usage, answering: Answering) -> str:
    """What the next turn may cost; composer.js adds its recordings and its spoken reply."""
    report = spent.report
    if answering.offline:
        return f"<span>{say('No requests: offline engine')}</span>"
    if report.left == 0:
        return forecast_at_nothing_left(report.resets_at)
    lent = [sense for one in spent.lent for sense in one.senses]
    besides = f' data-hearing="{spent.hearing_requests}" data-speech="{spent.speech_requests}"'
    besides += f' data-lent="{" ".join(lent)}"' if lent else ""
    if report.billing == "free" and report.limit is None:
        return f'<span data-least="0" data-most="0"{besides}>{say("Nothing is spent here")}</span>'
    left, bound = "", ""
    if report.left is not None and report.limit is not None:
        rest = say("{left} of {limit} left", left=number(report.left), limit=number(report.limit))
        left = f"<small>{rest}</small>"
        bound = f' data-left="{report.left}"'
    most = spent.most_requests
    words = say("1 request, up to {most} with tools", most=most) if most > 1 else say("1 request")
    return f'<span data-most="{most}"{besides}{bound}>{words}</span>{left}'


def memory(state: MemoryState) -> str:
    """How much is remembered of the reader, and how memory stands; it opens the whole of it."""
    things = say("Nothing remembered on this machine")
    if state.count:
        things = count(
            state.count,
            "1 thing remembered on this machine",
            "{n} things remembered on this machine",
        )
    note, tone = "", ""
    if state.temporary:
        note = say("Not used in this chat")
    elif state.paused_here or state.paused_everywhere:
        tone = " paused"
        note = say("Paused") if state.paused_everywhere else say("Paused in this chat")
    elif state.to_make:
        done, of = number(state.made), number(state.to_make)
        note = say("Index made again: {done} of {of}", done=done, of=of)
    elif state.by_words:
        note = say("Found by words only just now")
    small = f"<small>{note}</small>" if note else ""
    # The cards of documents say by this whether they are remembered (static/memory.js).
    kept = f' data-documents="{" ".join(state.documents)}"' if state.documents else ""
    return (
        f'<button type="button" class="memories{tone}" data-do="memories" aria-haspopup="dialog"{kept}>'
        f"{icon('memory')}<span>{things}{small}</span>"
        f"{icon('chevron')}</button>"
    )


def local_now(offset_min: int) -> datetime:
    """The reader's clock; `offset_min` is minutes east of UTC, kept within a day."""
    from datetime import timezone

    bounded = max(-14 * 60, min(14 * 60, offset_min))
    return datetime.now(UTC).astimezone(timezone(timedelta(minutes=bounded)))
