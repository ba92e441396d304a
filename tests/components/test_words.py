"""The page's languages: every word that is said is there in each, with the same holes and marks."""

import ast
import re
from pathlib import Path

import pytest

from components import words
from components.tongues import said_in
from components.words import LANGUAGES, catalogue, count, say, speaking, told, wanted

COMPONENTS = Path(words.__file__).parent
OTHERS = [name for name in LANGUAGES if name != "en"]
HOLE = re.compile(r"\{\w+\}")
MARK = re.compile(r"</?\w+[^>]*>")


def _said_in_python() -> set[str]:
    found = set()
    for path in COMPONENTS.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name)):
                continue
            taken = {"say": slice(0, 1), "word": slice(0, 1), "count": slice(1, 3)}
            number = taken.get(node.func.id)
            for argument in node.args[number] if number else ():
                if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
                    found.add(argument.value)
    return found


def _said_in_scripts() -> set[str]:
    return set(said_in(path.read_text() for path in (COMPONENTS / "static").glob("*.js")))


SAID = _said_in_python() | _said_in_scripts()


@pytest.mark.parametrize("language", OTHERS)
def test_every_language_says_everything(language: str) -> None:
    assert sorted(SAID - set(catalogue(language))) == []


@pytest.mark.parametrize("language", OTHERS)
def test_a_translation_has_the_same_holes_and_marks(language: str) -> None:
    for english, other in catalogue(language).items():
        assert sorted(set(HOLE.findall(other))) == sorted(set(HOLE.findall(english))), english
        assert sorted(MARK.findall(other)) == sorted(MARK.findall(english)), english
        assert other.strip(), english


def test_what_is_not_translated_is_said_in_english() -> None:
    with speaking("de"):
        assert say("No such words {n}", n=3) == "No such words 3"
        assert count(1, "one thing", "{n} things") == "one thing"
        assert count(1200, "one thing", "{n} things") == "1,200 things"
        assert told("Nobody ever said this.") == "Nobody ever said this."
        assert told("None of it.") == "None of it."  # though "{n} of {all}" is known


def test_the_browser_says_which_language_is_wanted() -> None:
    assert wanted("fr-CH, fr;q=0.9, en;q=0.8, de;q=0.7") == "fr"
    assert wanted("pt-BR,pt;q=0.9,ja;q=0.3,de;q=0.4") == "de"
    assert wanted("zh-Hant-TW") == "zh"
    assert wanted("") == wanted("pt") == wanted("de;q=x") == "en"
