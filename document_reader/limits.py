"""How large a document may be, and the refusal of one that cannot be read."""

MAX_PAGES = 2_000
MAX_CHARS = 5_000_000
PAGE_CHARS = 3_000
"""What has no pages of its own is cut at the ends of lines, after about so many characters."""

MAX_SCANS = 20
LONGEST_SIDE = 1568
STRAY_CHARS = 60
"""Pages that are pictures: so many of them are drawn at most, so large, and these have no more text."""
MAX_SCANS_CPU_S = 40

MAX_MEMORY = 1 << 30
MAX_CPU_S = 100


class Refused(Exception):
    """`message` says why a document cannot be read, `advice` what to do."""

    def __init__(self, message: str, advice: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.advice = advice
