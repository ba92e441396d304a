"""What a page can ask of the tools: look, switch, and give its owner's word to one that waits."""

from collections.abc import Awaitable, Callable

from inference.models import Needs, choose
from inference.switchboard import Line
from memory.edge import Missing
from memory.permissions import Permission as Permission
from refusals import EVERYWHERE, NotFound, Refused
from steps.confirmations import Verdict
from steps.tooling import REJECTED as REJECTED
from steps.tooling import Tooling
from steps.tooling import ToolSwitch as ToolSwitch
from tools.mcp.pins import Change as Change
from tools.mcp.pins import NotKept
from tools.mcp.servers import McpServers as McpServers
from tools.mcp.servers import Outdated
from tools.mcp.status import ServerStatus as ServerStatus


class Toolbox:
    """The owner comes first, always. Whatever is refused raises Refused, with words for the reader.

    `line` tells who answers an owner in a conversation: where requests are what is paid for, a tool
    that costs one asks first. What concerns the servers of mcp.json is for the operator alone: the
    caller sees to that.
    """

    def __init__(
        self,
        tooling: Tooling,
        servers: McpServers,
        line: Callable[[str, str], Awaitable[Line]],
    ) -> None:
        self._tooling = tooling
        self._servers = servers
        self._line = line

    async def switches(self, owner: str, conversation_id: str = "") -> list[ToolSwitch]:
        """Every tool with what holds for it, ours first, then by source and name."""
        line = await self._line(owner, conversation_id or EVERYWHERE)
        return await self._tooling.switches(owner, line.provider.billing)

    async def usable(self, owner: str, conversation_id: str, model: str) -> bool:
        """Whether the model that answers there can use tools; False only where that is known."""
        line = await self._line(owner, conversation_id or EVERYWHERE)
        if not model:
            return True
        pinned = choose(
            line.provider, Needs(), chat=None, vision=None, pin=model, offered=line.models
        )
        return pinned.tools

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

    # ── the servers of mcp.json ─────────────────────────────────────────────────────────────────

    def listen(self, changed: Callable[[], None]) -> None:
        """From now on `changed` is called when a server's status or its tools are others."""
        self._servers.on_change = changed

    def servers(self) -> list[ServerStatus]:
        """In the order of mcp.json."""
        return self._servers.status()

    def restart(self, server: str) -> None:
        """Connect to it anew, now."""
        try:
            self._servers.restart(server)
        except KeyError:
            raise NotFound("This server is not here yet, or no longer.", "Wait a moment.") from None

    def approve(self, server: str, seen: str) -> None:
        """Let in what has changed; `seen` is of the status that the operator has read."""
        try:
            self._servers.approve(server, seen)
        except KeyError:
            raise NotFound("This server is not here any more.", "Reload the page.") from None
        except Outdated:
            raise Refused(
                f"What {server} says of its tools has changed again.", "Look at it once more."
            ) from None
        except NotKept as unwritten:
            raise Refused(str(unwritten), "Make it writable, then approve again.") from None
