"""The `openai` client as Parley wants it: only our key and headers, no retry, no redirect, deadlines."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from inference.backend import BackendError, BadReply, Interrupted, KeyRejected, ProviderDown
from inference.error_words import clean
from inference.event_lines import Flood
from inference.server_errors import Asked, from_response

if TYPE_CHECKING:
    import httpx2
    from openai import AsyncOpenAI

LOCAL_KEY = "not-needed"
"""Stands for no key: the SDK refuses an empty one, and would take a missing one from the
environment, where another provider's may lie."""

_SENT = frozenset(
    (
        "accept accept-encoding authorization connection content-length content-type host "
        "transfer-encoding user-agent x-stainless-raw-response"  # the last: a mark the SDK reads back
    ).split()
)
_LOOPBACK = {"localhost", "127.0.0.1", "::1"}


@dataclass(frozen=True, slots=True)
class Deadlines:
    """In seconds. `first_token` runs from sending to the first sign of an answer; `silence` is the
    longest pause after it. A server that pings shows that it works on: its pings are not taken for
    an answer, but put both off, to `pinging` at most. `total` bounds a whole reply, if given;
    `sound` is how long a transcription, speech or embedding may be worked on."""

    connect: float = 5.0
    first_token: float = 60.0
    silence: float = 60.0
    pinging: float = 300.0
    total: float | None = None
    sound: float = 180.0
    write: float = 60.0
    pool: float = 10.0


def open_client(base_url: str, key: str, deadlines: Deadlines) -> "AsyncOpenAI":
    """Build the client. Takes seconds the first time (the import): call it in a thread."""
    import httpx2
    from openai import AsyncOpenAI

    from inference.aio_transport import AioTransport

    own_key = key.strip() or LOCAL_KEY
    if not own_key.isascii() or not own_key.isprintable():
        raise KeyRejected("The key holds characters that no key has.", "Copy it again.")

    async def only_ours(request: httpx2.Request) -> None:
        # The SDK tells of this machine, and takes headers from OPENAI_CUSTOM_HEADERS, ORG_ID and
        # PROJECT_ID whoever is addressed: all that is not needed is dropped here, at the last door.
        for name in [name for name in request.headers if name.lower() not in _SENT]:
            del request.headers[name]
        request.headers["authorization"] = f"Bearer {own_key}"
        request.headers["user-agent"] = "Parley"

    try:
        host = urlsplit(base_url).hostname
        http = httpx2.AsyncClient(
            transport=AioTransport(trust_env=host not in _LOOPBACK),  # no proxy to ourselves
            follow_redirects=False,
            trust_env=False,
            event_hooks={"request": [only_ours]},
        )
        return AsyncOpenAI(
            api_key=own_key,
            base_url=base_url,
            timeout=patience(deadlines),
            max_retries=0,
            http_client=http,
        )
    except (ValueError, httpx2.InvalidURL):
        raise ProviderDown(
            f"{clean(base_url)} is no address.", "Check the base URL; it begins with http."
        ) from None


def patience(deadlines: Deadlines, *, bounded: bool = True) -> "httpx2.Timeout":
    """The transport's own deadlines. A chat is not `bounded` by them while it reads: it has a Watch,
    which tells pings from words, and two clocks over every token would only cost more."""
    import httpx2

    return httpx2.Timeout(
        connect=deadlines.connect,
        read=deadlines.sound if bounded else None,
        write=deadlines.write,
        pool=deadlines.pool,
    )


class Unreached(ProviderDown):
    """Nobody listens there: nothing was sent, so nothing was spent."""


@asynccontextmanager
async def errors_sorted(
    asked: Asked, heed: Callable[[Mapping[str, str]], None] | None = None
) -> AsyncIterator[None]:
    """Turns what the SDK and its transport raise into BackendError. To be used once it is imported.

    `heed` is given the headers of an answer that is an error.
    """
    import httpx2
    import openai

    try:
        yield
    except openai.APIStatusError as error:
        answer = error.response
        if heed:
            heed(answer.headers)
        raise from_response(asked, answer.status_code, answer.headers, answer.content) from None
    except (openai.APITimeoutError, httpx2.TimeoutException, TimeoutError) as error:
        raise _late(asked, error) from None
    except (openai.APIConnectionError, httpx2.TransportError) as error:
        raise _broken(asked, error) from None
    except httpx2.DecodingError:
        raise BadReply(f"{asked.who} sent bytes that cannot be unpacked.", "Retry.") from None
    except Flood:
        raise BadReply(f"{asked.who} sent far too much that makes no sense.", "Retry.") from None


def _late(asked: Asked, error: BaseException) -> BackendError:
    import httpx2

    if isinstance(_root(error), httpx2.ConnectTimeout):
        return Unreached(*_nobody(asked))
    return ProviderDown(
        f"{asked.who} did not answer in time.", "Retry; if it goes on, choose another model."
    )


def _broken(asked: Asked, error: BaseException) -> BackendError:
    import httpx2

    root = _root(error)
    if isinstance(root, httpx2.ConnectError):
        return Unreached(*_nobody(asked))
    if isinstance(root, httpx2.ProxyError | httpx2.UnsupportedProtocol):
        return Unreached(
            f"{asked.who} cannot be reached: {clean(str(root), asked.key)}", "Check the base URL."
        )
    return Interrupted(f"The line to {asked.who} broke.", "Retry the message.")


def _nobody(asked: Asked) -> tuple[str, str]:
    address = urlsplit(asked.provider.base_url).netloc.rpartition("@")[2]
    return (
        f"Nobody answers for {asked.who} at {address}.",
        "Check that it runs, that the base URL is right, and that you are online.",
    )


def _root(error: BaseException) -> BaseException:
    """The transport's own error: the SDK wraps it."""
    import httpx2

    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, httpx2.TransportError):
            return seen
        seen = seen.__cause__ or seen.__context__
    return error
