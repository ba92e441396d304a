"""Arithmetic, exact where exact is possible, by a safe evaluator: never Python's own eval."""

import ast
import asyncio
import math
import operator
import re
from collections.abc import Callable
from fractions import Fraction
from typing import Any

from simpleeval import InvalidExpression, SimpleEval

from tools.router import ToolError, tool

MAX_CHARS = 500
MAX_BITS = 40_000  # about 12,000 digits
MAX_FACTORIAL = 2_000
SHOWN_DIGITS = 40  # a longer whole number is shown in powers of ten too

_ADDED_PERCENT = re.compile(r"(.*[\d)]\s*)([-+])\s*(\d+(?:\.\d+)?)\s*%")

Number = Fraction | float


@tool
async def calculate(expression: str) -> str:
    """Value of an arithmetic expression, such as 17% of 240, 2**10, (3+4)/12 or sqrt(2)*pi.

    Knows + - * / // % ** ( ), percentages, sqrt, exp, ln, log10, log2, log(x, base), sin, cos,
    tan, asin, acos, atan (radians), degrees, radians, factorial, gcd, lcm, round, floor, ceil,
    abs, min, max, pi and e.
    """
    return await asyncio.to_thread(value_of, expression)


def value_of(expression: str) -> str:
    """Raises ToolError."""
    if len(expression) > MAX_CHARS:
        raise ToolError(f"The expression is longer than {MAX_CHARS} characters.")
    try:
        return _shown(_Exact().eval(_plain(expression)))
    except ZeroDivisionError:
        raise ToolError("Division by zero.") from None
    except (OverflowError, RecursionError, MemoryError):
        raise ToolError("The result is too large.") from None
    except (InvalidExpression, SyntaxError, ValueError, TypeError, AttributeError) as error:
        raise ToolError(f"Cannot calculate {expression!r}: {error}") from None


def _plain(expression: str) -> str:
    """Write what people write as Python's arithmetic."""
    text = expression.strip().rstrip("=?").strip()
    for written, meant in {
        "×": "*",
        "·": "*",
        "÷": "/",
        "−": "-",
        "–": "-",
        "^": "**",
        "√": "sqrt",
    }.items():
        text = text.replace(written, meant)
    text = re.sub(r"(?<=\d)[,_ ](?=\d{3}\b)", "", text)
    text = re.sub(r"%\s*of\b", "/100*", text, flags=re.IGNORECASE)
    # 200 + 10% is 220, as on every calculator: the percentage is of what stands before it.
    if (more := _ADDED_PERCENT.fullmatch(text)) and _balanced(more[1]):
        text = f"({more[1]})*(1{more[2]}({more[3]})/100)"
    # A percent sign with nothing after it that it could divide is a percentage.
    text = re.sub(r"(\d+(?:\.\d+)?)\s*%(?=\s*($|[-+*/)]))", r"(\1/100)", text)
    return re.sub(r"%(?=\s*($|[-+*/)]))", "/100", text)


def _balanced(text: str) -> bool:
    return text.count("(") == text.count(")")


def _power(base: Number, exponent: Number) -> Number:
    if isinstance(base, Fraction) and isinstance(exponent, Fraction) and exponent.denominator == 1:
        bits = max(base.numerator.bit_length(), base.denominator.bit_length())
        if bits * abs(exponent.numerator) > MAX_BITS and abs(base) not in (0, 1):
            raise ToolError("The result has more than 12,000 digits.")
        return base**exponent.numerator
    return _real(float(base) ** float(exponent))


def _real(value: Any) -> float:
    if isinstance(value, complex) or math.isnan(value):
        raise ToolError("The result is not a real number.")
    return float(value)


def _product(a: Number, b: Number) -> Number:
    if isinstance(a, Fraction) and isinstance(b, Fraction):
        bits = a.numerator.bit_length() + b.numerator.bit_length()
        if bits > 2 * MAX_BITS:
            raise ToolError("The result has too many digits.")
    return a * b


def _whole(value: Number, name: str) -> int:
    if value != int(value):
        raise ToolError(f"{name} takes whole numbers.")
    return int(value)


def _factorial(value: Number) -> Fraction:
    number = _whole(value, "factorial")
    if not 0 <= number <= MAX_FACTORIAL:
        raise ToolError(f"factorial takes 0 to {MAX_FACTORIAL}.")
    return Fraction(math.factorial(number))


def _root(value: Number) -> Number:
    if value < 0:
        raise ToolError("The square root of a negative number is not real.")
    if isinstance(value, Fraction):
        top, bottom = math.isqrt(value.numerator), math.isqrt(value.denominator)
        if top * top == value.numerator and bottom * bottom == value.denominator:
            return Fraction(top, bottom)
    return math.sqrt(value)


def _in_floats(function: Callable[..., float]) -> Callable[..., float]:
    def run(*values: Number) -> float:
        return _real(function(*(float(v) for v in values)))

    return run


FUNCTIONS: dict[str, Callable[..., Number]] = {
    **{
        name: _in_floats(getattr(math, name))
        for name in "exp log log2 log10 sin cos tan asin acos atan degrees radians".split()
    },
    "ln": _in_floats(math.log),
    "sqrt": _root,
    "factorial": _factorial,
    "gcd": lambda *v: Fraction(math.gcd(*(_whole(x, "gcd") for x in v))),
    "lcm": lambda *v: Fraction(math.lcm(*(_whole(x, "lcm") for x in v))),
    "round": lambda x, digits=Fraction(0): Fraction(round(x, _whole(digits, "round"))),
    "floor": lambda x: Fraction(math.floor(x)),
    "ceil": lambda x: Fraction(math.ceil(x)),
    "abs": abs,
    "min": min,
    "max": max,
}  # fmt: skip

OPERATORS: dict[type[ast.AST], Callable[..., Number]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: _product,
    ast.Div: operator.truediv,
    ast.FloorDiv: lambda a, b: Fraction(a // b),
    ast.Mod: operator.mod,
    ast.Pow: _power,
    ast.USub: operator.neg,
    ast.UAdd: operator.pos,
}


class _Exact(SimpleEval):  # type: ignore[misc]  # it ships no types
    """Numbers only, and as fractions, so that 0.1 + 0.2 is 0.3."""

    def __init__(self) -> None:
        super().__init__(
            operators=OPERATORS, functions=FUNCTIONS, names={"pi": math.pi, "e": math.e}
        )
        kept = (ast.Expr, ast.Expression, ast.Constant, ast.UnaryOp, ast.BinOp, ast.Call, ast.Name)
        known: dict[type[ast.AST], Any] = self.nodes  # type: ignore[has-type]
        self.nodes = {kind: run for kind, run in known.items() if kind in kept}
        self.nodes[ast.Constant] = self._exact

    @staticmethod
    def _exact(node: ast.Constant) -> Fraction:
        if isinstance(node.value, bool) or not isinstance(node.value, int | float):
            raise ToolError(f"{node.value!r} is not a number.")
        return Fraction(repr(node.value))


def _shown(value: Any) -> str:
    if isinstance(value, Fraction):
        return _shown_exactly(value)
    if isinstance(value, float):
        return f"{_real(value):.15g}"
    raise ToolError("That is not arithmetic.")


def _shown_exactly(value: Fraction) -> str:
    if value.denominator == 1:
        digits = str(value.numerator) if value.numerator.bit_length() < 14_000 else ""
        if digits and len(digits) <= SHOWN_DIGITS:
            return digits
        power = math.floor(math.log10(abs(value.numerator)))
        return f"{digits} (about 10**{power})" if digits else f"about 10**{power}"
    rest = value.denominator
    for prime in (2, 5):
        while rest % prime == 0:
            rest //= prime
    try:
        rounded = f"{float(value):.15g}"
    except OverflowError:
        raise ToolError("The result is too large.") from None
    if rest == 1 and Fraction(rounded) == value:
        return rounded
    return f"{rounded} (exactly {value})" if len(str(value)) <= SHOWN_DIGITS else rounded
