"""Temporary chats: their ids tell them, nothing of them is kept, and they end when nobody is there."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress

from refusals import Refused

MARK = "7e3a0fad0000"
"""How their ids begin. So a page that is loaded again after Parley has ended still asks for a temporary
chat, which is then empty, and never for one that would be kept. Of 2⁴⁸ other ids one begins so."""
PATIENCE_S = 15 * 60.0
MEMORY_TOOLS = frozenset({"remember", "forget", "search_memory"})

End = Callable[[str, str], Awaitable[None]]
Empty = Callable[[str], Awaitable[None]]


def is_temporary(conversation_id: str) -> bool:
    return conversation_id.startswith(MARK)


def refuse_keeping() -> Refused:
    return Refused("Nothing of a temporary chat is kept.", "Begin an ordinary chat for that.")


def refuse_recording() -> Refused:
    return Refused(
        "On this machine such a recording is read from a file, and a temporary chat leaves none.",
        "Record it here, or attach it to an ordinary chat.",
    )


class Visits:
    """Who has which temporary chat open. One that is left for another chat ends at once; one whose last
    page is gone ends `patience_s` later, so that a page may be loaded again.

    `end` deletes it; `empty` what an owner who has no other has left: files that were never sent.
    `on_change` is told an owner then.
    """

    def __init__(self, end: End, empty: Empty) -> None:
        self._end = end
        self._empty = empty
        self.on_change: Callable[[str], None] = lambda _owner: None
        self.patience_s = PATIENCE_S
        self._here: Counter[tuple[str, str]] = Counter()
        self._waiting: dict[tuple[str, str], asyncio.TimerHandle] = {}
        self._ending: set[asyncio.Future[None]] = set()

    def enter(self, owner: str, conversation_id: str) -> None:
        """A page of `owner` shows it."""
        if is_temporary(conversation_id):
            self._here[owner, conversation_id] += 1
            self._wait_no_longer((owner, conversation_id))

    def leave(self, owner: str, conversation_id: str, *, for_another: bool) -> None:
        """A page shows it no longer: it shows another chat, or is gone."""
        key = (owner, conversation_id)
        self._here[key] -= 1
        if self._here[key] > 0:
            return
        del self._here[key]
        if is_temporary(conversation_id):
            self._wait(key, 0.0 if for_another else self.patience_s)

    def touch(self, owner: str, conversation_id: str) -> None:
        """Something was asked for there, perhaps by nobody who has a page open."""
        key = (owner, conversation_id)
        if not is_temporary(conversation_id) or key in self._here:
            return
        timer = self._waiting.get(key)
        if timer is None or timer.when() > asyncio.get_running_loop().time():
            self._wait(key, self.patience_s)

    async def close(self) -> None:
        for timer in self._waiting.values():
            timer.cancel()
        await asyncio.gather(*self._ending, return_exceptions=True)

    def _wait(self, key: tuple[str, str], seconds: float) -> None:
        self._wait_no_longer(key)
        self._waiting[key] = asyncio.get_running_loop().call_later(seconds, self._over, key)

    def _wait_no_longer(self, key: tuple[str, str]) -> None:
        if timer := self._waiting.pop(key, None):
            timer.cancel()

    def _over(self, key: tuple[str, str]) -> None:
        del self._waiting[key]
        ending = asyncio.ensure_future(self._ended(*key))
        self._ending.add(ending)
        ending.add_done_callback(self._ending.discard)

    async def _ended(self, owner: str, conversation_id: str) -> None:
        with suppress(Refused):  # nothing was said
            await self._end(owner, conversation_id)
        others = {*self._here, *(self._waiting.keys() - {(owner, conversation_id)})}
        if not any(one == owner for one, _ in others):
            await self._empty(owner)
        self.on_change(owner)
