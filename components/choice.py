"""Who answers in a conversation, and in which form: the sheet behind the status line."""

import re
from collections.abc import Sequence
from html import escape
from typing import Protocol

from assistant import Answering
from components.icons import icon
from components.own_key import OwnKey, section
from components.voice import Speaker, voice_choice
from components.words import say, told, word
from messages import Choices

_SENSES = {
    "chat": ("mark", word("chats")),
    "images": ("image", word("sees pictures")),
    "audio": ("mic", word("hears recordings")),
    "transcription": ("mic", word("writes down recordings")),
    "speech": ("sound", word("speaks")),
}
"""Icon and words of each sense; the page's script draws the icon, so that a long list stays light."""

_NOTES = {"reasons": word("reasons"), "no tools": word("no tools"), "free": word("free")}
_WINDOW = re.compile(r"(\S+) tokens")
_PRICE = re.compile(r"(\$\S+) in, (\$\S+) out a million tokens")
_FILTER_FROM = 9
"""Models from which on a list wants a filter."""


class Offer(Protocol):
    """What a row needs to know; inference.switchboard.Offer says what each of it means."""

    @property
    def provider(self) -> str: ...
    @property
    def label(self) -> str: ...
    @property
    def model(self) -> str: ...
    @property
    def senses(self) -> tuple[str, ...]: ...
    @property
    def note(self) -> str: ...
    @property
    def title(self) -> str: ...


def noted(note: str) -> str:
    """What sets a model apart (inference.switchboard.Offer), in the reader's language."""
    return " · ".join(map(_noted, note.split(" · ")))


def _noted(part: str) -> str:
    if window := _WINDOW.fullmatch(part):
        return say("{n} tokens", n=window[1])
    if price := _PRICE.fullmatch(part):
        return say(
            "{price_in} in, {price_out} out a million tokens",
            price_in=price[1],
            price_out=price[2],
        )
    return say(_NOTES[part]) if part in _NOTES else part


def sheet(
    offers: Sequence[Offer],
    choices: Choices,
    usual: Choices,
    own: OwnKey | None = None,
    speaker: Speaker | None = None,
) -> str:
    """The inside of the dialog. `usual` is what was decided for new chats."""
    return (
        f'<div class="choice-head"><h2 id="parley-choice-title">{say("Who answers here")}</h2>'
        '<button type="button" class="quiet" id="parley-choice-close" data-do="close-choice" '
        f'aria-label="{say("Close")}">{icon("close")}</button></div>'
        '<div class="choice-told" role="alert" hidden></div>'
        f'<div class="choice-body">{_models(offers, choices, usual)}{section(own) if own else ""}'
        f"{voice_choice(speaker) if speaker else ''}{_json(choices)}</div>"
    )


def chip(answering: Answering) -> str:
    """What the composer says of the form of the replies; nothing where they are free."""
    if not answering.json:
        return ""
    return (
        '<button type="button" class="chip json-chip" data-do="who-answers" aria-haspopup="dialog" '
        f'title="{say("Replies here are JSON")}" '
        f'aria-label="{say("JSON: replies here are JSON")}">JSON</button>'
    )


def _models(offers: Sequence[Offer], choices: Choices, usual: Choices) -> str:
    box = ""
    if len(offers) >= _FILTER_FROM:
        box = (
            '<input type="search" id="parley-choice-filter" class="choice-filter" '
            f'placeholder="{say("Filter by name")}" aria-label="{say("Filter the models")}" '
            'autocomplete="off" spellcheck="false">'
        )
    auto = _row(
        say("Parley chooses"),
        say("What each message needs, among what is connected"),
        checked=not choices.provider,
    )
    return (
        f'<section class="choice-models">{box}<div class="choice-list" role="radiogroup" '
        f'aria-labelledby="parley-choice-title">{auto}{_groups(offers, choices)}'
        f'<p class="choice-none" hidden>{say("No model is called so.")}</p></div>'
        f'<button type="button" class="plain choice-rest" data-do="all-offers">{say("Show all")}</button>'
        f'<div class="choice-acts">{_always(choices, usual)}<div class="choice-refresh">'
        '<button type="button" class="plain" id="parley-choice-refresh" data-do="refresh-offers">'
        f"{icon('retry')}<span>{say('Refresh the list')}</span></button>"
        f"<small>{say('asks each provider for its list; spends no request')}</small></div></div>"
        "</section>"
    )


def _groups(offers: Sequence[Offer], choices: Choices) -> str:
    """The models under who offers them, those that answer first."""
    chosen = _chosen(offers, choices)
    groups: dict[tuple[str, str], str] = {}
    for offer in sorted(offers, key=lambda offer: "chat" not in offer.senses):
        name = (offer.provider, offer.label)
        groups[name] = groups.get(name, "") + _offered(offer, checked=offer is chosen)
    if choices.provider and chosen is None:
        plain = choices.provider.partition("@")[0]
        name = next((n for n in groups if n[0] == choices.provider), (choices.provider, plain))
        gone = _row(
            choices.model,
            say("your choice, not in the list now"),
            names=(choices.provider, choices.model),
            checked=True,
        )
        groups[name] = gone + groups.get(name, "")
    return "".join(
        f'<div class="choice-group" role="group" aria-label="{escape(told(label))}">'
        f'<h3 aria-hidden="true">{escape(told(label))}</h3>{rows}</div>'
        for (_, label), rows in groups.items()
    )


def _chosen(offers: Sequence[Offer], choices: Choices) -> Offer | None:
    """A provider alone stands for the first of its models that answers."""
    if not choices.provider:
        return None
    answers = (o for o in offers if o.provider == choices.provider and "chat" in o.senses)
    return next((o for o in answers if choices.model in ("", o.model)), None)


def _offered(offer: Offer, *, checked: bool) -> str:
    title, icons = offer.title or offer.model, _icons(offer.senses)
    if "chat" in offer.senses:
        return _row(
            title, noted(offer.note), icons, names=(offer.provider, offer.model), checked=checked
        )
    note = f"<small>{escape(noted(offer.note))}</small>" if offer.note else ""
    return (
        f'<div class="offer other"><span class="name"><b>{escape(title)}</b>{note}</span>'
        f"{icons}</div>"
    )


def _row(
    title: str, note: str, icons: str = "", *, names: tuple[str, str] = ("", ""), checked: bool
) -> str:
    """A model that can be chosen, by the `names` of its provider and of itself."""
    provider, model = (escape(name) for name in names)
    mark = " checked" if checked else ""
    small = f"<small>{escape(note)}</small>" if note else ""
    return (
        f'<label class="offer"><input type="radio" name="parley-offer" data-provider="{provider}" '
        f'data-model="{model}"{mark}><span class="name"><b title="{model}">{escape(title)}</b>'
        f"{small}</span>{icons}</label>"
    )


def _icons(senses: Sequence[str]) -> str:
    known = [_SENSES[sense] for sense in senses if sense in _SENSES]
    drawn = "".join(
        f'<i role="img" data-icon="{sign}" title="{say(words)}" aria-label="{say(words)}"></i>'
        for sign, words in known
    )
    return f'<span class="senses">{drawn}</span>'


def _always(choices: Choices, usual: Choices) -> str:
    same = (choices.provider, choices.model) == (usual.provider, usual.model)
    return _switch("always", say("Also for new chats"), "", on=bool(usual.provider) and same)


def _json(choices: Choices) -> str:
    schema = escape(choices.schema)
    switch = _switch(
        "json",
        say("Answer in JSON"),
        say("In this chat: each reply is one JSON value, checked"),
        on=choices.json,
    )
    return (
        f'<section class="choice-json">{switch}<div class="schema">'
        f'<label for="parley-schema">{say("JSON Schema")} '
        f"<small>{say('optional; without one, any object will do')}</small></label>"
        '<textarea id="parley-schema" rows="7" spellcheck="false" autocapitalize="off" '
        f'autocomplete="off" placeholder="{say("Paste a schema here, or drop a file")}">'
        # A line break that follows the tag at once would be lost.
        f'\n{schema}</textarea><div class="schema-acts"><button type="button" class="plain" '
        f'id="parley-schema-file" data-do="schema-file">{icon("up")}<span>{say("From a file")}</span>'
        '</button><input type="file" accept=".json,.txt,application/json,application/schema+json" '
        f'tabindex="-1" aria-label="{say("A file to read it from")}"><output></output>'
        '<button type="button" class="plain keep" id="parley-schema-keep" data-do="keep-schema">'
        f"{say('Keep this schema')}</button></div></div></section>"
    )


def _switch(name: str, words: str, note: str, *, on: bool) -> str:
    mark = " checked" if on else ""
    small = f"<small>{note}</small>" if note else ""
    return (
        f'<label class="choice-switch"><input type="checkbox" role="switch" id="parley-{name}" '
        f'data-switch="{name}"{mark}><span><b>{words}</b>{small}</span></label>'
    )
