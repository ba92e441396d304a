"""A server behind a URL: HTTP as the SDK speaks it, with limits on what comes back.

The URL is the operator's own, so it may be a local one. No redirect is followed, which would take
the headers (a token, most often) elsewhere; no cookies are kept, no proxy of the environment used.
"""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx2
from mcp.client.streamable_http import streamable_http_client

from tools.mcp.child import MAX_MESSAGE, TOO_LONG
from tools.mcp.config import Server
from tools.mcp.noise import Floods, Noise

CONNECT_S = 10.0
SILENT_S = 300.0  # a stream of events may be silent for so long; calls have a time of their own
FAREWELL_S = 1.0
MAX_STREAM = 64 * 1024 * 1024  # bytes of one stream of events

_SAID = {
    401: "It wants other credentials (401): see the headers in mcp.json.",
    403: "It refuses these credentials (403): see the headers in mcp.json.",
    404: "There is no MCP server at this url (404).",
    405: "There is no MCP server at this url (405).",
    429: "It is asked too often (429).",
}
# Unpacking is not limited by the SDK: what a few bytes inflate to may fill any memory.
_PACKED = "It packs its answers, though it was asked not to."


class TooLong(httpx2.StreamError):
    """The SDK answers the call with it, and keeps the connection."""


@dataclass(eq=False)
class Endpoint(httpx2.AsyncBaseTransport):
    """What goes to one server. `problem` is what was wrong with its last answer, else empty."""

    inner: httpx2.AsyncBaseTransport
    problem: str = ""

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        if request.method == "DELETE":  # the farewell
            request.extensions["timeout"] = httpx2.Timeout(FAREWELL_S).as_dict()
        response = await self.inner.handle_async_request(request)
        problem = _problem(response)
        if request.method == "POST":
            self.problem = problem
        if 300 <= response.status_code < 400 or problem == _PACKED:
            await response.aclose()
            return httpx2.Response(502, request=request)
        assert isinstance(response.stream, httpx2.AsyncByteStream)
        response.stream = _Limited(response.stream, self, _is_stream(response))
        return response

    async def aclose(self) -> None:
        await self.inner.aclose()


def _problem(response: httpx2.Response) -> str:
    status = response.status_code
    if 300 <= status < 400:
        return "It redirects, which is not followed: write the address it leads to into mcp.json."
    if status >= 400:
        return _SAID.get(status, f"It answered with status {status}.")
    packed = response.headers.get("content-encoding", "identity").lower() != "identity"
    return _PACKED if packed else ""


def _is_stream(response: httpx2.Response) -> bool:
    return bool(response.headers.get("content-type", "").lower().startswith("text/event-stream"))


class _Limited(httpx2.AsyncByteStream):
    """The body, or the events, as far as they are read. Raises TooLong."""

    def __init__(self, inner: httpx2.AsyncByteStream, endpoint: Endpoint, events: bool) -> None:
        self._inner = inner
        self._endpoint = endpoint
        self._noise = Noise() if events else None
        self._whole = 0
        self._event = 0  # bytes since the last event ended

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for piece in self._inner:
            try:
                self._count(piece)
            except (Floods, TooLong) as error:
                self._endpoint.problem = str(error)
                raise TooLong(str(error)) from None
            yield piece

    def _count(self, piece: bytes) -> None:
        self._whole += len(piece)
        self._event += len(piece)
        if self._noise:
            self._noise.add(piece.count(b"\ndata:"))
            end = max(piece.rfind(b"\n\n"), piece.rfind(b"\r\n\r\n"))
            self._event = self._event if end < 0 else len(piece) - end
        if self._event > MAX_MESSAGE or self._whole > MAX_STREAM:
            raise TooLong(TOO_LONG)

    async def aclose(self) -> None:
        await self._inner.aclose()


def asked_at(server: Server, endpoint: Endpoint) -> AbstractAsyncContextManager[Any]:
    """A transport for the SDK's Client."""

    @asynccontextmanager
    async def transport() -> AsyncIterator[Any]:
        timeout = httpx2.Timeout(CONNECT_S, read=SILENT_S)
        async with (
            httpx2.AsyncClient(
                headers={**server.headers, "Accept-Encoding": "identity"},
                timeout=timeout,
                transport=endpoint,
                trust_env=False,
                follow_redirects=False,
            ) as client,
            streamable_http_client(
                server.url, http_client=client, max_sse_event_size=None
            ) as streams,
        ):
            yield streams

    return transport()


def endpoint() -> Endpoint:
    return Endpoint(httpx2.AsyncHTTPTransport(retries=0))
