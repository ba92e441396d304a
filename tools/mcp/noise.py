"""How much a server may say that nobody asked for: progress, logs, things printed by mistake."""

from time import monotonic

AT_ONCE, A_SECOND = 1_000, 100
FLOODS = "It floods Parley with messages that nobody asked for."


class Floods(Exception):
    """It said more than that."""


class Noise:
    """A bucket that leaks: so many at once, so many a second in the long run."""

    def __init__(self) -> None:
        self._level = 0.0
        self._at = monotonic()

    def add(self, messages: int = 1) -> None:
        """Raises Floods."""
        now = monotonic()
        self._level = max(0.0, self._level - (now - self._at) * A_SECOND) + messages
        self._at = now
        if self._level > AT_ONCE:
            raise Floods(FLOODS)
