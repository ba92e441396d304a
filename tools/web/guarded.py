"""Fetching what strangers name: every address is checked where it is connected to.

A URL can lead inside by its host's spelling, by DNS, by a redirect, or by DNS answering otherwise
the second time. So names are resolved here, once a connection; every answer must be public; and the
connection goes to an address that was checked, while Host and TLS keep the name.
"""

import asyncio
import socket
import zlib
from collections.abc import Awaitable, Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import urljoin

import httpcore2

from tools.router import ToolError
from tools.web.addresses import Place, is_public, place_of
from tools.web.tls import trusted

MAX_BYTES = 2_000_000  # of a page
MAX_REDIRECTS = 4
MOST_ADDRESSES = 4  # of one name that are tried
_HEADERS = [
    ("User-Agent", "Parley (reads a page when its user asks for it)"),
    ("Accept-Encoding", "identity"),
    ("Connection", "close"),
]
# Lookups that hang hold their thread: they have their own, so that nothing else waits for them.
_lookups = ThreadPoolExecutor(4, thread_name_prefix="dns")

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
"""All addresses of a host. Raises OSError."""


@dataclass(frozen=True, slots=True)
class Patience:
    """Seconds that are waited: for a connection, for the next bytes, for all of it."""

    connect: float = 5.0
    read: float = 8.0
    total: float = 15.0

    @property
    def timeouts(self) -> dict[str, float]:
        """As httpcore names them."""
        return {
            "connect": self.connect,
            "read": self.read,
            "write": self.read,
            "pool": self.connect,
        }


@dataclass(frozen=True, slots=True)
class Kind:
    """What is fetched: the types that pass, those that end in "/" with all below them; how many bytes
    at most, as they come over the wire and as they are decoded; what is said of all else.
    """

    types: tuple[str, ...]
    max_bytes: int
    otherwise: str

    @property
    def accepted(self) -> str:
        """What is asked for in a request."""
        return ", ".join(t + "*" if t.endswith("/") else t for t in self.types)

    def passes(self, mime: str) -> bool:
        return mime in self.types or mime.partition("/")[0] + "/" in self.types


PAGES = Kind(
    (
        "text/html",
        "application/xhtml+xml",
        "text/",
        *("application/json", "application/xml", "application/pdf"),
    ),
    MAX_BYTES,
    "That is no web page, text or PDF.",
)
PICTURES = Kind(
    ("image/", "application/octet-stream"), 25_000_000, "There is no picture where one should be."
)


class Dial(Protocol):
    """A TCP connection to an address that was checked."""

    async def __call__(
        self,
        address: str,
        port: int,
        timeout: float | None,  # noqa: ASYNC109 httpcore's own word
    ) -> httpcore2.AsyncNetworkStream: ...


@dataclass(frozen=True, slots=True)
class Fetched:
    """`cut` says that there was more than that kind's `max_bytes`. `charset` is empty where nobody said."""

    place: Place
    mime: str
    charset: str
    data: bytes
    cut: bool


async def system_resolve(host: str, port: int) -> Sequence[str]:
    loop = asyncio.get_running_loop()
    found = await loop.run_in_executor(
        _lookups, lambda: socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    )
    return list(dict.fromkeys(str(answer[4][0]) for answer in found))


async def system_dial(
    address: str,
    port: int,
    timeout: float | None,  # noqa: ASYNC109 httpcore's own word
) -> httpcore2.AsyncNetworkStream:
    return await httpcore2.AnyIOBackend().connect_tcp(address, port, timeout)


class GuardedNetwork(httpcore2.AsyncNetworkBackend):
    """Resolves once, lets no answer pass that is not public, and connects to what it checked."""

    def __init__(self, resolve: Resolve = system_resolve, dial: Dial = system_dial) -> None:
        self._resolve = resolve
        self._dial = dial

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 httpcore's own word
        local_address: str | None = None,  # noqa: ARG002
        socket_options: Iterable[Any] | None = None,  # noqa: ARG002
    ) -> httpcore2.AsyncNetworkStream:
        try:
            async with asyncio.timeout(timeout):
                addresses = await self._resolve(host, port)
                if not addresses or not all(is_public(address) for address in addresses):
                    raise ToolError(f"{host} is not a public host.")
                return await self._first(addresses[:MOST_ADDRESSES], port, timeout)
        except TimeoutError:
            raise ToolError(f"{host} could not be reached within {timeout or 0:g} s.") from None
        except (OSError, UnicodeError, httpcore2.NetworkError, httpcore2.TimeoutException):
            raise ToolError(f"{host} could not be reached.") from None

    async def _first(
        self,
        addresses: Sequence[str],
        port: int,
        timeout: float | None,  # noqa: ASYNC109
    ) -> httpcore2.AsyncNetworkStream:
        for address in addresses[:-1]:
            try:
                return await self._dial(address, port, timeout)
            except (OSError, httpcore2.NetworkError, httpcore2.TimeoutException):
                continue
        return await self._dial(addresses[-1], port, timeout)

    async def connect_unix_socket(self, *_: Any, **__: Any) -> httpcore2.AsyncNetworkStream:
        raise ToolError("Only public hosts are read.")

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class Fetcher:
    """GET without cookies, credentials or proxies; redirects are followed here, each checked anew."""

    def __init__(
        self,
        network: GuardedNetwork | None = None,
        kind: Kind = PAGES,
        patience: Patience = Patience(),
    ) -> None:
        self._network = network or GuardedNetwork()
        self._kind = kind
        self._patience = patience

    async def fetch(self, url: str) -> Fetched:
        """Raises ToolError, with nothing in it that the host could have written."""
        place = place_of(url)
        try:
            async with asyncio.timeout(self._patience.total):
                for _ in range(MAX_REDIRECTS + 1):
                    found = await self._get(place)
                    if isinstance(found, Fetched):
                        return found
                    place = found
        except TimeoutError:
            raise ToolError(f"{place.host} took longer than {self._patience.total:g} s.") from None
        raise ToolError(f"{place.host} redirects more than {MAX_REDIRECTS} times.")

    async def _get(self, place: Place) -> Fetched | Place:
        """What is there, or where it says to look instead."""
        tls = await trusted() if place.scheme == "https" else None
        pool = httpcore2.AsyncConnectionPool(
            ssl_context=tls,
            network_backend=self._network,
            max_connections=1,
            max_keepalive_connections=0,
        )
        url = httpcore2.URL(
            scheme=place.scheme, host=place.host, port=place.port, target=place.target
        )
        host = place.host if f":{place.port}" not in str(place) else f"{place.host}:{place.port}"
        try:
            async with (
                pool,
                pool.stream(
                    "GET",
                    url,
                    headers=[("Host", host), ("Accept", self._kind.accepted), *_HEADERS],
                    extensions={"timeout": self._patience.timeouts},
                ) as response,
            ):
                return await _read(place, response, self._kind)
        except httpcore2.TimeoutException:
            raise ToolError(f"{place.host} was silent for {self._patience.read:g} s.") from None
        except (httpcore2.NetworkError, httpcore2.ProtocolError, OSError):
            raise ToolError(f"{place.host} broke off, or does not speak HTTP.") from None


async def _read(place: Place, response: httpcore2.Response, kind: Kind) -> Fetched | Place:
    headers = {name.lower(): value.decode("latin-1") for name, value in response.headers}
    if response.status in (301, 302, 303, 307, 308) and b"location" in headers:
        return place_of(urljoin(str(place), headers[b"location"]))
    if response.status != 200:
        raise ToolError(f"{place.host} answered with status {response.status}.")
    mime, charset = _content_type(headers.get(b"content-type", ""))
    if not kind.passes(mime):
        raise ToolError(kind.otherwise)
    decoded = _decoder(headers.get(b"content-encoding", ""))
    data, wire = bytearray(), 0
    async for piece in response.aiter_stream():
        wire += len(piece)
        data += decoded(piece, kind.max_bytes + 1 - len(data))
        if max(wire, len(data)) > kind.max_bytes:
            return Fetched(place, mime, charset, bytes(data[: kind.max_bytes]), cut=True)
    return Fetched(place, mime, charset, bytes(data), cut=False)


def _content_type(header: str) -> tuple[str, str]:
    mime, _, rest = header.partition(";")
    charset = rest.lower().partition("charset=")[2].partition(";")[0].strip(" \"'")
    return mime.strip().lower(), charset if charset.replace("-", "").isalnum() else ""


def _decoder(encoding: str) -> Callable[[bytes, int], bytes]:
    """Never gives more than it is asked for: what a few bytes inflate to may fill any memory."""
    match encoding.strip().lower():
        case "" | "identity":
            return lambda piece, most: piece[:most]
        case "gzip" | "x-gzip" | "deflate":
            inflating = zlib.decompressobj(wbits=zlib.MAX_WBITS | 32)

            def inflate(piece: bytes, most: int) -> bytes:
                try:
                    return inflating.decompress(piece, most) if most > 0 else b""
                except zlib.error:
                    raise ToolError("The page is packed in a way that cannot be read.") from None

            return inflate
    raise ToolError("The page is packed in a way that is not read.")
