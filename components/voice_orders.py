"""What the page may ask for of the voice that reads replies."""

import base64
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from assistant import Assistant

VoiceName = Annotated[str, StringConstraints(strip_whitespace=True, max_length=200)]
Pace = Annotated[float, Field(ge=0.5, le=2.0)]


@dataclass(frozen=True, slots=True)
class ChooseVoice:
    voice: VoiceName
    pace: Pace = 1.0
    do: Literal["voice"] = "voice"


@dataclass(frozen=True, slots=True)
class Preview:
    """The answer bears the `sound`, as a data: URL."""

    voice: VoiceName
    pace: Pace = 1.0
    do: Literal["preview"] = "preview"


VoiceOrder = ChooseVoice | Preview


async def carry_out(
    assistant: Assistant, owner: str, pool: str, order: VoiceOrder
) -> dict[str, object] | None:
    match order:
        case ChooseVoice(voice, pace):
            await assistant.choose_voice(owner, voice, pace)
            return None
        case Preview(voice, pace):
            heard = await assistant.preview(owner, voice, pace, pool)
            data = base64.b64encode(heard.data).decode()
            return {"sound": f"data:{heard.mime};base64,{data}"}
