"""One server: connected, listened to, called, and started again when it fails.

All that is entered for a connection is entered and left in one task, its owner, as the SDK's cancel
scopes want it. Calls come from other tasks and only pass messages.
"""

import asyncio
import logging
from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, suppress
from dataclasses import replace
from time import monotonic, time
from typing import Any, Literal

import httpx2
import mcp_types as types
from mcp import Client, MCPError
from mcp_types.version import MODERN_PROTOCOL_VERSIONS
from pydantic import ValidationError

from tools.around import Around, Outcome
from tools.mcp.child import TOO_LONG, Child
from tools.mcp.config import Server
from tools.mcp.endpoint import Endpoint, asked_at, endpoint
from tools.mcp.noise import FLOODS
from tools.mcp.offering import description_of, digest_of, offered, told_of, usable
from tools.mcp.pins import Change, NotKept, Pins, digest_of_all
from tools.mcp.results import outcome_of
from tools.mcp.status import Pace, ServerStatus, State
from tools.router import Tool, ToolError

log = logging.getLogger(__name__)

MOST_TOOLS = 100
MOST_PAGES = 20
MOST_UNANSWERED = 3  # calls in a row; then it is taken for hung
MAX_ERROR = 600

_PARLEY = types.Implementation(name="Parley", version="0.1.0")


class McpServer:
    """`prefix` is what its tools' names begin with; `changed` is called when its status is another."""

    def __init__(
        self, server: Server, prefix: str, pins: Pins, pace: Pace, changed: Callable[[], None]
    ) -> None:
        self._server = server
        self._prefix = prefix
        self._pins = pins
        self._pace = pace
        self._changed = changed
        self.status = ServerStatus(server.name, "connecting")
        self.tools: tuple[Tool, ...] = ()
        self._listed: list[types.Tool] = []
        self._digests: dict[str, str] = {}
        self._client: Client | None = None
        self._news = asyncio.Event()
        self._wake = asyncio.Event()
        self._relist = False
        self._spoken_by: Child | Endpoint | None = None
        self._over = ""  # why the connection must end
        self._unanswered = 0
        self._settles_until = 0.0

    async def run(self) -> None:
        """Keep it connected; ends when it is cancelled."""
        if self._server.problem:
            self._become("failed", self._server.problem)
            return
        pause_s = self._pace.first_s
        while True:
            self._become("connecting", self.status.error)
            began = monotonic()
            why = await self._one_connection()
            if monotonic() - began > self._pace.steady_s:
                pause_s = self._pace.first_s
            self._become("failed", self._fit_to_show(why), again_at=time() + pause_s)
            with suppress(TimeoutError):
                async with asyncio.timeout(pause_s):
                    await self._wake.wait()
                    pause_s = self._pace.first_s
            self._wake.clear()
            pause_s = min(2 * pause_s, self._pace.most_s)

    def restart(self) -> None:
        """Connect anew, now."""
        self._wake.set()
        self._end("It was started again.")

    def approve(self, seen: str) -> bool:
        """Let in what waits, if it is still what was `seen`. Raises NotKept."""
        if not seen or seen != self.status.seen:
            return False
        self._pin(dict(self._digests))
        self._review()
        return True

    async def call(
        self, tool: str, digest: str, arguments: dict[str, Any], around: Around | None
    ) -> Outcome:
        """Raises ToolError in our own words; its own come in the Outcome, marked as a stranger's."""
        client = self._client
        if client is None:
            raise ToolError(f"{self._server.name} is not connected just now.")
        if (
            self._pins.of(self._server.name).get(tool) != digest
            or self._digests.get(tool) != digest
        ):
            raise ToolError(
                f"{tool[:80]} was changed by {self._server.name}: it waits for approval."
            )
        params = types.CallToolRequestParams(name=tool, arguments=arguments)
        try:
            # Not call_tool: that checks results by a schema of the server's, which may be endless.
            result = await client.session.send_request(
                types.CallToolRequest(params=params),
                types.CallToolResult,
                request_read_timeout_seconds=self._server.timeout_s,
            )
        except MCPError as error:
            return self._unsuccessful(error)
        except (ValidationError, ValueError, RuntimeError, RecursionError):
            raise ToolError(f"{self._server.name} answered with what is no result.") from None
        self._unanswered = 0
        return await outcome_of(self._server.name, result, around)

    def _unsuccessful(self, error: MCPError) -> Outcome:
        name = self._server.name
        if error.code == types.REQUEST_TIMEOUT:
            self._unanswered += 1
            if self._unanswered >= MOST_UNANSWERED:
                self._end(f"It left {MOST_UNANSWERED} calls in a row unanswered.")
            raise ToolError(f"{name} took longer than {self._server.timeout_s:g} s.")
        if self._server.url and error.message == "Session terminated":
            self._end("It has forgotten the session.")
            raise ToolError(f"{name} has forgotten the session; call again in a moment.")
        self._unanswered = 0
        if error.message == TOO_LONG or self._problem() in (TOO_LONG, FLOODS):
            raise ToolError(f"The answer of {name} is longer than is read here.")
        if error.code == types.CONNECTION_CLOSED:
            raise ToolError(f"{name} broke off in the middle of the call.")
        said = self._fit_to_show(error.message)
        return Outcome(f"{name} says: {said}", untrusted=True, failed=True)

    def _problem(self) -> str:
        return self._spoken_by.problem if isinstance(self._spoken_by, Endpoint) else ""

    # ── the owner task ──────────────────────────────────────────────────────────────────────────

    async def _one_connection(self) -> str:
        """Connect and stay connected; says why that ended."""
        self._over, self._relist, self._unanswered = "", False, 0
        self._news.clear()
        spoken_by: Child | Endpoint = (
            Child(self._server, lambda: self._end(_ENDED)) if self._server.command else endpoint()
        )
        self._spoken_by = spoken_by
        try:
            await self._stay_connected(spoken_by)
            why = self._over
        except Exception as error:  # whatever a server does, or the SDK makes of it
            why = _why(error, self._server, self._pace.start_s)
        finally:
            self._client, self.tools, self._digests = None, (), {}
        if isinstance(spoken_by, Child):
            return f"{spoken_by.problem or why}\n{spoken_by.last_words}"
        return spoken_by.problem or why

    async def _stay_connected(self, spoken_by: Child | Endpoint) -> None:
        transport: AbstractAsyncContextManager[Any] = (
            spoken_by if isinstance(spoken_by, Child) else asked_at(self._server, spoken_by)
        )
        client = Client(transport, cache=None, message_handler=self._heard, client_info=_PARLEY)
        async with AsyncExitStack() as stack:
            async with asyncio.timeout(self._pace.start_s):
                await stack.enter_async_context(client)
                await self._look(client)
            self._client = client
            log.info("MCP server %s: %s", self._server.name, self.status.told)
            if client.protocol_version in MODERN_PROTOCOL_VERSIONS:
                listening = asyncio.create_task(self._listen(client))
                stack.callback(listening.cancel)
            while not self._over:
                await self._news.wait()
                self._news.clear()
                if self._relist and not self._over:
                    self._relist = False
                    async with asyncio.timeout(self._pace.start_s):
                        await self._look(client)
                    await asyncio.sleep(self._pace.relist_s)
            self._client = None

    async def _look(self, client: Client) -> None:
        """Ask for its tools, and offer those that are let in."""
        found: list[types.Tool] = []
        cursor: str | None = None
        if client.server_capabilities.tools is not None:
            for _ in range(MOST_PAGES):
                params = types.PaginatedRequestParams(cursor=cursor)
                page = await client.session.list_tools(params=params)
                found += page.tools
                cursor = page.next_cursor
                if not cursor or len(found) > MOST_TOOLS:
                    break
        self._listed = usable(found)[:MOST_TOOLS]
        left_out = len(found) - len(self._listed)
        self._digests = {tool.name: digest_of(tool) for tool in self._listed}
        if not self._pins.knows(self._server.name, self._server.fingerprint):
            self._settles_until = monotonic() + self._pace.settle_s
            self._pin(self._digests, anew=True)
        elif monotonic() < self._settles_until:
            known = self._pins.of(self._server.name)
            new = {name: d for name, d in self._digests.items() if name not in known}
            if new:
                self._pin(new)
        self._review(f"{left_out} of its tools cannot be used." if left_out else "")

    def _review(self, error: str = "") -> None:
        known = self._pins.of(self._server.name)
        let_in = [t for t in self._listed if known.get(t.name) == self._digests[t.name]]
        changes = tuple(
            self._change(t, "changed" if t.name in known else "new")
            for t in self._listed
            if known.get(t.name) != self._digests[t.name]
        )
        # Names are given to all, so that none takes another's when that one waits.
        whole = offered(self._server, self._prefix, self._listed, self.call)
        self.tools = tuple(whole[tool.name] for tool in let_in)
        waiting = [self._digests[change.tool] for change in changes]
        self.status = replace(
            self.status, changes=changes, seen=digest_of_all(waiting) if waiting else ""
        )
        self._become("changed" if changes else "ready", error)

    def _change(self, tool: types.Tool, kind: Literal["new", "changed"]) -> Change:
        before = self._pins.told(self._server.name).get(tool.name, "")
        return Change(tool.name, kind, description_of(tool), before, told_of(tool))

    def _pin(self, digests: dict[str, str], *, anew: bool = False) -> None:
        name = self._server.name
        before = {} if anew else self._pins.of(name)
        told = {} if anew else self._pins.told(name)
        now = {tool.name: told_of(tool) for tool in self._listed if tool.name in digests}
        self._pins.pin(name, self._server.fingerprint, {**before, **digests}, {**told, **now})

    async def _heard(self, message: object) -> None:
        if isinstance(message, types.ToolListChangedNotification):
            self._look_again()

    async def _listen(self, client: Client) -> None:
        """Servers of the protocol since 2026 tell of changes only those who ask to be told."""
        with suppress(Exception):
            async with client.listen(tools_list_changed=True) as changes:
                async for _ in changes:
                    self._look_again()

    def _look_again(self) -> None:
        self._relist = True
        self._news.set()

    def _end(self, why: str) -> None:
        self._over = self._over or why
        self._news.set()

    def _become(self, state: State, error: str, *, again_at: float = 0.0) -> None:
        before = self.status
        self.status = replace(
            before,
            state=state,
            error=error,
            tools=tuple(tool.name for tool in self.tools),
            changes=before.changes if state == "changed" else (),
            seen=before.seen if state == "changed" else "",
            again_at=again_at,
            since=time() if state == "connecting" else 0.0,
        )
        if self.status == before:
            return
        if state == "failed" and error != before.error:
            log.warning("MCP server %s: %s", self._server.name, error)
        if state == "changed":
            log.warning("MCP server %s: %s", self._server.name, self.status.told)
        self._changed()

    def _fit_to_show(self, text: str) -> str:
        lines = (" ".join(line.split()) for line in self._server.without_secrets(text).split("\n"))
        plain = "\n".join("".join(c for c in line if c.isprintable()) for line in lines if line)
        return plain if len(plain) <= MAX_ERROR else f"{plain[:MAX_ERROR]} […]"


_ENDED = "It ended."


def _why(error: BaseException, server: Server, start_s: float) -> str:
    for one in _leaves(error):
        match one:
            case NotKept():
                return str(one)
            case TimeoutError():
                return f"It did not tell its tools within {start_s:g} s."
            case FileNotFoundError():
                folder = f", or no folder {server.cwd}" if server.cwd else ""
                return f"There is no command {server.command!r} here{folder}."
            case PermissionError():
                return f"The command {server.command!r} may not be run."
            case httpx2.TimeoutException():
                return "It did not answer in time."
            case httpx2.TransportError() | OSError():
                return "It cannot be reached."
            case MCPError() if one.code == types.CONNECTION_CLOSED:
                return _ENDED
            case MCPError():
                return f"It refused: {one.message}"
    return f"It does not speak MCP as it should ({type(error).__name__})."


def _leaves(error: BaseException) -> Iterator[BaseException]:
    if isinstance(error, BaseExceptionGroup):
        for inner in error.exceptions:
            yield from _leaves(inner)
    else:
        yield error
