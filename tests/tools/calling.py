"""Calling a tool as a model does: by name, with JSON."""

import json
from typing import Any

from messages import ToolCall, ToolResult
from tools.around import Around
from tools.router import Router, Tool


async def call(tool: Tool, around: Around | None = None, /, **arguments: Any) -> ToolResult:
    asked = ToolCall("c1", tool.name, json.dumps(arguments))
    [result] = [r async for r in Router([tool]).run([asked], around)]
    assert result.call_id == "c1"
    return result
