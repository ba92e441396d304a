"""A round of tool calls: which may run, which must ask first, and what came of them.

Whether a call asks. Its owner said "off", "ask" or "allow" for the tool, or else it stands as it
declares: what reads or reaches out runs; what writes asks, except where that is shown with Undo;
what costs a request asks where requests are what is paid for.

Then there are strangers' words. A web page, a search result, an attached document or a passage of
one, the writing in a picture may be meant to make a model act: send what it knows to an address, or
plant a memory. No model is safe from that, so from then on what writes or reaches out asks again,
though it is allowed. "Approve" lets that one call run. "Always" is meant where it is said: it
allows the tool, and here, where its owner has seen what this conversation holds, also beside
strangers' words; in another conversation that such words enter, it asks again. What was called
before they came (in the same round, say) was not their doing and does not ask. Reading always runs:
what it finds reaches nobody but the model.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from events import Event, ToolAsked, ToolDecided, ToolReturned
from memory.edge import Missing
from memory.permissions import Permission, Permissions
from messages import Asking, Document, Image, Message, Part, ToolCall, ToolResult
from steps.confirmations import Confirmations, Verdict
from tools.around import Around
from tools.marking import as_data
from tools.router import Router, Tool

REJECTED = "Rejected by the user."
STRANGERS = (
    "It asks again because words of strangers (a web page, a document, a picture) are in this chat."
)


@dataclass(frozen=True, slots=True)
class Surroundings(Around):
    """What tools may touch; into `told` goes what happens in the turn meanwhile, such as a request."""

    told: "asyncio.Queue[Event | None]" = field(default_factory=asyncio.Queue)


@dataclass(frozen=True, slots=True)
class Round:
    """One round of a turn. `before` is all that was said until now, the reply so far included."""

    owner: str
    conversation_id: str
    before: Sequence[Message]
    around: Around
    billing: Literal["request", "token", "free"] = "free"


@dataclass(frozen=True, slots=True)
class ToolSwitch:
    """A tool as its owner sees it. `source` is "Parley", or the server it comes from."""

    name: str
    source: str
    description: str
    declares: tuple[str, ...]
    permission: Permission


class Tooling:
    """The tools of the house, with a hand on the brake.

    `on_forgotten` is told an owner and the ids of the memories that a tool of theirs has forgotten.
    """

    def __init__(
        self, router: Router, permissions: Permissions, confirmations: Confirmations
    ) -> None:
        self.router = router
        self.permissions = permissions
        self.confirmations = confirmations
        self.on_forgotten: Callable[[str, Sequence[str]], None] = lambda _owner, _ids: None

    async def offered(self, owner: str, *, draws: bool) -> list[Tool]:
        """What the model is told of. `draws`: who answers can make pictures."""
        decided = await self.permissions.of(owner)
        tools = self.router.tools.values()
        return [t for t in tools if decided.get(t.name) != "off" and (draws or not t.draws)]

    async def switches(self, owner: str, billing: str) -> list[ToolSwitch]:
        """Every tool, by source and name, with what holds for it now."""
        decided = await self.permissions.of(owner)
        found = [
            ToolSwitch(
                t.name,
                t.source,
                t.description.partition("\n\n")[0],
                t.declares,
                decided.get(t.name) or default(t, billing),
            )
            for t in self.router.tools.values()
        ]
        return sorted(found, key=lambda s: (s.source != "Parley", s.source, s.name))

    async def permit(self, owner: str, tool: str, permission: Permission) -> None:
        """Decide for all conversations. Raises Missing for a tool that is not here."""
        if tool not in self.router.tools:
            raise Missing("No such tool.")
        await self.permissions.set(owner, tool, permission)

    def decide(self, owner: str, conversation_id: str, call_id: str, verdict: Verdict) -> None:
        """Answer a ToolAsked. Raises Missing where nothing waits any more, or is not yours."""
        self.confirmations.decide(owner, conversation_id, call_id, verdict)

    async def run(self, now: Round, calls: Sequence[ToolCall]) -> AsyncGenerator[Event, None]:
        """Run the calls of a round in parallel; each is answered by exactly one ToolReturned.

        ToolAsked, ToolDecided and ToolReturned come in the order they happen, and so does what the
        surroundings tell. Closing the iterator,
        or cancelling who pulls, cancels the tools and takes the questions away.
        """
        gate = _Gate(self.permissions, self.confirmations, now)
        await gate.open()
        running = asyncio.create_task(self._run(now, calls, gate))
        try:
            while (event := await gate.events.get()) is not None:
                yield event
            await running
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)

    async def _run(self, now: Round, calls: Sequence[ToolCall], gate: "_Gate") -> None:
        try:
            async for result in self.router.run(calls, now.around, gate.lets):
                gate.events.put_nowait(ToolReturned(result))
        finally:
            gate.events.put_nowait(None)


class _Gate:
    """What holds for the calls of one round. `events` ends with None."""

    def __init__(self, permissions: Permissions, confirmations: Confirmations, now: Round) -> None:
        self._permissions = permissions
        self._confirmations = confirmations
        self._now = now
        around = now.around
        # What the doors tell must stand where it happened, before what came of it.
        self.events = around.told if isinstance(around, Surroundings) else asyncio.Queue()

    async def open(self) -> None:
        owner, conversation_id = self._now.owner, self._now.conversation_id
        self._decided = await self._permissions.of(owner)
        self._trusted = await self._permissions.trusted(owner, conversation_id)
        self._strangers = holds_strangers_words(self._now.before)

    async def lets(self, call: ToolCall, tool: Tool) -> str:
        """The router's gate: "" or one line for the model."""
        permission = self._decided.get(tool.name) or default(tool, self._now.billing)
        if permission == "off":
            return f"{tool.name} is switched off by the user."
        again = self._strangers and tool.name not in self._trusted
        again = again and (tool.writes or tool.reaches_out)
        if permission == "allow" and not again:
            return ""
        self.events.put_nowait(ToolAsked(Asking(call.call_id, tool.name, _why(tool, again))))
        owner, conversation_id = self._now.owner, self._now.conversation_id
        word = await self._confirmations.wait(owner, conversation_id, call.call_id, tool.name)
        self.events.put_nowait(ToolDecided(call.call_id, word in ("approve", "always")))
        if word == "always":
            await self._permissions.set(owner, tool.name, "allow")
            if again:
                await self._permissions.trust(owner, conversation_id, tool.name)
        if word is None:
            minutes = self._confirmations.patience_s / 60
            return f"Not run: the user did not confirm it within {minutes:g} minutes."
        return REJECTED if word == "reject" else ""


def default(tool: Tool, billing: str) -> Permission:
    """What holds until its owner decides."""
    if tool.asks is not None:
        return "ask" if tool.asks else "allow"
    return "ask" if tool.writes or (tool.draws and billing == "request") else "allow"


def holds_strangers_words(messages: Iterable[Message]) -> bool:
    """Whether anything that neither the user nor the model wrote stands in a conversation."""
    for message in messages:
        for part in message.parts:
            if isinstance(part, Document | Image) or (
                isinstance(part, ToolResult) and part.untrusted
            ):
                return True
        if message.provenance and any(m.kind == "passage" for m in message.provenance.recalled):
            return True
    return False


def for_model(message: Message) -> Message:
    """The message as a model reads it: words of strangers are marked as data, in the results of
    tools and where a picture is told in words."""
    names = {part.call_id: part.name for part in message.parts if isinstance(part, ToolCall)}
    marked = tuple(_marked(part, names) for part in message.parts)
    return message if marked == message.parts else replace(message, parts=marked)


def _marked(part: Part, names: Mapping[str, str]) -> Part:
    match part:
        case ToolResult(untrusted=True):
            return replace(part, text=as_data(part.text, names.get(part.call_id, "a tool")))
        case Image(caption=caption) if caption:
            return replace(part, caption=as_data(caption, part.media.name or "image"))
        case _:
            return part


def _why(tool: Tool, again: bool) -> str:
    told = []
    if tool.writes:
        told.append("It changes something that is kept.")
    if tool.reaches_out:
        told.append("It sends what stands below to another host.")
    if tool.draws:
        told.append("It costs 1 request.")
    if again:
        told.append(STRANGERS)
    return " ".join(told) or "You asked to be asked first."
