"""Guests: visitors whose browser sends no cookie back. They chat without memory, keep no files, and
nothing of them is kept once they are gone."""

import asyncio
import logging
import time

from assistant import EVERYWHERE, Assistant

GONE_AFTER_S = 1800.0
_LOOK_EVERY_S = 60.0
log = logging.getLogger(__name__)


class Guests:
    def __init__(self, assistant: Assistant) -> None:
        self._assistant = assistant
        self._seen: dict[str, float] = {}
        self._looking: asyncio.Task[None] | None = None

    async def admit(self, owner: str) -> None:
        """They are here now, and nothing of theirs goes into memory."""
        if owner not in self._seen:
            await self._assistant.memory.pause(owner, EVERYWHERE, True)
        self._seen[owner] = time.monotonic()
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(self._look())

    async def leave(self) -> None:
        """Those who have not been seen for long are erased."""
        now = time.monotonic()
        for owner in [o for o, at in self._seen.items() if now - at > GONE_AFTER_S]:
            del self._seen[owner]
            await self._assistant.erase(owner)

    async def _look(self) -> None:
        while self._seen:
            await asyncio.sleep(_LOOK_EVERY_S)
            try:
                await self.leave()
            except Exception:
                log.exception("What a guest left could not be erased")
