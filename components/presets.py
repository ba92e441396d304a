"""Instructions that are ready made, and those that were kept: a click writes them into the box."""

from collections.abc import Sequence
from html import escape

from components.icons import icon
from components.words import say, word
from messages import Preset

_PRESETS = (
    Preset(
        word("Brief"),
        word("Answer in as few words as the question allows. No preamble, no summary."),
    ),
    Preset(
        word("Teacher"),
        word(
            "Explain step by step, as to a curious beginner, with one small example. End with one "
            "short question that shows whether it was understood."
        ),
    ),
    Preset(
        word("Editor"),
        word(
            "Correct spelling, grammar and style of what I write, and keep my voice. Give the text "
            "first, then a short list of what you changed and why."
        ),
    ),
    Preset(
        word("Programmer"),
        word(
            "Be a careful senior programmer. Give complete code that runs first, then the reasons "
            "in a few lines. Say what you did not test."
        ),
    ),
    Preset(
        word("Translator"),
        word(
            "Translate what I write into English; where it is English, into the language I used "
            "before. Keep tone and names. Give nothing but the translation."
        ),
    ),
    Preset(
        word("Critic"),
        word(
            "Look for what is wrong, missing or unproven in what I say, and say it plainly, the "
            "gravest first."
        ),
    ),
)


def presets(own: Sequence[Preset]) -> str:
    """`own` are those that the reader kept, in their own words."""
    ready = "".join(_chip(say(preset.name), say(preset.instructions)) for preset in _PRESETS)
    kept = "".join(_chip(preset.name, preset.instructions, _drop(preset.name)) for preset in own)
    name = say("Its name")
    return (
        f'<div class="presets" role="group" aria-label="{say("Presets")}">{ready}{kept}'
        f'<button type="button" class="link" data-do="name-preset">{say("Keep as a preset")}'
        '</button></div><div class="preset-name" hidden><input type="text" maxlength="60" '
        f'aria-label="{name}" placeholder="{name}"><button type="button" class="plain" '
        f'data-do="keep-preset">{say("Keep")}</button></div>'
    )


def _chip(name: str, instructions: str, more: str = "") -> str:
    text = escape(instructions)
    return (
        f'<span class="preset"><button type="button" data-do="use-preset" data-text="{text}" '
        f'title="{text}">{escape(name)}</button>{more}</span>'
    )


def _drop(name: str) -> str:
    about = say("Delete the preset {name}", name=escape(name))
    return (
        f'<button type="button" data-do="drop-preset" data-name="{escape(name)}" '
        f'aria-label="{about}">{icon("close")}</button>'
    )
