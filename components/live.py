"""One WebSocket a page: what is shown comes in by it, at the pace the page and the machine can take."""

import asyncio
import contextlib
import logging
import re
from collections import defaultdict
from collections.abc import AsyncGenerator, AsyncIterator, Coroutine, Sequence

from starlette.websockets import WebSocket, WebSocketDisconnect

from assistant import EVERYWHERE, Assistant, Fullness, Refused, StoreFailed
from components import choice, context, conversation_list, frames, memory_panel, panes, tool_panel
from components.followed import Turn, by_turn
from components.patch import Frame
from events import Event, TurnStarted
from messages import Message

Batch = tuple[Event, ...]
log = logging.getLogger(__name__)
CONVERSATION_ID = re.compile(r"[0-9a-f]{32}")
_MOST_LINES = 24
"""Pages one visitor may have open."""
_PACE_S = 0.05
_SHARE_S = 0.004
"""What each growing reply adds to the pause between updates: a hundred replies get 2.5 a second each."""
_EAGER = 0.2  # of that pause, until the first word is there
_LOOK_AGAIN_S = 2.0
_GATHER_S = 0.02
"""What changes around a chat changes several times in one moment."""
_BUSY_S, _PATIENCE_S = 0.015, 2.5
"""Where the loop comes round no sooner, replies begin or grow: what stands around them waits, so long."""


class Live:
    """All open pages, by owner. What stands `around` their chats is drawn for one page at a time: where
    a hundred begin a turn in the same moment, their replies come first.
    """

    def __init__(self, assistant: Assistant) -> None:
        self.assistant = assistant
        self.growing = 0
        self.around = asyncio.Lock()
        self._lines: defaultdict[str, set[Line]] = defaultdict(set)

    def changed(self, owner: str) -> None:
        """Something around the chat changed: every page of this owner is told, wherever it is open."""
        self.notify(owner)
        self.assistant.elsewhere.changed(owner)

    def notify(self, owner: str) -> None:
        """Every page of this owner that is open here is told."""
        for line in self._lines.get(owner, ()):
            line.stale.set()

    def look_again(self, owner: str) -> None:
        """Another Parley changed something of this owner: a turn may have begun or ended there."""
        for line in self._lines.get(owner, ()):
            line.stale.set()
            line.look_again()

    def notify_all(self) -> None:
        """Something changed that everybody sees."""
        for owner in list(self._lines):
            self.notify(owner)

    def forgotten(self, owner: str, memory_ids: Sequence[str]) -> None:
        """These memories are gone: no page shows them any longer."""
        for line in self._lines.get(owner, ()):
            line.forgotten |= set(memory_ids)
            line.stale.set()

    def moved(self, owner: str, conversation: str) -> None:
        """A conversation is shown otherwise than before: pages that have it open look again."""
        for line in self._lines.get(owner, ()):
            if line.conversation == conversation:
                line.look_again(even_now=True)

    async def calm(self) -> None:
        """Return when the machine has time for more than replies, or soon."""
        loop = asyncio.get_running_loop()
        until, lag_s = loop.time() + _PATIENCE_S, _GATHER_S
        while lag_s > _BUSY_S and loop.time() < until:
            await asyncio.sleep(_GATHER_S)
            asked = loop.time()
            await asyncio.sleep(0)
            lag_s = loop.time() - asked

    def pause_s(self) -> float:
        """How long to gather events before the next update."""
        return max(_PACE_S, _SHARE_S * self.growing)

    async def serve(self, socket: WebSocket) -> None:
        owner: str = socket.state.owner
        if len(self._lines[owner]) >= _MOST_LINES:
            await socket.close(1013, "too many pages")
            return
        await socket.accept()
        line = Line(self, socket, owner, operator=bool(socket.state.operator))
        self._lines[owner].add(line)
        try:
            await line.run()
        finally:
            self._lines[owner].discard(line)
            if not self._lines[owner]:
                del self._lines[owner]


class Line:
    """One page: it follows one conversation at a time.

    `forgotten` are memories that were forgotten since it was opened.
    """

    def __init__(self, live: Live, socket: WebSocket, owner: str, *, operator: bool) -> None:
        self.stale = asyncio.Event()
        self.forgotten: set[str] = set()
        self._told: set[str] = set()  # those of them that the page knows of
        self._live = live
        self._socket = socket
        self._owner = owner
        self._operator = operator
        self._panes: dict[str, str] = {}
        self._offset_min = 0
        self.conversation = ""
        self._choosing = False
        self._listing = conversation_list.Asked()
        self._remembering: memory_panel.Asked | None = None
        self._tools_open = False
        self._following: asyncio.Task[None] | None = None
        self._turn: Turn | None = None

    async def run(self) -> None:
        """Until the page is gone. Frames that make no sense are passed over."""
        surroundings = _task(self._keep_panes())
        try:
            while True:
                await self._obey(await self._socket.receive_text())
        except (WebSocketDisconnect, KeyError, RuntimeError):
            pass  # gone, or it sent bytes, which no page of ours does
        finally:
            await _end(surroundings)
            await _end(self._following)
            self._open("")
            with contextlib.suppress(RuntimeError, WebSocketDisconnect):
                await self._socket.close()

    async def _obey(self, text: str) -> None:
        frame = frames.read(text)
        if isinstance(choosing := frame.get("choosing"), bool):
            self._choosing = choosing
            self._draw_anew("choice")
            return
        if isinstance(is_open := frame.get("tools"), bool):
            self._tools_open = is_open
            self._draw_anew("toolbox")
            return
        if "remembering" in frame:
            self._remembering = memory_panel.asked(frame["remembering"])
            self._draw_anew("remembering")
            return
        if "listing" in frame:
            self._listing = conversation_list.asked(frame["listing"])
            self._draw_anew("conversations")
            return
        conversation = frame.get("follow")
        if not isinstance(conversation, str) or not CONVERSATION_ID.fullmatch(conversation):
            return
        before = frame.get("before")
        if isinstance(before, str):
            await self._send_earlier(conversation, before)
            return
        if isinstance(offset := frame.get("offset"), int) and offset != self._offset_min:
            self._offset_min = offset
        self._open(conversation)
        self.stale.set()
        self._following = _task(self._keep_following(conversation, self._following))

    def _open(self, conversation: str) -> None:
        """Which the page shows from now on; "" where it is gone."""
        visits, left = self._live.assistant.visits, self.conversation
        if conversation:
            visits.enter(self._owner, conversation)
        if left:
            another = conversation not in ("", left)
            visits.leave(self._owner, left, for_another=another)
        self.conversation = conversation

    def _at(self, conversation: str) -> Assistant:
        return self._live.assistant.at(self._owner, conversation)

    def _draw_anew(self, pane: str) -> None:
        """It is sent again, changed or not."""
        self._panes.pop(pane, None)
        self.stale.set()

    def look_again(self, *, even_now: bool = False) -> None:
        """Open the conversation anew, unless its turn is followed here; with `even_now` then too."""
        if self.conversation and (even_now or not (self._turn and self._turn.growing)):
            self._following = _task(self._keep_following(self.conversation, self._following))

    async def _send(self, frame: Frame) -> None:
        await self._socket.send_text(frames.written(frame))

    async def _send_earlier(self, conversation: str, before: str) -> None:
        try:
            found = await self._at(conversation).open(self._owner, conversation, before=before[:64])
        except (Refused, StoreFailed) as refused:
            await self._send(frames.told(refused))
            return
        await self._send({"kind": "earlier", **frames.shown(conversation, found)})

    async def _keep_following(self, conversation: str, before: "asyncio.Task[None] | None") -> None:
        """Follow it, and again where the store failed: the page then gets it anew.

        What was followed `before` is left.
        """
        await _end(before)
        with contextlib.suppress(WebSocketDisconnect, RuntimeError):
            while True:
                try:
                    await self._follow(conversation)
                    return
                except StoreFailed as failed:
                    await self._send(frames.told(failed))
                    await asyncio.sleep(_LOOK_AGAIN_S)

    async def _follow(self, conversation: str) -> None:
        """Send the conversation, then what changes in it. Following begins first, so nothing is missed."""
        events = self._at(conversation).follow(self._owner, conversation)
        coming = asyncio.ensure_future(anext(events))
        try:
            await asyncio.sleep(0)
            shown = await self._send_snapshot(conversation)
            while shown and shown[-1].status == "running":
                done, _ = await asyncio.wait((coming,), timeout=_LOOK_AGAIN_S)
                if done:
                    break
                # It ended between following and opening, or another Parley is answering.
                shown = await self._send_snapshot(conversation)
            turn = self._turn = Turn(self._live, shown, self.forgotten)
            try:
                await self._send_changes(conversation, turn, events, coming)
            finally:
                turn.leave()
        except (Refused, StopAsyncIteration) as ended:
            if isinstance(ended, Refused):
                await self._send(frames.told(ended))
        except (WebSocketDisconnect, RuntimeError):
            pass  # the page went away while something was being sent; run() notices too
        finally:
            await _end(coming)
            if isinstance(events, AsyncGenerator):
                await events.aclose()

    async def _send_snapshot(self, conversation: str) -> tuple[Message, ...]:
        """The messages that the page has now."""
        found = await self._at(conversation).open(self._owner, conversation)
        await self._send({"kind": "open", **frames.shown(conversation, found)})
        return found.messages

    async def _send_changes(
        self,
        conversation: str,
        turn: Turn,
        events: AsyncIterator[Batch],
        coming: "asyncio.Future[Batch]",
    ) -> None:
        batch = await coming
        while True:
            for part in by_turn(batch):
                fresh = isinstance(part[0], TurnStarted)
                if isinstance(part[0], TurnStarted) and part[0].said.versions:
                    await self._send_snapshot(conversation)  # another branch than the one shown
                if changes := turn.after(part):
                    frame: Frame = {"kind": "turn", "conversation": conversation}
                    if fresh:  # all of it so far, of which nothing may have come for a while
                        frame["moved"] = self._at(conversation).moved_at(self._owner, conversation)
                    await self._send({**frame, "fresh": fresh, "messages": changes})
            await asyncio.sleep(self._live.pause_s() * (1 if turn.speaks else _EAGER))
            batch = await anext(events)

    async def _keep_panes(self) -> None:
        """Send what stands around the chat whenever it changed, at most about five times a second."""
        with contextlib.suppress(WebSocketDisconnect, RuntimeError):
            while True:
                await self.stale.wait()
                await self._live.calm()
                self.stale.clear()
                if new := self.forgotten - self._told:
                    self._told |= new
                    await self._send({"kind": "forgotten", "memories": sorted(new)})
                try:
                    async with self._live.around:
                        now = await self._draw_panes()
                except StoreFailed:
                    # Whoever asks for something is told; what stands around comes when it can be read.
                    asyncio.get_running_loop().call_later(_LOOK_AGAIN_S, self.stale.set)
                    continue
                changed = {k: v for k, v in now.items() if self._panes.get(k) != v}
                self._panes = now
                if changed:
                    await self._send(frames.around(changed))
                await asyncio.sleep(0.2)

    async def _draw_panes(self) -> dict[str, str]:
        assistant, here = self._live.assistant, self._at(self.conversation)
        answering = await here.answering(self._owner, self.conversation)
        spent = await here.usage(self._owner, self.conversation)
        state = await memory_panel.state(assistant, self._owner, self.conversation)
        full = await self._fullness()
        now = panes.local_now(self._offset_min)
        listed = await conversation_list.look(
            assistant, self._owner, self.conversation, self._listing, now
        )
        tools = await tool_panel.look(
            here, self._owner, self.conversation, answering, spent, operator=self._operator
        )
        drawn = {
            "conversations": listed,
            "status": panes.status(answering),
            "banner": panes.banner(answering),
            "usage": panes.usage(spent, answering),
            "memory": panes.memory(state),
            "context": context.meter(full, self.conversation, can_summarise=not answering.offline),
            "forecast": panes.forecast(spent, answering),
            "json": choice.chip(answering),
            "tools": tool_panel.side(tools),
        }
        if self._tools_open:
            drawn["toolbox"] = tool_panel.pane(tools)
        if self._choosing and self.conversation:
            decided = await here.choices(self._owner, self.conversation)
            usual = await assistant.choices(self._owner, EVERYWHERE)
            drawn["choice"] = choice.sheet(
                assistant.offers(self._owner),
                decided,
                usual,
                assistant.own_key(self._owner),
                await assistant.speaker(self._owner),
            )
        if (wanted := self._remembering) is not None:
            look = memory_panel.look(assistant, self._owner, self.conversation, wanted, now)
            drawn["remembering"] = await look
        if state.to_make:  # nobody tells how far it is
            asyncio.get_running_loop().call_later(_LOOK_AGAIN_S / 2, self.stale.set)
        return drawn

    async def _fullness(self) -> Fullness:
        if not self.conversation:
            return Fullness()
        attention = self._at(self.conversation).attention
        return await attention.fullness(self._owner, self.conversation)


def _task(work: Coroutine[object, object, None]) -> asyncio.Task[None]:
    task = asyncio.create_task(work)
    task.add_done_callback(_report)
    return task


def _report(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (bug := task.exception()) is not None:
        log.error("A page could not be kept up to date", exc_info=bug)


async def _end(task: "asyncio.Future[Batch] | asyncio.Task[None] | None") -> None:
    """Cancel and wait, so that no task outlives its page."""
    if task is not None:
        task.cancel()
        await asyncio.wait((task,))
