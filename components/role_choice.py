"""Who answers, sees, hears, speaks and draws, as the settings show it, each chosen among all who could."""

import json
from collections.abc import Sequence
from html import escape
from itertools import groupby

from assistant import Role
from components.choice import Offer, noted
from components.icons import icon
from components.words import say, told, word

_ROLES = {
    "chat": ("mark", word("Answers"), word("Nobody answers yet")),
    "images": ("image", word("Sees pictures"), word("Pictures are told in words")),
    "transcription": ("mic", word("Writes down recordings"), word("Nothing here hears")),
    "speech": ("sound", word("Speaks"), word("A voice of your browser speaks")),
    "drawing": ("edit", word("Draws pictures"), word("Nothing here draws")),
}


def roles(now: Sequence[Role]) -> str:
    return f'<ul role="list" class="roles">{"".join(map(_role, now))}</ul>'


def _role(role: Role) -> str:
    sign, does, without = _ROLES[role.sense]
    free = "" if role.counts or not role.model else say("spends nothing")
    label = told(role.label) if role.model else ""
    notes = " · ".join(filter(None, (label, noted(role.note), free))) or say(without)
    small = f"<small>{escape(notes)}</small>"
    if role.offers:
        name = f'<label for="settings-pick-{role.sense}">{say(does)}</label>'
        return f'<li>{icon(sign)}{name}<span class="who">{_select(role)}{small}</span></li>'
    model = f"<b>{escape(role.model)}</b>" if role.model else ""
    return f'<li>{icon(sign)}<span>{say(does)}</span><span class="who">{model}{small}</span></li>'


def _select(role: Role) -> str:
    """Parley's own choice first, then everybody who could, by who offers them."""
    chosen = (role.chosen.provider, role.chosen.model) if role.chosen else None
    ours = say("Parley chooses")
    if role.model and chosen is None:
        ours = say("Parley chooses: {model}", model=escape(role.model))
    drawn = f'<option value="">{ours}</option>'
    for label, offers in groupby(role.offers, key=lambda offer: offer.label):
        rows = "".join(_option(o, chosen=(o.provider, o.model) == chosen) for o in offers)
        drawn += f'<optgroup label="{escape(told(label))}">{rows}</optgroup>'
    if chosen and chosen not in [(o.provider, o.model) for o in role.offers]:
        gone = say("{model}, not in the list now", model=escape(chosen[1]))
        drawn += f'<option value="{_value(*chosen)}" selected>{gone}</option>'
    return f'<select id="settings-pick-{role.sense}" data-pick="{role.sense}">{drawn}</select>'


def _option(offer: Offer, *, chosen: bool) -> str:
    able = " · ".join(filter(None, (offer.title or offer.model, noted(offer.note))))
    mark = " selected" if chosen else ""
    return f'<option value="{_value(offer.provider, offer.model)}"{mark}>{escape(able)}</option>'


def _value(provider: str, model: str) -> str:
    return escape(json.dumps({"provider": provider, "model": model}))
