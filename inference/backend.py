"""The inference backend as the rest of Parley sees it: what is asked, typed chunks, errors by reader.

BackendError                 for the user: what went wrong, in the server's own words, and what to do
├── KeyRejected              401, 403 of a key
├── PlanLimit                403 of a plan, a model that needs an upgrade
├── RateLimited              429 of the minute
├── BudgetSpent              429 of the day
├── ContextTooLong           the server says the request does not fit
├── ModelUnavailable         404, no such model, no model of that sense
├── Unsupported              the server rejects what was asked (images, tools, a parameter)
├── ProviderDown             nobody answers, 5xx, time-out
├── BadReply                 the answer cannot be read
└── Interrupted              the stream was cut; what had arrived is kept
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from messages import Media, Message, Purpose, ToolCall

ReadMedia = Callable[[Media], bytes]
"""Gives the stored bytes of a Media."""


class BackendError(Exception):
    """`message` says what went wrong, `advice` what to do next; neither ever holds a key.

    `sent` is False where the budget refused the request before it left.
    """

    sent = True

    def __init__(self, message: str, advice: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.advice = advice


class KeyRejected(BackendError): ...


class PlanLimit(BackendError): ...


class RateLimited(BackendError):
    """`retry_at`: seconds since 1970, or None where the server did not say."""

    def __init__(self, message: str, advice: str = "", retry_at: float | None = None) -> None:
        super().__init__(message, advice)
        self.retry_at = retry_at


class BudgetSpent(BackendError):
    """`resets_at`: seconds since 1970, or None where nobody said."""

    def __init__(self, message: str, advice: str = "", resets_at: float | None = None) -> None:
        super().__init__(message, advice)
        self.resets_at = resets_at


class ContextTooLong(BackendError):
    """`of_tokens` is False where the body was too large: that says nothing of the model's window."""

    of_tokens = True


class ModelUnavailable(BackendError): ...


class Unsupported(BackendError): ...


class ProviderDown(BackendError): ...


class BadReply(BackendError): ...


class Interrupted(BackendError): ...


@dataclass(frozen=True, slots=True)
class ToolSpec:
    """A tool as a model is told of it; `parameters` is a JSON schema of an object."""

    name: str
    description: str
    parameters: dict[str, object]


@dataclass(frozen=True, slots=True)
class JsonAnswer:
    """The reply must be one JSON value; `schema` (JSON Schema) says which, None for any object."""

    schema: dict[str, object] | None = None


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """One request for a reply. `max_tokens` is always sent: some servers cut at 256 without it.

    Where the model does not see, pictures are told in words. `temperature` is None to leave it to
    the server.
    """

    model: str
    system: str
    messages: Sequence[Message]
    read: ReadMedia
    max_tokens: int
    tools: Sequence[ToolSpec] = ()
    json: JsonAnswer | None = None
    sees: bool = True
    temperature: float | None = None


@dataclass(frozen=True, slots=True)
class RetryChunk:
    """Nothing came yet and the request will be sent once more, after `wait_s` seconds.

    The second sending is a request of its own: it is counted. The first one is not where our own
    budget refused it: then `sent` is False.
    """

    why: str
    wait_s: float
    sent: bool = True


@dataclass(frozen=True, slots=True)
class TextChunk:
    text: str


@dataclass(frozen=True, slots=True)
class ReasoningChunk:
    text: str


@dataclass(frozen=True, slots=True)
class CallChunk:
    """A whole tool call, yielded once its arguments are complete."""

    call: ToolCall


@dataclass(frozen=True, slots=True)
class FinishedChunk:
    """Last of every stream. `finish` is the server's reason, "incomplete" where it just ended."""

    finish: str
    prompt_tokens: int = 0
    completion_tokens: int = 0


Chunk = RetryChunk | TextChunk | ReasoningChunk | CallChunk | FinishedChunk


@dataclass(frozen=True, slots=True)
class Errand:
    """On whose behalf a request is sent; what the ledger writes before it goes out.

    `pool` says where a visitor comes from whom the operator does not know, coarsely (a network): what
    is not reserved is shared among those. Empty for the operator and those who logged in.
    """

    owner: str
    conversation_id: str
    turn_id: str
    purpose: Purpose
    pool: str = ""


@dataclass(frozen=True, slots=True)
class Speech:
    """Sound bytes with the type they really have (sniffed, never what was asked for)."""

    data: bytes
    mime: str
