"""A turn so far, and how it grows from each event: pure and total, so that a recorded turn replays."""

from dataclasses import dataclass, replace
from typing import assert_never

from events import (
    Captioned,
    ContextBuilt,
    Event,
    JsonChecked,
    ModelChosen,
    Planned,
    ReasoningDelta,
    Recalled,
    Remembered,
    RequestSent,
    Spoken,
    SpokenWhole,
    TextDelta,
    ToolAsked,
    ToolCalled,
    ToolDecided,
    ToolReturned,
    Transcribed,
    TurnEnded,
    TurnStarted,
    Unsent,
    Unvoiced,
    VoiceNoted,
    Voicing,
    Waiting,
)
from messages import Audio, Begun, Image, Message, Part, Provenance, Reasoning, Text


@dataclass(frozen=True, slots=True)
class Exchange:
    """A turn so far: what was said and the reply that grows. What is stored and what is shown."""

    said: Message
    reply: Message


def begin(event: TurnStarted) -> Exchange:
    reply = event.reply or Message(event.reply_id, "assistant", (), event.at, status="running")
    about = replace(reply.provenance or Provenance(), since=event.at, begun=())
    return Exchange(event.said, replace(reply, provenance=about))


def grow(exchange: Exchange, event: Event) -> Exchange:
    """The exchange after one more event."""
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
            reply = replace(reply, parts=(*reply.parts, call))
        case ToolReturned(result):
            reply = replace(reply, parts=(*reply.parts, result))
        case TurnEnded(reason):
            reply = replace(reply, status=reason)
    about = _told(reply.provenance or Provenance(), event)
    return Exchange(said, replace(reply, provenance=about))


Told = (
    Recalled | Remembered | Planned | ModelChosen | ContextBuilt | RequestSent | Unsent
    | Waiting | ToolCalled | ToolAsked | ToolDecided | ToolReturned | Spoken | SpokenWhole | Unvoiced
    | Voicing | VoiceNoted | JsonChecked | TurnEnded
)  # fmt: skip
"""The events that say something of how the reply came about."""


def _told(about: Provenance, event: Told) -> Provenance:
    match event:
        case Waiting(why, seconds, at):
            again = f" Asking again in {seconds:.0f} s." if seconds else ""
            return replace(about, waiting=why + again, since=at)
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
        case RequestSent(request, number, at):
            requests = (*about.requests[:number], request, *about.requests[number + 1 :])
            since = at if about.waiting else about.since
            return replace(about, requests=requests, waiting="", since=since)
        case Unsent(number):
            requests = (*about.requests[:number], *about.requests[number + 1 :])
            return replace(about, requests=requests)
        case ToolCalled() | ToolAsked() | ToolDecided() | ToolReturned():
            return _with_tools(about, event)
        case JsonChecked(check):
            return replace(about, json=check)
        case Spoken(media, index):
            return replace(about, pieces=(*about.pieces[:index], media), voicing=0.0)
        case SpokenWhole(media, seconds, starts):
            return replace(about, spoken=media, spoken_s=seconds, starts=starts, pieces=())
        case Voicing(at):
            return replace(about, voicing=at)
        case Unvoiced(words):
            return replace(about, unvoiced=f"{about.unvoiced} {words}".strip(), voicing=0.0)
        case VoiceNoted(note):
            return replace(about, voice_note=note)
        case TurnEnded(_, seconds, fault):
            # Of a reply that was gone on with, all the time it took.
            took = about.seconds + seconds
            return replace(about, seconds=took, fault=fault, since=0.0, begun=(), voicing=0.0)
        case _:
            assert_never(event)


def _with_tools(
    about: Provenance, event: ToolCalled | ToolAsked | ToolDecided | ToolReturned
) -> Provenance:
    """Which of them wait for a word, and which run since when."""
    match event:
        case ToolCalled(call, at):
            return replace(about, begun=(*about.begun, Begun(call.call_id, at)))
        case ToolAsked(asking):
            return replace(about, asking=(*about.asking, asking))
        case ToolDecided(call_id, _, at):
            about = _decided(about, call_id)
            return replace(about, begun=(*about.begun, Begun(call_id, at)))
        case ToolReturned(result, at):
            return replace(_decided(about, result.call_id), since=at)


def _decided(about: Provenance, call_id: str) -> Provenance:
    asking = tuple(a for a in about.asking if a.call_id != call_id)
    return replace(
        about, asking=asking, begun=tuple(b for b in about.begun if b.call_id != call_id)
    )


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
