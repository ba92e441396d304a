"""The tool router: finds the tools, tells a model of them, and runs what a model calls.

Adding a tool is writing one async function under `@tool` in a file of this folder. Its docstring
is read by the model; so is the text of a ToolError.
"""

import asyncio
import importlib
import inspect
import json
import logging
import pkgutil
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from time import monotonic
from typing import Any

from pydantic import TypeAdapter, ValidationError, validate_call

import tools as home
from messages import ToolCall, ToolResult

log = logging.getLogger(__name__)


class ToolError(Exception):
    """One line for the model: what was wrong with its call and what would be right."""


@dataclass(frozen=True, slots=True)
class Tool:
    """`parameters` is the JSON schema of an object, made from the function's signature."""

    name: str
    description: str
    parameters: dict[str, Any]
    run: Callable[..., Awaitable[str]]


def tool(function: Callable[..., Awaitable[str]]) -> Tool:
    """Make a tool of an async function with annotated parameters, a docstring and a str result."""
    return Tool(
        name=function.__name__,
        description=inspect.cleandoc(function.__doc__ or ""),
        parameters=_described(function),
        run=validate_call(function),
    )


def _described(function: Any) -> dict[str, Any]:
    # pydantic describes the arguments of a function given as a type.
    return TypeAdapter(function).json_schema()


def discover() -> list[Tool]:
    """Every tool of this folder, by name."""
    found: dict[str, Tool] = {}
    for module in pkgutil.iter_modules(home.__path__, "tools."):
        for value in vars(importlib.import_module(module.name)).values():
            if isinstance(value, Tool):
                found[value.name] = value
    return [found[name] for name in sorted(found)]


class Router:
    """Answers every call exactly once, whatever the model wrote and whatever the tool does.

    `timeout_s` bounds a single call; `max_chars` bounds what the model reads of its result.
    """

    def __init__(
        self, tools: Sequence[Tool], timeout_s: float = 20.0, max_chars: int = 20_000
    ) -> None:
        self.tools = {t.name: t for t in tools}
        self.timeout_s = timeout_s
        self.max_chars = max_chars

    async def run(self, calls: Sequence[ToolCall]) -> AsyncIterator[ToolResult]:
        """Run the calls of one round in parallel and yield each result as it comes."""
        tasks = [asyncio.create_task(self._answer(call)) for call in calls]
        try:
            for done in asyncio.as_completed(tasks):
                yield await done
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _answer(self, call: ToolCall) -> ToolResult:
        started = monotonic()
        result = await self._result(call)
        if len(result.text) > self.max_chars:
            cut = f"{result.text[: self.max_chars]}\n[cut: {len(result.text):,} characters in all]"
            result = replace(result, text=cut)
        return replace(result, seconds=monotonic() - started)

    async def _result(self, call: ToolCall) -> ToolResult:
        try:
            chosen = self._chosen(call.name)
            arguments = _arguments(call)
            async with asyncio.timeout(self.timeout_s):
                return ToolResult(call.call_id, str(await chosen.run(**arguments)))
        except ToolError as error:
            return ToolResult(call.call_id, str(error), ok=False)
        except ValidationError as error:
            return ToolResult(call.call_id, _misfits(error), ok=False)
        except TimeoutError:
            return ToolResult(
                call.call_id, f"{call.name} took longer than {self.timeout_s:g} s.", ok=False
            )
        except Exception:
            # The one broad handler of the house: a broken tool must not end the turn.
            log.exception("tool %s failed", call.name)
            return ToolResult(
                call.call_id, f"{call.name} failed inside; try another way.", ok=False
            )

    def _chosen(self, name: str) -> Tool:
        if name not in self.tools:
            offered = ", ".join(self.tools) or "none"
            raise ToolError(f"There is no tool named {name!r}; the tools are: {offered}.")
        return self.tools[name]


def _arguments(call: ToolCall) -> dict[str, Any]:
    try:
        arguments = json.loads(call.arguments or "{}")
    except (ValueError, RecursionError):
        raise ToolError(f"The arguments of {call.name} are not whole JSON.") from None
    if not isinstance(arguments, dict):
        raise ToolError(f"The arguments of {call.name} must be a JSON object.")
    return arguments


def _misfits(error: ValidationError) -> str:
    misfits = (
        f"{'.'.join(str(p) for p in e['loc']) or 'arguments'}: {e['msg']}" for e in error.errors()
    )
    return "The arguments do not fit. " + "; ".join(misfits)
