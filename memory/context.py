"""The window: what the model will see of all that was said, recalled and told, and what it costs."""

from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from memory import quotations
from memory.calibration import Charges
from memory.measures import Measures
from memory.summaries import Summary
from memory.talk import Talk
from memory.tokens import INDEX, Features, estimate, measure, measure_message
from memory.tokens import estimate_message as estimate_message
from messages import Memory, Message, Text, ToolResult

Billing = Literal["request", "token", "free"]

WISHES_SHARE = 0.25
"""Standing wishes and pinned memories take at most this share of the room."""
RECALLED_TOKENS: dict[Billing, int] = {"request": 8_000, "token": 4_000, "free": 8_000}
RECALLED_SHARE = 0.25
RECALLED_SHARE_OF_SMALL = 0.15
SMALL = 16_000
"""Recalled memories take so many tokens, and at most that share of the room (of a small room)."""

SLIDING_TOKENS = 24_000
SLIDING_SHARE = 0.5
"""Where tokens are billed, so much of the history goes along, but at most that share of the room."""
DEEP = 0.75
"""A history that has to be cut is cut to this share of its room, and then begins at the same place
until that is full again: what a server has cached of the prompt, it can use for all turns between.
Where requests are billed, nothing is cut that has room."""
RETURNS = 0.95
"""What was cut goes along again where everything takes at most this share of its room."""

CLIPPED_CHARS = (32_000, 8_000, 2_000, 500)
"""Results of the running turn's tools are clipped to the first of these that fits."""
CEILING_SHARE = 0.9


class ContextTooSmall(Exception):
    """The system text and what was said alone exceed the window. Counts are estimated tokens."""

    def __init__(self, needed: int, room: int) -> None:
        super().__init__(
            f"This message takes about {needed:,} tokens and the model has room for {room:,}. "
            "Shorten it, send it in parts, or choose a model with a longer window."
        )
        self.needed = needed
        self.room = room


@dataclass(frozen=True, slots=True)
class Room:
    """How much a model takes, and how it counts.

    `tokens` may go to it, the answer not counted. `schemas` is the JSON text of the tools, and of
    whatever else the request says beside its messages. `sees`: pictures go to it as pictures.
    """

    tokens: int
    charges: Charges = field(default_factory=Charges)
    measures: Measures = field(default_factory=Measures)
    schemas: str = ""
    sees: bool = True

    @property
    def limit(self) -> int:
        """Less than `tokens` where the server refused as much before."""
        ceiling = int(self.charges.ceiling * CEILING_SHARE)
        return min(self.tokens, ceiling) if ceiling else self.tokens


@dataclass(frozen=True, slots=True)
class Policy:
    """`whole`: all that fits goes along word for word, whatever it costs.

    `held` is `sent_from` of the window before. A `summary` stands for what it covers, unless that
    goes along word for word. What is recalled is quoted in the system text where requests are billed,
    else before what was said just now (see `_Build.texts`).
    """

    billing: Billing = "request"
    whole: bool = False
    held: str = ""
    summary: Summary | None = None


@dataclass(frozen=True, slots=True)
class Window:
    """What goes to the model. `messages` end with the newest ones, as fit was given them.

    `tokens` is estimated and with its reserve never exceeds `window`. `dropped` counts messages of
    the history that do not go along word for word, `summarised` those of them that a summary
    stands for, and `sent_from` is the first that does, pinned ones aside: empty where none was
    dropped, or none goes along. `recalled` are the memories that found room. `features` is for the
    calibration: what the request is made of.
    """

    system: str
    messages: tuple[Message, ...]
    tokens: int
    window: int
    dropped: int
    summarised: int
    sent_from: str
    recalled: tuple[Memory, ...]
    features: Features


def fit(
    system: str,
    recalled: Sequence[Memory],
    history: Sequence[Message],
    newest: Sequence[Message],
    *,
    room: Room,
    policy: Policy,
) -> Window:
    """Choose what goes along, in this order while there is room: the system text and `newest`;
    standing wishes and pinned memories; pinned exchanges, the newest first; the summary; what is
    recalled, best first; the history, newest first.

    `newest` is what was said just now and, in later rounds of a turn, the reply so far: it always
    goes along, at worst with its tools' results clipped. `history` is oldest first. Raises
    ContextTooSmall, before anything is spent.
    """
    talk = newest_part(history, room, policy)
    build = _Build(system, newest, room, bool(len(talk)))
    build.quote_wishes(recalled)
    while build.cost(talk.features(len(talk))) > room.limit and talk.unpin_oldest():
        pass
    first, covered = _first(talk, build, policy)
    build.quote_recalled(recalled, _recalled_tokens(room, policy), talk.features(len(talk)))
    cut = _cut(talk, build, policy, first)
    sent = talk.sent(cut)
    dropped = len(talk) - len(sent)
    text, said = build.texts(policy.billing, gap=dropped > 0 and not covered)
    features = build.features + talk.features(cut)
    return Window(
        text,
        (*sent, *said),
        int(room.charges.likely(features)),
        room.tokens,
        dropped,
        talk.unsent(cut, before=covered),
        talk.messages[cut].id if dropped and cut < len(talk) else "",
        tuple(build.recalled),
        features,
    )


def span(room: Room, policy: Policy) -> int:
    """How many tokens of the history may go along at most."""
    if policy.billing != "token" or policy.whole:
        return room.limit
    return min(SLIDING_TOKENS, int(room.limit * SLIDING_SHARE))


def newest_part(history: Sequence[Message], room: Room, policy: Policy) -> Talk:
    """As much of the history as could go along, and some more."""
    most, likely = span(room, policy), room.charges.likely
    return Talk(history, room.measures, room.sees, lambda features: likely(features) > most)


def _recalled_tokens(room: Room, policy: Policy) -> int:
    small = room.limit < SMALL
    share = RECALLED_SHARE_OF_SMALL if small else RECALLED_SHARE
    return min(RECALLED_TOKENS[policy.billing], int(room.limit * share))


def standing(summary: Summary | None, talk: Talk) -> int:
    """How many messages a summary stands for; 0 where there is none, or its last one is gone."""
    place = talk.place(summary.upto) if summary and summary.text else None
    return 0 if place is None else place + 1


def smallest_cut(cuts: Sequence[int], fits: Callable[[int], bool]) -> int:
    """The first of `cuts` that fits, as all after it do; else the last."""
    place = bisect_left(cuts, True, hi=len(cuts) - 1, key=fits)
    # By rounding, a later cut might cost more than an earlier one.
    while place < len(cuts) - 1 and not fits(cuts[place]):
        place += 1
    return cuts[place]


def _first(talk: Talk, build: "_Build", policy: Policy) -> tuple[int, int]:
    """Where the sent part may begin at the earliest, and how many messages a summary covers, which
    is then part of the build."""
    covered = standing(policy.summary, talk)
    if policy.summary is None or not covered:
        return 0, 0
    whole = policy.whole and talk.start == 0
    if whole and build.cost(talk.features(0)) <= build.room.limit:
        return 0, 0
    if not build.quote_summary(policy.summary.text, talk.features(len(talk))):
        return 0, 0
    return (0 if policy.whole else covered), covered


def _cut(talk: Talk, build: "_Build", policy: Policy, first: int) -> int:
    """Where the sent part begins."""
    limit, most = build.room.limit, span(build.room, policy)
    likely = build.room.charges.likely
    fixed = build.cost(talk.features(len(talk)))

    def fits(cut: int, share: float = 1.0) -> bool:
        if likely(talk.from_cut(cut)) > most * share:
            return False
        return build.cost(talk.features(cut)) <= fixed + (limit - fixed) * share

    cuts = talk.cuts[bisect_left(talk.cuts, first) :]
    if policy.billing == "request":
        return smallest_cut(cuts, fits)
    held = talk.cut_at(policy.held)
    if held is not None and held < cuts[0]:
        held = None
    everything = talk.start <= first
    if everything and fits(cuts[0], 1.0 if held is None else RETURNS):
        return cuts[0]
    if held is not None and fits(held):
        return held
    return smallest_cut(cuts, lambda cut: fits(cut, DEEP))


class _Build:
    """What goes along beside the history; grows while there is room."""

    def __init__(self, system: str, newest: Sequence[Message], room: Room, earlier: bool) -> None:
        """Raises ContextTooSmall. With `earlier` messages, room is kept to say that some are out."""
        self.room = room
        self.recalled: list[Memory] = []
        self._system = [system] if system else []
        self._quotations = ""
        self._newest = tuple(newest)
        self._fixed = measure(system)
        self._fixed[INDEX["requests"]] = 1
        self._fixed[INDEX["messages"]] = 1
        self._fixed[INDEX["schemas"]] = estimate(room.schemas)
        if earlier:
            self._fixed += measure(quotations.GAP)
        for most in (0, *CLIPPED_CHARS):
            if most:
                self._newest = (newest[0], *(_clipped(message, most) for message in newest[1:]))
            said = sum(measure_message(message, room.sees) for message in self._newest)
            self.features: Features = self._fixed + said
            if self.cost() <= room.limit:
                return
        raise ContextTooSmall(self.cost(), room.limit)

    def cost(self, more: Features | float = 0.0) -> int:
        """Tokens of it all and of `more`, with what is held in reserve."""
        return self.room.charges.careful(self.features + more)

    def quote_wishes(self, memories: Sequence[Memory]) -> None:
        """Standing wishes, within their share of the room."""
        told = [memory for memory in memories if memory.kind == "instruction"]
        share = int(self.room.limit * WISHES_SHARE)
        block = self._quote(told, quotations.wishes, share, 0.0)
        self._system += [block] if block else []

    def quote_recalled(self, memories: Sequence[Memory], most: int, beside: Features) -> None:
        """What is pinned, then the others as they come, within `most` tokens."""
        others = [memory for memory in memories if memory.kind != "instruction"]
        # A passage that is pinned is one that other conversations see, too.
        others.sort(key=lambda memory: not memory.pinned or memory.kind == "passage")
        self._quotations = self._quote(others, quotations.recalled, most, beside)

    def quote_summary(self, text: str, beside: Features) -> bool:
        """Whether there was room for it."""
        block = quotations.summary(text)
        features = measure(block)
        if self.cost(features + beside) > self.room.limit:
            return False
        self.features = self.features + features
        self._system.append(block)
        return True

    def texts(self, billing: Billing, gap: bool) -> tuple[str, tuple[Message, ...]]:
        """The system text, and the newest messages.

        What is recalled changes with every turn. Where that is what costs, or takes time, it stands
        before what was said just now, so that all before it is the same as in the turn before.
        """
        system = [*self._system, quotations.GAP] if gap else list(self._system)
        first = self._newest[0]
        if self._quotations and billing == "request":
            system.append(self._quotations)
        elif self._quotations:
            first = replace(first, parts=(Text(self._quotations), *first.parts))
        return "\n\n".join(system), (first, *self._newest[1:])

    def _quote(
        self,
        memories: Sequence[Memory],
        block: Callable[[Sequence[Memory]], str],
        most: int,
        beside: Features | float,
    ) -> str:
        """The block of as many memories, in their order, as there is room for."""
        likely, limit = self.room.charges.likely, self.room.limit
        chosen: list[Memory] = []
        used: Features | float = 0.0
        for memory in memories:
            # The words around a block are counted with each: that much is to spare.
            more = measure(block((memory,))) if not chosen else measure(quotations.line(memory))
            if likely(used + more) <= most and self.cost(used + more + beside) <= limit:
                chosen.append(memory)
                used = used + more
        while chosen:
            text = block(chosen)
            features = measure(text)
            if self.cost(features + beside) <= limit:
                self.features = self.features + features
                self.recalled += chosen
                return text
            chosen.pop()
        return ""


def _clipped(message: Message, most: int) -> Message:
    """The message with its tools' results cut in the middle to about `most` characters each."""
    parts = tuple(
        replace(part, text=_without_middle(part.text, most))
        if isinstance(part, ToolResult)
        else part
        for part in message.parts
    )
    return replace(message, parts=parts)


def _without_middle(text: str, most: int) -> str:
    if len(text) <= most + 100:
        return text
    head, tail = most * 2 // 3, most // 3
    return f"{text[:head]}\n[{len(text) - head - tail:,} characters left out]\n{text[-tail:]}"
