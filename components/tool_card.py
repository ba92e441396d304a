"""A tool call as a card: what was asked, how it went, what came of it, and whether it may run."""

import json
import re
from html import escape

from components.icons import icon
from components.moments import elapsed, seconds
from components.words import number, say, told, word
from messages import Asking, Media, ToolCall, ToolResult
from toolbox import REJECTED

_SHOWN = 20_000
"""Characters of arguments and of a result that are shown."""
_LINE = 200

_PARTS = {
    "Arguments": word("Arguments of {tool}"),
    "Result": word("Result of {tool}"),
    "Error": word("Error of {tool}"),
}
_VERDICTS = (
    ("approve", word("Approve"), word("Approve {tool}")),
    ("always", word("Always"), word("Always {tool}")),
    ("reject", word("Reject"), word("Reject {tool}")),
)


def tool_card(
    call: ToolCall,
    result: ToolResult | None,
    running: bool,
    asking: Asking | None = None,
    since: float = 0.0,
) -> str:
    """`asking`: the call waits for its owner's word, and the question under the card shows all that
    would be sent. Once it is answered the card is folded like any other. It runs `since` then."""
    state, note = _state(result, running, asking)
    if state == "running":
        note = f"<span>{note}</span>{elapsed(since)}"
    head = (
        f'{icon("tool")}<span class="unseen">{say("Tool")}</span><b>{escape(call.name)}</b>'
        f'<span class="gist">{_gist(call.arguments)}</span><span class="state">{note}</span>'
    )
    mark = f'class="tool {state}" data-tool="{escape(call.name)}"'
    if asking:
        return f'<div {mark}><div class="head">{head}</div></div>{_question(call, asking)}'
    parts = _part(word("Arguments"), call.name, _pretty(call.arguments))
    if result is not None:
        label = word("Result") if result.ok else word("Error")
        parts += _part(label, call.name, result.text)
    pictures = "".join(map(_picture, result.pictures)) if result else ""
    return (
        f"<details {mark}><summary>{head}{_why(result)}{icon('chevron')}</summary>"
        f"<div>{parts}</div></details>"
        f"{pictures}"
    )


def _part(label: str, tool: str, text: str) -> str:
    """A box that scrolls, so it can be reached by the keyboard and has a name."""
    return (
        f'<p class="label">{say(label)}</p><pre tabindex="0" role="group" '
        f'aria-label="{say(_PARTS[label], tool=escape(tool))}">{_clip(text)}</pre>'
    )


def _state(result: ToolResult | None, running: bool, asking: Asking | None) -> tuple[str, str]:
    """The card's class, and the words at its end."""
    if asking:
        return "asking", say("asks first")
    if result is None:
        return ("running", say("running")) if running else ("failed", say("no answer"))
    if result.text == REJECTED:
        return "failed", say("rejected")
    took = [seconds(result.seconds)] if result.seconds else []
    words = escape(" · ".join(took if result.ok else [say("failed"), *took]))
    return "done" if result.ok else "failed", words


def _why(result: ToolResult | None) -> str:
    """In a line, why a call failed: to be read without opening its card."""
    if result is None or result.ok or result.text == REJECTED:
        return ""
    line = next(iter(result.text.strip().splitlines()), "")
    return f'<span class="why">{escape(line[:_LINE])}</span>' if line else ""


def _question(call: ToolCall, asking: Asking) -> str:
    """Approve, Always or Reject; the page's script sends the word."""
    tool, why = escape(asking.tool), f"why-{re.sub(r'[^A-Za-z0-9_-]', '-', asking.call_id)}"
    acts = "".join(
        f'<button type="button" class="plain" data-do="decide" data-verdict="{verdict}" '
        f'data-call="{escape(asking.call_id)}" aria-label="{say(name, tool=tool)}">'
        f"{say(label)}</button>"
        for verdict, label, name in _VERDICTS
    )
    may = say("May {tool} run?", tool=tool)
    return (
        f'<div class="tool-question" role="group" tabindex="-1" aria-label="{may}" '
        f'aria-describedby="{why}" data-call="{escape(asking.call_id)}"><p><b>{may}</b> '
        f'<span id="{why}">{escape(told(asking.why))}</span></p>'
        f"{_part(word('Arguments'), asking.tool, _pretty(call.arguments))}<div>{acts}</div></div>"
    )


def _picture(media: Media) -> str:
    name = escape(media.name or say("Picture"))
    return (
        '<button type="button" class="thumb drawn" data-do="enlarge" '
        f'aria-label="{say("Enlarge {name}", name=name)}">'
        f'<img src="/parley/media/{escape(media.sha256)}" alt="{name}" decoding="async"></button>'
    )


def _gist(arguments: str) -> str:
    """The values of the arguments in a few words; the JSON itself where it cannot be read."""
    try:
        read = json.loads(arguments or "{}")
    except (ValueError, RecursionError):
        return escape(arguments[:80])
    values = read.values() if isinstance(read, dict) else [read]
    words = ", ".join(v if isinstance(v, str) else json.dumps(v) for v in values)
    return escape(words[:80])


def _pretty(arguments: str) -> str:
    """What cannot be seen, or turns the words around it, is shown by its number."""
    try:
        text = json.dumps(json.loads(arguments or "{}"), indent=2, ensure_ascii=False)
    except (ValueError, RecursionError):
        text = arguments
    return "".join(c if c.isprintable() or c in "\n\t" else f"\\u{ord(c):04x}" for c in text)


def _clip(text: str) -> str:
    if len(text) <= _SHOWN:
        return escape(text)
    more = say("… {n} more characters", n=number(len(text) - _SHOWN))
    return f"{escape(text[:_SHOWN])}\n{more}"
