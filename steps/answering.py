"""The reply: fitted to the window, streamed, with as many rounds of tools as the budget allows."""

from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing
from dataclasses import replace

from events import (
    Event,
    ReasoningDelta,
    Remembered,
    RequestSent,
    TextDelta,
    ToolCalled,
    ToolReturned,
    Waiting,
)
from inference.backend import (
    BackendError,
    CallChunk,
    ChatRequest,
    Chunk,
    ContextTooLong,
    FinishedChunk,
    ReasoningChunk,
    RetryChunk,
    TextChunk,
    ToolSpec,
)
from inference.shortcomings import shortcoming
from memory.storage_faults import StoreFailed
from messages import Message, Purpose, Text, ToolCall, ToolResult
from steps.checking import json_wanted
from steps.course import Course
from steps.fitting import fitted, learn, learn_refusal, offered
from steps.resuming import Seam
from steps.surroundings import around
from steps.tooling import Round, for_model


async def answer(course: Course) -> AsyncIterator[Event]:
    rounds = course.planned.tool_rounds if course.choice.tools else 0
    for number in range(rounds + 1):
        calls: list[ToolCall] = []
        purpose: Purpose = "tool round" if number else "answer"
        tools = await offered(course) if number < rounds else ()
        if number:
            course.window = fitted(course)
        async for event in _ask(course, tools, purpose):
            if isinstance(event, ToolCalled):
                calls.append(event.call)
            yield event
        if not calls:
            break
        async for event in _results(course, calls):
            yield event
    if not course.exchange.reply.text:
        raise BackendError(
            f"{course.choice.model} sent an empty reply.", "Retry, or choose another model."
        )


def unanswered(reply: Message) -> list[ToolCall]:
    answered = {p.call_id for p in reply.parts if isinstance(p, ToolResult)}
    return [p for p in reply.parts if isinstance(p, ToolCall) and p.call_id not in answered]


async def _ask(course: Course, tools: Sequence[ToolSpec], purpose: Purpose) -> AsyncIterator[Event]:
    """One request for a reply, and what comes of it."""
    choice, window, style = course.choice, course.window, course.turn.wishes.choices.style
    seam = Seam(_unfinished(course.exchange.reply))
    request = ChatRequest(
        choice.model,
        window.system,
        _as_read(course, window.messages),
        course.layers.media.read,
        min(choice.max_output, style.longest or choice.max_output),
        tools,
        json_wanted(course),
        choice.sees,
        style.temperature if choice.temperature else None,
    )
    sent = course.request(purpose, choice.model, course.line)
    yield sent
    async for chunk in _chunks(course, request, purpose):
        match chunk:
            case RetryChunk(why, wait_s, went):
                if went:
                    sent = course.request(purpose, choice.model, course.line)
                    yield sent
                yield Waiting(why, wait_s)
            case TextChunk(text):
                if new := seam.take(text):
                    yield TextDelta(new)
            case ReasoningChunk(text):
                yield ReasoningDelta(text)
            case CallChunk(call):
                if new := seam.end():
                    yield TextDelta(new)
                yield ToolCalled(call)
            case FinishedChunk() as end:
                if new := seam.end():
                    yield TextDelta(new)
                course.finish = end.finish
                course.shortcoming = shortcoming(end, course.line.provider, window.tokens)
                yield _counted(sent, end)
                await learn(course, end)


def _unfinished(reply: Message) -> str:
    """The words after which the reply goes on, where it broke off in the middle of them."""
    last = reply.parts[-1] if reply.parts else None
    return last.text if isinstance(last, Text) else ""


async def _chunks(course: Course, request: ChatRequest, purpose: Purpose) -> AsyncIterator[Chunk]:
    try:
        async for chunk in course.line.backend.chat(request, course.errand(purpose)):
            yield chunk
    except ContextTooLong as error:
        if error.of_tokens:
            await learn_refusal(course)
        raise
    except StoreFailed as failed:
        # It could not be written into the ledger, which comes first.
        unsent = BackendError(failed.message, failed.advice)
        unsent.sent = False
        raise unsent from failed


def _as_read(course: Course, messages: Sequence[Message]) -> tuple[Message, ...]:
    """The offline engine has no language model that words could mislead, and shows them as they are."""
    return tuple(messages if course.line.provider.offline else map(for_model, messages))


async def _results(course: Course, calls: Sequence[ToolCall]) -> AsyncIterator[Event]:
    if course.finish == "length":
        # The reply was cut inside the arguments: running what is left would be a guess.
        for call in calls:
            yield ToolReturned(ToolResult(call.call_id, "Not run: the call was cut off.", ok=False))
        return
    turn, exchange = course.turn, course.exchange
    before = (*turn.history, exchange.said, exchange.reply)
    billing = course.line.provider.billing
    now = Round(turn.owner, turn.conversation_id, before, around(course), billing)
    async with aclosing(course.layers.tooling.run(now, calls)) as events:
        async for event in events:
            yield event
            if course.remembered:
                told, course.remembered = tuple(course.remembered), []
                yield Remembered(told)


def _counted(sent: RequestSent, end: FinishedChunk) -> RequestSent:
    asked, answered = end.prompt_tokens, end.completion_tokens
    request = replace(sent.request, prompt_tokens=asked, completion_tokens=answered)
    return replace(sent, request=request)
