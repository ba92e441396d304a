"""How a request came here: from which network, and whether from the very machine that Parley runs on.

What a request says of its own way is believed only where a proxy says it that the operator named.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from gate.names import is_local, is_loopback, name_of

Network = IPv4Network | IPv6Network
UNKNOWN = "unknown"
_BY_A_PROXY = (
    *("forwarded", "via", "x-real-ip", "cf-connecting-ip", "true-client-ip"),
    *("x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-forwarded-port"),
    *("x-forwarded-server", "x-forwarded-prefix", "x-direct-url", "x-original-host"),
)
_HIDDEN = frozenset(name.encode() for name in _BY_A_PROXY)


@dataclass(frozen=True, slots=True)
class Came:
    """`network`: a /24 of IPv4 or a /48 of IPv6, UNKNOWN where a proxy hides it, "" for who sits at
    this machine itself. `local`: that one, come by one of the machine's own names through nobody
    else's hands."""

    network: str = UNKNOWN
    local: bool = False
    https: bool = False


class Arrival:
    """Middleware, the outermost: `scope["state"]["came"]` says it; headers that proxies write are
    taken away, and scheme, host and client are what they really are.

    `proxies` are those that are believed. What comes in at `share_port` comes from a public link, by
    https. `known`: who is at this machine can be told; false where a proxy may stand on it.
    """

    def __init__(
        self,
        app: ASGIApp,
        proxies: Sequence[Network] = (),
        share_port: int = 0,
        *,
        known: bool = True,
    ) -> None:
        self._app = app
        self._proxies = tuple(proxies)
        self._share_port = share_port
        self._known = known and not proxies

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] in ("http", "websocket"):
            scope = self._as_it_is(scope)
        await self._app(scope, receive, send)

    def _as_it_is(self, scope: Scope) -> Scope:
        headers = Headers(scope=scope)
        address = scope["client"][0] if scope.get("client") else ""
        kept = [(name, value) for name, value in scope["headers"] if name not in _HIDDEN]
        server = scope.get("server")
        shared = bool(self._share_port) and server is not None and server[1] == self._share_port
        secure = shared or scope["scheme"] in ("https", "wss")
        local = False
        if self._proxies and _within(address, self._proxies):
            secure = secure or headers.get("x-forwarded-proto", "") in ("https", "wss")
            if named := headers.get("x-forwarded-host", "").rpartition(",")[2].strip():
                kept = [(n, v) for n, v in kept if n != b"host"]
                kept.append((b"host", named.encode("latin-1")))
            address = _before(self._proxies, headers.getlist("x-forwarded-for"))
        elif is_loopback(address):
            local = self._known and not shared and is_operator(scope.get("client"), headers)
            address = address if local else ""
        came = Came("" if local else network(address), local, secure)
        scheme = "ws" if scope["type"] == "websocket" else "http"
        return {
            **scope,
            "headers": kept,
            "client": (address, 0),
            "scheme": scheme + ("s" if secure else ""),
            "state": {**scope.get("state", {}), "came": came},
        }


def is_operator(client: tuple[str, int] | None, headers: Headers) -> bool:
    """Whoever sits at the machine that Parley runs on: where there is no login, there is nothing else
    to tell them by.

    They come from the loopback interface, by one of its names, and through nobody else's hands. A
    visitor of a share link or behind a proxy of this machine comes from there too, but by another
    name or with a header of the proxy; so does a page that has rebound its own name to 127.0.0.1.
    """
    relayed = any(name in headers for name in _BY_A_PROXY)
    local = is_local(name_of(headers.get("host", "")))
    return local and not relayed and is_loopback(client[0] if client else "")


def network(address: str) -> str:
    """Coarse: whoever has one address of a network can have others of it."""
    try:
        found = ip_address(address)
    except ValueError:
        return UNKNOWN
    if found.version == 6 and found.ipv4_mapped:
        found = found.ipv4_mapped
    return str(ip_network((found, 24 if found.version == 4 else 48), strict=False))


def networks(text: str) -> tuple[Network, ...]:
    """Addresses and networks separated by commas. Raises ValueError."""
    return tuple(ip_network(part.strip()) for part in text.split(",") if part.strip())


def _before(proxies: Sequence[Network], forwarded: Iterable[str]) -> str:
    """Who asked the first of our own proxies: each of them wrote down, at the end, who asked it."""
    for part in reversed(",".join(forwarded).split(",")):
        address = part.strip().strip('"')
        if address.count(":") == 1:  # with a port
            address = address.partition(":")[0]
        address = address.strip("[]")
        if not _within(address, proxies):
            return address
    return ""


def _within(address: str, wanted: Sequence[Network]) -> bool:
    try:
        found = ip_address(address)
    except ValueError:
        return False
    return any(found in each for each in wanted)
