"""How a server is, for the operator who reads it."""

from dataclasses import dataclass, field
from typing import Literal

from tools.mcp.pins import Change

State = Literal["connecting", "ready", "failed", "changed"]


@dataclass(frozen=True, slots=True)
class ServerStatus:
    """`tools` are the names under which its tools are offered just now.

    A server that is "changed" works; what waits to be approved is in `changes`, and `seen` is what
    approves just that. `error` is the last one, in a line or a few, without the secrets of mcp.json;
    the server itself may have written it: it is plain text, to be shown as such. One that "failed"
    is started again at `again_at` (seconds since 1970), or not at all where that is 0. One that is
    "connecting" does so `since` then.
    """

    name: str
    state: State
    tools: tuple[str, ...] = ()
    error: str = ""
    changes: tuple[Change, ...] = ()
    seen: str = ""
    again_at: float = 0.0
    since: float = field(default=0.0, compare=False)

    @property
    def told(self) -> str:
        """In a sentence."""
        many = f"{len(self.tools)} tool{'' if len(self.tools) == 1 else 's'}"
        match self.state:
            case "connecting":
                return "Connecting."
            case "failed":
                return f"Not connected. {self.error}"
            case "changed":
                names = ", ".join(change.tool for change in self.changes[:5])
                more = len(self.changes) - 5
                return (
                    f"Ready with {many}. What it says of {names}{f' and {more} more' if more > 0 else ''} "
                    "is not what was approved: not offered until you approve."
                )
            case "ready":
                return f"Ready with {many}. {self.error}".strip()


@dataclass(frozen=True, slots=True)
class Pace:
    """Seconds: until a server must have told its tools; between attempts, at first and at most.

    A server that was ready for `steady_s` is tried again at once when it ends. What a server adds
    within `settle_s` of being met first still counts as found then. `relist_s` lie between two
    looks at its tools.
    """

    start_s: float = 60.0
    first_s: float = 1.0
    most_s: float = 300.0
    steady_s: float = 60.0
    settle_s: float = 5.0
    relist_s: float = 2.0
