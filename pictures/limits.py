"""How large a picture may be and how much its decoding may take; the refusal of one that cannot be read."""

MAX_PIXELS = 40_000_000
MAX_SIDE = 12_000
LONGEST_SIDE = 1568  # beyond this vision models scale down themselves
LONG = 2.5
"""A drawn page that is so many times as long as wide keeps its width: made small as a whole, nobody
could read it."""
LONG_PIXELS = 12_000_000
PIECE_OVERLAP = 96

MAX_MEMORY = 1 << 30
"""Address space, of which 40 megapixels of WebP take 0.8 GB for a moment and its libraries the rest."""
MAX_CPU_S = 30
WITHIN_S = 60.0


class Refused(Exception):
    """`message` says why a picture cannot be read, `advice` what to do."""

    def __init__(self, message: str, advice: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.advice = advice
