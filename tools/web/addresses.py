"""Which URLs may be fetched and which addresses may be connected to: public ones, plainly written."""

import re
import unicodedata
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address
from urllib.parse import quote

import idna

from tools.router import ToolError

MAX_URL = 2_048
PORTS = {"http": 80, "https": 443}

_URL = re.compile(r"(https?)://([^/?#]*)([^#]*)(?:#.*)?", re.IGNORECASE)
_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_LAST_LABEL = re.compile(r"[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?")
"""No top-level domain begins with a digit; every way to write a number as a host ends in one."""
_NOT_PUBLIC = frozenset(
    "local localhost localdomain internal intranet lan home corp private priv domain workgroup "
    "arpa alt onion test invalid example svc".split()
)
_IPV4_DENIED = [
    IPv4Network(net)
    for net in (
        "0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 192.0.0.0/24 "
        "192.0.2.0/24 192.88.99.0/24 192.168.0.0/16 198.18.0.0/15 198.51.100.0/24 203.0.113.0/24 "
        "224.0.0.0/4 240.0.0.0/4 168.63.129.16/32"
    ).split()
]
_IPV6_GLOBAL = IPv6Network("2000::/3")
_IPV6_DENIED = [
    IPv6Network(net) for net in ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20")
]


@dataclass(frozen=True, slots=True)
class Place:
    """A URL taken apart once: these very parts are connected to. `host` is ASCII, lower case."""

    scheme: str
    host: str
    port: int
    target: str

    def __str__(self) -> str:
        port = "" if self.port == PORTS[self.scheme] else f":{self.port}"
        return f"{self.scheme}://{self.host}{port}{self.target}"


def place_of(url: str) -> Place:
    """Raises ToolError for what is no plainly written URL of a public host."""
    if len(url) > MAX_URL:
        raise ToolError(f"The URL is longer than {MAX_URL:,} characters.")
    if "\\" in url or any(unicodedata.category(char)[0] in "CZ" for char in url):
        raise ToolError("The URL holds a space, a backslash or an invisible character.")
    parts = _URL.fullmatch(url)
    if parts is None:
        raise ToolError("Only http:// and https:// URLs can be read.")
    scheme, authority, rest = parts[1].lower(), parts[2], parts[3]
    if "@" in authority:
        raise ToolError("A URL with a user name in it is not read.")
    host, colon, port = authority.partition(":")
    if colon and port not in ("80", "443"):
        raise ToolError("Only the ports 80 and 443 are read.")
    target = quote(rest, safe="/%:?@!$&'()*+,;=~-._[]") if rest else "/"
    if target.startswith("?"):
        target = "/" + target
    return Place(scheme, _public_name(host), int(port) if port else PORTS[scheme], target)


def _public_name(host: str) -> str:
    name = host
    if not host.isascii():
        try:
            name = idna.encode(host, uts46=True, std3_rules=True).decode()
        except (idna.IDNAError, UnicodeError):
            raise ToolError("That is no name of a host.") from None
    name = name.lower().removesuffix(".")
    labels = name.split(".")
    plain = all(_LABEL.fullmatch(label) for label in labels) and len(name) <= 253
    if not plain or not _LAST_LABEL.fullmatch(labels[-1]):
        raise ToolError("The URL needs the name of a public host, such as https://example.org/.")
    if len(labels) < 2 or labels[-1] in _NOT_PUBLIC:
        raise ToolError(f"{name} is not a public host.")
    return name


def is_public(address: str) -> bool:
    """Whether an address, as DNS gave it, lies in the public Internet."""
    if "%" in address:
        return False
    try:
        found = ip_address(address)
    except ValueError:
        return False
    if isinstance(found, IPv6Address):
        return found in _IPV6_GLOBAL and not any(found in net for net in _IPV6_DENIED)
    return not any(found in net for net in _IPV4_DENIED)
