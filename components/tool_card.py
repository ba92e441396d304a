"""A tool call as a card: what was asked, how it went, what came of it, and whether it may run."""

import json
from html import escape

from components.icons import icon
from components.moments import seconds
from messages import Asking, Media, ToolCall, ToolResult

_SHOWN = 20_000
"""Characters of arguments and of a result that are shown."""


def tool_card(
    call: ToolCall, result: ToolResult | None, running: bool, asking: Asking | None = None
) -> str:
    """`asking`: the call waits for its owner's word, and the card asks for it."""
    state, note = _state(result, running, asking)
    answer = ""
    if result is not None:
        label = "Result" if result.ok else "Error"
        answer = f"<h6>{label}</h6><pre tabindex='0'>{_clip(result.text)}</pre>"
    card = (
        f'<details class="tool {state}" data-tool="{escape(call.name)}"{" open" if asking else ""}>'
        f"<summary>{icon('tool')}<b>{escape(call.name)}</b>"
        f'<span class="gist">{_gist(call.arguments)}</span>'
        f'<span class="state">{note}</span>{icon("chevron")}</summary><div><h6>Arguments</h6>'
        f"<pre tabindex='0'>{_clip(_pretty(call.arguments))}</pre>{answer}</div></details>"
    )
    pictures = "".join(map(_picture, result.pictures)) if result else ""
    return card + (_question(asking) if asking else "") + pictures


def _state(result: ToolResult | None, running: bool, asking: Asking | None) -> tuple[str, str]:
    """The card's class, and the words at its end."""
    if asking:
        return "asking", "asks first"
    if result is None:
        return ("running", "running") if running else ("failed", "no answer")
    took = [seconds(result.seconds)] if result.seconds else []
    words = escape(" · ".join(took if result.ok else ["failed", *took]))
    return "done" if result.ok else "failed", words


def _question(asking: Asking) -> str:
    """Approve, Always or Reject; the page's script sends the word."""
    tool = escape(asking.tool)
    acts = "".join(
        f'<button type="button" class="plain" data-do="decide" data-verdict="{verdict}" '
        f'data-call="{escape(asking.call_id)}" aria-label="{label} {tool}">{label}</button>'
        for verdict, label in (("approve", "Approve"), ("always", "Always"), ("reject", "Reject"))
    )
    return (
        f'<div class="tool-question" role="group" aria-label="May {tool} run?">'
        f"<p><b>May {tool} run?</b> {escape(asking.why)}</p><div>{acts}</div></div>"
    )


def _picture(media: Media) -> str:
    name = escape(media.name or "Picture")
    return (
        f'<button type="button" class="thumb drawn" data-do="enlarge" aria-label="Enlarge {name}">'
        f'<img src="/parley/media/{escape(media.sha256)}" alt="{name}" decoding="async"></button>'
    )


def _gist(arguments: str) -> str:
    """The values of the arguments in a few words; the JSON itself where it cannot be read."""
    try:
        read = json.loads(arguments or "{}")
    except ValueError:
        return escape(arguments[:80])
    values = read.values() if isinstance(read, dict) else [read]
    words = ", ".join(v if isinstance(v, str) else json.dumps(v) for v in values)
    return escape(words[:80])


def _pretty(arguments: str) -> str:
    try:
        return json.dumps(json.loads(arguments or "{}"), indent=2, ensure_ascii=False)
    except ValueError:
        return arguments


def _clip(text: str) -> str:
    if len(text) <= _SHOWN:
        return escape(text)
    return escape(text[:_SHOWN]) + f"\n… {len(text) - _SHOWN:,} more characters"
