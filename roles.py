"""Who does what for an owner, as plain facts: who answers, sees, hears, speaks, draws, and at what cost."""

from dataclasses import dataclass

from inference.switchboard import Offer
from inference.usage import UsageReport
from inference.voices import Voice
from messages import Pick, Sense


@dataclass(frozen=True, slots=True)
class Answering:
    """Who answers: for the status line. `offline` is the embedded engine, which has no language model."""

    provider: str
    model: str
    offline: bool
    advice: str
    json: bool = False


@dataclass(frozen=True, slots=True)
class Usage:
    """`most_requests` is what the next turn may send to the model at most, within what is left today.

    Each recording of it adds `hearing_requests`, a spoken reply from one to `speech_requests`. `lent`:
    who hears or speaks besides, and counts requests of their own.
    """

    report: UsageReport
    most_requests: int
    speech_requests: int = 0
    hearing_requests: int = 1
    lent: tuple["Lent", ...] = ()


@dataclass(frozen=True, slots=True)
class Lent:
    """What was sent to another provider than the one that answers, for these `senses`."""

    label: str
    senses: tuple[Sense, ...]
    report: UsageReport


@dataclass(frozen=True, slots=True)
class Senses:
    """Whether hearing and speaking are requests that count; `rough`: what is heard is but a draft."""

    hearing_counts: bool
    speech_counts: bool
    rough: bool


@dataclass(frozen=True, slots=True)
class Speaker:
    """Who speaks for an owner, and how: `chosen` is one of `voices`, or a name nobody listed.

    `voices` is empty where nobody tells of any. `counts`: each preview is a request that counts.
    """

    label: str
    voices: tuple[Voice, ...]
    chosen: str
    pace: float
    counts: bool
    offline: bool


@dataclass(frozen=True, slots=True)
class Limits:
    """What may be asked of the replies of a conversation. `longest` is the most tokens of one.

    The offline engine, which has no language model, is asked nothing: all is False and 0.
    """

    instructions: bool = False
    temperature: bool = False
    longest: int = 0


@dataclass(frozen=True, slots=True)
class Role:
    """Who does one thing for an owner; `model` is "" where nobody can. `counts`: requests are spent.

    `offers` are those who could, and `chosen` the one that the owner chose, None where Parley does.
    """

    sense: Sense
    model: str = ""
    label: str = ""
    note: str = ""
    counts: bool = False
    offers: tuple[Offer, ...] = ()
    chosen: Pick | None = None


@dataclass(frozen=True, slots=True)
class Connected:
    """A provider that could answer an owner; the `offline` engine needs no key."""

    name: str
    label: str
    offline: bool
