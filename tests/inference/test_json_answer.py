"""Replies that should be JSON: found where they stand, and checked."""

import time

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inference.backend import JsonAnswer
from inference.json_answer import (
    Misfit,
    Parsed,
    checked,
    repair_request_text,
    schema_problem,
)
from tests.scripted_server import ScriptedServer

ANY = JsonAnswer()
ITEM = JsonAnswer(
    {
        "type": "object",
        "properties": {
            "name": {"type": "string"},
            "prices": {"type": "array", "items": {"type": "number"}},
        },
        "required": ["name"],
    }
)


@pytest.mark.parametrize(
    "text",
    [
        '{"name": "door"}',
        ' \n{"name": "door"}\n ',
        '```json\n{"name": "door"}\n```',
        '```\n{"name": "door"}\n```\n',
        'Sure, here it is:\n\n```json\n{"name": "door"}\n```\nAnything else?',
        '```json\n{"name": "door"}',
        'The answer is {"name": "door"}.',
        'Of {these} and [those] I mean [1]: {"name": "door"}',
        '{"no": "name"} or rather {"name": "door"}',
    ],
)
def test_the_value_is_found_alone_fenced_or_among_words(text: str) -> None:
    assert checked(text, ITEM) == Parsed({"name": "door"})


def test_without_a_schema_any_object_will_do_and_nothing_else() -> None:
    assert checked('{"a": [1, null]}', ANY) == Parsed({"a": [1, None]})
    for text, kind in (("[1]", "a list"), ('"x"', "a string"), ("7", "a number"), ("null", "null")):
        assert checked(text, ANY) == Misfit((f"An object was asked for; this is {kind}.",))


def test_with_a_schema_any_type_is_possible() -> None:
    assert checked("[1, 2]", JsonAnswer({"type": "array"})) == Parsed([1, 2])
    assert checked("null", JsonAnswer({"type": "null"})) == Parsed(None)


def test_what_is_wrong_is_told_with_its_place() -> None:
    found = checked('{"prices": [1, "two"]}', ITEM)
    assert isinstance(found, Misfit)
    assert set(found.reasons) == {
        "$: 'name' is a required property",
        "$.prices[1]: 'two' is not of type 'number'",
    }
    words = repair_request_text(found)
    assert all(reason in words for reason in found.reasons)
    assert "JSON" in words


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "empty"),
        ("I cannot do that.", "holds no JSON"),
        ('{"name": "door', "no whole JSON"),
        ('```json\n{"name": "door",\n```', "no whole JSON"),
        ('{"name": NaN}', "NaN"),
        ("[" * 100_000, "deeply"),
    ],
)
def test_what_is_no_json_says_why(text: str, reason: str) -> None:
    found = checked(text, ITEM)
    assert isinstance(found, Misfit)
    assert reason in found.reasons[0]


def test_a_piece_of_a_broken_value_is_never_taken_for_the_whole() -> None:
    for text in ('{"items": [{"name": "door"}, {"na', '{"name": "door" "other": {"name": "x"}}'):
        assert isinstance(checked(text, ITEM), Misfit)
        assert isinstance(checked(text, ANY), Misfit)


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "nonsense"},
        {"$ref": "#"},
        {"$ref": "#/$defs/missing"},
        {"properties": {"a": {"pattern": "("}}},
    ],
)
def test_a_schema_that_cannot_be_checked_is_said(
    schema: dict[str, object],
) -> None:
    found = checked('{"a": "x"}', JsonAnswer(schema))
    assert isinstance(found, Misfit)
    assert "schema" in found.reasons[0].lower()


def test_a_schema_that_lies_elsewhere_is_never_fetched(model: ScriptedServer) -> None:
    found = checked('{"a": "x"}', JsonAnswer({"$ref": f"{model.base_url}/models"}))
    assert isinstance(found, Misfit)
    assert model.hits == []


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('{"type": "object", "properties": {"a": {}}}', ""),
        ('{"properties": {"a": {"type": "nonsense"}}}', "$.properties.a"),
        ('{"type": ', "line 1"),
        ("[]", "object was expected"),
        ('{"not":' * 900 + "{}" + "}" * 900, "deeply"),
    ],
)
def test_a_schema_can_be_looked_at_before_it_is_used(text: str, problem: str) -> None:
    assert problem in schema_problem(text)
    assert bool(schema_problem(text)) is bool(problem)


def test_a_pattern_is_checked_unless_it_could_search_for_ever() -> None:
    year = JsonAnswer({"properties": {"y": {"pattern": r"^\d{4}$"}}})
    assert isinstance(checked('{"y": "soon"}', year), Misfit)
    assert checked('{"y": "1999"}', year) == Parsed({"y": "1999"})
    started, long = time.monotonic(), "a" * 40 + "!"
    for wild in (r"^(a+)+$", r"^(a|aa)*$", r"^(\w+\s?)*$", r"(.*)\1x", "a*a*a*a*a*b"):
        keywords: list[dict[str, object]] = [{"pattern": wild}, {"patternProperties": {wild: {}}}]
        for keyword in keywords:
            rules: dict[str, object] = {
                "properties": {"y": keyword},
                **keyword,
                "additionalProperties": False,
            }
            checked(orjson.dumps({"y": long, long: 1}).decode(), JsonAnswer(rules))
    assert time.monotonic() - started < 2


def test_only_the_first_reasons_are_told() -> None:
    schema: dict[str, object] = {"items": {"type": "string"}}
    found = checked(str(list(range(100))), JsonAnswer(schema))
    assert isinstance(found, Misfit)
    assert len(found.reasons) == 5


@given(st.text() | st.text(alphabet='{}[]",:`\n 1ajson'))
@settings(max_examples=300, deadline=None)
def test_no_text_at_all_makes_it_fail(text: str) -> None:
    assert isinstance(checked(text, ITEM), Parsed | Misfit)
