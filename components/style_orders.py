"""What the page may ask for of how replies are to be, and of who could give them."""

from dataclasses import dataclass, replace
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from assistant import EVERYWHERE, Assistant
from components.order_fields import ConversationId
from components.words import told
from messages import Preset, Style

Instructions = Annotated[str, StringConstraints(strip_whitespace=True, max_length=20_000)]
PresetName = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=60)]
ProviderName = Annotated[str, StringConstraints(min_length=1, max_length=300)]


@dataclass(frozen=True, slots=True)
class SetStyle:
    """Of one conversation, or of all that say nothing else. A `temperature` of None, a `longest` of 0
    and no `instructions` leave it to what holds more widely."""

    conversation: ConversationId
    everywhere: bool = False
    instructions: Instructions = ""
    temperature: Annotated[float, Field(ge=0, le=2)] | None = None
    longest: Annotated[int, Field(ge=0, le=1_000_000)] = 0
    do: Literal["style"] = "style"


@dataclass(frozen=True, slots=True)
class Instruct:
    """The instructions of a chat alone; how warm and how long its replies are stays."""

    conversation: ConversationId
    instructions: Instructions
    do: Literal["instruct"] = "instruct"


@dataclass(frozen=True, slots=True)
class KeepPreset:
    """One that has this name already is replaced; without instructions it goes."""

    name: PresetName
    instructions: Instructions = ""
    do: Literal["preset"] = "preset"


@dataclass(frozen=True, slots=True)
class CheckProvider:
    """The answer says how it went, in `told`. No request is spent."""

    provider: ProviderName
    do: Literal["check"] = "check"


@dataclass(frozen=True, slots=True)
class PickModel:
    """From now on this model does one thing in all chats; without a model Parley chooses again."""

    sense: Literal["images", "transcription", "speech", "drawing"]
    provider: Annotated[str, StringConstraints(max_length=300)] = ""
    model: Annotated[str, StringConstraints(max_length=300)] = ""
    do: Literal["pick"] = "pick"


@dataclass(frozen=True, slots=True)
class ListModels:
    """The answer bears the `models` that can chat."""

    do: Literal["models"] = "models"


StyleOrder = SetStyle | Instruct | KeepPreset | CheckProvider | PickModel | ListModels


async def carry_out(
    assistant: Assistant, owner: str, order: StyleOrder
) -> dict[str, object] | None:
    match order:
        case SetStyle(conversation, everywhere, instructions, temperature, longest):
            async with assistant.deciding:
                where = EVERYWHERE if everywhere else conversation
                style = Style(instructions, temperature, longest)
                await assistant.set_style(owner, where, style)
            return None
        case Instruct(conversation, instructions):
            async with assistant.deciding:
                style = (await assistant.choices(owner, conversation)).style
                style = replace(style, instructions=instructions)
                await assistant.set_style(owner, conversation, style)
            return None
        case KeepPreset(name, instructions):
            async with assistant.deciding:
                kept = (await assistant.choices(owner, EVERYWHERE)).presets
                presets = [preset for preset in kept if preset.name != name]
                presets += [Preset(name, instructions)] if instructions else []
                await assistant.set_presets(owner, presets)
            return None
        case CheckProvider(provider):
            return {"told": told(await assistant.check(owner, provider))}
        case PickModel(sense, provider, model):
            async with assistant.deciding:
                await assistant.pick(owner, sense, provider, model)
            return None
        case ListModels():
            return {
                "models": [
                    {
                        "provider": o.provider,
                        "label": told(o.label),
                        "model": o.model,
                        "title": o.title,
                    }
                    for o in assistant.offers(owner)
                    if "chat" in o.senses
                ]
            }
