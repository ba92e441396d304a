"""Looking into long-term memory."""

from datetime import UTC, datetime

from messages import Memory
from tools.around import Around, Outcome
from tools.router import ToolError, tool

MAX_QUERY = 1_000
MAX_TEXT = 1_200  # characters of a memory


@tool
async def search_memory(query: str, around: Around) -> Outcome:
    """Search what this user said in earlier conversations, told to remember, or kept of documents."""
    words = query.strip()
    if not words:
        raise ToolError("Search by words that may have been said.")
    found = await around.search(words[:MAX_QUERY])
    if not found:
        return Outcome("Nothing in memory fits.")
    told = "\n".join(_told(memory) for memory in found)
    return Outcome(told, untrusted=any(memory.kind == "passage" for memory in found))


def _told(memory: Memory) -> str:
    day = datetime.fromtimestamp(memory.at, UTC).date()
    if memory.kind == "passage":
        origin = f"{memory.source}, page {memory.page}" if memory.page else memory.source
    else:
        speaker = "the user" if memory.role == "user" else "the assistant"
        origin = f"{speaker}, {day}"
        if memory.conversation_title:
            origin += f", in “{memory.conversation_title}”"
    over = " (no longer holds)" if memory.superseded_at else ""
    text = memory.text if len(memory.text) <= MAX_TEXT else memory.text[:MAX_TEXT] + "…"
    return f"- [{memory.id}] {origin}{over}: {text}"
