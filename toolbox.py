"""What a page can ask of the tools: look, switch, and give its owner's word to one that waits."""

from collections.abc import Awaitable, Callable

from inference.switchboard import Line
from memory.edge import Missing
from memory.permissions import Permission as Permission
from refusals import EVERYWHERE, NotFound
from steps.confirmations import Verdict as Verdict
from steps.tooling import Tooling
from steps.tooling import ToolSwitch as ToolSwitch


class Toolbox:
    """The owner comes first, always. Whatever is refused raises Refused, with words for the reader.

    `line` tells who answers an owner in a conversation: where requests are what is paid for, a tool
    that costs one asks first.
    """

    def __init__(self, tooling: Tooling, line: Callable[[str, str], Awaitable[Line]]) -> None:
        self._tooling = tooling
        self._line = line

    async def switches(self, owner: str, conversation_id: str = "") -> list[ToolSwitch]:
        """Every tool with what holds for it, ours first, then by source and name."""
        line = await self._line(owner, conversation_id or EVERYWHERE)
        return await self._tooling.switches(owner, line.provider.billing)

    async def permit(self, owner: str, tool: str, permission: Permission) -> None:
        try:
            await self._tooling.permit(owner, tool, permission)
        except Missing:
            raise NotFound("This tool is not here any more.", "Reload the page.") from None

    def decide(self, owner: str, conversation_id: str, call_id: str, verdict: Verdict) -> None:
        """Let a tool that waits run, run from now on, or not."""
        try:
            self._tooling.decide(owner, conversation_id, call_id, verdict)
        except Missing:
            raise NotFound("Nothing waits for this any more.", "Reload the page.") from None

    async def forget(self, owner: str, conversation_id: str) -> None:
        """With a conversation goes what was allowed in it."""
        await self._tooling.permissions.forget(owner, conversation_id)
