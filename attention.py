"""What a page can ask of how much of a conversation the model sees: look, summarise, pin, send it whole."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from time import time

from lineup import Lineup, refusing
from memory.conversations import Busy, Conversations, Missing
from memory.summaries import Summaries
from messages import Message, Wishes, new_id
from steps.course import Turn

Wished = Callable[[str, str, bool, str], Awaitable[Wishes]]


@dataclass(frozen=True, slots=True)
class Fullness:
    """How full the model's window was when it was last asked here; all 0 before that.

    `dropped` earlier messages did not go along word for word, `summarised` of them as a summary;
    `sent_from` is the first that did. `whole`: its owner wants all sent that fits.
    """

    tokens: int = 0
    window: int = 0
    dropped: int = 0
    summarised: int = 0
    sent_from: str = ""
    whole: bool = False


class Attention:
    """The owner comes first, always. Whatever is refused raises Refused, with words for the reader.

    `wishes` are those of an owner in a conversation; `summarise` makes and keeps what is sent in the
    place of a turn's history.
    """

    def __init__(
        self,
        conversations: Conversations,
        summaries: Summaries,
        lineup: Lineup,
        wishes: Wished,
        summarise: Callable[[Turn], Awaitable[None]],
    ) -> None:
        self._conversations = conversations
        self._summaries = summaries
        self._lineup = lineup
        self._wishes = wishes
        self._summarise = summarise

    async def fullness(self, owner: str, conversation_id: str) -> Fullness:
        try:
            last = await self._conversations.messages(owner, conversation_id, 4)
        except Missing:
            return Fullness()
        told = [m.provenance for m in last if m.provenance and m.provenance.window]
        if not told:
            return Fullness()
        about = told[-1]
        whole = (await self._lineup.choices(owner, conversation_id)).whole
        full = Fullness(
            about.tokens, about.window, about.dropped, about.summarised, about.sent_from, whole
        )
        summary = await self._summaries.get(owner, conversation_id)
        if summary and summary.text and summary.messages > full.dropped:
            # Made after the last reply: the next one will be sent with it.
            after = await self._conversations.after(owner, conversation_id, summary.upto)
            covered = summary.messages
            return replace(full, dropped=covered, summarised=covered, sent_from=after)
        return full

    async def summarise(self, owner: str, conversation_id: str, pool: str = "") -> None:
        """Put a summary in the place of the earlier part, to be sent from now on: 1 request."""
        wishes = await self._wishes(owner, conversation_id, False, pool)
        with refusing():
            history = await self._conversations.messages(owner, conversation_id)
            if any(message.status == "running" for message in history):
                raise Busy
            nothing = Message(new_id(), "user", (), time())
            turn = Turn(owner, conversation_id, nothing, new_id(), history, wishes)
            await self._summarise(turn)
        await self.send_whole(owner, conversation_id, False)

    async def send_whole(self, owner: str, conversation_id: str, whole: bool) -> None:
        """From now on send word for word all that fits, without a summary; or no longer."""
        decided = await self._lineup.choices(owner, conversation_id)
        await self._lineup.choose(owner, conversation_id, replace(decided, whole=whole))
        if whole:
            await self._summaries.forget(owner, conversation_id)

    async def pin(self, owner: str, conversation_id: str, message_id: str, pinned: bool) -> None:
        """Send this message word for word for as long as this conversation lasts; or no longer."""
        with refusing():
            await self._conversations.pin(owner, conversation_id, message_id, pinned)
