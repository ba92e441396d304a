"""Parley as an MCP server at /mcp: other programs ask it, search its memory, read its conversations.

Whose door is it? A program has no cookie, and the page's visitors are strangers to each other: none
of their identities may be lent to it. So until there are logins a token opens the door, and whoever
has it is `OWNER`: an owner of its own, who sees what was said through this door and nothing of any
visitor's. The door stands before the page's own middleware, which would take a program for a new
visitor, and hands out no cookie. Logins will need nothing but another `Who`.
"""

import asyncio
import hmac
import os
import secrets
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from contextlib import aclosing, asynccontextmanager, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic
from typing import Annotated, Literal

from mcp.server.mcpserver import Context, MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp.server.transport_security import TransportSecuritySettings
from mcp_types import ToolAnnotations
from pydantic import BaseModel, Field
from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from assistant import Assistant
from events import Ending, Event, ToolAsked, TurnEnded, TurnStarted
from exchange import Exchange, begin, grow
from memories import Sought
from messages import Fault, Memory, Message, new_id
from refusals import NotFound, Refused

PATH = "/mcp"
OWNER = "operator"
MAX_BODY = 4_000_000  # bytes of a request: the longest message, however it is escaped
MAX_TEXT = 20_000  # characters of one message or memory
PROGRESS_S = 1.0
STORED_S = 5.0
LOCAL = ("127.0.0.1", "localhost", "[::1]")

Who = Callable[[str], str | None]
"""The owner whose door a token opens, if any."""

INSTRUCTIONS = (
    "Parley is a chat assistant with a memory of its own. Ask it with `ask`; pass the conversation "
    "it gives back to go on there."
)


class Answer(BaseModel):
    """`status` is "done", or why the reply ended early; then `note` says what happened."""

    conversation: str
    reply: str
    status: Ending
    note: str = ""


class Found(BaseModel):
    text: str
    said_by: Literal["user", "assistant"]
    at: str
    conversation: str
    title: str


class Memories(BaseModel):
    memories: list[Found]


class Listed(BaseModel):
    conversation: str
    title: str
    updated: str


class Conversations(BaseModel):
    conversations: list[Listed]


class Said(BaseModel):
    id: str
    role: Literal["user", "assistant"]
    at: str
    text: str
    status: str


class Conversation(BaseModel):
    """Oldest first. `earlier`: there are more before the first; pass its id as `before`."""

    title: str
    messages: list[Said]
    earlier: bool


class Door:
    """An ASGI app that answers at PATH itself, to who has a token; all else it leaves to `page`."""

    def __init__(self, page: ASGIApp, inside: ASGIApp, who: Who) -> None:
        self._page = page
        self._inside = inside
        self._who = who

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"].rstrip("/") != PATH:
            await self._page(scope, receive, send)
            return
        kind, _, token = Headers(scope=scope).get("authorization", "").partition(" ")
        owner = self._who(token.strip()) if kind.lower() == "bearer" else None
        if owner is None:
            refusal = JSONResponse(
                {"error": "This door opens to a token: Authorization: Bearer ..."},
                status_code=401,
                headers={"WWW-Authenticate": "Bearer"},
            )
            await refusal(scope, receive, send)
            return
        state = {**scope.get("state", {}), "owner": owner}
        await self._inside({**scope, "path": PATH, "state": state}, receive, send)


@asynccontextmanager
async def open_door(
    page: ASGIApp, assistant: Assistant, who: Who, hosts: Sequence[str] = ()
) -> AsyncIterator[Door]:
    """`page` with the door beside it. `hosts` are the names it is reached by, besides this machine's
    own: a page elsewhere cannot point a name of its own at it."""
    server = _server(assistant)
    app = server.streamable_http_app(
        streamable_http_path=PATH,
        stateless_http=True,
        max_request_body_size=MAX_BODY,
        transport_security=_only_at([*LOCAL, *hosts]),
    )
    opened, over = asyncio.Event(), asyncio.Event()

    async def keep_open() -> None:
        """A task of its own: whoever opens the door may close it from another."""
        async with server.session_manager.run():
            opened.set()
            await over.wait()

    keeping = asyncio.create_task(keep_open())
    await opened.wait()
    try:
        yield Door(page, app, who)
    finally:
        over.set()
        await keeping


def with_token(token: str) -> Who:
    """Whoever has it is OWNER."""
    expected = token.encode()

    def who(given: str) -> str | None:
        return OWNER if hmac.compare_digest(given.encode(), expected) else None

    return who


def kept_token(path: Path) -> str:
    """The token in that file: random, made once, readable by the operator alone. Raises OSError."""
    with suppress(FileExistsError):
        descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_urlsafe(32))
    return path.read_text().strip()


def _only_at(hosts: Iterable[str]) -> TransportSecuritySettings:
    names = [name for host in hosts for name in (host.lower(), f"{host.lower()}:*")]
    origins = [f"{scheme}://{name}" for name in names for scheme in ("http", "https")]
    return TransportSecuritySettings(allowed_hosts=names, allowed_origins=origins)


def _server(assistant: Assistant) -> MCPServer:
    server = MCPServer("Parley", instructions=INSTRUCTIONS, log_level="WARNING")
    inside = _Inside(assistant)
    reads = ToolAnnotations(read_only_hint=True, open_world_hint=False)
    server.tool()(inside.ask)
    for tool in (inside.search_memory, inside.list_conversations, inside.read_conversation):
        server.tool(annotations=reads)(tool)
    return server


class _Inside:
    """The tools. Their docstrings are read by models."""

    def __init__(self, assistant: Assistant) -> None:
        self._assistant = assistant

    async def ask(self, text: str, ctx: Context, conversation: str = "") -> Answer:
        """Say something to Parley and wait for its reply.

        `conversation` goes on with an earlier one; left empty, a new one begins. It may cost the
        operator requests of a model's daily budget.
        """
        owner = _owner(ctx)
        with _refusing():
            if (
                conversation
                and (await self._assistant.open(owner, conversation, limit=1)).conversation is None
            ):
                raise NotFound("There is no such conversation.", "See list_conversations.")
            here = conversation or new_id()
            await self._assistant.send(owner, here, text, (), speak=False)
        exchange, fault = await _answered(self._assistant, owner, here, ctx)
        await self._stored(owner, here)
        note = f"{fault.message} {fault.advice}".strip() if fault else ""
        reply, status = exchange.reply.text, exchange.reply.status
        if not reply and note:
            raise ToolError(f"{note} (conversation {here})")
        assert status != "running"
        return Answer(conversation=here, reply=reply, status=status, note=note)

    async def _stored(self, owner: str, conversation: str) -> None:
        """A reply is told before it is stored: until then the next message would be refused."""
        with suppress(TimeoutError):
            async with asyncio.timeout(STORED_S):
                while True:
                    last = (await self._assistant.open(owner, conversation, limit=1)).messages
                    if not last or last[-1].status != "running":
                        return
                    await asyncio.sleep(0.02)

    async def search_memory(self, query: str, ctx: Context) -> Memories:
        """What Parley remembers of earlier conversations, best first: at most 20 memories."""
        with _refusing():
            found = await self._assistant.memory.search(_owner(ctx), Sought(query=query), limit=20)
        return Memories(memories=[_found(memory) for memory in found])

    async def list_conversations(self, ctx: Context) -> Conversations:
        """Your conversations with Parley, newest first: at most 200."""
        found = (await self._assistant.conversations(_owner(ctx)))[:200]
        return Conversations(
            conversations=[
                Listed(conversation=c.id, title=c.title, updated=_moment(c.updated_at))
                for c in found
            ]
        )

    async def read_conversation(
        self,
        conversation: str,
        ctx: Context,
        limit: Annotated[int, Field(ge=1, le=100)] = 20,
        before: str = "",
    ) -> Conversation:
        """The last messages of a conversation, or those before the message `before`."""
        with _refusing():
            found = await self._assistant.open(_owner(ctx), conversation, limit, before or None)
            if found.conversation is None:
                raise NotFound("There is no such conversation.", "See list_conversations.")
        return Conversation(
            title=found.conversation.title,
            messages=[_said(message) for message in found.messages],
            earlier=found.earlier,
        )


async def _answered(
    assistant: Assistant, owner: str, conversation: str, ctx: Context
) -> tuple[Exchange, Fault | None]:
    """The exchange once its turn has ended. A caller who leaves does not end it: it is paid for, and
    can be read later."""
    exchange: Exchange | None = None
    told_at = monotonic()
    async with aclosing(assistant.follow(owner, conversation)) as batches:  # type: ignore[type-var]
        async for batch in batches:
            for event in batch:
                exchange = _grown(exchange, event)
                if isinstance(event, ToolAsked):
                    # Nobody is there to say yes.
                    with suppress(Refused):
                        call_id = event.asking.call_id
                        assistant.toolbox.decide(owner, conversation, call_id, "reject")
                if isinstance(event, TurnEnded) and exchange:
                    return exchange, event.fault
            if exchange and monotonic() - told_at > PROGRESS_S:
                told_at = monotonic()
                await ctx.report_progress(len(exchange.reply.text), message="Parley is answering.")
    raise ToolError("The reply was lost.")


def _grown(exchange: Exchange | None, event: Event) -> Exchange | None:
    if isinstance(event, TurnStarted):
        return begin(event)
    return grow(exchange, event) if exchange else None


def _owner(ctx: Context) -> str:
    request = ctx.request_context.request
    assert request is not None  # by HTTP there always is one
    owner: str = request.state.owner
    return owner


@contextmanager
def _refusing() -> Iterator[None]:
    try:
        yield
    except Refused as refused:
        raise ToolError(f"{refused.message} {refused.advice}".strip()) from None


def _found(memory: Memory) -> Found:
    return Found(
        text=_cut(memory.text),
        said_by=memory.role,
        at=_moment(memory.at),
        conversation=memory.conversation_id,
        title=memory.conversation_title,
    )


def _said(message: Message) -> Said:
    return Said(
        id=message.id,
        role=message.role,
        at=_moment(message.at),
        text=_cut(message.text),
        status=message.status,
    )


def _cut(text: str) -> str:
    return text if len(text) <= MAX_TEXT else f"{text[:MAX_TEXT]} [cut: {len(text):,} characters]"


def _moment(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds")
