"""All tools, in a dialog: by source, what each does and is, and whether it runs, asks, or is off.

Who runs this Parley also sees how the MCP servers are, starts them anew, and lets in what changed.
The dialog stands still; what it lists comes anew with every change, as the pane "toolbox".
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import ndiff
from html import escape

from assistant import Answering, Assistant, Usage
from components.icons import icon
from components.moments import elapsed, moment
from components.words import count, say, word
from toolbox import Change, Permission, ServerStatus, ToolSwitch

_OURS = "Parley"
_LONGEST = 240
"""Characters of the sentence that says what a tool does."""
_COMPARED = 600
"""Lines of what is told of a tool that are compared; of longer ones only the new words are shown."""

_PLAIN = {
    "calculate": word("Works out arithmetic, exactly."),
    "chart": word("Draws numbers as a line, bar or pie chart."),
    "clock": word("Tells the time and the weekday anywhere."),
    "convert_units": word("Converts units, such as miles to kilometres."),
    "dates": word("Counts days, and finds weekdays and dates."),
    "forget": word("Forgets what you no longer want remembered."),
    "make_image": word("Makes a picture, where the provider that answers can."),
    "read_attachment": word("Reads the documents attached to the chat."),
    "read_page": word("Fetches a page of the Web and reads its text."),
    "remember": word("Keeps a fact you told, and shows it with Undo."),
    "search_memory": word("Looks into what you said in other chats."),
    "search_web": word("Searches the Web."),
    "weather": word("Asks Open-Meteo for the weather of a place."),
}
"""For people. Tools that are not named here go by what is told to models."""

_IS = {
    "reads": (word("Reads"), word("Looks at what is here; changes nothing")),
    "writes": (word("Writes"), word("Changes something that is kept")),
    "reaches out": (word("Reaches out"), word("Sends what it is given to another host or program")),
    "costs": (word("Costs 1 request"), word("Each use is a request to the provider")),
}
_THREE: tuple[tuple[Permission, str], ...] = (
    ("off", word("Off")),
    ("ask", word("Ask first")),
    ("allow", word("Allowed")),
)
_ILL = {
    "approval": word("{server}: needs approval"),
    "waiting": word("{server}: waiting to restart"),
    "failed": word("{server}: failed"),
}
"""By the shape of a server's light, where it needs a look."""


@dataclass(frozen=True, slots=True)
class Tools:
    """What is to be shown. `trouble` says why no tool is used just now; usually it is empty.

    `servers` is None for those who do not run this Parley: they see the tools alone.
    """

    switches: tuple[ToolSwitch, ...]
    servers: tuple[ServerStatus, ...] | None = None
    trouble: str = ""


async def look(
    assistant: Assistant,
    owner: str,
    conversation: str,
    answering: Answering,
    spent: Usage,
    *,
    operator: bool,
) -> Tools:
    toolbox = assistant.toolbox
    switches = tuple(await toolbox.switches(owner, conversation))
    trouble = ""
    if not await toolbox.usable(owner, conversation, answering.model):
        trouble = say(
            "{model} cannot use tools. Choose another model to have them used.",
            model=answering.model,
        )
    elif switches and all(switch.permission == "off" for switch in switches):
        trouble = say("All tools are off: the model is told of none.")
    elif spent.most_requests < 2:
        trouble = say("Too few requests are left today: the model is told of no tools.")
    return Tools(switches, tuple(toolbox.servers()) if operator else None, trouble)


def side(tools: Tools) -> str:
    """How many there are, and what is unusual; it opens the panel."""
    things = say("No tools")
    if tools.switches:
        things = count(len(tools.switches), "1 tool", "{n} tools")
    asking = sum(switch.permission == "ask" for switch in tools.switches)
    note, tone = (count(asking, "1 asks first", "{n} ask first") if asking else ""), ""
    if ill := [one for one in tools.servers or () if one.state in ("failed", "changed")]:
        tone = " ill"
        note = say(_ILL[_light(ill[0])[0]], server=ill[0].name)
        note = say("{n} servers need a look", n=len(ill)) if len(ill) > 1 else note
    elif tools.trouble:
        note = say("Not used just now")
    small = f"<small>{escape(note)}</small>" if note else ""
    return (
        f'<button type="button" class="memories{tone}" data-do="tools" aria-haspopup="dialog">'
        f"{icon('tool')}<span>{things}{small}</span>{icon('chevron')}</button>"
    )


def shell() -> str:
    """What stands still; static/tools.js makes the dialog from it."""
    foot = say(
        "<b>Ask first</b> shows you each call before it runs. Once a web page, a document or a "
        "picture is in a chat, tools that write or reach out ask there again."
    )
    return (
        '<template id="parley-tools-shell"><div class="choice-head">'
        f'<h2 id="parley-tools-title" tabindex="-1">{say("Tools")}</h2>'
        '<button type="button" class="quiet" data-do="close-tools" '
        f'aria-label="{say("Close")}">{icon("close")}</button></div>'
        f'<search class="tool-search" hidden><label class="seek">{icon("search")}'
        '<input type="search" maxlength="100" autocomplete="off" spellcheck="false" '
        f'placeholder="{say("Search tools")}" aria-label="{say("Search tools")}"></label></search>'
        '<div class="choice-told" role="alert" hidden></div>'
        '<div class="tool-body" tabindex="-1"><div class="choice-wait"><i></i><i></i><i></i></div>'
        '<div data-part="list"></div><p class="none" hidden></p></div>'
        f'<p class="tool-foot">{foot}</p><p class="unseen" role="status"></p></template>'
    )


def pane(tools: Tools) -> str:
    standing = ""
    if tools.trouble:
        standing = (
            f'<div class="standing" data-key="standing">{icon("alert")}'
            f"<span>{escape(tools.trouble)}</span></div>"
        )
    by_source: dict[str, list[ToolSwitch]] = {}
    for switch in tools.switches:
        by_source.setdefault(switch.source, []).append(switch)
    drawn = [_section(_OURS, by_source.pop(_OURS, []), None)]
    for server in tools.servers or ():
        drawn.append(_section(server.name, by_source.pop(server.name, []), server))
    drawn += [_section(source, switches, None) for source, switches in by_source.items()]
    listed = standing + _lights(tools.servers or ()) + "".join(drawn) + _no_servers(tools)
    return f'<div data-part="list">{listed}</div>'


def _no_servers(tools: Tools) -> str:
    if tools.servers is None or tools.servers:
        return ""
    words = say(
        "More tools come from MCP servers: name them in <code>mcp.json</code> where Parley keeps "
        "its data, then start Parley again."
    )
    return f'<p class="tool-hint" data-key="hint">{words}</p>'


def _section(source: str, switches: Sequence[ToolSwitch], server: ServerStatus | None) -> str:
    if not switches and server is None:
        return ""
    name = "ours" if source == _OURS else f"server-{_id(source)}"
    title = say("Built in") if source == _OURS else escape(source)
    note = count(len(switches), "1 tool", "{n} tools")
    if source != _OURS:
        note = count(len(switches), "MCP server, 1 tool", "MCP server, {n} tools")
    rows = "".join(_row(switch) for switch in switches)
    return (
        f'<section class="tool-source" data-key="{name}" data-holds aria-labelledby="{name}">'
        f'<h3 data-key="head" id="{name}">{title} <small>{note}</small></h3>'
        f'{_server(server) if server else ""}<ul role="list" data-key="tools" data-holds>{rows}</ul>'
        "</section>"
    )


def _row(switch: ToolSwitch) -> str:
    name, key = escape(switch.name), f"tool-{_id(switch.name)}"
    prefix, mark, rest = switch.name.partition("__")
    shown = name
    if switch.source != _OURS and mark and rest:
        shown = f'<span class="of">{escape(prefix)}__</span>{escape(rest)}'
    tags = "".join(
        f'<span class="tag" title="{say(_IS[one][1])}">{say(_IS[one][0])}</span>'
        for one in switch.declares
    )
    radios = "".join(
        f'<label><input type="radio" name="{key}" id="{key}-{value}" value="{value}"'
        f"{' checked' if value == switch.permission else ''}><span>{say(label)}</span></label>"
        for value, label in _THREE
    )
    return (
        f'<li class="tool-row {switch.permission}" data-key="{key}" data-tool="{name}">'
        f'<div class="tool-about"><p><b>{shown}</b>{tags}</p>'
        f'<p class="does" id="{key}-does">{escape(sentence(switch))}</p></div>'
        f'<div class="three" role="radiogroup" aria-label="{name}" '
        f'aria-describedby="{key}-does">{radios}</div></li>'
    )


def sentence(switch: ToolSwitch) -> str:
    """What it does, in one sentence."""
    if switch.source == _OURS and switch.name in _PLAIN:
        return say(_PLAIN[switch.name])
    words = " ".join(switch.description.split())
    first = re.match(r".*?[.!?](?=\s|$)", words)
    words = first[0] if first else words
    return words if len(words) <= _LONGEST else f"{words[:_LONGEST].rstrip()}…"


# ── the servers of mcp.json, for who runs this Parley ───────────────────────────────────────────


def _light(server: ServerStatus) -> tuple[str, str]:
    """The shape of its light, and the words beside it."""
    match server.state:
        case "connecting":
            return "starting", say("Starting")
        case "ready":
            return "running", say("Running")
        case "changed":
            return "approval", say("Needs approval")
        case "failed":
            if server.again_at:
                return "waiting", say("Waiting to restart")
            return "failed", say("Failed")


def _lights(servers: Sequence[ServerStatus]) -> str:
    """All servers at a glance, each leading to its place in the list."""
    lights = ""
    for server in servers:
        (shape, words), key = _light(server), _id(server.name)
        lights += (
            f'<button type="button" data-do="to-server" id="to-{key}" data-server="server-{key}">'
            f'<i class="light {shape}" aria-hidden="true"></i>{escape(server.name)} '
            f"<small>{words}</small></button>"
        )
    if not lights:
        return ""
    label = f'role="group" aria-label="{say("MCP servers")}"'
    return f'<div class="lights" data-key="lights" {label}>{lights}</div>'


def _server(server: ServerStatus) -> str:
    shape, words = _light(server)
    key, name = _id(server.name), escape(server.name)
    more = ""
    if server.again_at:
        more = f"<small>{say('Next attempt at {time}', time=moment(server.again_at))}</small>"
    elif shape == "starting":
        more = elapsed(server.since)
    elif shape == "failed":
        correct = say("Correct <code>mcp.json</code>, then start Parley again.")
        more = f"<small>{correct}</small>"
    restart = ""
    if shape != "failed":
        # It keeps the keyboard while it can do nothing.
        held = ' aria-disabled="true"' if shape == "starting" else ""
        restart = (
            f'<button type="button" class="plain" data-do="restart-server" id="restart-{key}" '
            f'data-server="{name}" aria-label="{say("Restart {name}", name=name)}"{held}>'
            f"{icon('retry')}<span>{say('Restart')}</span></button>"
        )
    error = f'<p class="server-error">{escape(server.error)}</p>' if server.error else ""
    return (
        f'<div class="server" data-key="server-{key}" data-state="{shape}"><p class="server-state">'
        f'<i class="light {shape}" aria-hidden="true"></i><b>{words}</b>{more}</p>{restart}{error}'
        f"{_changes(server)}</div>"
    )


def _changes(server: ServerStatus) -> str:
    if not server.changes:
        return ""
    key, name = _id(server.name), escape(server.name)
    stay = count(
        len(server.changes),
        "1 tool is not what was let in before, and stays away from the model until you approve: "
        "a description is read by the model, and may be written to mislead it.",
        "{n} tools are not what was let in before, and stay away from the model until you approve: "
        "a description is read by the model, and may be written to mislead it.",
    )
    approve = say("Approve what changed in {name}", name=name)
    listed = "".join(_change(change) for change in server.changes)
    return (
        f"<p>{stay}</p>"
        f'<details class="changes" id="changes-{key}" data-seen="{escape(server.seen)}">'
        f"<summary>{say('Look at what changed')}{icon('chevron')}</summary>{listed}"
        f'<button type="button" class="plain keep" data-do="approve-server" id="approve-{key}" '
        f'data-server="{name}" data-seen="{escape(server.seen)}" '
        f'aria-label="{approve}">{icon("check")}<span>{say("Approve")}</span></button>'
        "</details>"
    )


def _change(change: Change) -> str:
    tool, note = escape(change.tool), ""
    words = say("<code>{tool}</code> has changed", tool=tool)
    if change.kind == "new":
        words = say("<code>{tool}</code> is new", tool=tool)
    if change.kind == "changed" and not change.before:
        note = f"<p>{say('What it said before was not kept. This is what it says now:')}</p>"
    return (
        f'<div class="change"><h4>{words}</h4>{note}'
        f'<pre tabindex="0" role="group" aria-label="{tool}">{_compared(change)}</pre></div>'
    )


def _compared(change: Change) -> str:
    """Line by line, what was taken out and what was put in; all of it where there is no before."""
    now = (change.now or change.description).splitlines()
    before = change.before.splitlines()
    if not before or len(now) + len(before) > _COMPARED:
        return escape("\n".join(now))
    lines = []
    for line in ndiff(before, now):
        words = escape(line[2:])
        if line.startswith("+ "):
            lines.append(f'<ins><span class="unseen">{say("Added:")} </span>{words}</ins>')
        elif line.startswith("- "):
            lines.append(f'<del><span class="unseen">{say("Removed:")} </span>{words}</del>')
        elif line.startswith("  "):
            lines.append(words)
    return "\n".join(lines)


def _id(name: str) -> str:
    """What may stand in an id; names that differ stay different."""
    return re.sub(r"[^A-Za-z0-9_-]", lambda found: f".{ord(found[0]):x}.", name)
