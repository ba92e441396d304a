"""The verbs: everything a turn can yield, and how a reply grows from it.

Grammar of a turn: TurnStarted first; TurnEnded last and once; every ToolCalled is answered by exactly
one ToolReturned, on failure and on Stop too; deltas are never cumulative; errors are data.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Annotated, Literal, assert_never

from pydantic import Field, TypeAdapter

from messages import (
    Asking,
    Audio,
    Fault,
    Image,
    JsonCheck,
    Media,
    Memory,
    Message,
    Part,
    Provenance,
    Reasoning,
    Request,
    Text,
    ToolCall,
    ToolResult,
)

Ending = Literal["done", "stopped", "interrupted", "failed"]


@dataclass(frozen=True, slots=True)
class TurnStarted:
    """`said` is the user's message, already stored; `reply_id` names the reply that will grow.

    `reply` is as it begins, where that is not from nothing: it goes on where it broke off, or is one
    of several versions.
    """

    said: Message
    reply_id: str
    at: float
    reply: Message | None = None
    kind: Literal["turn_started"] = "turn_started"


@dataclass(frozen=True, slots=True)
class Transcribed:
    """The user's recording was understood; `audio` now carries its transcript."""

    audio: Audio
    kind: Literal["transcribed"] = "transcribed"


@dataclass(frozen=True, slots=True)
class Recalled:
    """What was found in long-term memory and goes along to the model."""

    memories: tuple[Memory, ...]
    kind: Literal["recalled"] = "recalled"


@dataclass(frozen=True, slots=True)
class Remembered:
    """What was said just now is to be remembered, or heeded always: made at once, with Undo."""

    memories: tuple[Memory, ...]
    kind: Literal["remembered"] = "remembered"


@dataclass(frozen=True, slots=True)
class Planned:
    """The budget is near its end: `note` says what is done otherwise for it."""

    note: str
    kind: Literal["planned"] = "planned"


@dataclass(frozen=True, slots=True)
class ModelChosen:
    provider: str
    model: str
    why: str
    kind: Literal["model_chosen"] = "model_chosen"


@dataclass(frozen=True, slots=True)
class ContextBuilt:
    """What the model will see: estimated `tokens` of a `window`.

    `dropped` earlier messages do not go along word for word, `summarised` of them as a summary;
    `sent_from` is the id of the first that does, empty where that is what was said just now.
    """

    tokens: int
    window: int
    dropped: int = 0
    summarised: int = 0
    sent_from: str = ""
    kind: Literal["context_built"] = "context_built"


@dataclass(frozen=True, slots=True)
class RequestSent:
    """One request went to a provider. The one with the token counts replaces its earlier self."""

    request: Request
    number: int
    kind: Literal["request_sent"] = "request_sent"


@dataclass(frozen=True, slots=True)
class Unsent:
    """The budget refused the request of that number before it left: nothing was spent on it."""

    number: int
    kind: Literal["unsent"] = "unsent"


@dataclass(frozen=True, slots=True)
class Waiting:
    """Nothing was answered yet: the provider is asked in `seconds`, or, at 0, when it is our turn."""

    why: str
    seconds: float
    kind: Literal["waiting"] = "waiting"


@dataclass(frozen=True, slots=True)
class TextDelta:
    text: str
    kind: Literal["text_delta"] = "text_delta"


@dataclass(frozen=True, slots=True)
class ReasoningDelta:
    text: str
    kind: Literal["reasoning_delta"] = "reasoning_delta"


@dataclass(frozen=True, slots=True)
class ToolCalled:
    call: ToolCall
    kind: Literal["tool_called"] = "tool_called"


@dataclass(frozen=True, slots=True)
class ToolAsked:
    """A call waits until its owner approves or rejects it."""

    asking: Asking
    kind: Literal["tool_asked"] = "tool_asked"


@dataclass(frozen=True, slots=True)
class ToolDecided:
    """Its owner has decided; a rejected call is answered as such."""

    call_id: str
    approved: bool
    kind: Literal["tool_decided"] = "tool_decided"


@dataclass(frozen=True, slots=True)
class ToolReturned:
    """A tool finished, well or badly. Answers exactly one ToolCalled."""

    result: ToolResult
    kind: Literal["tool_returned"] = "tool_returned"


@dataclass(frozen=True, slots=True)
class Spoken:
    """A piece of the reply as sound: they come in order, `index` from 0, often before it is whole."""

    media: Media
    index: int = 0
    kind: Literal["spoken"] = "spoken"


@dataclass(frozen=True, slots=True)
class SpokenWhole:
    """All pieces as one sound, in their place; at `starts` (in seconds) they begin in it."""

    media: Media
    seconds: float
    starts: tuple[float, ...]
    kind: Literal["spoken_whole"] = "spoken_whole"


@dataclass(frozen=True, slots=True)
class Unvoiced:
    """More words that nothing here can speak: a browser may read them with a voice of its own."""

    words: str
    kind: Literal["unvoiced"] = "unvoiced"


@dataclass(frozen=True, slots=True)
class VoiceNoted:
    """What is to be known of how the reply is spoken."""

    note: str
    kind: Literal["voice_noted"] = "voice_noted"


@dataclass(frozen=True, slots=True)
class Captioned:
    """What the pictures of the user's message show, in words: a model that saw them has said it, or
    it was read from the picture `sha256` alone.
    """

    caption: str
    sha256: str = ""
    kind: Literal["captioned"] = "captioned"


@dataclass(frozen=True, slots=True)
class JsonChecked:
    """The reply had to be JSON and was checked."""

    check: JsonCheck
    kind: Literal["json_checked"] = "json_checked"


@dataclass(frozen=True, slots=True)
class TurnEnded:
    reason: Ending
    seconds: float
    fault: Fault | None = None
    kind: Literal["turn_ended"] = "turn_ended"


Event = (
    TurnStarted
    | Transcribed
    | Recalled
    | Remembered
    | Planned
    | ModelChosen
    | ContextBuilt
    | RequestSent
    | Unsent
    | Waiting
    | TextDelta
    | ReasoningDelta
    | ToolCalled
    | ToolAsked
    | ToolDecided
    | ToolReturned
    | Spoken
    | SpokenWhole
    | Unvoiced
    | VoiceNoted
    | Captioned
    | JsonChecked
    | TurnEnded
)

_event: TypeAdapter[Event] = TypeAdapter(Annotated[Event, Field(discriminator="kind")])


def to_jsonl(events: Iterable[Event]) -> str:
    """One line an event, so that a turn can be kept and replayed."""
    return "".join(_event.dump_json(e).decode() + "\n" for e in events)


def from_jsonl(text: str) -> list[Event]:
    return [_event.validate_json(line) for line in text.splitlines() if line.strip()]


@dataclass(frozen=True, slots=True)
class Exchange:
    """A turn so far: what was said and the reply that grows. What is stored and what is shown."""

    said: Message
    reply: Message


def begin(event: TurnStarted) -> Exchange:
    reply = event.reply or Message(
        event.reply_id, "assistant", (), event.at, status="running", provenance=Provenance()
    )
    return Exchange(event.said, reply)


def grow(exchange: Exchange, event: Event) -> Exchange:
    """The exchange after one more event: pure and total, so that a recorded turn can be replayed."""
    said, reply = exchange.said, exchange.reply
    match event:
        case TurnStarted():
            return begin(event)
        case Transcribed(audio):
            return Exchange(replace(said, parts=_transcribed(said.parts, audio)), reply)
        case Captioned(caption, sha256):
            return Exchange(replace(said, parts=_captioned(said.parts, caption, sha256)), reply)
        case TextDelta(text):
            return Exchange(said, replace(reply, parts=_append(reply.parts, Text(text))))
        case ReasoningDelta(text):
            return Exchange(said, replace(reply, parts=_append(reply.parts, Reasoning(text))))
        case ToolCalled(call):
            return Exchange(said, replace(reply, parts=(*reply.parts, call)))
        case ToolReturned(result):
            reply = replace(reply, parts=(*reply.parts, result))
        case TurnEnded(reason):
            reply = replace(reply, status=reason)
    about = _told(reply.provenance or Provenance(), event)
    return Exchange(said, replace(reply, provenance=about))


Told = (
    Recalled | Remembered | Planned | ModelChosen | ContextBuilt | RequestSent | Unsent
    | Waiting | ToolAsked | ToolDecided | ToolReturned | Spoken | SpokenWhole | Unvoiced
    | VoiceNoted | JsonChecked | TurnEnded
)  # fmt: skip
"""The events that say something of how the reply came about."""


def _told(about: Provenance, event: Told) -> Provenance:
    match event:
        case Waiting(why, seconds):
            again = f" Asking again in {seconds:.0f} s." if seconds else ""
            return replace(about, waiting=why + again)
        case Recalled(memories):
            return replace(about, recalled=memories)
        case Remembered(memories):
            known = {memory.id for memory in about.remembered}
            new = tuple(memory for memory in memories if memory.id not in known)
            return replace(about, remembered=(*about.remembered, *new))
        case Planned(note):
            return replace(about, note=note)
        case ModelChosen(provider, model, why):
            return replace(about, provider=provider, model=model, why=why)
        case ContextBuilt(tokens, window, dropped, summarised, sent_from):
            return replace(
                about,
                tokens=tokens,
                window=window,
                dropped=dropped,
                summarised=summarised,
                sent_from=sent_from,
            )
        case RequestSent(request, number):
            requests = (*about.requests[:number], request, *about.requests[number + 1 :])
            return replace(about, requests=requests, waiting="")
        case Unsent(number):
            requests = (*about.requests[:number], *about.requests[number + 1 :])
            return replace(about, requests=requests)
        case ToolAsked(asking):
            return replace(about, asking=(*about.asking, asking))
        case ToolDecided(call_id):
            return _decided(about, call_id)
        case ToolReturned(result):
            return _decided(about, result.call_id)
        case JsonChecked(check):
            return replace(about, json=check)
        case Spoken(media, index):
            return replace(about, pieces=(*about.pieces[:index], media))
        case SpokenWhole(media, seconds, starts):
            return replace(about, spoken=media, spoken_s=seconds, starts=starts, pieces=())
        case Unvoiced(words):
            return replace(about, unvoiced=f"{about.unvoiced} {words}".strip())
        case VoiceNoted(note):
            return replace(about, voice_note=note)
        case TurnEnded(_, seconds, fault):
            # Of a reply that was gone on with, all the time it took.
            return replace(about, seconds=about.seconds + seconds, fault=fault)
        case _:
            assert_never(event)


def _decided(about: Provenance, call_id: str) -> Provenance:
    return replace(about, asking=tuple(a for a in about.asking if a.call_id != call_id))


def _append(parts: tuple[Part, ...], piece: Text | Reasoning) -> tuple[Part, ...]:
    """Streamed pieces join the part before them where it is of their kind."""
    match parts[-1] if parts else None, piece:
        case Text(before), Text(more):
            return (*parts[:-1], Text(before + more))
        case Reasoning(before), Reasoning(more):
            return (*parts[:-1], Reasoning(before + more))
    return (*parts, piece)


def _captioned(parts: tuple[Part, ...], caption: str, sha256: str) -> tuple[Part, ...]:
    return tuple(
        replace(p, caption=caption)
        if isinstance(p, Image) and not p.caption and sha256 in ("", p.media.sha256)
        else p
        for p in parts
    )


def _transcribed(parts: tuple[Part, ...], audio: Audio) -> tuple[Part, ...]:
    return tuple(
        audio if isinstance(p, Audio) and p.media.sha256 == audio.media.sha256 else p for p in parts
    )
