"""What two programs share: a tree of messages, of which one way is shown, and turns put together of it."""

from collections.abc import Callable, Mapping
from dataclasses import replace

from messages import Message, Part, Provenance, Role, new_id
from porting.carried import MOST_MESSAGES


def way_to(
    last: str, nodes: Mapping[str, object], parent: Callable[[object], object]
) -> list[object]:
    """The nodes from the first to `last`; a loop ends it, as does a parent that is not there."""
    way: list[object] = []
    seen: set[str] = set()
    at: object = last
    while isinstance(at, str) and at in nodes and at not in seen and len(way) < MOST_MESSAGES:
        seen.add(at)
        way.append(nodes[at])
        at = parent(nodes[at])
    return way[::-1]


def last_of(nodes: Mapping[str, object], parent: Callable[[object], object]) -> str:
    """A node that nobody follows, the last in the file; "" where there is none."""
    parents = {found for node in nodes.values() if isinstance(found := parent(node), str)}
    ends = [name for name in nodes if name not in parents]
    return ends[-1] if ends else ""


class Turns:
    """Messages in order; what one side says in several pieces becomes one message."""

    def __init__(self) -> None:
        self.messages: list[Message] = []

    def add(self, role: Role, parts: tuple[Part, ...], at: float, model: str = "") -> None:
        if not parts:
            return
        last = self.messages[-1] if self.messages else None
        if last and last.role == role:
            about = last.provenance
            if about and model and not about.model:
                about = replace(about, model=model)
            joined = replace(last, parts=(*last.parts, *parts), provenance=about)
            self.messages[-1] = joined
            return
        at = max(at, last.at) if last else at
        about = Provenance(model=model[:300]) if role == "assistant" else None
        self.messages.append(Message(new_id(), role, parts, at, provenance=about))
