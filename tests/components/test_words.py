"""The page's languages: every word that is said is there in each, with the same holes and marks."""

import ast
import json
import re
from pathlib import Path

import pytest

from components import call, words
from components.tongues import said_in
from components.words import (
    LANGUAGES,
    catalogue,
    count,
    meant,
    number,
    say,
    speaking,
    told,
    wanted,
)
from inference.offline.rules.tool_calls import FINDERS

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
            if node.func.id == "meant":
                context, english = (ast.literal_eval(argument) for argument in node.args)
                found.add(f"{context}: {english}")
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
def test_no_language_says_anything_twice_or_what_nobody_says(language: str) -> None:
    parts = [
        json.loads(path.read_text()) for path in (COMPONENTS / "languages" / language).glob("*")
    ]
    assert len(catalogue(language)) == sum(map(len, parts))
    told_by_layers = json.loads((COMPONENTS / "languages" / language / "told.json").read_text())
    assert sorted(set(catalogue(language)) - SAID - set(told_by_layers)) == []


def test_french_signs_never_begin_a_line_alone() -> None:
    loose = re.compile(r"« | »| [:;!?](?=\W|$)")
    assert [said for said in catalogue("fr").values() if loose.search(said)] == []


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
        assert count(1200, "one thing", "{n} things") == "1.200 things"
        assert told("Nobody ever said this.") == "Nobody ever said this."
        assert told("None of it.") == "None of it."  # though "{n} of {all}" is known


@pytest.mark.parametrize(
    ("language", "written"),
    [
        ("en", "1,234,567.5"),
        ("de", "1.234.567,5"),
        ("ja", "1,234,567.5"),
        ("fr", "1\u202f234\u202f567,5"),
    ],
)
def test_numbers_are_written_as_the_language_does(language: str, written: str) -> None:
    with speaking(language):
        assert number(1_234_567.5, 1) == written
        assert told("The message is longer than 400,000 characters.").count("400") == 1
    with speaking("de"):
        assert "400.000" in told("The message is longer than 400,000 characters.")


def test_a_word_of_two_meanings_has_a_translation_for_each() -> None:
    assert meant("memory", "Pin") == "Pin"
    with speaking("ja"):
        assert meant("memory", "Pin") != say("Pin")
        assert meant("nothing", "Pin") == "Pin"


@pytest.mark.parametrize("language", list(LANGUAGES))
def test_why_a_call_ends_fits_what_a_websocket_may_say(language: str) -> None:
    with speaking(language):
        for why in (call.ANOTHER, call.NO_DETECTOR, call.TOO_MANY, call.NO_CALL):
            assert len(say(why).encode()) <= 123


def test_the_browser_says_which_language_is_wanted() -> None:
    assert wanted("fr-CH, fr;q=0.9, en;q=0.8, de;q=0.7") == "fr"
    assert wanted("pt-BR,pt;q=0.9,ja;q=0.3,de;q=0.4") == "de"
    assert wanted("zh-Hant-TW") == "zh"
    assert wanted("") == wanted("pt") == wanted("de;q=x") == "en"


@pytest.mark.parametrize("language", list(LANGUAGES))
def test_the_example_of_the_empty_page_is_understood_without_a_model(language: str) -> None:
    with speaking(language):
        asked = say("What time is it in Tokyo, and what is 17% of 240?")
    wanted = [(one.call.name, one.call.arguments) for find in FINDERS for one in find(asked)]
    assert ("clock", {"zone": "Asia/Tokyo"}) in wanted
    assert len(wanted) == 2
    (expression,) = (given["expression"] for name, given in wanted if name == "calculate")
    assert expression == "17% of 240"
