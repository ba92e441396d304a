"""Starts and stops the offline engine: a server on a free loopback port, in a thread of its own."""

import asyncio
import secrets
import socket
import threading
from collections.abc import Sequence

import uvicorn

from inference.offline.faculties import Faculties
from inference.offline.prompt_server import PromptServer
from inference.offline.server import server
from inference.offline.worker_process import WorkerProcess

READY_S = 10.0
GRACE_S = 1  # open streams get this long when the engine stops


class OfflineEngine:
    """`base_url` and `key` are what any OpenAI client needs; they are valid after `start`.

    It has its own event loop, so that nothing it does can hold up the page.
    """

    def __init__(self) -> None:
        self.base_url = ""
        self.key = secrets.token_urlsafe(32)
        self._faculties = Faculties()
        self._server: PromptServer | None = None
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    @property
    def workers(self) -> Sequence[WorkerProcess]:
        """The processes of its senses."""
        return self._faculties.workers

    async def start(self) -> None:
        """Returns once requests are answered. Raises RuntimeError if that does not come about."""
        listener = socket.socket()
        listener.bind(("127.0.0.1", 0))
        config = uvicorn.Config(
            server(self.key, self._faculties),
            log_config=None,
            access_log=False,
            log_level="warning",
            lifespan="off",
            ws="none",
            timeout_graceful_shutdown=GRACE_S,
        )
        self._server = PromptServer(config)
        self._thread = threading.Thread(
            target=self._run, args=(listener,), name="offline-engine", daemon=True
        )
        self._thread.start()
        async with asyncio.timeout(READY_S):
            while not self._server.started:
                if not self._thread.is_alive():
                    raise RuntimeError("The offline engine could not start; its log says why.")
                await asyncio.sleep(0.01)
        self.base_url = f"http://127.0.0.1:{listener.getsockname()[1]}/v1"

    async def stop(self) -> None:
        """End the server and the processes of its senses. Does nothing if it never started."""
        if self._server is None or self._thread is None:
            return
        if self._loop is not None:
            # What still waits for a sense is answered now, so that the server need not cut it off.
            self._loop.call_soon_threadsafe(self._faculties.end)
        self._server.end()
        await asyncio.to_thread(self._thread.join)
        self._server = self._thread = self._loop = None

    def _run(self, listener: socket.socket) -> None:
        try:
            asyncio.run(self._serve(listener))
        finally:
            self._faculties.end()
            listener.close()

    async def _serve(self, listener: socket.socket) -> None:
        assert self._server is not None
        self._loop = asyncio.get_running_loop()
        await self._server.serve(sockets=[listener])
