"""What a call costs, in words: before it begins, and while its turns run. Pure."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from components.render import spent
from components.words import count, say
from messages import Purpose, Request


@dataclass(frozen=True, slots=True)
class Prices:
    """Whether understanding, answering and speaking are requests that count."""

    hearing: bool
    answer: bool
    speech: bool

    def told(self) -> str:
        """What each turn costs at least, tools apart."""
        named = [(say("transcription"), self.hearing), (say("answer"), self.answer)]
        paid = [name for name, counts in named if counts]
        if not paid and self.speech:
            return say("A call turn costs speech only.")
        if not paid:
            return say("A call turn costs no requests.")
        requests, kinds = _requests(len(paid)), ", ".join(paid)
        if self.speech:
            return say(
                "A call turn costs {requests} ({kinds}) plus speech.",
                requests=requests,
                kinds=kinds,
            )
        return say("A call turn costs {requests} ({kinds}).", requests=requests, kinds=kinds)


class Meter:
    """Counts what the turns of one call have really sent."""

    def __init__(self) -> None:
        self._ended = 0  # requests of the turns before
        self._heard = 0  # transcriptions that no reply tells of, since they came before it
        self._now: tuple[Request, ...] = ()

    def heard(self) -> None:
        """A recording was understood by a provider that counts it."""
        self._heard += 1

    def reply(self, requests: Sequence[Request]) -> bool:
        """What the running reply has sent so far; whether that is news."""
        news = len(requests) != len(self._now)
        self._now = tuple(requests)
        return news

    def close(self) -> None:
        """The turn is over; the next one counts from none."""
        self._ended += sum(self._counted().values())
        self._heard, self._now = 0, ()

    def told(self) -> str:
        """Such as "This turn: 2 requests: 1 transcription + 1 answer. This call: 7 requests"."""
        now = self._counted()
        total = self._ended + sum(now.values())
        if not now:
            return say("This call: {requests}.", requests=_requests(total)) if total else ""
        rows = tuple(Request(purpose, "") for purpose, n in now.items() for _ in range(n))
        return say(
            "This turn: {spent}. This call: {requests}.",
            spent=spent(rows),
            requests=_requests(total),
        )

    def _counted(self) -> Counter[Purpose]:
        counted = Counter[Purpose](r.purpose for r in self._now if not r.free)
        if self._heard > counted["transcription"]:  # a reply tells only of those that led to it
            counted["transcription"] = self._heard
        return +counted


def _requests(number: int) -> str:
    return count(number, "1 request", "{n} requests")
