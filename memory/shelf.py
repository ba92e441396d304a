"""The indexes in use, within bounds: others go to their files, from which they come back at once."""

import asyncio
import logging
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

from memory.edge import known_owner
from memory.owner_index import OwnerIndex
from memory.scopes import Scope
from memory.snapshots import Snapshots

log = logging.getLogger(__name__)

FEW = 64
"""So few memories are read from the texts as quickly as from a file of their own."""
UNSAVED = 256
"""So many may be new since the file was written; at the next start they are read from the texts."""

T = TypeVar("T")


@dataclass(slots=True)
class Held:
    """A scope's index and who may use it: one at a time. `saved` of its memories are in the file."""

    index: OwnerIndex = field(default_factory=OwnerIndex)
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    loaded: bool = False
    saved: int = 0
    unsaved: bool = False
    lacking: bool = False
    """Whether vectors are missing."""
    sought: float = float("-inf")
    """When they were last looked for."""
    nbytes: int = 0


async def in_thread(work: Callable[..., T], *args: Any) -> T:
    """As asyncio.to_thread, but to its end: who is cancelled must not free what is still in use."""
    doing = asyncio.ensure_future(asyncio.to_thread(work, *args))
    try:
        return await asyncio.shield(doing)
    except asyncio.CancelledError:
        while not doing.done():
            try:
                await asyncio.wait([doing])
            except asyncio.CancelledError:
                continue
        raise


class Tasks:
    """What goes on by itself; whoever owns it awaits or cancels it at the end."""

    def __init__(self) -> None:
        self._running: set[asyncio.Task[None]] = set()

    def start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._running.add(task)
        task.add_done_callback(self._ended)

    async def end(self, *, cancel: bool = False) -> None:
        while running := list(self._running):
            for task in running:
                if cancel:
                    task.cancel()
            await asyncio.wait(running)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        if not task.cancelled() and (error := task.exception()):
            log.error("Work on an index failed.", exc_info=error)


class Shelf:
    """Holds at most `max_bytes`, but always what is in use; the longest unused go."""

    def __init__(self, snapshots: Snapshots, max_bytes: int) -> None:
        self._snapshots, self._max_bytes = snapshots, max_bytes
        self._held: OrderedDict[Scope, Held] = OrderedDict()
        self._tasks = Tasks()
        self._nbytes = 0
        self._evicting = False

    def __contains__(self, scope: Scope) -> bool:
        return scope in self._held

    @property
    def nbytes(self) -> int:
        return self._nbytes

    def lacking(self, owner: str = "") -> list[Scope]:
        """Whose vectors are missing, of those held."""
        among = ((scope, held) for scope, held in self._held.items() if held.lacking)
        return [scope for scope, _ in among if owner in ("", scope.owner)]

    @asynccontextmanager
    async def use(self, scope: Scope) -> AsyncIterator[Held]:
        """The scope's index, as it was when last used, or empty where it was never filed."""
        known_owner(scope.owner)
        while True:
            held = self._held.setdefault(scope, Held())
            async with held.lock:
                if self._held.get(scope) is not held:  # evicted while we waited
                    continue
                self._held.move_to_end(scope)
                await self._load(scope, held)
                try:
                    yield held
                finally:
                    self._measure(held)
                break
        if held.unsaved and len(held.index) >= held.saved + UNSAVED:
            self._tasks.start(self._save(held, scope))
        if self._nbytes > self._max_bytes and not self._evicting:
            self._evicting = True
            self._tasks.start(self._evict())

    async def drop(self, scope: Scope, held: Held, positions: list[int]) -> None:
        """Leave these out of an index in use, and let no file have them for a moment longer."""
        if await in_thread(held.index.drop, positions):
            await in_thread(self._snapshots.delete, scope.owner, scope.conversation_id)
            held.saved, held.unsaved = 0, True

    async def erase(self, owner: str) -> list[OwnerIndex]:
        """Forget all of `owner`; gives what there was."""
        known_owner(owner)
        found: list[OwnerIndex] = []
        for scope in [scope for scope in self._held if scope.owner == owner]:
            async with self.use(scope) as held:
                found.append(held.index)
                held.index, held.saved, held.unsaved = OwnerIndex(), 0, False
        filed = await in_thread(self._snapshots.pop_all, owner)
        return found + [OwnerIndex.of_arrays(arrays) for arrays in filed]

    async def close(self) -> None:
        """File everything."""
        await self._tasks.end()
        for scope, held in list(self._held.items()):
            await self._save(held, scope)

    async def _load(self, scope: Scope, held: Held) -> None:
        if not held.loaded:
            name = scope.conversation_id
            arrays = await in_thread(self._snapshots.load, scope.owner, name)
            if arrays is not None:
                held.index = OwnerIndex.of_arrays(arrays)
            held.saved, held.loaded = len(held.index), True

    def _measure(self, held: Held) -> None:
        before, held.nbytes = held.nbytes, held.index.nbytes
        self._nbytes += held.nbytes - before
        held.lacking = not held.index.whole

    async def _evict(self) -> None:
        try:
            while self._nbytes > self._max_bytes and len(self._held) > 1:
                scope, held = next(iter(self._held.items()))
                await self._save(held, scope)
                # Whoever waited for it meanwhile finds that it is gone, and loads it.
                if next(iter(self._held)) == scope and not held.lock.locked():
                    self._nbytes -= self._held.pop(scope).nbytes
        finally:
            self._evicting = False

    async def _save(self, held: Held, scope: Scope) -> None:
        async with held.lock:
            if not held.unsaved or len(held.index) < FEW:
                return
            name, index = scope.conversation_id, held.index
            await in_thread(lambda: self._snapshots.save(scope.owner, name, index.arrays()))
            held.saved, held.unsaved = len(index), False
