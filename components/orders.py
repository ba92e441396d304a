"""What the page may ask for: each order is parsed once, checked, and carried out for its owner."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Literal, assert_never

from pydantic import Field, StringConstraints, TypeAdapter, ValidationError

from assistant import Assistant, Refused

ConversationId = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")]
MessageId = Annotated[str, StringConstraints(min_length=1, max_length=64)]
Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


@dataclass(frozen=True, slots=True)
class Send:
    conversation: ConversationId
    text: Annotated[str, StringConstraints(max_length=400_000)]
    media: Annotated[tuple[Sha256, ...], Field(max_length=16)] = ()
    speak: bool = False
    do: Literal["send"] = "send"


@dataclass(frozen=True, slots=True)
class Stop:
    conversation: ConversationId
    do: Literal["stop"] = "stop"


@dataclass(frozen=True, slots=True)
class Retry:
    conversation: ConversationId
    reply: MessageId
    speak: bool = False
    do: Literal["retry"] = "retry"


@dataclass(frozen=True, slots=True)
class Rename:
    conversation: ConversationId
    title: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
    do: Literal["rename"] = "rename"


@dataclass(frozen=True, slots=True)
class Delete:
    conversation: ConversationId
    do: Literal["delete"] = "delete"


@dataclass(frozen=True, slots=True)
class Forget:
    memory: MessageId
    do: Literal["forget"] = "forget"


Order = Send | Stop | Retry | Rename | Delete | Forget
_order: TypeAdapter[Order] = TypeAdapter(Annotated[Order, Field(discriminator="do")])


async def obey(assistant: Assistant, owner: str, slip: str, changed: Callable[[str], None]) -> str:
    """Carry out the order on `slip` (JSON with a `number`); the answer is JSON with the same number.

    `changed` is told the owner when what stands around the chat may have changed.
    """
    number: object = None
    try:
        number = json.loads(slip).get("number")
        order = _order.validate_json(slip)
        await _carry_out(assistant, owner, order)
    except Refused as refused:
        return _answer(number, refused.message, refused.advice)
    except (ValidationError, ValueError, AttributeError, TypeError, RecursionError):
        return _answer(number, "The page asked for something Parley does not know.", "Reload it.")
    changed(owner)
    return _answer(number)


async def _carry_out(assistant: Assistant, owner: str, order: Order) -> None:
    match order:
        case Send(conversation, text, media, speak):
            await assistant.send(owner, conversation, text, media, speak)
        case Stop(conversation):
            await assistant.stop(owner, conversation)
        case Retry(conversation, reply, speak):
            await assistant.retry(owner, conversation, reply, speak)
        case Rename(conversation, title):
            await assistant.rename(owner, conversation, title)
        case Delete(conversation):
            await assistant.delete(owner, conversation)
        case Forget(memory):
            await assistant.forget(owner, memory)
        case _:
            assert_never(order)


def _answer(number: object, message: str = "", advice: str = "") -> str:
    kept = number if isinstance(number, int) else 0
    return json.dumps({"number": kept, "ok": not message, "message": message, "advice": advice})
