"""The names by which Parley may be reached. A page elsewhere can point a name of its own at this
machine (DNS rebinding), and would then be taken for ours: so other names are refused."""

import re
from collections.abc import Iterable
from ipaddress import ip_address
from urllib.parse import urlsplit

_HOST = re.compile(r"(?:\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::\d{1,5})?")
_STANDARD = {"http": ":80", "https": ":443"}


class Names:
    """`public` are those the operator gave. `any_address`: Parley listens at every address of its
    machine, and may be asked by each; an address in numbers cannot be pointed elsewhere."""

    def __init__(self, public: Iterable[str] = (), *, any_address: bool = False) -> None:
        self._public = {name.strip().lower() for name in public} - {""}
        self._any_address = any_address

    def add(self, name: str) -> None:
        """Known from now on, such as the host of a link that was just opened."""
        self._public.add(name.lower())

    def knows(self, host: str) -> bool:
        name = name_of(host)
        if not name:
            return False
        return name in self._public or is_local(name) or (self._any_address and _numbers(name))

    def is_page_of_ours(self, origin: str, host: str) -> bool:
        """Whether the page at `origin` is one that Parley serves, the request being for `host`."""
        try:
            page = urlsplit(origin.lower())
            name = page.hostname or ""
        except ValueError:
            return False
        if page.scheme not in _STANDARD or not page.netloc or "@" in page.netloc:
            return False
        host, same = host.lower(), (page.netloc, page.netloc.removesuffix(_STANDARD[page.scheme]))
        # A proxy may ask for us by another name than the one in the address bar.
        return host in same or name in self._public


def name_of(host: str) -> str:
    """The name or address in a Host header, "" where it holds anything else."""
    host = host.lower()
    if not _HOST.fullmatch(host):
        return ""
    try:
        return (urlsplit(f"//{host}").hostname or "").rstrip(".")
    except ValueError:
        return ""


def is_local(name: str) -> bool:
    """Whether `name` always means the machine that it is said on."""
    return name == "localhost" or name.endswith(".localhost") or is_loopback(name)


def is_loopback(address: str) -> bool:
    try:
        return ip_address(address).is_loopback
    except ValueError:
        return False


def _numbers(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True
