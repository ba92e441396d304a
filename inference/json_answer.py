"""Replies that must be JSON: how they are asked for, read, checked, and asked for once more."""

import json
import re
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from typing import Any

import orjson

from inference.backend import JsonAnswer

MAX_REASONS = 5
MAX_PATTERN_TEXT = 500
MAX_TRIES = 50

_FENCE = re.compile(r"```[\w-]*[ \t]*\n(.*?)(?:\n```|\Z)", re.DOTALL)
_OPENING = re.compile(r"[{\[]")
_BEGUN = re.compile(r"\{\s*[\"\n]|\[\s*[\[{\"\d-]")
_DATA = {"enum", "const", "default", "examples"}


@dataclass(frozen=True, slots=True)
class Parsed:
    """The reply is JSON, of the schema where there is one. `value` is of any JSON type."""

    value: object


@dataclass(frozen=True, slots=True)
class Misfit:
    """The reply is not what was asked for; `reasons` are for the user and for the model."""

    reasons: tuple[str, ...]


# ── asking ──────────────────────────────────────────────────────────────────────────────────────


def response_format(answer: JsonAnswer, refused: Collection[str]) -> dict[str, Any] | None:
    """The strictest form that the server takes; None where only the prompt is left.

    `refused` may hold "json_schema" and "json_object".
    """
    schema = answer.schema
    if schema is not None and "json_schema" not in refused:
        return _by_schema(schema)
    if schema is not None and schema.get("type", "object") != "object":
        return None  # json_object would forbid it
    if "json_object" not in refused:
        return {"type": "json_object"}
    return None if "json_schema" in refused else _by_schema({"type": "object"})


def instructions(answer: JsonAnswer) -> str:
    """For the system message, always: not every server that takes a format keeps it."""
    if answer.schema is None:
        return "Answer with one JSON object and nothing else: no Markdown, no words around it."
    schema = orjson.dumps(answer.schema).decode()
    return (
        "Answer with one JSON value and nothing else: no Markdown, no words around it. "
        f"It must be valid under this JSON Schema:\n{schema}"
    )


def _by_schema(schema: dict[str, object]) -> dict[str, Any]:
    form: dict[str, Any] = {"name": "answer", "schema": schema}
    if _is_strict(schema):
        form["strict"] = True
    return {"type": "json_schema", "json_schema": form}


def _is_strict(schema: object) -> bool:
    """Whether OpenAI's strict mode takes it: every object closed, and all its properties required."""
    if isinstance(schema, list):
        return all(_is_strict(item) for item in schema)
    if not isinstance(schema, dict):
        return True
    properties = schema.get("properties")
    if schema.get("type") == "object" or isinstance(properties, dict):
        known = properties if isinstance(properties, dict) else {}
        required = schema.get("required")
        named = set(required) if isinstance(required, list) else set()
        if schema.get("additionalProperties") is not False or named != set(known) or not known:
            return False
        return all(_is_strict(inner) for inner in known.values())
    return all(_is_strict(value) for key, value in schema.items() if key not in ("enum", "const"))


# ── checking ────────────────────────────────────────────────────────────────────────────────────


def checked(text: str, answer: JsonAnswer) -> Parsed | Misfit:
    """The JSON value in a reply, alone, in a Markdown fence or among words; pure.

    With several, the first that is valid counts. A `pattern` that could take for ever to test is
    not tested. Takes milliseconds: a large schema belongs in a thread.
    """
    first: Misfit | None = None
    for value in _values(text):
        found = _conforming(value, answer)
        if isinstance(found, Parsed):
            return found
        first = first or found
    return first or Misfit((_no_json(text),))


def schema_problem(text: str) -> str:
    """What is wrong with the text of a JSON Schema, for its writer; "" where nothing is."""
    from jsonschema import SchemaError, validators

    try:
        schema = orjson.loads(text)
        if not isinstance(schema, dict):
            return "a JSON object was expected."
        validators.validator_for(schema, default=validators.validator_for({})).check_schema(schema)
    except orjson.JSONDecodeError as error:
        return f"{error.msg}, line {error.lineno} column {error.colno}."
    except SchemaError as error:
        return f"at {error.json_path}, {_short(error.message)}."
    except (RecursionError, TypeError):
        return "it is nested too deeply, or names another schema by something that is no name."
    return ""


def repair_request_text(misfit: Misfit) -> str:
    """What to say to the model so that it corrects its reply."""
    reasons = "\n".join(f"- {reason}" for reason in misfit.reasons)
    return (
        f"Your last answer is not the JSON that was asked for:\n{reasons}\n"
        "Send the whole corrected JSON value, and nothing else."
    )


def _values(text: str) -> Iterator[object]:
    """Everything in a reply that may be meant: all of it, what is fenced, what stands among words."""
    decoder = json.JSONDecoder(parse_constant=_no_constant)
    for candidate in (text.strip(), *_fenced(text)):
        try:
            yield decoder.decode(candidate)
        except (ValueError, RecursionError):
            continue
    place = 0
    for _ in range(MAX_TRIES):
        found = _OPENING.search(text, place)
        if found is None:
            return
        try:
            value, place = decoder.raw_decode(text, found.start())
        except (ValueError, RecursionError):
            if _BEGUN.match(text, found.start()):
                return  # what stands inside a broken value is only a piece of it
            place = found.start() + 1
            continue
        yield value


def _fenced(text: str) -> list[str]:
    return [inner.strip() for inner in _FENCE.findall(text)]


def _no_constant(name: str) -> object:
    raise ValueError(f"{name} is no JSON")


def _no_json(text: str) -> str:
    stripped = next(iter(_fenced(text)), text).strip()
    if not stripped:
        return "The answer is empty."
    try:
        json.loads(stripped, parse_constant=_no_constant)
    except RecursionError:
        return "The JSON is nested too deeply."
    except json.JSONDecodeError as error:
        if stripped[0] in '{["':
            return f"It is no whole JSON: {error.msg}, line {error.lineno} column {error.colno}."
    except ValueError as error:
        return f"It is no JSON: {error}."
    return "It holds no JSON."


def _conforming(value: object, answer: JsonAnswer) -> Parsed | Misfit:
    if answer.schema is None:
        if isinstance(value, dict):
            return Parsed(value)
        return Misfit((f"An object was asked for; this is {_kind(value)}.",))
    reasons = tuple(_against(value, answer.schema))
    return Misfit(reasons) if reasons else Parsed(value)


def _kind(value: object) -> str:
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    if isinstance(value, list):
        return "a list"
    return "a string" if isinstance(value, str) else "a number"


def _against(value: object, schema: dict[str, object]) -> Iterator[str]:
    """What is wrong with a value, at most MAX_REASONS; of the schema itself where that is wrong."""
    from jsonschema import SchemaError, validators
    from referencing import Registry
    from referencing.exceptions import Unresolvable

    usual = validators.validator_for(schema, default=validators.validator_for({}))
    validator = validators.extend(usual, {"pattern": _pattern(usual.VALIDATORS["pattern"])})
    try:
        usual.check_schema(schema)
        # An empty registry: a reference to another host is an error, and never fetched.
        found = validator(_tamed(schema), registry=Registry()).iter_errors(value)
        for error, _ in zip(found, range(MAX_REASONS), strict=False):
            yield f"{error.json_path}: {_short(error.message)}"
    except SchemaError as error:
        yield f"The schema itself is wrong: {_short(error.message)}"
    except Unresolvable as error:
        yield f"The schema refers to what it does not hold: {_short(str(error))}"
    except RecursionError:
        yield "The schema refers to itself without end."


def _short(text: str) -> str:
    return text if len(text) <= 200 else text[:199] + "…"


Check = Callable[[Any, Any, Any, Any], Iterator[Any] | None]


def _pattern(usual: Check) -> Check:
    """`pattern`, but not on long strings."""

    def check(validator: Any, pattern: Any, instance: Any, schema: Any) -> Iterator[Any] | None:
        if isinstance(instance, str) and len(instance) > MAX_PATTERN_TEXT:
            return None
        return usual(validator, pattern, instance, schema)

    return check


def _tamed(schema: Any) -> Any:
    """The schema without patterns that may search for ever: one visitor writes them, all wait."""
    if isinstance(schema, list):
        return [_tamed(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    kept: dict[str, Any] = {}
    for key, inner in schema.items():
        if key == "pattern" and isinstance(inner, str) and not _is_tame(inner):
            continue
        if key == "patternProperties" and isinstance(inner, dict):
            inner = {pattern: rule for pattern, rule in inner.items() if _is_tame(pattern)}
        kept[key] = inner if key in _DATA else _tamed(inner)
    return kept


def _is_tame(pattern: str) -> bool:
    """No repeated group, no reference back, at most three open ends: no exponential search."""
    bare = re.sub(r"\\[^1-9]|\[(?:\\.|[^\]\\])*\]", "x", pattern)
    open_ends = len(re.findall(r"[*+]|\{\d*,", bare))
    wild = re.search(r"\)(?:[*+]|\{)|\\[1-9]|\(\?P=", bare)
    return not wild and open_ends <= 3 and len(pattern) <= 300
