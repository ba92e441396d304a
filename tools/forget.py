"""Forgetting what the user no longer wants remembered."""

from tools.around import Around
from tools.router import ToolError, tool

MAX_WORDS = 1_000


@tool(writes=True)
async def forget(memory: str, around: Around) -> str:
    """Forget what the user asked to be forgotten: give its id from search_memory, or its words."""
    words = " ".join(memory.split())
    if not 0 < len(words) <= MAX_WORDS:
        raise ToolError("Tell which memory: its id from search_memory, or its words.")
    gone = await around.forget(words)
    if not gone:
        raise ToolError("No memory fits that; look for its id by search_memory.")
    return "Forgotten: " + " · ".join(one.text[:200] for one in gone)
