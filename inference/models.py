"""Choosing the model for a turn: what it needs, among what is offered and the plan allows."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields, replace

from inference.backend import ModelUnavailable
from inference.provider import Modality, Model, Provider, Sense

AMPLE = 16_384
"""The longest reply, in tokens, that is asked for where no plan says: several servers count what is
asked for, not what is written, against their limits and one's credit."""

_SEES = re.compile(
    r"gpt-4o|gpt-4\.1|gpt-[5-9]|claude|gemini|gemma-?3|llava|vision|[-_.]vl\b|vl[-:]|pixtral|"
    r"minicpm-v|llama-?4|moondream|internvl|kimi-k(?:2\.[56]|3)|mistral-small-?3",
    re.IGNORECASE,
)
"""Names of models that see, for servers of which nothing else is known. A wrong guess ends in the
server's own words; no guess would lock out every model that somebody runs at home."""


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """What is known of one model; None where nobody said.

    `window`: tokens of question and reply together, as the server runs it, not as the model was
    trained. `json`: it keeps to a schema. Prices are US dollars for a million tokens.
    """

    id: str
    label: str = ""
    sense: Sense = "chat"
    sees: bool | None = None
    hears: bool | None = None
    tools: bool | None = None
    json: bool | None = None
    temperature: bool | None = None
    reasons: bool | None = None
    window: int | None = None
    max_out: int | None = None
    plan: str = ""
    price_in: float | None = None
    price_out: float | None = None


@dataclass(frozen=True, slots=True)
class Needs:
    """`tokens` is an estimate of what goes to the model, the reply not counted.

    `images` asks for eyes: the new message shows a picture, or an earlier one must be seen again.
    A picture that was told in words asks for none. `audio`: a recording goes to the model as sound.
    """

    images: bool = False
    tools: bool = False
    tokens: int = 0
    audio: bool = False
    json: bool = False


@dataclass(frozen=True, slots=True)
class Choice:
    """`why` is for the page. `window` tokens may go to the model, `max_output` come back.

    Where `sees` is False pictures must be told in words, and where `hears` is False recordings.
    `tools`, `json` (a schema) and `temperature` are False only where that is known.
    """

    model: str
    why: str
    window: int
    max_output: int
    sees: bool = False
    hears: bool = False
    tools: bool = True
    json: bool = True
    temperature: bool = True


def choose(
    provider: Provider,
    needs: Needs,
    *,
    chat: str | None,
    vision: str | None,
    pin: str | None = None,
    offered: Sequence[ModelFacts] = (),
) -> Choice:
    """The model for one request. `pin` is the user's choice for this conversation: it always wins.

    `chat` and `vision` are the operator's, by sense. `offered` is what the server says it has, empty
    where it was not asked. Raises ModelUnavailable with what to set.
    """
    shelf = _Shelf(provider, offered)
    if pin:
        blind = needs.images and not shelf.sees(pin)
        why = "you chose it; it is told of pictures in words" if blind else "you chose it"
        return shelf.choice(pin, why)
    model = chat or shelf.usual()
    why = "your chosen model" if chat else "your default model"
    if needs.images:
        why = "sees your image"
        if vision or not (model and shelf.sees(model)):
            model = vision or shelf.eyes()
        if not model:
            raise ModelUnavailable(
                f"No model that sees images is chosen for {provider.label}.",
                "Set PARLEY_VISION_MODEL to one that does, or send the message without its image.",
            )
    elif provider.offline:
        why = "no model is connected"
    elif not model:
        raise ModelUnavailable(
            f"No model is chosen for {provider.label}.",
            "Set PARLEY_MODEL to one of the models it offers.",
        )
    elif not chat and model != provider.chat:
        why = f"what {provider.label} offers"
    choice = shelf.choice(model, why)
    if needs.images:
        choice = replace(choice, sees=True)  # the operator's word goes before the name's look
    if chat or (needs.images and vision):
        return choice
    return shelf.better(choice, needs)


def sees(provider: Provider, model: str) -> bool:
    """Whether the model takes images: as the provider's file says, else as its name suggests."""
    return _Shelf(provider, ()).sees(model)


def of_file(provider: Provider) -> tuple[ModelFacts, ...]:
    """What the provider's file says of its models."""
    return tuple(
        ModelFacts(
            id=name,
            sense=model.sense,
            sees="image" in model.modalities,
            hears="audio" in model.modalities,
            tools=model.tools,
            json=model.json,
            temperature=model.temperature,
            window=model.window,
            max_out=model.max_out,
            plan=model.plan,
            price_in=model.price_in,
            price_out=model.price_out,
        )
        for name, model in provider.models.items()
    )


def filled(provider: Provider, offered: Iterable[ModelFacts]) -> tuple[ModelFacts, ...]:
    """What a server said, completed by the provider's file where it was silent."""
    written = {facts.id: facts for facts in of_file(provider)}
    return tuple(_filled(facts, written.get(facts.id), provider) for facts in offered)


def learnt(provider: Provider, offered: Iterable[ModelFacts]) -> Provider:
    """The provider with what its server said: its models, and defaults where its file has none.

    A model of which nobody said whether it sees is left out: an entry without would call it blind.
    """
    rows = filled(provider, offered)
    models = dict(provider.models)
    models.update({f.id: _entry(f) for f in rows if f.sees is not None or f.sense != "chat"})
    first = {f.sense: f.id for f in reversed(rows)}
    shelf = _Shelf(provider, rows)
    return replace(
        provider,
        models=models,
        chat=shelf.usual(),
        vision=provider.vision or shelf.eyes(),
        transcription=provider.transcription or first.get("transcription", ""),
        speech=provider.speech or first.get("speech", ""),
        image=provider.image or shelf.brush(),
    )


def seems_to_see(model: str) -> bool:
    """Whether a name is that of a model that sees; for models of which nobody said."""
    return bool(_SEES.search(model))


class _Shelf:
    """The models of a provider: those its file names, and those its server offers."""

    def __init__(self, provider: Provider, offered: Sequence[ModelFacts]) -> None:
        self._provider = provider
        self._offered = {facts.id: facts for facts in filled(provider, offered)}
        self._known = {f.id: f for f in of_file(provider)} | self._offered

    def facts(self, model: str) -> ModelFacts:
        """What is known of a model; Ollama takes a name without its tag for the latest."""
        known = self._known.get(model) or self._known.get(f"{model}:latest")
        return known or ModelFacts(model)

    def sees(self, model: str) -> bool:
        said = self.facts(model).sees
        return seems_to_see(model) if said is None else said

    def allowed(self) -> list[ModelFacts]:
        """Models of any sense that may be taken without being asked for by name.

        Where there are plans, only what is known to be in the account's: another costs a request to
        be refused. Where tokens are billed, only what the provider's file names: elsewhere prices
        differ a thousandfold.
        """
        provider = self._provider
        rows = list((self._offered or self._known).values())
        rows = [f for f in rows if provider.covers(f.plan)]
        if provider.plans:
            rows = [f for f in rows if f.plan or f.sense != "chat"]
        if provider.billing == "token" and provider.models:
            rows = [f for f in rows if f.id in provider.models]
        return rows

    def usual(self) -> str:
        """The default, unless the server says that it has it no more; "" where there is none."""
        default = self._provider.chat
        if default and (not self._offered or self.facts(default).id in self._offered):
            return default
        chatting = [f for f in self.allowed() if f.sense == "chat" and self._offered]
        # Most turns offer tools: what is known to call none comes last.
        chatting.sort(key=lambda f: f.tools is False)
        return chatting[0].id if chatting else default

    def eyes(self) -> str:
        """The model for pictures; "" where none is known to see."""
        default = self._provider.vision
        if default and (not self._offered or self.facts(default).id in self._offered):
            return default
        chatting = (f.id for f in self.allowed() if f.sense == "chat" and self._offered)
        return next(filter(self.sees, chatting), default)

    def brush(self) -> str:
        """A model that draws; "" where none is known to."""
        return next((f.id for f in self.allowed() if f.sense == "image"), "")

    def better(self, choice: Choice, needs: Needs) -> Choice:
        """Another model where the chosen one lacks what the turn needs and that one does not."""
        best, why = _lacks(choice, needs), choice.why
        for facts in self.allowed():
            if facts.sense != "chat":
                continue
            other = self.choice(facts.id, "")
            lacks = _lacks(other, needs)
            if lacks < best:
                gained = [reason for reason, a, b in zip(_GAINS, lacks, best, strict=True) if a < b]
                best, why, choice = lacks, gained[0], other
        return replace(choice, why=why)

    def choice(self, model: str, why: str) -> Choice:
        """The plan's limits, bounded by the model's own; careful numbers where nothing is known."""
        provider, facts = self._provider, self.facts(model)
        limits, whole = provider.limit, facts.window
        outs = [n for n in (limits.max_out, facts.max_out) if n]
        max_output = min(outs, default=provider.max_out)
        if limits.max_out is None:
            max_output = min(max_output, AMPLE)
        if whole is None and limits.window_in is None:
            whole = provider.window
        if whole is not None:
            max_output = min(max_output, max(1, whole // 4))
        rooms = [limits.window_in, whole - max_output if whole else None]
        return Choice(
            model,
            why,
            min(n for n in rooms if n is not None),
            max_output,
            sees=self.sees(model),
            hears=bool(facts.hears),
            tools=facts.tools is not False,
            json=facts.json is not False,
            temperature=facts.temperature is not False,
        )


_GAINS = (
    "sees your image",
    "has room for this long conversation",
    "can use tools",
    "answers in JSON",
    "hears your recording",
)


def _lacks(choice: Choice, needs: Needs) -> tuple[int, int, int, int, int]:
    """What the turn needs and the model has not, the gravest first; how many tokens of room."""
    return (
        int(needs.images and not choice.sees),
        max(0, needs.tokens - choice.window),
        int(needs.tools and not choice.tools),
        int(needs.json and not choice.json),
        int(needs.audio and not choice.hears),
    )


def _filled(said: ModelFacts, written: ModelFacts | None, provider: Provider) -> ModelFacts:
    plan = said.plan if said.plan in provider.plans else ""
    if written is None:
        return replace(said, plan=plan)
    silent = {
        field.name: getattr(written, field.name)
        for field in fields(ModelFacts)
        if getattr(said, field.name) is None
    }
    return replace(said, **silent, sense=written.sense, plan=plan or written.plan)


def _entry(facts: ModelFacts) -> Model:
    taken: list[Modality] = ["text"]
    taken += ["image"] if facts.sees else []
    taken += ["audio"] if facts.hears else []
    return Model(
        sense=facts.sense,
        modalities=tuple(taken),
        window=facts.window,
        max_out=facts.max_out,
        plan=facts.plan,
        tools=facts.tools,
        json=facts.json,
        temperature=facts.temperature,
        price_in=facts.price_in,
        price_out=facts.price_out,
    )
