"""`response_format`: the answer's words inside valid JSON, never invented values of a schema."""

import json
from typing import Any

from inference.backend import JsonAnswer
from inference.json_answer import Parsed, checked
from inference.offline.errors import ApiError, bad_request

MAX_DEPTH = 12


def checked_format(wanted: Any) -> dict[str, Any] | None:
    """The response format, or None for plain text. Raises ApiError for one that is not known."""
    if wanted is None:
        return None
    kind = wanted.get("type") if isinstance(wanted, dict) else None
    if kind == "text":
        return None
    if kind == "json_object":
        return {"type": "json_object"}
    if kind == "json_schema":
        schema = (wanted.get("json_schema") or {}).get("schema")
        if isinstance(schema, dict):
            return {"type": "json_schema", "schema": schema}
    raise bad_request(
        "response_format must be text, json_object or json_schema.", "response_format"
    )


def as_json(text: str, wanted: dict[str, Any]) -> str:
    """The words as JSON. Raises ApiError where the schema has no room for them.

    For a schema, the words go into its first free string; other required values are the emptiest
    that are valid, so that nothing in it can be taken for knowledge.
    """
    if wanted["type"] == "json_object":
        return json.dumps({"answer": text}, ensure_ascii=False)
    filling = _Filling(wanted["schema"], text)
    value = filling.value(wanted["schema"], 0)
    if not filling.said or not _is_valid(value, wanted["schema"]):
        raise ApiError(
            400,
            "The offline engine has no language model and cannot fill this JSON schema honestly: "
            "it can only put its answer into a free string.",
            param="response_format",
        )
    return json.dumps(value, ensure_ascii=False)


class _Filling:
    """One pass over a schema; `said` becomes true once the words have found their place."""

    def __init__(self, schema: dict[str, Any], text: str) -> None:
        self._root = schema
        self._text = text
        self.said = False

    def value(self, schema: Any, depth: int) -> Any:
        if not isinstance(schema, dict) or depth > MAX_DEPTH:
            return None
        if isinstance(schema.get("$ref"), str):
            return self.value(self._referred(schema["$ref"]), depth + 1)
        for choice in ("anyOf", "oneOf", "allOf"):
            if schema.get(choice):
                return self.value(schema[choice][0], depth + 1)
        if "const" in schema:
            return schema["const"]
        if schema.get("enum"):
            return None if None in schema["enum"] else schema["enum"][0]
        return self._of_type(schema, depth)

    def _of_type(self, schema: dict[str, Any], depth: int) -> Any:
        kinds = schema.get("type", "object" if "properties" in schema else "string")
        kind = kinds[0] if isinstance(kinds, list) and kinds else kinds
        if kind == "string" and not self.said and not {"pattern", "format"} & schema.keys():
            self.said = True
            return self._text[: schema.get("maxLength", len(self._text))]
        if isinstance(kinds, list) and "null" in kinds:
            return None
        match kind:
            case "object":
                fields = schema.get("properties", {})
                required = schema.get("required", list(fields))
                return {name: self.value(fields.get(name, {}), depth + 1) for name in required}
            case "array":
                least = int(schema.get("minItems", 0))
                items = schema.get("items", {})
                if not self.said and least == 0 and items:
                    least = 1
                return [self.value(items, depth + 1) for _ in range(min(least, 20))]
            case "number" | "integer":
                return schema.get("minimum", 0)
            case "boolean":
                return False
            case "null":
                return None
        return ""

    def _referred(self, reference: str) -> Any:
        place: Any = self._root
        for step in reference.removeprefix("#/").split("/"):
            place = place.get(step) if isinstance(place, dict) else None
        return place


def _is_valid(value: Any, schema: dict[str, Any]) -> bool:
    return isinstance(checked(json.dumps(value), JsonAnswer(schema)), Parsed)
