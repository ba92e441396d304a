"""What the page may ask for of a recording that is not sent yet."""

from dataclasses import asdict, dataclass
from typing import Annotated, Literal

from pydantic import StringConstraints

from assistant import Assistant
from components.order_fields import ConversationId, Sha256

Words = Annotated[str, StringConstraints(max_length=100_000)]


@dataclass(frozen=True, slots=True)
class Transcribe:
    """The answer bears the fields of a Draft."""

    conversation: ConversationId
    recording: Sha256
    do: Literal["transcribe"] = "transcribe"


@dataclass(frozen=True, slots=True)
class Discard:
    conversation: ConversationId
    recording: Sha256
    do: Literal["discard"] = "discard"


DictationOrder = Transcribe | Discard


async def carry_out(
    assistant: Assistant, owner: str, pool: str, order: DictationOrder
) -> dict[str, object]:
    """What the answer tells besides that it was done."""
    match order:
        case Transcribe(conversation, recording):
            draft = await assistant.dictation.transcribe(owner, conversation, recording, pool)
            return asdict(draft)
        case Discard(_, recording):
            await assistant.dictation.discard(owner, [recording])
            return {}
