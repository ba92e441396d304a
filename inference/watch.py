"""Which deadline of a streamed reply runs out next, and the words when it does."""

from collections.abc import Callable

from inference.backend import BackendError, Interrupted, ProviderDown
from inference.server_errors import Asked
from inference.transport import Deadlines
from inference.waits import span

_SLOW = "Retry; if it goes on, choose another model."


class Watch:
    """Begins when a request is sent; `clock` gives monotonic seconds.

    Tell it of every piece with `heard`; `until` is when to give up on the next, `lapsed` says why.
    """

    def __init__(self, deadlines: Deadlines, clock: Callable[[], float]) -> None:
        self._deadlines = deadlines
        self._clock = clock
        self._sent = self._last_answer = self._last_bytes = clock()
        self._signs = 0

    def heard(self, signs: int) -> None:
        """Bytes came. `signs` counts what belonged to an answer so far: where it stands, they pinged."""
        self._last_bytes = self._clock()
        if signs > self._signs:
            self._signs, self._last_answer = signs, self._last_bytes

    @property
    def until(self) -> float:
        """On the clock."""
        ends = [self._last_bytes + self._pause, self._last_answer + self._deadlines.pinging]
        if self._deadlines.total is not None:
            ends.append(self._sent + self._deadlines.total)
        return min(ends)

    def lapsed(self, asked: Asked) -> BackendError:
        """The error for a deadline that ran out; what had arrived is kept."""
        who, total = asked.who, self._deadlines.total
        if total is not None and self._clock() >= self._sent + total:
            message = f"The reply took longer than the {span(total)} allowed."
            advice = "Ask for less at once, or allow more time."
            return Interrupted(message, advice) if self._signs else ProviderDown(message, advice)
        pinged = self._last_bytes > self._last_answer
        if pinged and self._last_bytes + self._pause > self._clock():
            message = (
                f"{who} kept the line open for {span(self._deadlines.pinging)} without a word."
            )
        elif self._signs:
            return Interrupted(
                f"{who} fell silent in the middle, for {span(self._pause)}.", "Retry the message."
            )
        else:
            message = f"{who} did not answer in time: nothing came within {span(self._pause)}."
        return Interrupted(message, _SLOW) if self._signs else ProviderDown(message, _SLOW)

    @property
    def _pause(self) -> float:
        return self._deadlines.silence if self._signs else self._deadlines.first_token
