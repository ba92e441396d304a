"""The nouns: what was said, as plain frozen data that knows nothing of rows, wires or pages."""

from dataclasses import dataclass
from typing import Annotated, Literal
from uuid import uuid4

from pydantic import Field, TypeAdapter

Role = Literal["user", "assistant"]
Status = Literal["running", "done", "stopped", "interrupted", "failed"]
Purpose = Literal[
    "answer",
    "tool round",
    "image",
    "transcription",
    "speech",
    "reading",
    "embedding",
    "summary",
    "models",
]
Rating = Literal[-1, 0, 1]
"""What its owner thinks of a reply: a dislike, nothing, a like."""
MemoryKind = Literal["said", "fact", "instruction", "passage"]
"""What was said; what was told to be remembered; what is to be heeded always; part of a document."""


def new_id() -> str:
    """A random 128-bit id, 32 hexadecimal digits."""
    return uuid4().hex


@dataclass(frozen=True, slots=True)
class Media:
    """A reference to stored bytes; `sha256` (64 hexadecimal digits) is their address."""

    sha256: str
    mime: str
    size: int
    name: str = ""


@dataclass(frozen=True, slots=True)
class Text:
    text: str
    kind: Literal["text"] = "text"


@dataclass(frozen=True, slots=True)
class Reasoning:
    """What a model thought before or between its words; shown apart, never part of the answer."""

    text: str
    kind: Literal["reasoning"] = "reasoning"


@dataclass(frozen=True, slots=True)
class View:
    """A picture made of an attached file: a page of a scan, or a piece of a long picture.

    `number` counts from 1: it is that of the page, or of the piece.
    """

    number: int
    media: Media
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Image:
    """`caption` says in words what it shows, for models that cannot see; empty until known.

    A long page has its pieces as `views`: as a whole no model could read it.
    """

    media: Media
    width: int
    height: int
    caption: str = ""
    views: tuple[View, ...] = ()
    kind: Literal["image"] = "image"


@dataclass(frozen=True, slots=True)
class Audio:
    """A recording. `transcript` is None until it was transcribed."""

    media: Media
    seconds: float
    transcript: str | None = None
    kind: Literal["audio"] = "audio"


@dataclass(frozen=True, slots=True)
class Document:
    """An attached text. Its words are kept by pages beside it (memory/documents.py).

    `tokens` is the estimate of the whole text, 0 where no text was found in it. `views` are the first
    pages without text, as pictures.
    """

    media: Media
    pages: int
    tokens: int
    views: tuple[View, ...] = ()
    kind: Literal["document"] = "document"


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A model asks for a tool. `arguments` is the JSON text as the model wrote it."""

    call_id: str
    name: str
    arguments: str
    kind: Literal["tool_call"] = "tool_call"


@dataclass(frozen=True, slots=True)
class ToolResult:
    """The one answer to the ToolCall with the same `call_id`; `text` is what the model reads.

    `pictures` are shown in the chat. `untrusted`: strangers wrote it (a web page, another server).
    """

    call_id: str
    text: str
    ok: bool = True
    seconds: float = 0.0
    pictures: tuple[Media, ...] = ()
    untrusted: bool = False
    kind: Literal["tool_result"] = "tool_result"


Part = Annotated[
    Text | Reasoning | Image | Audio | Document | ToolCall | ToolResult,
    Field(discriminator="kind"),
]


@dataclass(frozen=True, slots=True)
class Memory:
    """Something said or told earlier, with its origin. Times are seconds since 1970, UTC.

    `page` counts from 1 in the document `source`, 0 where it is no passage. A fact that another one
    took the place of has `superseded_at`; 0 while it holds. What is `pinned` is always sent.
    """

    id: str
    text: str
    role: Role
    conversation_id: str
    conversation_title: str
    message_id: str
    at: float
    kind: MemoryKind = "said"
    pinned: bool = False
    source: str = ""
    page: int = 0
    superseded_at: float = 0.0


@dataclass(frozen=True, slots=True)
class Fault:
    """What went wrong, for the person who reads it: the first sentence, then what to do next.

    `unfinished`: all went well, but the reply ended before its end.
    """

    message: str
    advice: str = ""
    unfinished: bool = False


@dataclass(frozen=True, slots=True)
class Request:
    """One request that was sent to a provider. Tokens are as it reported them, 0 where it did not.

    `free` requests go to the offline engine or a server of one's own: nothing is spent on them.
    """

    purpose: Purpose
    model: str
    prompt_tokens: int = 0
    completion_tokens: int = 0
    free: bool = False


@dataclass(frozen=True, slots=True)
class JsonCheck:
    """Whether a reply that had to be JSON is what was asked for, and if not, why."""

    fits: bool
    problems: tuple[str, ...] = ()
    by_schema: bool = False


@dataclass(frozen=True, slots=True)
class Asking:
    """A tool waits for its owner's word. `why` says what it would do, or why it asks again."""

    call_id: str
    tool: str
    why: str


@dataclass(frozen=True, slots=True)
class Begun:
    """A tool runs since then, in seconds since 1970, UTC."""

    call_id: str
    at: float


@dataclass(frozen=True, slots=True)
class Provenance:
    """How a reply came about; shown under it. `waiting` says why nothing comes just now.

    `note` says what was done otherwise than usual to keep within the budget. `tokens` of a `window`
    were sent; `dropped` earlier messages were not, of which `summarised` stood in a summary: word for
    word went `sent_from` and what came after it, and what is pinned. `remembered` was made of what
    was said just now. The tools in `asking` wait for a word of the owner, those `begun` run. While the
    reply grows, `since` is when that began for which it waits; 0 once it is whole.

    A reply that is spoken has its `pieces` first, and `spoken` in their place when all have come; at
    `starts`, in seconds, each begins in it. `unvoiced` words wait for a browser's own voice.
    The first sound is waited for since `voicing`; 0 where none is.
    """

    provider: str = ""
    model: str = ""
    why: str = ""
    recalled: tuple[Memory, ...] = ()
    requests: tuple[Request, ...] = ()
    remembered: tuple[Memory, ...] = ()
    asking: tuple[Asking, ...] = ()
    begun: tuple[Begun, ...] = ()
    since: float = 0.0
    tokens: int = 0
    window: int = 0
    dropped: int = 0
    summarised: int = 0
    sent_from: str = ""
    seconds: float = 0.0
    waiting: str = ""
    note: str = ""
    fault: Fault | None = None
    spoken: Media | None = None
    spoken_s: float = 0.0
    starts: tuple[float, ...] = ()
    pieces: tuple[Media, ...] = ()
    voicing: float = 0.0
    unvoiced: str = ""
    voice_note: str = ""
    json: JsonCheck | None = None


@dataclass(frozen=True, slots=True)
class Message:
    """One side of a turn. A reply holds its whole turn in order: reasoning, text, calls, results, text.

    `at` is seconds since 1970, UTC. Only a reply has a `provenance`. A `pinned` message goes along
    word for word however long ago it was said.
    `versions` are the ids of all that stand in its place, its own among them, the oldest first; empty
    where there is no other.
    """

    id: str
    role: Role
    parts: tuple[Part, ...]
    at: float
    status: Status = "done"
    provenance: Provenance | None = None
    pinned: bool = False
    rating: Rating = 0
    versions: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """The words alone: text and transcripts, without reasoning, tools or pictures."""
        words = [p.text for p in self.parts if isinstance(p, Text)]
        words += [p.transcript for p in self.parts if isinstance(p, Audio) and p.transcript]
        return "\n\n".join(words)

    @property
    def broke_off(self) -> bool:
        """Whether it is a reply in the middle of which something ended it: it can go on from there."""
        if self.role != "assistant" or not self.text:
            return False
        fault = self.provenance.fault if self.provenance else None
        cut = self.status == "done" and fault is not None and fault.unfinished
        return cut or self.status in ("stopped", "interrupted", "failed")


@dataclass(frozen=True, slots=True)
class Conversation:
    """`title` comes from the first words said, or from its owner. Times are seconds since 1970, UTC.

    `shared`: whoever has its link may read it. `folder` is empty where it is in none.
    """

    id: str
    title: str
    created_at: float
    updated_at: float
    pinned: bool = False
    folder: str = ""
    shared: bool = False


@dataclass(frozen=True, slots=True)
class Style:
    """How replies are to be. What is empty leaves it to what holds more widely, in the end to Parley.

    `temperature` goes from 0 to 2; a reply is cut at `longest` tokens.
    """

    instructions: str = ""
    temperature: float | None = None
    longest: int = 0

    def over(self, usual: "Style") -> "Style":
        """This one, and `usual` where it says nothing."""
        warmth = usual.temperature if self.temperature is None else self.temperature
        return Style(self.instructions or usual.instructions, warmth, self.longest or usual.longest)


@dataclass(frozen=True, slots=True)
class Preset:
    """Instructions that are kept under a name, to be chosen again."""

    name: str
    instructions: str


Sense = Literal["chat", "images", "transcription", "speech", "drawing"]
"""What a model may do: answer, see, write down recordings, speak, draw."""


@dataclass(frozen=True, slots=True)
class Pick:
    """The model that an owner chose for one sense besides the chat."""

    sense: Sense
    provider: str
    model: str


@dataclass(frozen=True, slots=True)
class Choices:
    """What its owner decided for a conversation; empty names leave it to Parley.

    `schema` is the text of a JSON Schema for replies in JSON, empty for any object. Without
    `memory` nothing is recalled or remembered here. `whole`: all that fits goes along word for word,
    also where that costs more. `voice` is one of the provider `voice_of`; `pace` is how fast it
    speaks, 1 being as it does by itself. Both hold for all conversations of an owner, and so do the
    `presets` and the `picks`.
    """

    provider: str = ""
    model: str = ""
    json: bool = False
    schema: str = ""
    memory: bool = True
    whole: bool = False
    voice: str = ""
    voice_of: str = ""
    pace: float = 1.0
    style: Style = Style()
    presets: tuple[Preset, ...] = ()
    picks: tuple[Pick, ...] = ()


@dataclass(frozen=True, slots=True)
class Wishes:
    """How a turn is to be run. `pool` is the visitor's network, on whose share it counts."""

    speak: bool = False
    choices: Choices = Choices()
    pool: str = ""


_message: TypeAdapter[Message] = TypeAdapter(Message)


def message_to_json(message: Message) -> str:
    return _message.dump_json(message).decode()


def message_from_json(text: str) -> Message:
    return _message.validate_json(text)
