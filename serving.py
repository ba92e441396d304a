"""The web server of the page, and how it ends."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from uvicorn.server import HANDLED_SIGNALS


class Server(uvicorn.Server):
    """Ends when a signal asks for it, and leaves it to the caller to end in order what is behind it.

    uvicorn's own raises the signal once more when it has ended. By SIGTERM, which nobody else
    handles, the process would be gone before a running reply is stored and an MCP server ended.
    """

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        before = {number: signal.signal(number, self.handle_exit) for number in HANDLED_SIGNALS}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
