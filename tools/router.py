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
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from time import monotonic
from typing import Any, overload

from pydantic import ValidationError

import tools as home
from messages import ToolCall, ToolResult
from tools.around import Around, Outcome
from tools.signature import misfits, signature_of

log = logging.getLogger(__name__)

TIMEOUT_S = 20.0
MAX_CHARS = 20_000
"""So much of a result the model reads."""
MAX_ARGUMENTS = 200_000  # characters of JSON
MAX_ERROR = 600
GRACE_S = 1.0
"""So long a tool that was given up may take to clean up; one that will not end is left behind."""

Found = str | Outcome
Function = Callable[..., Awaitable[Found]]


class ToolError(Exception):
    """One line for the model: what was wrong with its call and what would be right."""


@dataclass(frozen=True, slots=True)
class Tool:
    """`parameters` is the JSON schema of an object; `fit` checks arguments against it and gives
    them as `run` takes them. It raises pydantic's ValidationError, or ToolError.

    What a tool declares: it `writes`, it `reaches_out` to another host, neither: it reads. `asks`
    says that it asks its owner first (True) or need not, though it writes (False: what it did is
    shown with Undo). One that `draws` needs a provider that makes pictures, and costs 1 request.
    """

    name: str
    description: str
    parameters: dict[str, Any]
    fit: Callable[[dict[str, Any]], dict[str, Any]]
    run: Callable[[dict[str, Any], Around | None], Awaitable[Found]]
    writes: bool = False
    reaches_out: bool = False
    asks: bool | None = None
    draws: bool = False
    timeout_s: float = TIMEOUT_S
    source: str = "Parley"

    @property
    def declares(self) -> tuple[str, ...]:
        said = {"writes": self.writes, "reaches out": self.reaches_out, "costs": self.draws}
        return tuple(word for word, true in said.items() if true) or ("reads",)


Gate = Callable[[ToolCall, Tool], Awaitable[str]]
"""Whether a call may run: "" lets it, anything else is one line for the model that says why not.
It is asked once the arguments fit, and may take its time: no timeout runs meanwhile."""


async def open_gate(_call: ToolCall, _tool: Tool) -> str:
    return ""


@overload
def tool(function: Function, /) -> Tool: ...
@overload
def tool(
    *,
    writes: bool = False,
    reaches_out: bool = False,
    asks: bool | None = None,
    draws: bool = False,
    timeout_s: float = TIMEOUT_S,
) -> Callable[[Function], Tool]: ...
def tool(function: Function | None = None, /, **declared: Any) -> Tool | Callable[[Function], Tool]:
    """Make a tool of an async function with annotated parameters and a docstring.

    It gives a str, or an Outcome. A parameter annotated `Around` is filled by the router. Whatever
    it does that blocks belongs in `asyncio.to_thread`.
    """
    if function is None:
        return lambda named: _made(named, **declared)
    return _made(function)


def _made(function: Function, **declared: Any) -> Tool:
    signature = signature_of(function)

    async def run(arguments: dict[str, Any], around: Around | None) -> Found:
        if not signature.around:
            return await function(**arguments)
        if around is None:
            raise ToolError(f"{function.__name__} is not to be had here.")
        return await function(**arguments, **{signature.around: around})

    return Tool(
        name=function.__name__,
        description=inspect.cleandoc(function.__doc__ or ""),
        parameters=signature.schema,
        fit=signature.fit,
        run=run,
        **declared,
    )


def discover() -> list[Tool]:
    """Every tool of this folder that needs nothing to be made, by name."""
    found: dict[str, Tool] = {}
    for module in pkgutil.iter_modules(home.__path__, "tools."):
        if module.ispkg:  # machinery that tools share
            continue
        for value in vars(importlib.import_module(module.name)).values():
            if isinstance(value, Tool):
                found[value.name] = value
    return [found[name] for name in sorted(found)]


class Router:
    """Answers every call exactly once, whatever the model wrote and whatever the tool does.

    `sources` are asked again each time: what comes from them may come and go. None of them can take
    the name of one of `tools`, or of a source before it.
    """

    def __init__(
        self, tools: Sequence[Tool], sources: Sequence[Callable[[], Iterable[Tool]]] = ()
    ) -> None:
        self._own = {t.name: t for t in tools}
        self._sources = sources

    def without(self, names: Collection[str]) -> "Router":
        """One that has not these tools of its own."""
        return Router([t for t in self._own.values() if t.name not in names], self._sources)

    @property
    def tools(self) -> dict[str, Tool]:
        """All there are just now, by name."""
        found = dict(self._own)
        for source in self._sources:
            for one in source():
                found.setdefault(one.name, one)
        return found

    async def run(
        self, calls: Sequence[ToolCall], around: Around | None = None, gate: Gate = open_gate
    ) -> AsyncIterator[ToolResult]:
        """Run the calls of one round in parallel and yield each result as it comes."""
        tasks = [asyncio.create_task(self._answer(call, around, gate)) for call in calls]
        try:
            for done in asyncio.as_completed(tasks):
                yield await done
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _answer(self, call: ToolCall, around: Around | None, gate: Gate) -> ToolResult:
        started = monotonic()
        try:
            chosen = self._chosen(call.name)
            arguments = chosen.fit(_arguments(call))
            if refusal := await gate(call, chosen):
                return ToolResult(call.call_id, refusal, ok=False)
            started = monotonic()
            found = await _in_time(chosen, arguments, around)
            outcome = found if isinstance(found, Outcome) else Outcome(str(found))
            seconds = monotonic() - started
            return ToolResult(
                call.call_id,
                _cut(outcome.text),
                ok=not outcome.failed,
                seconds=seconds,
                pictures=outcome.pictures,
                untrusted=outcome.untrusted,
            )
        except ToolError as error:
            why = " ".join(str(error)[:MAX_ERROR].split())
        except ValidationError as error:
            why = " ".join(misfits(error)[:MAX_ERROR].split())
        except Exception:
            # The one broad handler of the house: a broken tool must not end the turn.
            log.exception("tool %s failed", call.name)
            why = f"{call.name} failed inside; try another way."
        return ToolResult(call.call_id, _storable(why), ok=False, seconds=monotonic() - started)

    def _chosen(self, name: str) -> Tool:
        tools = self.tools
        if name not in tools:
            offered = ", ".join(tools) or "none"
            raise ToolError(f"There is no tool named {name[:80]!r}; the tools are: {offered}.")
        return tools[name]


async def _in_time(chosen: Tool, arguments: dict[str, Any], around: Around | None) -> Found:
    """The tool's result. Raises ToolError when its time is up, also where it will not be cancelled."""
    task = asyncio.ensure_future(chosen.run(arguments, around))
    try:
        await asyncio.wait({task}, timeout=chosen.timeout_s)
        if not task.done():
            raise ToolError(f"{chosen.name} took longer than {chosen.timeout_s:g} s.")
    finally:
        if not task.done():
            task.cancel()
            task.add_done_callback(_seen)
            await asyncio.wait({task}, timeout=GRACE_S)
    if task.cancelled():
        raise RuntimeError("the tool cancelled itself")
    return task.result()


def _seen(task: "asyncio.Future[Found]") -> None:
    """Nobody waits for it any more: what became of it is of no interest."""
    if not task.cancelled():
        task.exception()


def _arguments(call: ToolCall) -> dict[str, Any]:
    if len(call.arguments) > MAX_ARGUMENTS:
        raise ToolError(f"The arguments are longer than {MAX_ARGUMENTS:,} characters.")
    try:
        arguments: Any = json.loads(call.arguments or "{}")
    except (ValueError, RecursionError):
        raise ToolError(f"The arguments of {call.name} are not whole JSON.") from None
    if not isinstance(arguments, dict):
        raise ToolError(f"The arguments of {call.name} must be a JSON object.")
    whole: dict[str, Any] = arguments
    if "\\ud" in call.arguments.lower():  # half an emoji, perhaps
        whole = json.loads(_storable(json.dumps(arguments, ensure_ascii=False)))
    return whole


def _cut(text: str) -> str:
    """What the model reads of a result. Only that much is ever copied."""
    kept = _storable(text[:MAX_CHARS])
    if len(text) <= MAX_CHARS:
        return kept
    return f"{kept}\n[Cut here: {MAX_CHARS:,} of {len(text):,} characters in all.]"


def _storable(text: str) -> str:
    """Lone surrogates can neither be sent nor kept."""
    return text.encode("utf-8", "replace").decode()
