"""A tool's arguments, as its function's signature says them: described for a model, and checked."""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError, create_model

from tools.around import Around

MOST_MISFITS = 4  # of one call: a model corrects the first few and calls again


@dataclass(frozen=True, slots=True)
class Signature:
    """`schema` is the JSON schema of an object. `around` names the parameter that gets an Around."""

    schema: dict[str, Any]
    around: str
    model: type[BaseModel]
    optional: frozenset[str]

    def fit(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """The arguments as the function takes them. Raises pydantic's ValidationError.

        null for an argument that may be left out counts as left out: many models write it so.
        """
        told = {k: v for k, v in given.items() if v is not None or k not in self.optional}
        checked = self.model.model_validate(told)
        return {name: getattr(checked, name) for name in self.model.model_fields}


def signature_of(function: Callable[..., Any]) -> Signature:
    """Raises TypeError for a parameter that no JSON object can name, or has no annotation."""
    fields: dict[str, Any] = {}
    around = ""
    for name, parameter in inspect.signature(function, eval_str=True).parameters.items():
        if parameter.annotation is Around:
            around = name
            continue
        named = parameter.kind in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY)
        if not named or parameter.annotation is parameter.empty:
            raise TypeError(f"{function.__name__}: {name} cannot be an argument of a tool.")
        default = ... if parameter.default is parameter.empty else parameter.default
        fields[name] = (parameter.annotation, default)
    strict = ConfigDict(extra="forbid", protected_namespaces=())
    model: type[BaseModel] = create_model(function.__name__, __config__=strict, **fields)
    optional = frozenset(n for n, field in model.model_fields.items() if not field.is_required())
    schema = _untitled(model.model_json_schema())
    schema.setdefault("properties", {})
    return Signature(schema, around, model, optional)


def misfits(error: ValidationError) -> str:
    """What does not fit, in one line for the model."""
    wrong = error.errors(include_url=False, include_input=False)
    told = [
        f"{'.'.join(str(step) for step in e['loc']) or 'arguments'}: {e['msg']}"
        for e in wrong[:MOST_MISFITS]
    ]
    more = [f"and {len(wrong) - MOST_MISFITS} more"] if len(wrong) > MOST_MISFITS else []
    return "The arguments do not fit. " + "; ".join([*told, *more])


def _untitled(schema: Any) -> Any:
    """Without pydantic's titles, which repeat the names and would be paid for in every request."""
    if isinstance(schema, list):
        return [_untitled(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    found = {}
    for key, value in schema.items():
        if key in ("properties", "$defs"):
            found[key] = {name: _untitled(inner) for name, inner in value.items()}
        elif key not in ("title", "default", "enum", "const"):
            found[key] = _untitled(value)
        elif key != "title":
            found[key] = value
    return found
