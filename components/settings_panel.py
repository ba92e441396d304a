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
from components import language_choice, panes
from components.controls import act, switch
from components.icons import icon
from components.presets import presets
from components.role_choice import roles
from components.words import count, number, say, told, word
from memories import MemoryState
from messages import Choices, Style

_TABS = (
    ("general", "sliders", word("General")),
    ("replies", "quote", word("Replies")),
    ("models", "mark", word("Models and keys")),
    ("senses", "memory", word("Voice, memory, tools")),
    ("budget", "gauge", word("Requests")),
    ("data", "shield", word("Your data")),
)
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
        f"<span>{say(title)}</span></button>"
        for name, sign, title in _TABS
    )
    panels = "".join(
        f'<section role="tabpanel" id="settings-{name}" data-panel="{name}" tabindex="-1" '
        f'aria-labelledby="settings-tab-{name}" hidden>{drawn[name]}</section>'
        for name, _, _ in _TABS
    )
    return (
        f'<div class="choice-head"><h2 id="parley-settings-title">{say("Settings")}</h2>'
        '<button type="button" class="quiet" data-do="close-settings" '
        f'aria-label="{say("Close")}">{icon("close")}</button></div><div class="settings-frame">'
        f'<div role="tablist" aria-label="{say("Settings")}" class="settings-tabs">{tabs}</div>'
        '<div class="settings-body"><div class="choice-told" role="alert" hidden></div>'
        f"{panels}</div></div>"
        '<p class="unseen" role="status"></p>'
    )


# ── the sections ────────────────────────────────────────────────────────────────────────────────


def _general(version: str) -> str:
    themes = (("system", say("As the system")), ("light", say("Light")), ("dark", say("Dark")))
    keys = (("enter", "Enter"), ("ctrl", "Ctrl + Enter"))
    shortcuts = act("shortcuts", "keyboard", say("Show them"))
    return (
        _row(say("Language"), "", language_choice.select())
        + _row(say("Theme"), "", _one_of("theme", say("Theme"), themes))
        + _row(
            say("Send with"),
            say("The other one begins a new line; Shift + Enter always does"),
            _one_of("send-key", say("Send with"), keys),
        )
        + _row(say("Keyboard shortcuts"), say("Press ? anywhere outside a text"), shortcuts)
        + f'<p class="settings-foot">Parley {escape(version)}. '
        f"{say('Theme and keys are kept in this browser, all else on the server.')}</p>"
    )


def _replies(now: Settings) -> str:
    where = (("everywhere", say("All chats")), ("here", say("This chat")))
    styles = {"everywhere": _facts(now.usual.style), "here": _facts(now.here.style)}
    scope = say("These hold for")
    box = say("Who you are, what matters to you, how Parley should answer")
    idle = ""
    if not now.limits.instructions:
        words = say(
            "The offline engine has no language model to instruct. What you write here holds as "
            "soon as a model answers."
        )
        idle = f'<p class="settings-note">{words}</p>'
    return (
        f"<form class=\"style\" data-styles='{escape(json.dumps(styles))}'>"
        f"{_row(scope, '', _one_of('scope', scope, where))}{idle}"
        f'<label class="settings-label" for="settings-instructions">{say("Instructions")} '
        f"<small>{say('sent before every message')}</small></label>"
        '<textarea id="settings-instructions" rows="5" maxlength="20000" '
        f'placeholder="{box}"></textarea>'
        f"{presets(now.usual.presets)}{_measures(now.limits)}"
        '<div class="settings-acts"><output></output><button type="submit" class="plain keep">'
        f"{say('Save')}</button></div></form>"
        f"{_json(now)}"
    )


def _facts(style: Style) -> dict[str, object]:
    return {
        "instructions": style.instructions,
        "temperature": style.temperature,
        "longest": style.longest,
    }


def _measures(limits: Limits) -> str:
    """What the model takes, and no more."""
    drawn = ""
    if limits.temperature:
        drawn += (
            f'<div class="settings-row"><label for="settings-temperature"><b>{say("Temperature")}</b>'
            f"<small>{say('Low is steady, high is lively')}</small></label>"
            '<div class="warmth"><input type="range" '
            'id="settings-temperature" min="0" max="2" step="0.1"><output></output>'
            f'<button type="button" class="link" data-do="usual-temperature">{say("Reset")}</button>'
            "</div></div>"
        )
    if limits.longest:
        options = "".join(
            f'<option value="{n}">{_length(n)}</option>' for n in _LENGTHS if n < limits.longest
        )
        usual = say("As the model may: {n} tokens", n=number(limits.longest))
        drawn += (
            f'<div class="settings-row"><label for="settings-longest"><b>{say("Longest reply")}</b>'
            f"<small>{say('What is longer is cut')}</small></label>"
            f'<select id="settings-longest"><option value="0">{usual}</option>{options}</select></div>'
        )
    return drawn


def _length(n: int) -> str:
    return say("{n} tokens, about {words} words", n=number(n), words=number(n * 3 // 4))


def _json(now: Settings) -> str:
    if not now.limits.instructions:
        return ""
    note = (
        say("Each reply is one JSON value, checked against your schema")
        if now.here.schema
        else say("Each reply is one JSON value, checked")
    )
    drawn = switch("settings-json", say("JSON in this chat"), note, on=now.here.json)
    return f'<div class="settings-row">{drawn}{_link(say("Schema…"), "json")}</div>'


def _models(now: Settings) -> str:
    connected = "".join(_provider(one) for one in now.providers)
    foot = say("A check asks for the list of models, with the key: it spends no request.")
    return (
        f'{roles(now.roles)}<div class="settings-acts start">'
        f'{_link(say("Choose a model…"), "")}<button type="button" class="plain" data-do="own-key" '
        f'aria-haspopup="dialog">{icon("key")}<span>{say("Use your own key…")}</span></button></div>'
        f'<h3>{say("Connected")}</h3><ul role="list" class="connected">{connected}</ul>'
        f'<p class="settings-foot">{foot}</p>'
    )


def _provider(one: Connected) -> str:
    if one.offline:
        note = say("Part of Parley, on this machine")
        return f"<li><span><b>{escape(told(one.label))}</b><small>{note}</small></span></li>"
    name, label = escape(one.name), escape(told(one.label))
    about = say("Check {label}", label=label)
    return (
        f'<li><span><b>{label}</b><small data-told></small></span><button type="button" '
        f'class="plain" data-do="check-provider" data-provider="{name}" aria-label="{about}">'
        f"{icon('check')}<span>{say('Check')}</span></button></li>"
    )


def _senses(now: Settings) -> str:
    speaker, memory = now.speaker, now.memory
    voice = escape(speaker.chosen or say("The usual voice"))
    label, pace = escape(told(speaker.label)), f"{speaker.pace:g}"
    spoken = say("{voice} by {label}, {pace}×", voice=voice, label=label, pace=pace)
    if speaker.offline and not speaker.voices:
        spoken = say("A voice of your browser")
    kept = count(memory.count, "1 thing is remembered", "{n} things are remembered")
    tools = count(now.tools, "1 tool at hand", "{n} tools at hand")
    paused = switch(
        "settings-pause",
        say("Pause memory everywhere"),
        say("Nothing is recalled or remembered; what is kept stays"),
        on=memory.paused_everywhere,
    )
    return (
        _row(say("Voice"), spoken, _link(say("Change…"), "voice"))
        + _row(say("Memory"), kept, _opens("memories", say("Look through…")))
        + f'<div class="settings-row">{paused}</div>'
        + _row(say("Tools"), tools, _opens("tools", say("Allow or forbid…")))
    )


def _budget(now: Settings) -> str:
    # The side of the page shows the same: ids are there once only.
    drawn = panes.usage(now.spent, now.answering).replace("parley-days", "settings-days")
    drawn = drawn.replace('<details class="spending', '<details open class="spending')
    foot = say(
        "Every request to a provider is written down before it leaves. Titles, tags and follow-ups "
        "cost none."
    )
    return f'<div class="settings-usage">{drawn}</div><p class="settings-foot">{foot}</p>'


def _data() -> str:
    foot = say(
        "What you say is kept by this Parley, and sent to who answers. Keys never reach the "
        "database, the browser or a log."
    )
    return (
        _row(
            say("Conversations"),
            say(
                "All of them, with their files; ChatGPT's and Open WebUI's exports can be brought in"
            ),
            '<a class="plain" href="/parley/conversations.zip" data-do="save" download>'
            f"{icon('down')}<span>{say('Export')}</span></a>"
            f"{act('import-conversations', 'up', say('Import'))}",
        )
        + _row(
            say("Memories"),
            say("As a file, with where they come from"),
            '<a class="plain" href="/parley/memories.json" data-do="save" download>'
            f"{icon('down')}<span>{say('Export')}</span></a>"
            f"{act('settings-import', 'up', say('Import'))}"
            '<input type="file" class="unseen" accept=".json,application/json" tabindex="-1" '
            f'aria-label="{say("File of memories")}">',
        )
        + _row(
            say("Erase everything"),
            say("All chats, files, memories and settings of yours, for good"),
            '<button type="button" class="plain risky" data-do="erase">'
            f"{icon('alert')}<span>{say('Erase…')}</span></button>",
        )
        + f'<p class="settings-foot">{foot}</p>'
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
