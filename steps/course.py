"""A turn on its way: what was asked, of which layers, and how far it has come."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from events import Event, RequestSent, TurnStarted
from exchange import Exchange, begin, grow
from inference.backend import Errand
from inference.ledger import Ledger
from inference.models import Choice
from inference.switchboard import Line, Switchboard, Task
from inference.turn_plan import TurnPlan, Where
from memory.calibration import Calibrations
from memory.context import Policy, Room, Window
from memory.documents import Documents
from memory.media import MediaStore
from memory.recall import Recall
from memory.summaries import Summaries
from messages import Fault, Memory, Message, Purpose, Request, Wishes
from steps.tooling import Tooling
from voice.activity import VoiceActivity


@dataclass(frozen=True, slots=True)
class Turn:
    """What is asked for. `history` is everything said before, oldest first, without `said`.

    `reply` is as it begins: one of several versions, or one that broke off and goes on.
    """

    owner: str
    conversation_id: str
    said: Message
    reply_id: str
    history: Sequence[Message]
    wishes: Wishes = Wishes()
    reply: Message | None = None


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
    documents: Documents
    summaries: Summaries
    calibrations: Calibrations
    tooling: Tooling
    activity: VoiceActivity | None = None
    pieces_kept_s: float = 20.0
    """Once the pieces of a spoken reply are one sound: pages that fetch a piece just now still find it."""


class Voice(Protocol):
    """What speaks a reply while it grows: steps/speaking.py."""

    async def hush(self) -> None:
        """Speak no more: nothing is asked for after this, and nobody is waited for."""
        ...


class Course:
    """`exchange` is the turn so far; what a step finds out stands here for those after it.

    `line`, `planned` and `choice` are set by steps/choosing.py; `room`,
    `policy` and `window` by steps/fitting.py. `history` and `said` are what a model
    is shown of the messages: documents as text. `remembered` is what tools were told to remember and
    nobody was told of yet. `voice` speaks the reply where that is wanted.
    """

    line: Line
    planned: TurnPlan
    choice: Choice
    room: Room
    policy: Policy
    window: Window

    def __init__(self, turn: Turn, layers: Layers, opening: TurnStarted) -> None:
        self.turn = turn
        self.layers = layers
        self.exchange: Exchange = begin(opening)
        self.lines = layers.lines.of(turn.owner, turn.wishes.choices.picks)
        self.shortcoming: Fault | None = None
        self.requests = 0
        about = self.exchange.reply.provenance
        self._before = len(about.requests) if about else 0  # sent for it when it broke off
        self.asked = (
            self._before
        )  # the number of the last one that was not for speech, which goes beside it
        self.history: Sequence[Message] = turn.history
        self.said = turn.said
        self.remembered: list[Memory] = []
        self.finish = "stop"
        self.voice: Voice | None = None

    def grow(self, event: Event) -> None:
        self.exchange = grow(self.exchange, event)

    @property
    def answered_by_a_model(self) -> bool:
        """Whether a language model was asked, and not the offline engine alone."""
        chosen = getattr(self, "choice", None)
        return chosen is not None and not self.line.provider.offline

    def sense(self, task: Task, where: Where) -> tuple[Line, str]:
        """Who hears or speaks, and with which model."""
        line = self.lines.line("offline") if where == "local" else self.lines.for_sense(task)
        return line, line.model_for(task)

    def request(self, purpose: Purpose, model: str, line: Line) -> RequestSent:
        """The event of one more request."""
        self.requests += 1
        if purpose != "speech":
            self.asked = self.number
        free = line.provider.billing == "free"
        return RequestSent(Request(purpose, model, free=free), self.number)

    @property
    def number(self) -> int:
        """Of the last request, among all that were sent for this reply."""
        return self._before + self.requests - 1

    def errand(self, purpose: Purpose) -> Errand:
        turn = self.turn
        return Errand(
            turn.owner, turn.conversation_id, turn.reply_id, purpose, pool=turn.wishes.pool
        )
