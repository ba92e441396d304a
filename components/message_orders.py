"""What the page may ask of what was said, each order parsed and checked by orders.py."""

from dataclasses import dataclass
from typing import Annotated, Literal, assert_never

from pydantic import StringConstraints

from assistant import Assistant
from components.order_fields import ConversationId, MessageId
from messages import Rating


@dataclass(frozen=True, slots=True)
class Retry:
    conversation: ConversationId
    reply: MessageId
    speak: bool = False
    do: Literal["retry"] = "retry"


@dataclass(frozen=True, slots=True)
class Repair:
    conversation: ConversationId
    reply: MessageId
    speak: bool = False
    do: Literal["repair"] = "repair"


@dataclass(frozen=True, slots=True)
class Edit:
    """Say it in other words, with the attachments it has."""

    conversation: ConversationId
    message: MessageId
    text: Annotated[str, StringConstraints(max_length=400_000)]
    speak: bool = False
    do: Literal["edit"] = "edit"


@dataclass(frozen=True, slots=True)
class Resume:
    """Let a reply that broke off go on."""

    conversation: ConversationId
    reply: MessageId
    speak: bool = False
    do: Literal["resume"] = "resume"


@dataclass(frozen=True, slots=True)
class Select:
    """Show this version of a message."""

    conversation: ConversationId
    message: MessageId
    do: Literal["select"] = "select"


@dataclass(frozen=True, slots=True)
class Rate:
    conversation: ConversationId
    reply: MessageId
    rating: Rating
    do: Literal["rate"] = "rate"


@dataclass(frozen=True, slots=True)
class Branch:
    """Go on in a new conversation, whose id the page has made."""

    conversation: ConversationId
    reply: MessageId
    into: ConversationId
    do: Literal["branch"] = "branch"


MessageOrder = Retry | Repair | Edit | Resume | Select | Rate | Branch


async def carry_out(assistant: Assistant, owner: str, pool: str, order: MessageOrder) -> None:
    revisions, here = assistant.revisions, order.conversation
    match order:
        case Retry(_, reply, speak):
            await assistant.retry(owner, here, reply, speak, pool)
        case Repair(_, reply, speak):
            await assistant.repair(owner, here, reply, speak, pool)
        case Edit(_, message, text, speak):
            wishes = await assistant.wishes(owner, here, speak, pool)
            await revisions.edit(owner, here, message, text, wishes)
        case Resume(_, reply, speak):
            wishes = await assistant.wishes(owner, here, speak, pool)
            await revisions.resume(owner, here, reply, wishes)
        case Select(_, message):
            await revisions.select(owner, here, message)
        case Rate(_, reply, rating):
            await revisions.rate(owner, here, reply, rating)
        case Branch(_, reply, into):
            await revisions.branch(owner, here, reply, into)
        case _:
            assert_never(order)
