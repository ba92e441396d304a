"""A provider is a file of facts: where it answers, what it asks, what it allows, how it differs."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Literal

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass as checked

Billing = Literal["request", "token", "free"]
Modality = Literal["text", "image", "audio"]
Sense = Literal["chat", "transcription", "speech", "embedding", "image"]
"""What a model does: answers, understands speech, speaks, embeds, draws."""

PROVIDERS = Path(__file__).parent / "providers"
_BILLING_ORDER: tuple[Billing, ...] = ("request", "token", "free")
_facts = ConfigDict(extra="forbid")

Count = Annotated[int, Field(gt=0)]
Price = Annotated[float, Field(ge=0)]
"""US dollars for a million tokens."""


class BadProviderFile(ValueError):
    """A file of facts says what it cannot mean. The text names file and key."""


class NoSuchPlan(ValueError):
    """The provider has no plan of that name. The text names those it has."""


@checked(frozen=True, slots=True, config=_facts)
class _Defaults:
    chat: str = ""
    vision: str = ""
    transcription: str = ""
    speech: str = ""
    voice: str = ""
    image: str = ""


@checked(frozen=True, slots=True, config=_facts)
class Plan:
    """What an account may do. Tokens are those of one request; None where there is no limit."""

    requests_per_day: Count | None = None
    requests_per_minute: Count | None = None
    window_in: Count | None = None
    max_out: Count | None = None


@checked(frozen=True, slots=True, config=_facts)
class Model:
    """A model the provider is known to have. `window`: tokens of question and reply together.

    `modalities` are what it takes in. `plan` is the smallest that has it, empty where every account
    does. `tools`, `json` (a schema is kept) and `temperature` are None where nobody said. `voices`
    are those in which it speaks; inference/voices.py knows their languages.
    """

    sense: Sense = "chat"
    modalities: tuple[Modality, ...] = ("text",)
    window: Count | None = None
    max_out: Count | None = None
    plan: str = ""
    tools: bool | None = None
    json: bool | None = None
    temperature: bool | None = None
    price_in: Price | None = None
    price_out: Price | None = None
    voices: tuple[str, ...] = ()


@checked(frozen=True, slots=True, config=_facts)
class Quirks:
    """Where a server leaves OpenAI's ways.

    `empty_content` is what stands for the words of a message that has only calls: some servers
    reject null, others the empty string. `speech_format` is asked of the speech model, empty to
    ask for none. `replay_reasoning` names models, by a part of their id, that want their own
    reasoning back beside their tool calls. `rate_headers` says which span its
    x-ratelimit-…-requests headers count, empty where nobody knows: they are not read then.
    `image_format` asks for a picture's bytes in the answer, empty to ask for none: some servers
    reject the field, others understand but one word of it.
    """

    max_tokens_field: Literal["max_tokens", "max_completion_tokens"] = "max_tokens"
    empty_content: Literal["", "null"] = ""
    stream_options: bool = True
    speech_format: Literal["", "wav", "mp3", "opus", "aac", "flac", "pcm"] = "wav"
    replay_reasoning: tuple[str, ...] = ("deepseek-v4", "kimi-k2", "minimax-m")
    rate_headers: Literal["", "day", "minute"] = ""
    image_format: Literal["", "b64_json", "base64"] = ""


@checked(frozen=True, slots=True, config=_facts)
class _File:
    """The shape of a file in providers/."""

    name: str
    label: str
    billing: Billing
    senses: tuple[Sense, ...] = ("chat", "transcription", "speech")
    base_url: str = ""
    key_variable: str = ""
    plan: str = ""
    window: Count = 32_768
    max_out: Count = 4_096
    defaults: _Defaults = _Defaults()
    plans: dict[str, Plan] = Field(default_factory=dict)
    models: dict[str, Model] = Field(default_factory=dict)
    quirks: Quirks = Quirks()


@dataclass(frozen=True, slots=True)
class Provider:
    """`key_variable` is only a name. `plan` is the account's, with its limits in `plans`.

    `senses` are what it may do at all: a server that only hears or speaks never answers a chat.
    `chat` to `speech`, and `image`, which draws, are the models of each sense where nobody chose
    another, empty where there is none. `window` and `max_out` (tokens) hold for models that
    nothing is known of.
    """

    name: str
    label: str
    billing: Billing
    senses: tuple[Sense, ...]
    base_url: str
    key_variable: str
    plan: str
    window: int
    max_out: int
    chat: str
    vision: str
    transcription: str
    speech: str
    voice: str
    image: str
    plans: Mapping[str, Plan]
    models: Mapping[str, Model]
    quirks: Quirks

    @property
    def offline(self) -> bool:
        """Whether this is the embedded engine, which has no language model."""
        return self.name == "offline"

    @property
    def limit(self) -> Plan:
        """What the account's plan allows."""
        return self.plans.get(self.plan, Plan())

    def on_plan(self, plan: str) -> "Provider":
        """The same provider with an account of that plan; as it is for "". Raises NoSuchPlan."""
        if not plan:
            return self
        if plan not in self.plans:
            known = ", ".join(self.plans)
            raise NoSuchPlan(
                f"{self.label} has the plans {known}." if known else f"{self.label} has no plans."
            )
        return replace(self, plan=plan)

    def has(self, model: str) -> bool:
        """False only where the model is known to need a larger plan than the account's."""
        known = self.models.get(model)
        return known is None or self.covers(known.plan)

    def covers(self, plan: str) -> bool:
        """Whether what is in `plan` is in the account's too; so is what no plan is known of."""
        order = list(self.plans)
        if plan not in order or self.plan not in order:
            return True
        return order.index(plan) <= order.index(self.plan)


_file: TypeAdapter[_File] = TypeAdapter(_File)


def load_providers(folder: Path = PROVIDERS) -> dict[str, Provider]:
    """All files of facts by name: those billed by the request first, then by token, then free.

    Those that never chat come last of their billing: they share ports with others that do.
    Raises BadProviderFile.
    """
    found = [_load(path) for path in sorted(folder.glob("*.toml"))]
    found.sort(key=lambda p: (_BILLING_ORDER.index(p.billing), "chat" not in p.senses, p.name))
    return {provider.name: provider for provider in found}


def _load(path: Path) -> Provider:
    try:
        file = _file.validate_python(tomllib.loads(path.read_text("utf-8")))
    except tomllib.TOMLDecodeError as error:
        raise BadProviderFile(f"{path.name} is no TOML: {error}") from None
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise BadProviderFile(f"{path.name}, {place}: {first['msg']}") from None
    plans = {file.plan, *(model.plan for model in file.models.values())} - {""}
    if unknown := plans - file.plans.keys():
        raise BadProviderFile(f"{path.name} names plans it does not describe: {sorted(unknown)}")
    if file.name != path.stem:
        raise BadProviderFile(f"{path.name} calls itself {file.name!r}; both names must agree")
    return Provider(
        name=file.name,
        label=file.label,
        billing=file.billing,
        senses=file.senses,
        base_url=file.base_url,
        key_variable=file.key_variable,
        plan=file.plan,
        window=file.window,
        max_out=file.max_out,
        chat=file.defaults.chat,
        vision=file.defaults.vision,
        transcription=file.defaults.transcription,
        speech=file.defaults.speech,
        voice=file.defaults.voice,
        image=file.defaults.image,
        plans=file.plans,
        models=file.models,
        quirks=file.quirks,
    )
