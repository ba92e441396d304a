"""The sendings of one chat: whether there is another after a failure, in which form and when."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from inference.adaptations import Adaptations, Manners, lesson
from inference.backend import BackendError, RetryChunk
from inference.retries import Retries
from inference.server_errors import Asked, Rejected
from inference.transport import Unreached

Answer = TypeVar("Answer")

MAX_LESSONS = 4
"""Rejections learned from in one chat: each costs a request."""


class Attempts:
    """`manners` is how the next sending is to be written."""

    def __init__(self, asked: Asked, retries: Retries, adaptations: Adaptations) -> None:
        self.manners: Manners = adaptations.of(asked.provider.base_url, asked.model)
        self._asked = asked
        self._retries = retries
        self._adaptations = adaptations
        self._lessons = 0
        self._retried = False

    def after(self, error: BackendError, body: dict[str, Any]) -> RetryChunk | None:
        """What is told the user before the next sending; None where there shall be none."""
        if isinstance(error, Rejected):
            return self._learned(error, body)
        pause = None if self._retried else self._retries.pause(error)
        if pause is None:
            return None
        self._retried = True
        return RetryChunk(error.message, pause, error.sent)

    def succeeded(self, reasoning_field: str) -> None:
        """Remember where the model put its reasoning, so that it is given back there."""
        if reasoning_field and not self.manners.reasoning_field:
            self._learn(Manners(reasoning_field=reasoning_field))

    def _learned(self, error: Rejected, body: dict[str, Any]) -> RetryChunk | None:
        found = lesson(error.words, body, self.manners)
        if found is None or self._lessons == MAX_LESSONS:
            return None
        self._lessons += 1
        self.manners |= found.learned
        if found.lasting:
            self._learn(found.learned)
        return RetryChunk(f"{self._asked.who} {found.why}.", 0.0)

    def _learn(self, learned: Manners) -> None:
        self._adaptations.learn(self._asked.provider.base_url, self._asked.model, learned)


async def reaching(send: Callable[[], Awaitable[Answer]], retries: Retries) -> Answer:
    """Send, and once more after a refused connection: nothing was sent then, and nothing spent."""
    try:
        return await send()
    except Unreached as error:
        pause = retries.pause(error)
        if pause is None:
            raise
        await asyncio.sleep(pause)
    return await send()
