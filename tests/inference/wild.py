"""One answer as a server really sent it."""

from dataclasses import dataclass
from typing import Literal

EVENTS, JSON, HTML = "text/event-stream", "application/json", "text/html"
End = Literal["", "interrupted", "bad", "down", "limited", "long"]


@dataclass(frozen=True)
class Wild:
    """`who` tells where such bytes were seen. What they mean: words, thoughts, calls and the finish,
    or how the reply `fails`; then `says` is in the error's words. `cut`: the line breaks after them.
    """

    who: str
    sent: bytes
    text: str = ""
    thoughts: str = ""
    calls: tuple[tuple[str, str], ...] = ()
    finish: str = ""
    fails: End = ""
    says: str = ""
    cut: bool = False
    kind: str = EVENTS
    tokens: tuple[int, int] = (0, 0)


def sse(*lines: str) -> bytes:
    """Each line as the data of an event of its own."""
    return "".join(f"data: {line}\n\n" for line in lines).encode()
