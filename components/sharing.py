"""The public link: a tunnel from a host of Gradio's to a door of its own, so that who comes by it is
never taken for somebody who sits at this machine."""

import asyncio
import logging
import secrets
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

from gate.access import Access

log = logging.getLogger("parley")


class Link:
    """`listener` takes what comes through the tunnel."""

    def __init__(self) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=512)
        self.port: int = self.listener.getsockname()[1]

    def close(self) -> None:
        self.listener.close()

    @asynccontextmanager
    async def opened(self, access: Access) -> AsyncIterator[None]:
        """While the page is already up: opening takes a moment, or does not succeed."""
        opening = asyncio.create_task(self._open(access))
        try:
            yield
        finally:
            opening.cancel()
            await asyncio.wait((opening,))

    async def _open(self, access: Access) -> None:
        from gradio.networking import setup_tunnel

        try:
            link = await asyncio.to_thread(
                setup_tunnel, "127.0.0.1", self.port, secrets.token_urlsafe(32), None, None
            )
        except Exception as error:
            log.warning("No public link could be opened: %s", error)
            return
        access.names.add(urlsplit(link).hostname or "")
        log.info("Public link while Parley runs: %s", link)
        if access.link_password:
            # For the terminal alone, not for what keeps logs.
            sys.stderr.write(f"Its password, until Parley ends: {access.link_password}\n")
        elif access.users is None:
            log.warning("PARLEY_OPEN: whoever has the link may come in.")
