"""What a page can ask of what was said: another version of it, the rest of it, a verdict, a branch."""

from collections.abc import Awaitable, Callable, Sequence
from time import time

from lineup import refusing
from memory.choices import ConversationChoices
from memory.conversations import Begun, Conversations
from memory.recall import Recall
from memory.summaries import Summaries
from memory.versions import Versions
from messages import Message, Rating, Text, Wishes, new_id
from refusals import Refused
from turns import Turns

MAX_CHARS = 400_000


class Revisions:
    """The owner comes first, always. Whatever is refused raises Refused, with words for the reader.

    What is no longer shown is kept with its versions, and its memories are dropped until it is shown
    again. `moved` is told an owner and a conversation that is shown otherwise than before.
    """

    def __init__(
        self,
        turns: Turns,
        versions: Versions,
        conversations: Conversations,
        recall: Recall,
        summaries: Summaries,
        choices: ConversationChoices,
    ) -> None:
        self._turns = turns
        self._versions = versions
        self._conversations = conversations
        self._recall = recall
        self._summaries = summaries
        self._choices = choices
        self.moved: Callable[[str, str], None] = _nobody_listens

    async def retry(self, owner: str, conversation_id: str, reply_id: str, wishes: Wishes) -> None:
        """Answer the same message again: another version of the reply."""
        await self._begin(
            owner,
            conversation_id,
            self._turns.retry(owner, conversation_id, reply_id, wishes),
        )

    async def edit(
        self, owner: str, conversation_id: str, message_id: str, text: str, wishes: Wishes
    ) -> None:
        """Say it in other words, with the same attachments, and have that answered."""
        words = text.strip()
        if len(words) > MAX_CHARS:
            raise Refused(f"The message is longer than {MAX_CHARS:,} characters.", "Shorten it.")
        with refusing():
            old = await self._conversations.message(owner, conversation_id, message_id)
        kept = tuple(part for part in old.parts if not isinstance(part, Text))
        if not words and not kept:
            raise Refused("There is nothing to send yet.", "Write something.")
        parts = (*kept, Text(words)) if words else kept
        said = Message(new_id(), "user", parts, time())
        await self._begin(
            owner,
            conversation_id,
            self._turns.start(owner, conversation_id, said, wishes, instead_of=message_id),
        )

    async def resume(self, owner: str, conversation_id: str, reply_id: str, wishes: Wishes) -> None:
        """Let the model write the rest of a reply that broke off: 1 request."""
        with refusing():
            await self._turns.resume(owner, conversation_id, reply_id, wishes)

    async def select(self, owner: str, conversation_id: str, message_id: str) -> None:
        """Show this version of a message, with what was last said after it."""
        with refusing():
            shown = await self._versions.select(owner, conversation_id, message_id)
            self._turns.let_go(owner, conversation_id)
            self.moved(owner, conversation_id)
            await self._left(owner, conversation_id, shown.left)
            await self._recall.remember(owner, conversation_id, shown.again)
            for said in shown.again:
                if said.role == "user":
                    await self._recall.note(owner, conversation_id, said)

    async def rate(self, owner: str, conversation_id: str, reply_id: str, rating: Rating) -> None:
        """Like or dislike a reply; 0 takes it back. It is kept with the reply, for its owner alone."""
        with refusing():
            await self._versions.rate(owner, conversation_id, reply_id, rating)
            self.moved(owner, conversation_id)

    async def branch(self, owner: str, conversation_id: str, reply_id: str, into: str) -> None:
        """Begin a new conversation `into` with all that was said up to and with this reply.

        Its choices go along. Nothing of it is remembered twice.
        """
        with refusing():
            await self._versions.branch(owner, conversation_id, reply_id, into)
            if chosen := await self._choices.get(owner, conversation_id):
                await self._choices.set(owner, into, chosen)

    async def _begin(self, owner: str, conversation_id: str, beginning: Awaitable[Begun]) -> None:
        with refusing():
            begun = await beginning
            await self._left(owner, conversation_id, begun.left)

    async def _left(self, owner: str, conversation_id: str, left: Sequence[str]) -> None:
        """What was said there is neither recalled elsewhere nor stands in a summary any longer."""
        if had := await self._recall.drop_messages(owner, left):
            await self._versions.had_memories(owner, conversation_id, had)
        summary = await self._summaries.get(owner, conversation_id)
        if summary and (summary.upto in left or summary.tried in left):
            await self._summaries.forget(owner, conversation_id)


def _nobody_listens(_owner: str, _conversation_id: str) -> None:
    pass
