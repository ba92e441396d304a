"""Where several Parleys serve one database: what this one tells the others, and does on their word."""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from typing import Any

from memory.recall import Recall
from memory.replicas import Replicas
from refusals import Refused
from steps.confirmations import Verdict
from toolbox import Toolbox
from turns import Turns


class Elsewhere:
    """A turn runs in one Parley; what is asked of it in another is passed on.

    `on_change` is told an owner of whom something changed in another Parley.
    """

    def __init__(self, replicas: Replicas, turns: Turns, toolbox: Toolbox, recall: Recall) -> None:
        self._replicas = replicas
        self._turns = turns
        self._toolbox = toolbox
        self._recall = recall
        self._doing: set[asyncio.Task[object]] = set()
        self.on_change: Callable[[str], None] = lambda _owner: None
        replicas.on_news = self._hear
        recall.on_gone = self.forgot

    def changed(self, owner: str) -> None:
        """Something of this owner's changed here."""
        self._replicas.tell("changed", owner)

    def forgot(self, owner: str) -> None:
        """Words of this owner were forgotten here: no index of another keeps them."""
        self._replicas.tell("forgot", owner)

    def erased(self, owner: str) -> None:
        """Everything of this owner was erased here."""
        self._replicas.tell("erased", owner)

    def stop(self, owner: str, conversation_id: str) -> None:
        """Stop the turn there, wherever it runs."""
        self._replicas.tell("stop", owner, conversation_id)

    def decide(self, owner: str, conversation_id: str, call_id: str, verdict: Verdict) -> bool:
        """Give the word to a tool that waits there; False where there is nobody else."""
        self._replicas.tell("decided", owner, conversation_id, call_id, verdict)
        return bool(self._replicas.others)

    def _hear(self, kind: str, what: Sequence[str]) -> None:
        match kind, what:
            case "changed", [owner]:
                self.on_change(owner)
            case "forgot", [owner]:
                self._do(self._recall.unload(owner))
            case "erased", [owner]:
                self._do(self._erase(owner))
            case "stop", [owner, conversation_id]:
                self._do(self._turns.stop(owner, conversation_id))
            case "decided", [
                owner,
                conversation_id,
                call_id,
                "approve" | "always" | "reject" as verdict,
            ]:
                with suppress(Refused):  # it waits in a third one, or no longer
                    self._toolbox.decide(owner, conversation_id, call_id, verdict)

    async def _erase(self, owner: str) -> None:
        await self._turns.drop_all(owner)
        await self._recall.unload(owner)
        self.on_change(owner)

    def _do(self, work: Coroutine[Any, Any, object]) -> None:
        task = asyncio.create_task(work)
        self._doing.add(task)
        task.add_done_callback(self._doing.discard)
