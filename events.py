"""The verbs: everything a turn can yield.

Grammar of a turn: TurnStarted first; TurnEnded last and once; every ToolCalled is answered by exactly
one ToolReturned, on failure and on Stop too; deltas are never cumulative; errors are data. What a
reader may have to wait for or after says when it happened: `at`, in seconds since 1970, UTC.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from time import time
from typing import Annotated, Literal

from pydantic import Field, TypeAdapter

from messages import (
    Asking,
    Audio,
    Fault,
    JsonCheck,
    Media,
    Memory,
    Message,
    Request,
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
    at: float = field(default_factory=time, compare=False)
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
    at: float = field(default_factory=time, compare=False)
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
    at: float = field(default_factory=time, compare=False)
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
    at: float = field(default_factory=time, compare=False)
    kind: Literal["tool_decided"] = "tool_decided"


@dataclass(frozen=True, slots=True)
class ToolReturned:
    """A tool finished, well or badly. Answers exactly one ToolCalled."""

    result: ToolResult
    at: float = field(default_factory=time, compare=False)
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
class Voicing:
    """The first words are with a voice, and the first sound is waited for since `at`; 0: not any more."""

    at: float = field(default_factory=time, compare=False)
    kind: Literal["voicing"] = "voicing"


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
    | Voicing
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
