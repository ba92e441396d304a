"""A server's tools as the router takes them, and the way their calls go."""

import json
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

import mcp_types as types

from tools.around import Around, Outcome
from tools.mcp.config import Server
from tools.mcp.naming import tool_names
from tools.mcp.pins import digest
from tools.router import Tool, ToolError

MAX_DESCRIPTION = 4_000
MAX_SCHEMA = 20_000  # characters of JSON: a model reads it with every request
SPARE_S = 2.0  # a call's own time is up before the router's

Call = Callable[[str, str, dict[str, Any], Around | None], Awaitable[Outcome]]
"""The tool's name at its server, its digest, the arguments, and what surrounds the call."""


def digest_of(tool: types.Tool) -> str:
    """All that a model or a person is told of it."""
    told = {"name", "title", "description", "input_schema", "annotations"}
    return digest(tool.model_dump(mode="json", include=told, exclude_none=True))


def told_of(tool: types.Tool) -> str:
    """All that its digest covers, as text for the operator who compares it with what it was."""
    said = tool.model_dump(mode="json", include={"title", "annotations"}, exclude_none=True)
    arguments = json.dumps(tool.input_schema, indent=2, ensure_ascii=False)
    parts = [description_of(tool), f"Arguments: {arguments}"]
    if said:
        parts.append(f"Of itself: {json.dumps(said, indent=2, ensure_ascii=False)}")
    text = "\n\n".join(parts)
    return "".join(c for c in text if c.isprintable() or c in "\n\t")


def usable(tools: Iterable[types.Tool]) -> list[types.Tool]:
    """Each name once, without those that no model could call."""
    found: dict[str, types.Tool] = {}
    for tool in tools:
        schema = tool.input_schema
        fits = schema.get("type", "object") == "object" and len(str(schema)) <= MAX_SCHEMA
        as_task = tool.execution and tool.execution.task_support == "required"
        if tool.name and fits and not as_task:
            found.setdefault(tool.name, tool)
    return list(found.values())


def offered(server: Server, prefix: str, tools: list[types.Tool], call: Call) -> dict[str, Tool]:
    """By the names they have at their server."""
    names = tool_names(prefix, [tool.name for tool in tools])
    return {
        tool.name: _offered(server, name, tool, call)
        for name, tool in zip(names, tools, strict=True)
    }


def _offered(server: Server, name: str, tool: types.Tool, call: Call) -> Tool:
    known = digest_of(tool)
    schema = {key: value for key, value in tool.input_schema.items() if key != "$schema"}
    schema = {"type": "object", "properties": {}, **schema}

    def fit(arguments: dict[str, Any]) -> dict[str, Any]:
        """Only what is missing is said here: a server checks the rest anyway, and its schema may hold
        patterns that take for ever to match."""
        required = schema.get("required")
        missing = [
            str(field)
            for field in (required if isinstance(required, list) else ())
            if field not in arguments
        ]
        if missing:
            raise ToolError(f"The arguments do not fit. {', '.join(missing)[:300]}: missing.")
        return arguments

    async def run(arguments: dict[str, Any], around: Around | None) -> Outcome:
        return await call(tool.name, known, arguments, around)

    return Tool(
        name=name,
        description=description_of(tool),
        parameters=schema,
        fit=fit,
        run=run,
        # What it says of itself only spares a question where it says that it merely reads.
        writes=not (tool.annotations and tool.annotations.read_only_hint),
        reaches_out=True,  # to another program, and nobody knows where that reaches
        timeout_s=server.timeout_s + SPARE_S,
        source=server.name,
    )


def description_of(tool: types.Tool) -> str:
    text = (tool.description or tool.title or tool.name).strip()
    kept = "".join(c for c in text if c.isprintable() or c in "\n\t")
    return kept if len(kept) <= MAX_DESCRIPTION else f"{kept[:MAX_DESCRIPTION]} […]"
