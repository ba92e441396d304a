"""All settings in one dialog, by section. What has a panel of its own is summed up here, and led to.

The page fetches it whenever it is opened and after each change (static/settings.js).
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Annotated

from fastapi import APIRouter, Path, Request
from fastapi.responses import HTMLResponse

from assistant import (
    EVERYWHERE,
    Answering,
    Assistant,
    Connected,
    Limits,
    Role,
    Speaker,
    Usage,
)
from components import language_choice, usage
from components.controls import act, switch
from components.icons import icon
from components.words import say
from memories import MemoryState
from messages import Choices, Preset, Style

_TABS = (
    ("general", "sliders", "General"),
    ("replies", "quote", "Replies"),
    ("models", "mark", "Models and keys"),
    ("senses", "memory", "Voice, memory, tools"),
    ("budget", "gauge", "Requests"),
    ("data", "shield", "Your data"),
)
_PRESETS = (
    Preset("Brief", "Answer in as few words as the question allows. No preamble, no summary."),
    Preset(
        "Teacher",
        "Explain step by step, as to a curious beginner, with one small example. End with one short "
        "question that shows whether it was understood.",
    ),
    Preset(
        "Editor",
        "Correct spelling, grammar and style of what I write, and keep my voice. Give the text "
        "first, then a short list of what you changed and why.",
    ),
    Preset(
        "Programmer",
        "Be a careful senior programmer. Give complete code that runs first, then the reasons in a "
        "few lines. Say what you did not test.",
    ),
    Preset(
        "Translator",
        "Translate what I write into English; where it is English, into the language I used before. "
        "Keep tone and names. Give nothing but the translation.",
    ),
    Preset(
        "Critic",
        "Look for what is wrong, missing or unproven in what I say, and say it plainly, the gravest "
        "first.",
    ),
)
_ROLES = {
    "chat": ("mark", "Answers", "Nobody answers yet"),
    "images": ("image", "Sees pictures", "Pictures are told in words"),
    "transcription": ("mic", "Writes down recordings", "Nothing here hears"),
    "speech": ("sound", "Speaks", "A voice of your browser speaks"),
    "drawing": ("edit", "Draws pictures", "Nothing here draws"),
}
_LENGTHS = (256, 512, 1024, 2048, 4096, 8192, 16_384)


@dataclass(frozen=True, slots=True)
class Settings:
    """All that is shown. `here` and `usual` are the choices of this chat and of all."""

    answering: Answering
    limits: Limits
    here: Choices
    usual: Choices
    roles: Sequence[Role]
    providers: Sequence[Connected]
    speaker: Speaker
    memory: MemoryState
    tools: int
    spent: Usage


async def look(assistant: Assistant, owner: str, conversation: str) -> Settings:
    assistant = assistant.at(owner, conversation)
    return Settings(
        answering=await assistant.answering(owner, conversation),
        limits=await assistant.limits(owner, conversation),
        here=await assistant.choices(owner, conversation),
        usual=await assistant.choices(owner, EVERYWHERE),
        roles=await assistant.roles(owner, conversation),
        providers=assistant.providers(owner),
        speaker=await assistant.speaker(owner),
        memory=await assistant.memory.state(owner, conversation),
        tools=len(await assistant.toolbox.switches(owner, conversation)),
        spent=await assistant.usage(owner, conversation),
    )


def settings_routes(assistant: Assistant, version: str) -> APIRouter:
    router = APIRouter()

    @router.get("/parley/settings/{conversation}", include_in_schema=False)
    async def settings(
        request: Request, conversation: Annotated[str, Path(pattern="^[0-9a-f]{32}$")]
    ) -> HTMLResponse:
        found = await look(assistant, request.state.owner, conversation)
        return HTMLResponse(sheet(found, version), headers={"cache-control": "no-store"})

    return router


def sheet(now: Settings, version: str) -> str:
    """The inside of the dialog."""
    drawn = {
        "general": _general(version),
        "replies": _replies(now),
        "models": _models(now),
        "senses": _senses(now),
        "budget": _budget(now),
        "data": _data(),
    }
    tabs = "".join(
        f'<button type="button" role="tab" id="settings-tab-{name}" data-tab="{name}" '
        f'aria-controls="settings-{name}" aria-selected="false" tabindex="-1">{icon(sign)}'
        f"<span>{title}</span></button>"
        for name, sign, title in _TABS
    )
    panels = "".join(
        f'<section role="tabpanel" id="settings-{name}" data-panel="{name}" tabindex="-1" '
        f'aria-labelledby="settings-tab-{name}" hidden>{drawn[name]}</section>'
        for name, _, _ in _TABS
    )
    return (
        '<div class="choice-head"><h2 id="parley-settings-title">Settings</h2>'
        '<button type="button" class="quiet" data-do="close-settings" '
        f'aria-label="Close">{icon("close")}</button></div><div class="settings-frame">'
        f'<div role="tablist" aria-label="Settings" class="settings-tabs">{tabs}</div>'
        '<div class="settings-body"><div class="choice-told" role="alert" hidden></div>'
        f"{panels}</div></div>"
        '<p class="unseen" role="status"></p>'
    )


# ── the sections ────────────────────────────────────────────────────────────────────────────────


def _general(version: str) -> str:
    themes = (("system", "As the system"), ("light", "Light"), ("dark", "Dark"))
    keys = (("enter", "Enter"), ("ctrl", "Ctrl + Enter"))
    shortcuts = act("shortcuts", "keyboard", "Show them")
    return (
        _row(say("Language"), "", language_choice.select())
        + _row("Theme", "", _one_of("theme", "Theme", themes))
        + _row(
            "Send with",
            "The other one begins a new line; Shift + Enter always does",
            _one_of("send-key", "Send with", keys),
        )
        + _row("Keyboard shortcuts", "Press ? anywhere outside a text", shortcuts)
        + f'<p class="settings-foot">Parley {escape(version)}. Theme and keys are kept in this '
        "browser, all else on the server.</p>"
    )


def _replies(now: Settings) -> str:
    where = (("everywhere", "All chats"), ("here", "This chat"))
    styles = {"everywhere": _told(now.usual.style), "here": _told(now.here.style)}
    idle = ""
    if not now.limits.instructions:
        idle = (
            '<p class="settings-note">The offline engine has no language model to instruct. What you '
            "write here holds as soon as a model answers.</p>"
        )
    return (
        f"<form class=\"style\" data-styles='{escape(json.dumps(styles))}'>"
        f"{_row('These hold for', '', _one_of('scope', 'These hold for', where))}{idle}"
        '<label class="settings-label" for="settings-instructions">Instructions '
        "<small>sent before every message</small></label>"
        '<textarea id="settings-instructions" rows="5" maxlength="20000" placeholder="Who you are, '
        'what matters to you, how Parley should answer"></textarea>'
        f"{_presets(now.usual.presets)}{_measures(now.limits)}"
        '<div class="settings-acts"><output></output><button type="submit" class="plain keep">Save'
        "</button></div></form>"
        f"{_json(now)}"
    )


def _told(style: Style) -> dict[str, object]:
    return {
        "instructions": style.instructions,
        "temperature": style.temperature,
        "longest": style.longest,
    }


def _presets(own: Sequence[Preset]) -> str:
    def chip(preset: Preset, more: str = "") -> str:
        text = escape(preset.instructions)
        return (
            f'<span class="preset"><button type="button" data-do="use-preset" data-text="{text}" '
            f'title="{text}">{escape(preset.name)}</button>{more}</span>'
        )

    kept = "".join(
        chip(
            preset,
            f'<button type="button" data-do="drop-preset" data-name="{escape(preset.name)}" '
            f'aria-label="Delete the preset {escape(preset.name)}">{icon("close")}</button>',
        )
        for preset in own
    )
    return (
        f'<div class="presets" role="group" aria-label="Presets">{"".join(map(chip, _PRESETS))}{kept}'
        f'<button type="button" class="link" data-do="name-preset">Keep as a preset</button></div>'
        '<div class="preset-name" hidden><input type="text" maxlength="60" aria-label="Its name" '
        'placeholder="Its name"><button type="button" class="plain" data-do="keep-preset">Keep'
        "</button></div>"
    )


def _measures(limits: Limits) -> str:
    """What the model takes, and no more."""
    drawn = ""
    if limits.temperature:
        drawn += (
            '<div class="settings-row"><label for="settings-temperature"><b>Temperature</b><small>Low '
            'is steady, high is lively</small></label><div class="warmth"><input type="range" '
            'id="settings-temperature" min="0" max="2" step="0.1"><output></output>'
            '<button type="button" class="link" data-do="usual-temperature">Reset</button></div></div>'
        )
    if limits.longest:
        options = "".join(
            f'<option value="{n}">{n:,} tokens, about {n * 3 // 4:,} words</option>'
            for n in _LENGTHS
            if n < limits.longest
        )
        drawn += (
            '<div class="settings-row"><label for="settings-longest"><b>Longest reply</b><small>What '
            'is longer is cut</small></label><select id="settings-longest"><option value="0">As the '
            f"model may: {limits.longest:,} tokens</option>{options}</select></div>"
        )
    return drawn


def _json(now: Settings) -> str:
    if not now.limits.instructions:
        return ""
    schema = "Each reply is one JSON value, checked" + (
        " against your schema" if now.here.schema else ""
    )
    more = _link("Schema…", "json")
    return (
        f'<div class="settings-row">{switch("settings-json", "JSON in this chat", schema, on=now.here.json)}'
        f"{more}</div>"
    )


def _models(now: Settings) -> str:
    roles = "".join(_role(role) for role in now.roles)
    connected = "".join(_provider(one) for one in now.providers)
    return (
        f'<ul role="list" class="roles">{roles}</ul><div class="settings-acts start">'
        f'{_link("Choose a model…", "")}<button type="button" class="plain" data-do="own-key" '
        f'aria-haspopup="dialog">{icon("key")}<span>Use your own key…</span></button></div>'
        f'<h3>Connected</h3><ul role="list" class="connected">{connected}</ul>'
        '<p class="settings-foot">A check asks for the list of models, with the key: it spends no '
        "request.</p>"
    )


def _role(role: Role) -> str:
    sign, does, without = _ROLES[role.sense]
    if role.model:
        notes = " · ".join(
            filter(None, (role.label, role.note, "" if role.counts else "spends nothing"))
        )
        who = f"<b>{escape(role.model)}</b><small>{escape(notes)}</small>"
    else:
        who = f"<small>{without}</small>"
    return f'<li>{icon(sign)}<span>{does}</span><span class="who">{who}</span></li>'


def _provider(one: Connected) -> str:
    if one.offline:
        told = "<small>Part of Parley, on this machine</small>"
        return f"<li><span><b>{escape(one.label)}</b>{told}</span></li>"
    name, label = escape(one.name), escape(one.label)
    return (
        f'<li><span><b>{label}</b><small data-told></small></span><button type="button" '
        f'class="plain" data-do="check-provider" data-provider="{name}" aria-label="Check {label}">'
        f"{icon('check')}<span>Check</span></button></li>"
    )


def _senses(now: Settings) -> str:
    speaker, memory = now.speaker, now.memory
    voice = escape(speaker.chosen or "The usual voice")
    spoken = f"{voice} by {escape(speaker.label)}, {speaker.pace:g}×"
    if speaker.offline and not speaker.voices:
        spoken = "A voice of your browser"
    count = "1 thing is" if memory.count == 1 else f"{memory.count:,} things are"
    tools = "1 tool" if now.tools == 1 else f"{now.tools} tools"
    paused = switch(
        "settings-pause",
        "Pause memory everywhere",
        "Nothing is recalled or remembered; what is kept stays",
        on=memory.paused_everywhere,
    )
    return (
        _row("Voice", spoken, _link("Change…", "voice"))
        + _row("Memory", f"{count} remembered", _opens("memories", "Look through…"))
        + f'<div class="settings-row">{paused}</div>'
        + _row("Tools", f"{tools} at hand", _opens("tools", "Allow or forbid…"))
    )


def _budget(now: Settings) -> str:
    # The side of the page shows the same: ids are there once only.
    drawn = usage.pane(now.spent.report, now.answering).replace("parley-days", "settings-days")
    drawn = drawn.replace('<details class="spending">', '<details class="spending" open>')
    return (
        f'<div class="settings-usage">{drawn}</div><p class="settings-foot">Every request to a '
        "provider is written down before it leaves. Titles, tags and follow-ups cost none.</p>"
    )


def _data() -> str:
    return (
        _row(
            "Conversations",
            "All of them, with their files; ChatGPT's and Open WebUI's exports can be brought in",
            '<a class="plain" href="/parley/conversations.zip" download>'
            f"{icon('down')}<span>Export</span></a>{act('import-conversations', 'up', 'Import')}",
        )
        + _row(
            "Memories",
            "As a file, with where they come from",
            '<a class="plain" href="/parley/memories.json" download="parley-memories.json">'
            f"{icon('down')}<span>Export</span></a>{act('settings-import', 'up', 'Import')}"
            '<input type="file" class="unseen" accept=".json,application/json" tabindex="-1" '
            'aria-label="File of memories">',
        )
        + _row(
            "Erase everything",
            "All chats, files, memories and settings of yours, for good",
            '<button type="button" class="plain risky" data-do="erase">'
            f"{icon('alert')}<span>Erase…</span></button>",
        )
        + '<p class="settings-foot">What you say is kept by this Parley, and sent to who answers. Keys '
        "never reach the database, the browser or a log.</p>"
    )


# ── their parts ─────────────────────────────────────────────────────────────────────────────────


def _row(title: str, note: str, controls: str) -> str:
    small = f"<small>{note}</small>" if note else ""
    return (
        f'<div class="settings-row"><div><b>{title}</b>{small}</div>'
        f'<div class="settings-controls">{controls}</div></div>'
    )


def _one_of(name: str, about: str, options: Sequence[tuple[str, str]]) -> str:
    radios = "".join(
        f'<label><input type="radio" name="settings-{name}" value="{value}"><span>{says}</span></label>'
        for value, says in options
    )
    return f'<div class="three" role="radiogroup" aria-label="{about}">{radios}</div>'


def _link(words: str, to: str) -> str:
    """Opens the sheet of who answers, at one of its sections."""
    at = f' data-to="{to}"' if to else ""
    return (
        f'<button type="button" class="plain" data-do="who-answers"{at} aria-haspopup="dialog">'
        f"<span>{words}</span></button>"
    )


def _opens(name: str, words: str) -> str:
    return (
        f'<button type="button" class="plain" data-do="{name}" aria-haspopup="dialog">'
        f"<span>{words}</span></button>"
    )
