"""What the operator decided: by which names, through which proxies and with what login Parley is reached."""

from dataclasses import dataclass, field
from pathlib import Path

from gate.arrival import Came, Network
from gate.hugging_face import HuggingFace
from gate.names import Names
from gate.users import Users


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """`known`: who sits at this machine can be told from others (gate/arrival.py).

    `users` log in everywhere. `link_password` is asked for instead of a name, of all who do not sit at
    this machine. With neither everybody may come in, as a stranger to all others.
    """

    names: Names = field(default_factory=Names)
    proxies: tuple[Network, ...] = ()
    known: bool = True
    space: str = ""
    """The host of the Hugging Face Space that this is, if it is one."""
    forgets: bool = False
    """Whether that has no storage, so that what it keeps is gone when it starts again."""
    share_port: int = 0
    users: Users | None = None
    link_password: str = field(default="", repr=False)
    hugging_face: HuggingFace | None = None
    ended: Path | None = None
    """Where logins that were given back are written down."""

    def is_closed_to(self, came: Came) -> bool:
        """Whether a login is asked for."""
        return self.users is not None or (bool(self.link_password) and not came.local)
