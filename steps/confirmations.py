"""Questions that wait for their owner's word: whether a tool may run."""

import asyncio
from dataclasses import dataclass
from typing import Literal

from memory.edge import Missing

Verdict = Literal["approve", "always", "reject"]
PATIENCE_S = 15 * 60.0

_Chat = tuple[str, str]  # owner, conversation


@dataclass(frozen=True, slots=True)
class _Open:
    tool: str
    word: asyncio.Future[Verdict]


class Confirmations:
    """All that wait, in this process. A question lives as long as somebody waits for its answer:
    Stop, the end of the turn and `patience_s` seconds take it away."""

    def __init__(self, patience_s: float = PATIENCE_S) -> None:
        self.patience_s = patience_s
        self._open: dict[_Chat, dict[str, _Open]] = {}

    async def wait(
        self, owner: str, conversation_id: str, call_id: str, tool: str
    ) -> Verdict | None:
        """The owner's word; None where it did not come in time. Holds no worker meanwhile."""
        questions = self._open.setdefault((owner, conversation_id), {})
        question = _Open(tool, asyncio.get_running_loop().create_future())
        questions[call_id] = question
        try:
            async with asyncio.timeout(self.patience_s):
                return await question.word
        except TimeoutError:
            return None
        finally:
            if questions.get(call_id) is question:
                del questions[call_id]
            if not questions and self._open.get((owner, conversation_id)) is questions:
                del self._open[owner, conversation_id]

    def decide(self, owner: str, conversation_id: str, call_id: str, verdict: Verdict) -> None:
        """Give the word. "always" lets the other calls of that tool here run too.

        Raises Missing where nothing (or nothing of this owner's) waits under that id.
        """
        questions = self._open.get((owner, conversation_id), {})
        asked = questions.get(call_id)
        if asked is None or asked.word.done() or verdict not in ("approve", "always", "reject"):
            raise Missing("Nothing waits for that.")
        asked.word.set_result(verdict)
        if verdict == "always":
            for other in questions.values():
                if other.tool == asked.tool and not other.word.done():
                    other.word.set_result("approve")

    def waiting(self, owner: str, conversation_id: str) -> frozenset[str]:
        """The calls that wait there."""
        return frozenset(self._open.get((owner, conversation_id), {}))
