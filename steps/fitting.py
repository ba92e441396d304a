"""What the model will see: what fits its window, and a summary of the rest where that was made."""

import logging
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from time import time

import orjson

from events import ContextBuilt, Event, Planned, Recalled, Unsent, Waiting
from inference.backend import (
    BackendError,
    ChatRequest,
    ContextTooLong,
    FinishedChunk,
    RetryChunk,
    TextChunk,
    ToolSpec,
)
from memory.compaction import Refusal, SummaryJob, accept, due, made, on_demand
from memory.context import Policy, Room, Window, fit
from memory.storage_faults import StoreFailed
from messages import Message, Provenance
from steps.course import Course
from steps.drawing import can_draw, spare
from steps.resuming import asks_for_the_rest

log = logging.getLogger(__name__)

SYSTEM = (
    "You are Parley, a helpful assistant in a chat that people read or listen to. Answer in the "
    "language of the question. Use Markdown where it helps. Use the tools for what they do better "
    "than you: arithmetic, dates, time, units. Say so when you do not know."
)


async def fit_window(course: Course) -> AsyncIterator[Event]:
    """Fit the turn; first let the model summarise what came earlier, where tokens are paid for."""
    course.room = await _room(course)
    course.policy = await _policy(course)
    if job := due(course.history, room=course.room, policy=course.policy):
        async for event in _roll(course, job):
            yield event
        course.policy = await _policy(course)
    course.window = fitted(course)
    about = course.exchange.reply.provenance or Provenance()
    if course.window.recalled != about.recalled:
        yield Recalled(course.window.recalled)
    window = course.window
    yield ContextBuilt(
        window.tokens, window.window, window.dropped, window.summarised, window.sent_from
    )


def fitted(course: Course) -> Window:
    """The window now, with the reply so far."""
    reply = course.exchange.reply
    about = reply.provenance or Provenance()
    if course.line.provider.offline and asks_for_the_rest(reply):
        # It answers the same again, of which the rest is taken.
        reply = replace(reply, parts=reply.parts[:-1])
    newest: tuple[Message, ...] = (course.said, reply) if reply.parts else (course.said,)
    newest += asks_for_the_rest(reply)
    return fit(
        _system(course),
        about.recalled,
        course.history,
        newest,
        room=course.room,
        policy=course.policy,
    )


def _system(course: Course) -> str:
    """What is told before all else. The offline engine has no language model to be instructed."""
    wanted = course.turn.wishes.choices.style.instructions.strip()
    if not wanted or course.line.provider.offline:
        return SYSTEM
    return f"{SYSTEM}\n\nThe person you talk with asks you to heed this:\n{wanted}"


async def learn(course: Course, end: FinishedChunk) -> None:
    """How this model counts: from what it reported of the request that it has just answered."""
    if end.prompt_tokens and course.answered_by_a_model:
        try:
            await course.layers.calibrations.learn(
                *_counter(course), course.window.features, end.prompt_tokens
            )
        except StoreFailed:
            log.exception("How a model counts could not be written down")  # the reply is there


async def learn_refusal(course: Course) -> None:
    """The server said that it was too long: next time less is sent."""
    await course.layers.calibrations.refused(
        *_counter(course), course.window.features, course.room.tokens
    )


async def summarise_earlier_part(course: Course) -> None:
    """Because its owner asked for it: 1 request. Raises BackendError where nothing comes of it."""
    course.room, course.policy = await _room(course), await _policy(course)
    job = on_demand(course.history, room=course.room, policy=course.policy)
    if job is None:
        raise BackendError("There is too little to summarise yet.", "Go on talking.")
    failed: list[BackendError] = []
    async for _ in _summarise(course, job, failed):
        pass
    if failed:
        raise failed[0]


def schemas(course: Course, tools: Sequence[ToolSpec]) -> str:
    """What a request says beside its messages, as JSON text."""
    told = [
        {"name": t.name, "description": t.description, "parameters": t.parameters} for t in tools
    ]
    return orjson.dumps(told).decode() + course.turn.wishes.choices.schema


async def offered(course: Course) -> tuple[ToolSpec, ...]:
    if not course.choice.tools or spare(course) < 1:
        return ()
    tools = await course.layers.tooling.offered(course.turn.owner, draws=can_draw(course))
    return tuple(ToolSpec(t.name, t.description, t.parameters) for t in tools)


async def _room(course: Course) -> Room:
    calibrations, choice = course.layers.calibrations, course.choice
    return Room(
        choice.window,
        await calibrations.of(*_counter(course)),
        calibrations.measures,
        schemas(course, await offered(course)),
        choice.sees,
    )


async def _policy(course: Course) -> Policy:
    turn = course.turn
    summary = await course.layers.summaries.get(turn.owner, turn.conversation_id)
    before = next((m.provenance for m in reversed(turn.history) if m.provenance), Provenance())
    provider = course.line.provider
    # The offline engine reads what is recalled in the system text.
    billing = "request" if provider.offline else provider.billing
    return Policy(billing, turn.wishes.choices.whole, before.sent_from, summary)


async def _roll(course: Course, job: SummaryJob) -> AsyncIterator[Event]:
    """A summary on the way to an answer. Where none comes of it the turn goes on without, and says so;
    what it asked for is taken from the rounds of tools, so that the answer is not short of requests."""
    if spare(course) < 1:
        yield _noted(course, "Not summarised: the requests that are left are kept for answers.")
        return
    failed: list[BackendError] = []
    before = course.requests
    async for event in _summarise(course, job, failed):
        yield event
    rounds = course.planned.tool_rounds - (course.requests - before)
    course.planned = replace(course.planned, tool_rounds=max(0, rounds))
    if failed:
        yield _noted(
            course,
            "The earlier part of this chat could not be summarised; what of it does not fit is left "
            f"out. {failed[0].message}",
        )


def _noted(course: Course, words: str) -> Planned:
    about = course.exchange.reply.provenance or Provenance()
    return Planned(f"{about.note} {words}".strip())


async def _summarise(
    course: Course, job: SummaryJob, failed: list[BackendError]
) -> AsyncIterator[Event]:
    """Ask for a summary and keep it; or say in `failed` what became of it instead.

    What was tried in vain is remembered, and not tried again at once, unless the budget refused it.
    """
    owner, conversation_id = course.turn.owner, course.turn.conversation_id
    model, summaries = course.choice.model, course.layers.summaries
    written: list[str | Refusal] = []
    try:
        async for event in _asked(course, job, written):
            yield event
        found = written[0] if written else Refusal("The model wrote no summary.")
    except BackendError as error:
        failed.append(error)
        if not error.sent:
            yield Unsent(course.asked)
            return
        if isinstance(error, ContextTooLong):
            await course.layers.calibrations.refused(
                *_counter(course), job.features, course.room.tokens
            )
        found = Refusal(error.message)
    if isinstance(found, str):
        await summaries.put(owner, conversation_id, made(found, job, model, time()))
        return
    if not failed:
        failed.append(BackendError(found.why, "Try again, or choose another model."))
    await summaries.failed(owner, conversation_id, job.upto)


async def _asked(
    course: Course, job: SummaryJob, written: list[str | Refusal]
) -> AsyncIterator[Event]:
    """One request, and more where it is sent again, each counted. What comes of it is `written`."""
    model, text = course.choice.model, ""
    request = ChatRequest(
        model, job.system, (job.message,), course.layers.media.read, job.max_output
    )
    sent = course.request("summary", model, course.line)
    yield sent
    async for chunk in course.line.backend.chat(request, course.errand("summary")):
        if isinstance(chunk, RetryChunk):
            text = ""
            if chunk.sent:
                sent = course.request("summary", model, course.line)
                yield sent
            yield Waiting(chunk.why, chunk.wait_s)
        elif isinstance(chunk, TextChunk):
            text += chunk.text
        elif isinstance(chunk, FinishedChunk):
            tokens = (chunk.prompt_tokens, chunk.completion_tokens)
            told = replace(sent.request, prompt_tokens=tokens[0], completion_tokens=tokens[1])
            yield replace(sent, request=told)
            written.append(accept(text, job, cut_short=chunk.finish == "length"))


def _counter(course: Course) -> tuple[str, str]:
    """Whose way of counting: a visitor's own key changes nothing about it."""
    return course.line.provider.name.partition("@")[0], course.choice.model
