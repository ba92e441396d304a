"""What stands still on the page, and what its scripts say, in each language, as Gradio brings it."""

import json
import re
from collections.abc import Callable, Iterable, Mapping

import gradio as gr

from components.words import LANGUAGES, catalogue, speaking

_SAID = re.compile(r'\bt\(\s*("(?:[^"\\]|\\.)*")')


def tongues(frame: Mapping[str, Callable[[], str]], scripts: Iterable[str]) -> gr.I18n:
    """`frame` draws what stands at each place; its words are found by `#` and the place's name."""
    said = said_in(scripts)
    words = {}
    for name in LANGUAGES:
        known = catalogue(name)
        with speaking(name):
            still = {f"#{place}": draw() for place, draw in frame.items()}
        words[name] = still | {english: known[english] for english in said if english in known}
    return gr.I18n(**words)


def said_in(scripts: Iterable[str]) -> list[str]:
    """The English of every `t("…")`, in order, once."""
    found = (json.loads(text) for script in scripts for text in _SAID.findall(script))
    return list(dict.fromkeys(found))
