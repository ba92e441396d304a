"""Somebody at a page of a real Parley: says marked things, sees what the page sees."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx

from messages import new_id
from tests.components.conftest import Frame, Visitor
from tests.faults.checker import Checker
from tests.scripted_server import Reply

SENTENCES = (
    "It is late in the evening now. ",
    "The shops have been closed for hours. ",
    "You had better call them tomorrow. ",
)


def with_a_tool(request: dict[str, Any]) -> Reply:
    """A turn as turns are: a tool is called, and its result put into sentences."""
    if request["messages"][-1]["role"] == "tool":
        return Reply(words=SENTENCES, finish="stop")
    return Reply(calls=(("clock", {"zone": "UTC"}),), finish="tool_calls")


@dataclass
class Person:
    """`marks` are those of all they said and that was accepted."""

    visitor: Visitor
    checker: Checker
    marks: list[str] = field(default_factory=list)
    of_talk: dict[str, list[str]] = field(default_factory=dict)

    async def says(self, conversation: str, words: str = "What time is it?", **order: Any) -> Frame:
        """An order to send; the answer of the house. A message that was accepted is remembered."""
        return await self._marked({"do": "send", "conversation": conversation, **order}, words)

    async def edits(self, conversation: str, message: str, words: str) -> Frame:
        """Ask something else in place of that message, and have it answered."""
        slip = {"do": "edit", "conversation": conversation, "message": message}
        return await self._marked(slip, words)

    async def _marked(self, order: Frame, words: str) -> Frame:
        """Without a mark of its own, what is recalled beside a question would be taken for it."""
        mark, conversation = f"m-{new_id()}", order["conversation"]
        self.checker.marks.add(mark)
        answer = await self.visitor.order({**order, "text": f"{words} {mark}"})
        if answer["ok"]:
            self.marks.append(mark)
            self.of_talk.setdefault(conversation, []).append(mark)
            self.checker.accepted.add(mark)
        return answer

    async def retries(self, conversation: str) -> Frame:
        """Press Retry under the last reply."""
        reply = self.checker.messages(conversation)[-1].id
        return await self.visitor.order(
            {"do": "retry", "conversation": conversation, "reply": reply}
        )

    async def settled(self, patience_s: float = 60.0) -> None:
        """Nothing runs any more, anywhere."""
        await asyncio.to_thread(self.checker.settle, patience_s)

    async def sees(self, conversation: str) -> str:
        """The conversation as its page shows it when it is opened: HTML."""
        async with self.visitor.line() as line:
            frame = await line.follow(conversation)
        return "".join(message["article"] for message in frame["messages"])


@asynccontextmanager
async def arrived(address: str, checker: Checker) -> AsyncIterator[Person]:
    """Somebody new, who has opened the page."""
    # A line of its own for each request: unlike a browser, httpx does not ask again where one that
    # was kept open has just been closed.
    fresh = httpx.Limits(max_keepalive_connections=0)
    checker.watch()
    async with Visitor(base_url=address, timeout=60, limits=fresh) as visitor:
        await visitor.get("/")
        yield Person(visitor, checker)


def plain(html: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", html).split())
