"""The SDK's requests by aiohttp: two thirds of the CPU that its usual transport takes for a token."""

from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Any

import aiohttp
import httpx2

KEPT_S = 2.0
"""How long an idle connection is kept: many servers close theirs after five seconds, and what was sent
in that moment is lost, perhaps paid for."""
LONGEST_LINE = 64 * 1024

_MEANS: tuple[tuple[type[Exception], type[httpx2.TransportError]], ...] = (
    (aiohttp.ClientProxyConnectionError, httpx2.ProxyError),
    (aiohttp.ClientHttpProxyError, httpx2.ProxyError),
    (aiohttp.ClientConnectorError, httpx2.ConnectError),
    (aiohttp.ConnectionTimeoutError, httpx2.ConnectTimeout),
    (aiohttp.ServerTimeoutError, httpx2.ReadTimeout),
    (aiohttp.InvalidURL, httpx2.UnsupportedProtocol),
    (aiohttp.NonHttpUrlClientError, httpx2.UnsupportedProtocol),
    (aiohttp.ServerDisconnectedError, httpx2.RemoteProtocolError),
    (aiohttp.ClientPayloadError, httpx2.RemoteProtocolError),
    (aiohttp.ClientResponseError, httpx2.RemoteProtocolError),
    (aiohttp.ClientError, httpx2.ReadError),
)
"""The first that fits. Only a ConnectError or ConnectTimeout says that nothing was sent."""


class AioTransport(httpx2.AsyncBaseTransport):
    """Keeps no cookies and follows no redirect. `trust_env`: by the environment's proxies.

    To be made in a thread: reading the certificates takes a while.
    """

    def __init__(self, *, trust_env: bool) -> None:
        self._trust_env = trust_env
        self._tls = httpx2.create_ssl_context(trust_env=trust_env)
        self._session: aiohttp.ClientSession | None = None

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        limits: dict[str, Any] = request.extensions.get("timeout", {})
        with _meaning():
            answer = await self._opened().request(
                request.method,
                str(request.url),
                headers=request.headers.multi_items(),
                data=await request.aread() or None,
                skip_auto_headers=("Content-Type",),
                allow_redirects=False,
                timeout=aiohttp.ClientTimeout(
                    connect=limits.get("pool"),
                    sock_connect=limits.get("connect"),
                    sock_read=limits.get("read"),
                ),
            )
        return httpx2.Response(
            answer.status, headers=list(answer.raw_headers), stream=_Body(answer), request=request
        )

    async def aclose(self) -> None:
        if self._session is not None:
            await self._session.close()

    def _opened(self) -> aiohttp.ClientSession:
        """Made by the first request: it belongs to the loop that runs then."""
        if self._session is None:
            connector = aiohttp.TCPConnector(limit=0, ssl=self._tls, keepalive_timeout=KEPT_S)
            self._session = aiohttp.ClientSession(
                connector=connector,
                cookie_jar=aiohttp.DummyCookieJar(),
                trust_env=self._trust_env,
                auto_decompress=False,  # the client does that
                max_line_size=LONGEST_LINE,
                max_field_size=LONGEST_LINE,
            )
        return self._session


class _Body(httpx2.AsyncByteStream):
    """Closing it before its end hangs up."""

    def __init__(self, answer: aiohttp.ClientResponse) -> None:
        self._answer = answer

    async def __aiter__(self) -> AsyncIterator[bytes]:
        with _meaning():
            async for piece in self._answer.content.iter_any():
                yield piece

    async def aclose(self) -> None:
        self._answer.close()


@contextmanager
def _meaning() -> Iterator[None]:
    """aiohttp's errors as those that the client knows."""
    try:
        yield
    except aiohttp.ClientError as error:
        meant = next(to for kind, to in _MEANS if isinstance(error, kind))
        raise meant(str(error)) from error
