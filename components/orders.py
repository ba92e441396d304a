"""What the page may ask for: each order is parsed once, checked, and carried out for its owner."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Annotated, Literal

from pydantic import Field, StringConstraints, TypeAdapter, ValidationError

from assistant import EVERYWHERE, Assistant, Refused, StoreFailed, Take
from components import (
    conversation_orders,
    dictation_orders,
    memory_orders,
    message_orders,
    style_orders,
    tool_orders,
    voice_orders,
)
from components.conversation_orders import (
    ConversationOrder,
    Pin,
    Put,
    Rename,
    ShareConversation,
)
from components.dictation_orders import DictationOrder, Discard, Transcribe, Words
from components.memory_orders import KeepDocument, MemoryOrder
from components.message_orders import (
    Branch,
    Edit,
    MessageOrder,
    Rate,
    Repair,
    Resume,
    Retry,
    Select,
)
from components.order_fields import ConversationId, Sha256
from components.style_orders import (
    CheckProvider,
    Instruct,
    KeepPreset,
    ListModels,
    PickModel,
    SetStyle,
    StyleOrder,
)
from components.tool_orders import ApproveServer, Permit, RestartServer, ToolOrder
from components.voice_orders import ChooseVoice, Preview, VoiceOrder
from components.words import explained
from messages import Choices
from temporary import is_temporary, refuse_keeping

ModelName = Annotated[str, StringConstraints(max_length=300)]
SchemaText = Annotated[str, StringConstraints(max_length=100_000)]


@dataclass(frozen=True, slots=True)
class Send:
    """`words` are those of recordings, as their speaker has read them."""

    conversation: ConversationId
    text: Annotated[str, StringConstraints(max_length=400_000)]
    media: Annotated[tuple[Sha256, ...], Field(max_length=16)] = ()
    speak: bool = False
    words: Annotated[dict[Sha256, Words], Field(max_length=16)] = field(default_factory=dict)
    do: Literal["send"] = "send"


@dataclass(frozen=True, slots=True)
class Stop:
    conversation: ConversationId
    do: Literal["stop"] = "stop"


@dataclass(frozen=True, slots=True)
class Choose:
    """What is None stays as it is. `always`: new chats get the model too, or no longer one."""

    conversation: ConversationId
    provider: ModelName | None = None
    model: ModelName | None = None
    json: bool | None = None
    schema: SchemaText | None = None
    always: bool | None = None
    do: Literal["choose"] = "choose"


@dataclass(frozen=True, slots=True)
class Refresh:
    do: Literal["refresh"] = "refresh"


@dataclass(frozen=True, slots=True)
class Decide:
    """A tool asked whether it may run."""

    conversation: ConversationId
    call: Annotated[str, StringConstraints(min_length=1, max_length=400)]
    verdict: Literal["approve", "always", "reject"]
    do: Literal["decide"] = "decide"


Order = (
    Send
    | Stop
    | Choose
    | Refresh
    | Decide
    | MessageOrder
    | ConversationOrder
    | DictationOrder
    | ToolOrder
    | VoiceOrder
    | StyleOrder
    | MemoryOrder
)


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who orders. `pool` is the network they come from, "" for the operator's own machine.

    `operator`: who runs this Parley, as components/identity.py tells.
    """

    owner: str
    pool: str = ""
    operator: bool = False


_order: TypeAdapter[Order] = TypeAdapter(Annotated[Order, Field(discriminator="do")])


async def obey(
    assistant: Assistant, visitor: Visitor, slip: str, changed: Callable[[str], None]
) -> str:
    """Carry out the order on `slip` (JSON with a `number`); the answer is JSON with the same number.

    `changed` is told the owner when what stands around the chat may have changed.
    """
    number: object = None
    try:
        number = json.loads(slip).get("number")
        order = _order.validate_json(slip)
        found = await _carry_out(assistant, visitor, order)
    except (Refused, StoreFailed) as refused:
        return answer_to(number, refused.message, refused.advice)
    except (ValidationError, ValueError, AttributeError, TypeError, RecursionError):
        return answer_to(number, "The page asked for something Parley does not know.", "Reload it.")
    changed(visitor.owner)
    return answer_to(number, found=found)


async def _carry_out(
    assistant: Assistant, visitor: Visitor, order: Order
) -> dict[str, object] | None:
    """What the answer tells besides that it was done."""
    owner, pool = visitor.owner, visitor.pool
    if here := getattr(order, "conversation", ""):
        _check_temporary(order, here)
        assistant = assistant.at(owner, here)
    match order:
        case Send(conversation, text, media, speak, words):
            takes = [Take(one, words[one]) if one in words else one for one in media]
            await assistant.send(owner, conversation, text, takes, speak, pool)
        case Transcribe() | Discard():
            return await dictation_orders.carry_out(assistant, owner, pool, order)
        case Stop(conversation):
            await assistant.stop(owner, conversation)
        case one if isinstance(one, ConversationOrder):
            return await conversation_orders.carry_out(assistant, owner, one)
        case Choose():
            # One at a time: each changes what the one before it has left.
            async with assistant.deciding:
                await _choose(assistant, owner, order)
        case Refresh():
            await assistant.refresh_offers(owner)
        case Decide(conversation, call, verdict):
            assistant.decide(owner, conversation, call, verdict)
        case Permit() | RestartServer() | ApproveServer():
            await tool_orders.carry_out(assistant, owner, order, operator=visitor.operator)
        case ChooseVoice() | Preview():
            return await voice_orders.carry_out(assistant, owner, pool, order)
        case SetStyle() | Instruct() | KeepPreset() | CheckProvider() | PickModel() | ListModels():
            return await style_orders.carry_out(assistant, owner, order)
        case Retry() | Repair() | Edit() | Resume() | Select() | Rate() | Branch():
            await message_orders.carry_out(assistant, owner, pool, order)
        case _:
            await memory_orders.carry_out(assistant, owner, pool, order)
    return None


def _check_temporary(order: Order, here: str) -> None:
    """Whether the order would keep something of a chat of which nothing is kept."""
    if isinstance(order, Branch) and is_temporary(order.into):
        raise refuse_keeping()
    keeping = Rename | Pin | Put | ShareConversation | Branch | KeepDocument
    if is_temporary(here) and isinstance(order, keeping):
        raise refuse_keeping()


async def _choose(assistant: Assistant, owner: str, order: Choose) -> None:
    given = {
        name: value
        for name in ("provider", "model", "json", "schema")
        if (value := getattr(order, name)) is not None
    }
    decided = replace(await assistant.choices(owner, order.conversation), **given)
    if order.provider is not None:
        decided = replace(decided, model=order.model or "")
    if order.model:
        _check_offered(assistant, owner, decided)
    if order.always is not None:
        # JSON is for one conversation; a model may be for all. Whether memory is paused stays.
        model = (decided.provider, decided.model) if order.always else ("", "")
        usual = await assistant.choices(owner, EVERYWHERE)
        usual = replace(usual, provider=model[0], model=model[1])
        await assistant.choose(owner, EVERYWHERE, usual)
    await assistant.choose(owner, order.conversation, decided)


def _check_offered(assistant: Assistant, owner: str, decided: Choices) -> None:
    wanted = (decided.provider, decided.model)
    for offer in assistant.offers(owner):
        if "chat" in offer.senses and (offer.provider, offer.model) == wanted:
            return
    raise Refused(
        f"{decided.model} is not offered for chat.", "Refresh the list, or choose another model."
    )


def answer_to(
    number: object, message: str = "", advice: str = "", found: dict[str, object] | None = None
) -> str:
    """What the page is told of its order `number`; without a message it was done."""
    kept = number if isinstance(number, int) else 0
    said = {"number": kept, "ok": not message, **explained(message, advice)}
    return json.dumps({**(found or {}), **said})
