"""The single handler: one turn, whatever it was said with. The program on one page.

Audio is transcribed, memory recalled, a model chosen, the context fitted, tools run, the reply
streamed, spoken if asked for, and remembered. Yields the events of `events.py` in their grammar.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from dataclasses import dataclass, replace
from time import monotonic, time
from typing import Protocol

from events import (
    ContextBuilt,
    Ending,
    Event,
    Exchange,
    ModelChosen,
    ReasoningDelta,
    Recalled,
    RequestSent,
    Spoken,
    TextDelta,
    ToolCalled,
    ToolReturned,
    Transcribed,
    TurnEnded,
    TurnStarted,
    Waiting,
    begin,
    grow,
)
from inference.backend import (
    Backend,
    BackendError,
    CallChunk,
    ChatRequest,
    Errand,
    FinishedChunk,
    Interrupted,
    ReasoningChunk,
    RetryChunk,
    Speech,
    TextChunk,
    ToolSpec,
)
from inference.models import Choice, Needs, choose
from inference.provider import Provider
from inference.spoken import spoken
from memory.context import ContextTooSmall, Window, fit
from memory.recall import Recall
from messages import (
    Audio,
    Fault,
    Image,
    Media,
    Message,
    Purpose,
    Request,
    ToolCall,
    ToolResult,
)
from tools.router import Router

MAX_TOOL_ROUNDS = 6
SYSTEM = (
    "You are Parley, a helpful assistant in a chat that people read or listen to. Answer in the "
    "language of the question. Use Markdown where it helps. Use the tools for what they do better "
    "than you: arithmetic, dates, time, units. Say so when you do not know."
)


class MediaShelf(Protocol):
    """Where the bytes of pictures and sound are kept."""

    def read(self, media: Media) -> bytes: ...

    async def put(self, owner: str, data: bytes, mime: str, name: str = "") -> Media: ...


@dataclass(frozen=True, slots=True)
class Turn:
    """What is asked for. `history` is everything said before, oldest first, without `said`."""

    owner: str
    conversation_id: str
    said: Message
    reply_id: str
    history: Sequence[Message]
    speak: bool = False


@dataclass(frozen=True, slots=True)
class Models:
    """The operator's choice of models by sense; an empty name leaves it to the provider's file."""

    chat: str = ""
    vision: str = ""
    transcription: str = ""
    speech: str = ""
    voice: str = ""


@dataclass(frozen=True, slots=True)
class Layers:
    """The four layers, as a turn uses them."""

    backend: Backend
    provider: Provider
    models: Models
    recall: Recall
    media: MediaShelf
    router: Router


async def run_turn(turn: Turn, layers: Layers) -> AsyncGenerator[Event, None]:
    """Run one turn and yield what happens.

    Cancelling the task that pulls stops the turn: open calls are answered and TurnEnded is still
    yielded, then the iterator ends. Errors of a backend are data in TurnEnded; bugs raise.
    """
    started = monotonic()
    opening = TurnStarted(turn.said, turn.reply_id, time())
    exchange = begin(opening)
    yield opening
    reason: Ending = "done"
    fault: Fault | None = None
    steps = _Steps(turn, layers, exchange)
    try:
        async for event in steps.run():
            exchange = grow(exchange, event)
            yield event
        fault = _SHORT.get(steps.finish)
    except asyncio.CancelledError:
        reason = "stopped"
    except _Unspoken as error:
        fault = error.fault
    except Interrupted as error:
        reason, fault = "interrupted", Fault(error.message, error.advice)
    except BackendError as error:
        reason, fault = "failed", Fault(error.message, error.advice)
    except ContextTooSmall as error:
        reason, fault = (
            "failed",
            Fault(str(error), "Shorten the message, or choose a model with a larger window."),
        )
    for call in unanswered(exchange.reply):
        yield ToolReturned(ToolResult(call.call_id, f"No result: the turn was {reason}.", ok=False))
    yield TurnEnded(reason, monotonic() - started, fault)
    await _remember(turn, layers, exchange)


def unanswered(reply: Message) -> list[ToolCall]:
    answered = {p.call_id for p in reply.parts if isinstance(p, ToolResult)}
    return [p for p in reply.parts if isinstance(p, ToolCall) and p.call_id not in answered]


_SHORT = {
    "length": Fault("The reply reached the longest this model may write.", "Ask it to go on."),
    "incomplete": Fault("The reply may be incomplete: the server just stopped sending.", "Retry."),
    "content_filter": Fault("The provider's filter cut this reply.", "Ask in another way."),
}


class _Unspoken(Exception):
    """The reply is whole, but it could not be spoken."""

    def __init__(self, error: BackendError) -> None:
        super().__init__(error.message)
        self.fault = Fault(f"The reply could not be spoken. {error.message}", error.advice)


async def _remember(turn: Turn, layers: Layers, exchange: Exchange) -> None:
    """Keep the words of both sides; the offline engine's own words are not worth recalling."""
    kept = [exchange.said]
    if not layers.provider.offline and exchange.reply.text:
        kept.append(exchange.reply)
    await layers.recall.remember(turn.owner, turn.conversation_id, kept)


class _Steps:
    """The steps of one turn, in order; `exchange` is the turn so far."""

    def __init__(self, turn: Turn, layers: Layers, exchange: Exchange) -> None:
        self.turn = turn
        self.layers = layers
        self.exchange = exchange
        self.requests = 0
        self.finish = "stop"

    async def run(self) -> AsyncIterator[Event]:
        for step in (self._transcribe, self._recall, self._choose, self._answer, self._speak):
            async for event in step():
                self.exchange = grow(self.exchange, event)
                yield event

    async def _transcribe(self) -> AsyncIterator[Event]:
        model = self.layers.models.transcription or self.layers.provider.transcription
        for part in self.turn.said.parts:
            if isinstance(part, Audio) and part.transcript is None:
                sent = self._request("transcription", model)
                yield sent
                data = await asyncio.to_thread(self.layers.media.read, part.media)
                text = await self.layers.backend.transcribe(
                    Speech(data, part.media.mime), model, self._errand("transcription")
                )
                yield Transcribed(replace(part, transcript=text.strip()))
        if not self.exchange.said.text and not _pictures(self.exchange.said):
            raise BackendError(
                "No speech was heard in the recording.", "Speak closer to the microphone, or type."
            )

    async def _recall(self) -> AsyncIterator[Event]:
        words = self.exchange.said.text
        if words:
            found = await self.layers.recall.recall(
                self.turn.owner, words, besides=self.turn.conversation_id
            )
            if found:
                yield Recalled(tuple(found))

    async def _choose(self) -> AsyncIterator[Event]:
        needs = Needs(
            images=self._shows_pictures(),
            tools=bool(self.layers.router.tools),
            tokens=0,
        )
        models = self.layers.models
        self.choice: Choice = choose(
            self.layers.provider, needs, chat=models.chat or None, vision=models.vision or None
        )
        yield ModelChosen(self.layers.provider.label, self.choice.model, self.choice.why)

    def _shows_pictures(self) -> bool:
        """A picture shown earlier still asks for eyes, where there are any."""
        eyes = self.layers.models.vision or self.layers.provider.vision
        earlier = any(_pictures(message) for message in self.turn.history)
        return _pictures(self.exchange.said) or bool(eyes and earlier)

    async def _answer(self) -> AsyncIterator[Event]:
        window = self._window()
        yield ContextBuilt(window.tokens, window.window, window.dropped)
        for number in range(MAX_TOOL_ROUNDS + 1):
            purpose: Purpose = "tool round" if number else "answer"
            tools = self._offered() if number < MAX_TOOL_ROUNDS else ()
            calls: list[ToolCall] = []
            self.finish = "stop"
            so_far = (self.exchange.reply,) if self.exchange.reply.parts else ()
            request = ChatRequest(
                self.choice.model,
                window.system,
                (*window.messages, *so_far),
                self.layers.media.read,
                self.choice.max_output,
                tools,
            )
            sent = self._request(purpose, self.choice.model)
            yield sent
            async for chunk in self.layers.backend.chat(request, self._errand(purpose)):
                match chunk:
                    case RetryChunk(why, wait_s):
                        yield Waiting(why, wait_s)
                        sent = self._request(purpose, self.choice.model)
                        yield sent
                    case TextChunk(text):
                        yield TextDelta(text)
                    case ReasoningChunk(text):
                        yield ReasoningDelta(text)
                    case CallChunk(call):
                        calls.append(call)
                        yield ToolCalled(call)
                    case FinishedChunk(finish, asked, answered):
                        self.finish = finish
                        yield _counted(sent, asked, answered)
            if not calls:
                break
            async for result in self._results(calls):
                yield ToolReturned(result)
        if not self.exchange.reply.text:
            raise BackendError(
                f"{self.choice.model} sent an empty reply.", "Retry, or choose another model."
            )

    def _window(self) -> Window:
        about = self.exchange.reply.provenance
        return fit(
            SYSTEM,
            about.recalled if about else (),
            self.turn.history,
            self.exchange.said,
            window=self.choice.window,
            reserve=0,  # the choice's window is what may go in: room for the answer is off already
        )

    def _offered(self) -> tuple[ToolSpec, ...]:
        tools = self.layers.router.tools.values()
        return tuple(ToolSpec(t.name, t.description, t.parameters) for t in tools)

    async def _results(self, calls: Sequence[ToolCall]) -> AsyncIterator[ToolResult]:
        if self.finish == "length":
            # The reply was cut inside the arguments: running what is left would be a guess.
            for call in calls:
                yield ToolResult(call.call_id, "Not run: the call was cut off.", ok=False)
            return
        async for result in self.layers.router.run(calls):
            yield result

    async def _speak(self) -> AsyncIterator[Event]:
        words = spoken(self.exchange.reply.text)
        if not (self.turn.speak and words):
            return
        provider, models = self.layers.provider, self.layers.models
        model = models.speech or provider.speech
        yield self._request("speech", model)
        try:
            speech = await self.layers.backend.speak(
                words, model, models.voice or provider.voice, self._errand("speech")
            )
        except BackendError as error:
            raise _Unspoken(error) from error
        media = await self.layers.media.put(self.turn.owner, speech.data, speech.mime, "reply")
        yield Spoken(media)

    def _request(self, purpose: Purpose, model: str) -> RequestSent:
        self.requests += 1
        free = self.layers.provider.billing == "free"
        return RequestSent(Request(purpose, model, free=free), self.requests - 1)

    def _errand(self, purpose: Purpose) -> Errand:
        return Errand(self.turn.owner, self.turn.conversation_id, self.turn.reply_id, purpose)


def _counted(sent: RequestSent, asked: int, answered: int) -> RequestSent:
    request = replace(sent.request, prompt_tokens=asked, completion_tokens=answered)
    return replace(sent, request=request)


def _pictures(message: Message) -> bool:
    return any(isinstance(part, Image) for part in message.parts)
