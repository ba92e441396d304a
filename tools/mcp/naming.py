"""Names under which a model calls the tools of servers: `server__tool`, within what all APIs take."""

import hashlib
import re
from collections import Counter
from collections.abc import Sequence

MAX_NAME = 64  # of [a-zA-Z0-9_-], by OpenAI's API and all that follow it
MAX_SERVER = 24


def server_names(servers: Sequence[str]) -> list[str]:
    """One for each, no two the same, and each the same in every run.

    None ends with "_" or holds "__": where the tool's own name begins is never in doubt.
    """
    plain = [re.sub("_+", "_", _plain(name)).strip("_") for name in servers]
    return _told_apart(servers, plain, MAX_SERVER)


def tool_names(server: str, tools: Sequence[str]) -> list[str]:
    """`server` is a name that `server_names` gave. Permissions are kept by these names."""
    whole = [f"{server}__{tool}" for tool in tools]
    return _told_apart(whole, [f"{server}__{_plain(tool)}" for tool in tools], MAX_NAME)


def _told_apart(names: Sequence[str], plain: Sequence[str], longest: int) -> list[str]:
    """What had to be changed and would then meet another, or is too long, gets a digest of itself."""
    often = Counter(plain)

    def short(name: str, simple: str) -> str:
        if simple and len(simple) <= longest and (often[simple] == 1 or simple == name):
            return simple
        digest = hashlib.sha256(name.encode("utf-8", "replace")).hexdigest()[:8]
        return f"{simple[: longest - 9].rstrip('_')}_{digest}".lstrip("_")

    return [short(name, simple) for name, simple in zip(names, plain, strict=True)]


def _plain(name: str) -> str:
    return re.sub(r"[^a-zA-Z0-9_-]", "_", name)
