"""What the page may ask of memory and of the context, each order parsed and checked by orders.py."""

from dataclasses import dataclass, replace
from typing import Annotated, Literal, assert_never

from pydantic import StringConstraints

from assistant import EVERYWHERE, Assistant
from components.order_fields import ConversationId, MemoryId, MessageId, Sha256
from memories import MAX_TEXT
from messages import Wishes


@dataclass(frozen=True, slots=True)
class Forget:
    memory: MemoryId
    do: Literal["forget"] = "forget"


@dataclass(frozen=True, slots=True)
class EditMemory:
    memory: MemoryId
    text: Annotated[str, StringConstraints(max_length=MAX_TEXT)]
    do: Literal["edit-memory"] = "edit-memory"


@dataclass(frozen=True, slots=True)
class PinMemory:
    memory: MemoryId
    pinned: bool
    do: Literal["pin-memory"] = "pin-memory"


@dataclass(frozen=True, slots=True)
class Wrong:
    """A memory misled the last reply: forget it and answer again."""

    conversation: ConversationId
    reply: MessageId
    memory: MemoryId
    speak: bool = False
    do: Literal["wrong"] = "wrong"


@dataclass(frozen=True, slots=True)
class ForgetConversation:
    conversation: ConversationId
    do: Literal["forget-conversation"] = "forget-conversation"


@dataclass(frozen=True, slots=True)
class PauseMemory:
    conversation: ConversationId
    paused: bool
    everywhere: bool = False
    do: Literal["pause-memory"] = "pause-memory"


@dataclass(frozen=True, slots=True)
class KeepDocument:
    """Let all conversations recall what is attached to this one; or no longer."""

    conversation: ConversationId
    sha256: Sha256
    kept: bool = True
    do: Literal["keep-document"] = "keep-document"


@dataclass(frozen=True, slots=True)
class Summarise:
    conversation: ConversationId
    do: Literal["summarise"] = "summarise"


@dataclass(frozen=True, slots=True)
class SendWhole:
    conversation: ConversationId
    whole: bool
    do: Literal["send-whole"] = "send-whole"


@dataclass(frozen=True, slots=True)
class PinMessage:
    conversation: ConversationId
    message: MessageId
    pinned: bool
    do: Literal["pin-message"] = "pin-message"


@dataclass(frozen=True, slots=True)
class Erase:
    """`word` was typed by the owner, so that no slip of a finger erases everything."""

    word: Literal["erase"]
    do: Literal["erase"] = "erase"


MemoryOrder = (
    Forget
    | EditMemory
    | PinMemory
    | Wrong
    | ForgetConversation
    | PauseMemory
    | KeepDocument
    | Summarise
    | SendWhole
    | PinMessage
    | Erase
)


async def carry_out(assistant: Assistant, owner: str, pool: str, order: MemoryOrder) -> None:
    match order:
        case Forget(memory):
            await assistant.forget(owner, memory)
        case EditMemory(memory, text):
            await assistant.memory.edit(owner, memory, text)
        case PinMemory(memory, pinned):
            await assistant.memory.pin(owner, memory, pinned)
        case Wrong(conversation, reply, memory, speak):
            paused = await assistant.memory.pauses(owner, conversation)
            choices = replace(await assistant.choices(owner, conversation), memory=not paused)
            wishes = Wishes(speak, choices, pool)
            await assistant.wrong(owner, conversation, reply, memory, wishes)
        case ForgetConversation(conversation):
            await assistant.memory.forget_conversation(owner, conversation)
        case PauseMemory(conversation, paused, everywhere):
            async with assistant.deciding:
                where = EVERYWHERE if everywhere else conversation
                await assistant.memory.pause(owner, where, paused)
        case KeepDocument(conversation, sha256, kept):
            await assistant.keep_document(owner, conversation, sha256, kept)
        case Summarise(conversation):
            await assistant.attention.summarise(owner, conversation, pool)
        case SendWhole(conversation, whole):
            async with assistant.deciding:
                await assistant.attention.send_whole(owner, conversation, whole)
        case PinMessage(conversation, message, pinned):
            await assistant.attention.pin(owner, conversation, message, pinned)
        case Erase():
            await assistant.erase(owner)
        case _:
            assert_never(order)
