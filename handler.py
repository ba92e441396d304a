"""The single handler: one turn, whatever it was said with. The program on one page.

Audio is transcribed, memory recalled, a model chosen, the context fitted, tools run, the reply
streamed, checked, spoken if asked for, and remembered. Yields the events of `events.py`.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from dataclasses import dataclass, replace
from time import monotonic, time

import orjson

from events import (
    Captioned,
    ContextBuilt,
    Ending,
    Event,
    JsonChecked,
    ModelChosen,
    Planned,
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
    Unsent,
    Waiting,
    begin,
    grow,
)
from inference.backend import (
    BackendError,
    CallChunk,
    ChatRequest,
    Errand,
    FinishedChunk,
    Interrupted,
    JsonAnswer,
    ReasoningChunk,
    RetryChunk,
    Speech,
    TextChunk,
    ToolSpec,
)
from inference.json_answer import Misfit, checked
from inference.ledger import Ledger
from inference.models import Choice, Needs, choose
from inference.shortcomings import shortcoming
from inference.spoken import spoken
from inference.switchboard import Line, Switchboard, Task
from inference.turn_plan import TurnPlan, Where, plan
from memory.context import ContextTooSmall, Window, estimate_message, fit
from memory.media import MediaStore
from memory.recall import Recall
from messages import (
    Audio,
    Fault,
    Image,
    JsonCheck,
    Message,
    Provenance,
    Purpose,
    Request,
    ToolCall,
    ToolResult,
    Wishes,
)
from tools.router import Router

MAX_TOOL_ROUNDS = 6
MAX_CAPTION = 600  # characters of a reply that stand for the picture it is about
SYSTEM = (
    "You are Parley, a helpful assistant in a chat that people read or listen to. Answer in the "
    "language of the question. Use Markdown where it helps. Use the tools for what they do better "
    "than you: arithmetic, dates, time, units. Say so when you do not know."
)


@dataclass(frozen=True, slots=True)
class Turn:
    """What is asked for. `history` is everything said before, oldest first, without `said`."""

    owner: str
    conversation_id: str
    said: Message
    reply_id: str
    history: Sequence[Message]
    wishes: Wishes = Wishes()


@dataclass(frozen=True, slots=True)
class Models:
    """The operator's own choice for the first line; an empty name leaves it to Parley."""

    chat: str = ""
    vision: str = ""


@dataclass(frozen=True, slots=True)
class Layers:
    """The four layers, as a turn uses them."""

    lines: Switchboard
    models: Models
    ledger: Ledger
    recall: Recall
    media: MediaStore
    router: Router


async def run_turn(turn: Turn, layers: Layers) -> AsyncGenerator[Event, None]:
    """Run one turn and yield what happens.

    Cancelling the task that pulls stops the turn: open calls are answered and TurnEnded is still
    yielded, then the iterator ends. Errors of a backend are data in TurnEnded; bugs raise.
    """
    started = monotonic()
    opening = TurnStarted(turn.said, turn.reply_id, time())
    yield opening
    steps = _Steps(turn, layers, opening)
    reason: Ending = "done"
    fault: Fault | None = None
    try:
        async for event in steps.run():
            yield event
        fault = steps.shortcoming
    except asyncio.CancelledError:
        reason = "stopped"
    except Interrupted as error:
        reason, fault = "interrupted", Fault(error.message, error.advice)
    except BackendError as error:
        reason, fault = "failed", Fault(error.message, error.advice)
        if not error.sent:
            yield Unsent(steps.requests - 1)
    except ContextTooSmall as error:
        advice = "Shorten the message, or choose a model with a larger window."
        reason, fault = "failed", Fault(str(error), advice)
    for call in unanswered(steps.exchange.reply):
        yield ToolReturned(ToolResult(call.call_id, f"No result: the turn was {reason}.", ok=False))
    ended = TurnEnded(reason, monotonic() - started, fault)
    steps.exchange = grow(steps.exchange, ended)
    yield ended
    await steps.remember()


def unanswered(reply: Message) -> list[ToolCall]:
    answered = {p.call_id for p in reply.parts if isinstance(p, ToolResult)}
    return [p for p in reply.parts if isinstance(p, ToolCall) and p.call_id not in answered]


class _Steps:
    """The steps of one turn, in order; `exchange` is the turn so far."""

    def __init__(self, turn: Turn, layers: Layers, opening: TurnStarted) -> None:
        self.turn = turn
        self.layers = layers
        self.exchange = begin(opening)
        self.shortcoming: Fault | None = None
        self.requests = 0
        self._finish = "stop"
        self._worth_recalling = False

    async def run(self) -> AsyncIterator[Event]:
        steps = (
            self._plan, self._transcribe, self._recall, self._choose, self._answer,
            self._check, self._caption, self._speak,
        )  # fmt: skip
        for step in steps:
            async for event in step():
                self.exchange = grow(self.exchange, event)
                yield event

    async def remember(self) -> None:
        """Keep the words of both sides; the offline engine's own words are not worth recalling."""
        kept = [self.exchange.said]
        if self.exchange.reply.text and self._worth_recalling:
            kept.append(self.exchange.reply)
        await self.layers.recall.remember(self.turn.owner, self.turn.conversation_id, kept)

    async def _plan(self) -> AsyncIterator[Event]:
        """Who answers, and what the budget still allows."""
        lines, pinned = self.layers.lines, self.turn.wishes.choices.provider
        self._line: Line = lines.line(pinned) if pinned else lines.lines()[0]
        asks = self.turn.wishes.choices.model or self._line.model_for("chat")
        left = await self.layers.ledger.left(self._line.provider.name, asks)
        self._planned: TurnPlan = plan(
            left.left,
            speak=self.turn.wishes.speak,
            recordings=len(_unheard(self.turn.said)),
            local_senses=lines.has("offline"),
            most_rounds=MAX_TOOL_ROUNDS,
        )
        if self._planned.note:
            yield Planned(self._planned.note)

    async def _transcribe(self) -> AsyncIterator[Event]:
        line, model = self._sense("transcription", self._planned.hearing)
        for part in _unheard(self.turn.said):
            yield self._request("transcription", model, line)
            data = await asyncio.to_thread(self.layers.media.read, part.media)
            sound = Speech(data, part.media.mime)
            text = await line.backend.transcribe(sound, model, self._errand("transcription"))
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
        provider, models = self._line.provider, self._operators_models()
        needs = Needs(
            images=self._shows_pictures(models),
            tools=bool(self.layers.router.tools),
            tokens=sum(map(estimate_message, (*self.turn.history, self.exchange.said))),
            json=self.turn.wishes.choices.json,
        )
        self._choice: Choice = choose(
            provider,
            needs,
            chat=models.chat or None,
            vision=models.vision or None,
            pin=self.turn.wishes.choices.model or None,
            offered=self._line.models,
        )
        self._worth_recalling = not provider.offline
        yield ModelChosen(provider.label, self._choice.model, self._choice.why)

    def _operators_models(self) -> Models:
        """The operator's names are those of the first line's provider; elsewhere they mean nothing."""
        first = self.layers.lines.lines()[0].provider.name
        return self.layers.models if self._line.provider.name == first else Models()

    def _shows_pictures(self, models: Models) -> bool:
        """A picture of the last two turns still asks for eyes, where there are any."""
        eyes = models.vision or self._line.provider.vision
        earlier = any(_pictures(message) for message in self.turn.history[-4:])
        return _pictures(self.exchange.said) or bool(eyes and earlier)

    async def _answer(self) -> AsyncIterator[Event]:
        window = self._window()
        yield ContextBuilt(window.tokens, window.window, window.dropped)
        rounds = self._planned.tool_rounds if self._choice.tools else 0
        for number in range(rounds + 1):
            calls: list[ToolCall] = []
            purpose: Purpose = "tool round" if number else "answer"
            tools = self._offered() if number < rounds else ()
            async for event in self._ask(window, tools, purpose):
                if isinstance(event, ToolCalled):
                    calls.append(event.call)
                yield event
            if not calls:
                break
            async for result in self._results(calls):
                yield ToolReturned(result)
        if not self.exchange.reply.text:
            raise BackendError(
                f"{self._choice.model} sent an empty reply.", "Retry, or choose another model."
            )

    async def _ask(
        self, window: Window, tools: Sequence[ToolSpec], purpose: Purpose
    ) -> AsyncIterator[Event]:
        """One request for a reply, and what comes of it."""
        so_far = (self.exchange.reply,) if self.exchange.reply.parts else ()
        request = ChatRequest(
            self._choice.model,
            window.system,
            (*window.messages, *so_far),
            self.layers.media.read,
            self._choice.max_output,
            tools,
            self._json(),
            self._choice.sees,
        )
        sent = self._request(purpose, self._choice.model, self._line)
        yield sent
        async for chunk in self._line.backend.chat(request, self._errand(purpose)):
            match chunk:
                case RetryChunk(why, wait_s, went):
                    if went:
                        sent = self._request(purpose, self._choice.model, self._line)
                        yield sent
                    yield Waiting(why, wait_s)
                case TextChunk(text):
                    yield TextDelta(text)
                case ReasoningChunk(text):
                    yield ReasoningDelta(text)
                case CallChunk(call):
                    yield ToolCalled(call)
                case FinishedChunk() as end:
                    self._finish = end.finish
                    self.shortcoming = shortcoming(end, self._line.provider, window.tokens)
                    yield _counted(sent, end)

    def _window(self) -> Window:
        about = self.exchange.reply.provenance or Provenance()
        return fit(
            SYSTEM,
            about.recalled,
            self.turn.history,
            self.exchange.said,
            window=self._choice.window,
            reserve=0,  # the choice's window is what may go in: room for the answer is off already
        )

    def _offered(self) -> tuple[ToolSpec, ...]:
        tools = self.layers.router.tools.values()
        return tuple(ToolSpec(t.name, t.description, t.parameters) for t in tools)

    async def _results(self, calls: Sequence[ToolCall]) -> AsyncIterator[ToolResult]:
        if self._finish == "length":
            # The reply was cut inside the arguments: running what is left would be a guess.
            for call in calls:
                yield ToolResult(call.call_id, "Not run: the call was cut off.", ok=False)
            return
        async for result in self.layers.router.run(calls):
            yield result

    def _json(self) -> JsonAnswer | None:
        choices = self.turn.wishes.choices
        if not choices.json:
            return None
        return JsonAnswer(orjson.loads(choices.schema) if choices.schema else None)

    async def _check(self) -> AsyncIterator[Event]:
        if answer := self._json():
            found = checked(self.exchange.reply.text, answer)
            problems = found.reasons if isinstance(found, Misfit) else ()
            by_schema = answer.schema is not None
            yield JsonChecked(JsonCheck(not problems, problems, by_schema))

    async def _caption(self) -> AsyncIterator[Event]:
        """What a model that sees has said of a picture stands for it where a model cannot see."""
        if self._choice.sees and _pictures(self.exchange.said):
            yield Captioned(self.exchange.reply.text[:MAX_CAPTION])

    async def _speak(self) -> AsyncIterator[Event]:
        words = spoken(self.exchange.reply.text)
        if self._planned.speech == "none" or not words:
            return
        line, model = self._sense("speech", self._planned.speech)
        yield self._request("speech", model, line)
        try:
            speech = await line.backend.speak(
                words, model, line.provider.voice, self._errand("speech")
            )
        except BackendError as error:
            # The reply is whole: that it could not be spoken does not make it fail.
            told = f"The reply could not be spoken. {error.message}"
            self.shortcoming = Fault(told, error.advice)
            return
        media = await self.layers.media.put(self.turn.owner, speech.data, speech.mime, "reply")
        yield Spoken(media)

    def _sense(self, task: Task, where: Where) -> tuple[Line, str]:
        """Who hears or speaks, and with which model."""
        lines = self.layers.lines
        line = lines.line("offline") if where == "local" else lines.for_sense(task)
        return line, line.model_for(task)

    def _request(self, purpose: Purpose, model: str, line: Line) -> RequestSent:
        self.requests += 1
        free = line.provider.billing == "free"
        return RequestSent(Request(purpose, model, free=free), self.requests - 1)

    def _errand(self, purpose: Purpose) -> Errand:
        turn = self.turn
        return Errand(
            turn.owner, turn.conversation_id, turn.reply_id, purpose, pool=turn.wishes.pool
        )


def _counted(sent: RequestSent, end: FinishedChunk) -> RequestSent:
    asked, answered = end.prompt_tokens, end.completion_tokens
    request = replace(sent.request, prompt_tokens=asked, completion_tokens=answered)
    return replace(sent, request=request)


def _pictures(message: Message) -> bool:
    return any(isinstance(part, Image) for part in message.parts)


def _unheard(message: Message) -> list[Audio]:
    return [p for p in message.parts if isinstance(p, Audio) and p.transcript is None]
