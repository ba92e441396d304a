"""Whose turn it is to speak in a call: probabilities of speech in, events out. Pure.

One probability is one frame of 512 samples at 16 kHz, 32 ms. Positions are samples since the call
began; what is heard while nobody listens counts as well, so that they stay true.
"""

from dataclasses import dataclass
from math import ceil
from typing import Literal

FRAME = 512
RATE_HZ = 16_000
SPEECH = 0.5  # above it a frame is voice
SILENCE = 0.35  # below it a pause begins; what lies between lets a pause go on
BREATH = 6  # frames without voice (0.2 s) after which an onset was a click or a cough

Phase = Literal["listening", "hearing", "answering", "resting"]
"""Waiting for a word; hearing one; the other side's turn; deaf until woken."""


@dataclass(frozen=True, slots=True)
class Limits:
    """In seconds. `before` and `after` go along with a take on its two sides."""

    start: float = 0.2
    end_of_turn: float = 0.7
    barge_in: float = 0.4
    no_speech: float = 8.0
    rest: float = 90.0
    longest: float = 100.0
    before: float = 0.3
    after: float = 0.2


@dataclass(frozen=True, slots=True)
class SpeechBegan:
    """Somebody has spoken since the sample `first`."""

    first: int


@dataclass(frozen=True, slots=True)
class BargedIn:
    """The same, but into the other side's turn, which ends by it."""

    first: int


@dataclass(frozen=True, slots=True)
class TurnTaken:
    """What was said lies in samples[first:last]; `cut`: it was as long as a take may be."""

    first: int
    last: int
    cut: bool = False


@dataclass(frozen=True, slots=True)
class NothingYet:
    """Nobody spoke for a while; it is still listened."""


@dataclass(frozen=True, slots=True)
class Rested:
    """Nobody spoke for long: deaf until woken."""


Event = SpeechBegan | BargedIn | TurnTaken | NothingYet | Rested


class TurnTaking:
    """Every SpeechBegan and BargedIn is followed by one TurnTaken before the next of them.

    After a TurnTaken it is the other side's turn until `listen`, or until somebody barges in.
    `deaf` hears nothing of what comes in the other side's turn.
    """

    def __init__(self) -> None:
        self.limits = Limits()
        self.phase: Phase = "listening"
        self.deaf = False
        self._now = 0  # frames so far
        self._armed = 0  # the frame since which it is listened
        self._told = False  # that nobody spoke yet
        self._onset = 0
        self._voiced = 0
        self._quiet = 0
        self._free = 0  # the frame up to which all was taken
        self._cut = False  # off in mid-speech: the rest of it is nothing new

    @property
    def needed(self) -> int:
        """The first sample that may still be asked for."""
        begun = self._onset if self._voiced or self.phase == "hearing" else self._now
        return self._begin(begun) * FRAME

    def hear(self, probability: float) -> list[Event]:
        """What one more frame means."""
        self._now += 1
        if self.phase == "hearing":
            return self._hearing(probability)
        if self.phase == "resting" or (self.phase == "answering" and self.deaf):
            self._voiced = 0
            return []
        self._count(probability)
        answering = self.phase == "answering"
        if self._voiced >= self._frames(self.limits.barge_in if answering else self.limits.start):
            self.phase, self._quiet = "hearing", 0
            first = self._begin(self._onset) * FRAME
            return [BargedIn(first) if answering else SpeechBegan(first)]
        return [] if answering or self._voiced else self._waiting()

    def listen(self) -> None:
        """The other side has ended, or whoever rested is back: listen for a word anew."""
        if self.phase != "hearing":
            self.phase, self._armed, self._told = "listening", self._now, False

    def answer(self) -> None:
        """The other side begins, though nobody has spoken to it here."""
        self.phase, self._voiced = "answering", 0

    def rest(self) -> None:
        """Be deaf until `listen`. What was begun to be said is passed over."""
        self.phase, self._voiced, self._free = "resting", 0, self._now

    def _hearing(self, probability: float) -> list[Event]:
        if probability > SPEECH:
            self._quiet = 0
        elif self._quiet or probability < SILENCE:
            self._quiet += 1
        cut = self._now - self._onset >= self._frames(self.limits.longest)
        if self._quiet < self._frames(self.limits.end_of_turn) and not cut:
            return []
        first = self._begin(self._onset)
        spoken_until = self._now - self._quiet
        last = min(self._now, spoken_until + self._frames(self.limits.after))
        self.phase, self._voiced, self._free, self._cut = "answering", 0, last, cut
        return [TurnTaken(first * FRAME, last * FRAME, cut)]

    def _count(self, probability: float) -> None:
        """Frames of voice that belong together; a longer gap among them begins them anew."""
        if probability > SPEECH:
            if not self._voiced:
                self._onset = self._now - 1
            self._voiced += not self._cut
            self._quiet = 0
            return
        self._quiet += 1
        if self._quiet > BREATH:
            self._voiced, self._cut = 0, False

    def _waiting(self) -> list[Event]:
        waited = self._now - self._armed
        if waited >= self._frames(self.limits.rest):
            self.rest()
            return [Rested()]
        if not self._told and waited >= self._frames(self.limits.no_speech):
            self._told = True
            return [NothingYet()]
        return []

    def _begin(self, onset: int) -> int:
        """A little before the onset, but nothing that was taken before."""
        return max(self._free, onset - self._frames(self.limits.before))

    @staticmethod
    def _frames(seconds: float) -> int:
        return ceil(seconds * RATE_HZ / FRAME)
