"""What a tool may touch of the turn that calls it; nothing else of the house is within its reach."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from messages import Media, Memory


@dataclass(frozen=True, slots=True)
class Page:
    """One page of an attached document, counted from 1; `pages` in all."""

    document: str
    number: int
    pages: int
    text: str


@dataclass(frozen=True, slots=True)
class Around:
    """Handed to every tool that has a parameter of this type; it is no part of what a model sees.

    Each callable acts for the owner of the turn alone, and raises ToolError, with a line for the
    model, where it cannot. `forget` takes the id of a memory or words that tell which is meant, and
    gives what it forgot. `pages` gives pages first to last of the attached document of that name
    (the only one, where the name is empty). `draw` asks the provider for a picture of what the words
    describe, in a shape such as "square" ("any" leaves it to the model): 1 request.
    `keep` stores a picture (its bytes, type and name) that is shown in the chat. `owner` is for
    counting alone: what is limited per visitor.
    """

    search: Callable[[str], Awaitable[Sequence[Memory]]]
    remember: Callable[[str], Awaitable[Memory]]
    forget: Callable[[str], Awaitable[Sequence[Memory]]]
    pages: Callable[[str, int, int], Awaitable[Sequence[Page]]]
    draw: Callable[[str, str], Awaitable[Media]]
    keep: Callable[[bytes, str, str], Awaitable[Media]]
    owner: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a tool gives where text alone is not enough: pictures to show, or words of strangers.

    `untrusted` text goes to the model in a marked block that says it is data. One that `failed`
    says why in the words of who failed; a ToolError says it in ours.
    """

    text: str
    pictures: tuple[Media, ...] = ()
    untrusted: bool = False
    failed: bool = False
