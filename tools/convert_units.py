"""Units of measure, by pint."""

import asyncio
import math
import re
from functools import cache
from typing import Any

from tools.router import ToolError, tool

# Names, each with a power of one digit at most, multiplied or divided: a tower of powers would be
# worked out digit by digit.
_FACTOR = r"[^\W\d][\w°µμ' ]*|[°%µμ][\w ]*"
_POWER = r"(?:\s*(?:\*\*|\^)\s*-?\d(?!\d)|[²³])?"
UNIT = re.compile(rf"\s*(?:1\s*/\s*)?(?:{_FACTOR}){_POWER}(?:\s*[*/·]\s*(?:{_FACTOR}){_POWER})*\s*")
MAX_UNIT = 40


@cache
def _registry() -> Any:
    # Loading takes half a second: on first use, in a worker thread.
    from pint import UnitRegistry

    registry: Any = UnitRegistry(autoconvert_offset_to_baseunit=True)
    for names in ("celsius = degC", "fahrenheit = degF", "mph = mile / hour", "kph = km / hour"):
        alias, unit = names.split(" = ")
        if alias not in registry:
            registry.define(f"{alias} = {unit}")
    return registry


@tool
async def convert_units(value: float, from_unit: str, to_unit: str) -> str:
    """Convert a quantity between units, such as 5 mile to km, 98.6 degF to degC, 3 cup to ml."""
    return await asyncio.to_thread(_convert, value, from_unit, to_unit)


def _convert(value: float, from_unit: str, to_unit: str) -> str:
    from pint import DimensionalityError, PintError

    if not math.isfinite(value):
        raise ToolError("That is no number.")
    for unit in (from_unit, to_unit):
        if len(unit) > MAX_UNIT or not UNIT.fullmatch(unit) or re.search(r"\d{3}", unit):
            raise ToolError(f"{unit!r} is no unit; use names such as km, mile, degC, kg, cup.")
    registry = _registry()
    try:
        quantity = registry.Quantity(value, registry.Unit(_written(from_unit)))
        converted = quantity.to(registry.Unit(_written(to_unit)))
    except DimensionalityError as error:
        raise ToolError(f"{from_unit} and {to_unit} measure different things: {error}.") from None
    except (PintError, AttributeError, ValueError, TypeError, SyntaxError) as error:
        raise ToolError(f"Cannot convert: {error}. Use names such as km, mile, degC.") from None
    return f"{value:g} {from_unit} = {converted.magnitude:.10g} {to_unit}"


def _written(unit: str) -> str:
    """As pint reads it."""
    return re.sub(r"\b(square|cubic)_", r"\1 ", unit.strip()).replace("·", "*")
