"""All connections that are alive at once, each with its own key: who answers, who hears, who speaks."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal, assert_never

from inference.backend import ModelUnavailable
from inference.connection import Connection, same_server
from inference.models import ModelFacts, filled, learnt, of_file, seems_to_see
from inference.openai_backend import OpenAIBackend
from inference.provider import Provider
from messages import Pick

if TYPE_CHECKING:
    from inference.own_keys import OwnKeys

Task = Literal["chat", "transcription", "speech"]
TASKS: tuple[Task, ...] = ("chat", "transcription", "speech")
OWN = "@own-"
"""Stands in the name of a provider whose key a visitor brought: `oxlo@own-1a2b3c4d`."""

Dial = Callable[[Provider, str], OpenAIBackend]
"""Opens a backend to a provider with that provider's key."""


@dataclass(frozen=True, slots=True)
class Line:
    """One connection. `models` is what its server offers, empty where it was not asked.

    `provider` has what its server said besides what its file says, which `connection` has alone.
    """

    provider: Provider
    backend: OpenAIBackend
    connection: Connection = field(repr=False)  # it has the key
    models: tuple[ModelFacts, ...] = ()

    def model_for(self, task: Task) -> str:
        """The model that does this where nobody chose another; "" where there is none."""
        return str(getattr(self.provider, task)) if task in self.provider.senses else ""


@dataclass(frozen=True, slots=True)
class Offer:
    """A model that can be chosen. `provider` is a line's name, `label` what people call it.

    `model` is the id to ask for, `title` what people call it. `senses` are among "chat", "images",
    "audio", "transcription" and "speech"; `note` says in a few words what else sets it apart.
    """

    provider: str
    label: str
    model: str
    senses: tuple[str, ...]
    note: str
    title: str = ""


class Switchboard:
    """Lines by their providers' names, the first to be added being the operator's choice.

    Each key goes to `dial` with its own provider, and to nobody else. These are everybody's lines;
    a visitor's own key has its line on a board of that visitor alone, which `of` gives.
    """

    def __init__(self, dial: Dial, own_keys: "OwnKeys | None" = None) -> None:
        self._dial = dial
        self._own_keys = own_keys
        self._lines: dict[str, Line] = {}
        self._tasks: dict[Task, str] = {}
        self._replaced: list[OpenAIBackend] = []

    def of(self, owner: str, picks: Sequence[Pick] = ()) -> "Switchboard":
        """The lines of one visitor as they are now: everybody's, behind their own where there is one.
        `picks` stand before what the operator chose; one whose provider is not connected is left out.

        Who asks again during a turn may find another one: a turn keeps what it was given.
        """
        own = self._own_keys.line(owner) if self._own_keys else None
        board = self if own is None else _VisitorsBoard(self, owner, own)
        return _PickedBoard(board, picks) if picks else board

    async def add(self, connection: Connection, models: Sequence[ModelFacts] = ()) -> Line:
        """Open a line; another of the same name is replaced, and its turns that run still end.

        A line that is there already, under another name, for the same server is given back as it is:
        whoever set a local server by its address need not see it twice.
        """
        provider = connection.provider
        for line in self._lines.values():
            if line.provider.name != provider.name and same_server(
                line.provider.base_url, provider.base_url
            ):
                return line
        told = learnt(provider, models) if models else provider
        backend = self._dial(told, connection.key)
        if before := self._lines.get(provider.name):
            self._replaced.append(before.backend)
        line = Line(told, backend, connection, filled(provider, models))
        self._lines[provider.name] = line
        return line

    def learn(self, name: str, models: Sequence[ModelFacts]) -> Line:
        """Take down what a line's server was heard to offer. Raises ModelUnavailable."""
        self._lines[name] = heard(self.line(name), models)
        return self._lines[name]

    def use(self, task: Task, name: str) -> None:
        """Let one line do a task for everybody. Raises ModelUnavailable."""
        self._tasks[task] = self.line(name).provider.name

    def line(self, name: str) -> Line:
        """The line of a provider. Raises ModelUnavailable where it is not connected (any more)."""
        line = self._lines.get(name)
        if line is None and OWN in name:
            raise ModelUnavailable(
                "Your own key is not connected any more.",
                "Enter it again, or choose another model.",
            )
        if line is None:
            raise ModelUnavailable(
                f"{name or 'No provider'} is not connected.", "Choose another model."
            )
        return line

    def has(self, name: str) -> bool:
        return name in self._lines

    def lines(self) -> list[Line]:
        return list(self._lines.values())

    def for_sense(self, task: Task) -> Line:
        """Who does a task: the line chosen for it, else the first line if it can, else a free one.

        Nothing is ever sent unasked to a second provider that bills; where nobody can, it is the first
        line, whose backend says what is missing. Raises ModelUnavailable where there is no line.
        """
        if task in self._tasks:
            return self._lines[self._tasks[task]]
        lines = self.lines()
        if not lines:
            raise ModelUnavailable("No provider is connected.", "Set a key and start again.")
        free = [line for line in lines[1:] if line.provider.billing == "free"]
        return next((ln for ln in (lines[0], *free) if ln.model_for(task)), lines[0])

    def offers(self) -> list[Offer]:
        """Every model that could be chosen now, line by line, the defaults of a line first."""
        return [offer for line in self._lines.values() for offer in _offers(line)]

    def brushes(self) -> list[Offer]:
        """Every model that draws."""
        return [offer for line in self._lines.values() for offer in _brushes(line)]

    async def aclose(self) -> None:
        """Hang up everywhere."""
        backends = [line.backend for line in self._lines.values()] + self._replaced
        self._lines, self._tasks, self._replaced = {}, {}, []
        for backend in backends:
            await backend.aclose()


class _VisitorsBoard(Switchboard):
    """A visitor's own line first, then everybody's. Made anew for each question, and closes nothing."""

    def __init__(self, house: Switchboard, owner: str, own: Line) -> None:
        super().__init__(house._dial, house._own_keys)
        self._house = house
        self._owner = owner
        self._own = own.provider.name
        self._lines = {self._own: own, **house._lines}
        self._tasks = {t: name for t, name in house._tasks.items() if not own.model_for(t)}

    def of(self, owner: str, picks: Sequence[Pick] = ()) -> Switchboard:
        return self._house.of(owner, picks)

    def learn(self, name: str, models: Sequence[ModelFacts]) -> Line:
        if name != self._own or self._own_keys is None:
            return self._house.learn(name, models)
        return self._own_keys.learn(self._owner, models)

    async def aclose(self) -> None:
        """Its lines belong to others."""


class _PickedBoard(Switchboard):
    """A board on which the owner's models by sense stand. Made anew each time, and closes nothing."""

    def __init__(self, board: Switchboard, picks: Sequence[Pick]) -> None:
        super().__init__(board._dial, board._own_keys)
        self._board = board
        self._lines, self._tasks = dict(board._lines), dict(board._tasks)
        for pick in picks:
            if (line := self._lines.get(pick.provider)) is None:
                continue
            self._lines[pick.provider] = replace(line, provider=_picked(line.provider, pick))
            for task in TASKS:
                if task == pick.sense:
                    self._tasks[task] = pick.provider

    def of(self, owner: str, picks: Sequence[Pick] = ()) -> Switchboard:
        return self._board.of(owner, picks)

    def learn(self, name: str, models: Sequence[ModelFacts]) -> Line:
        return self._board.learn(name, models)

    async def aclose(self) -> None:
        """Its lines belong to others."""


def _picked(provider: Provider, pick: Pick) -> Provider:
    match pick.sense:
        case "images":
            return replace(provider, vision=pick.model)
        case "transcription":
            return replace(provider, transcription=pick.model)
        case "speech":
            return replace(provider, speech=pick.model)
        case "drawing":
            return replace(provider, image=pick.model)
        case "chat":
            return replace(provider, chat=pick.model)
        case _:
            assert_never(pick.sense)


def heard(line: Line, models: Sequence[ModelFacts]) -> Line:
    """A line with what its server was heard to offer."""
    told = learnt(line.connection.provider, models)
    # The wire asks its provider which models are blind.
    line.backend.provider = told
    return replace(line, provider=told, models=filled(told, models))


def _offers(line: Line) -> list[Offer]:
    provider = line.provider
    known = {facts.id: facts for facts in line.models or of_file(provider)}
    usual: dict[str, Task] = {}
    if "chat" in provider.senses and provider.vision:
        usual[provider.vision] = "chat"
    usual.update({model: task for task in TASKS if (model := line.model_for(task))})
    for model, task in usual.items():
        known.setdefault(model, ModelFacts(model, sense=task))
    order = [line.model_for("chat"), *usual]
    rows = [f for f in known.values() if f.sense in provider.senses and provider.covers(f.plan)]
    rows.sort(key=lambda f: (_place(f), order.index(f.id) if f.id in order else len(order)))
    return [
        Offer(provider.name, provider.label, f.id, _senses(f), _note(f), _title(f)) for f in rows
    ]


def _brushes(line: Line) -> list[Offer]:
    provider = line.provider
    known = {f.id: f for f in line.models or of_file(provider) if f.sense == "image"}
    if provider.image:
        known.setdefault(provider.image, ModelFacts(provider.image, sense="image"))
    return [
        Offer(provider.name, provider.label, f.id, ("drawing",), _note(f), _title(f))
        for f in known.values()
        if provider.covers(f.plan)
    ]


def _title(facts: ModelFacts) -> str:
    """llama.cpp calls a model by its whole path."""
    name = facts.label or facts.id
    return re.split(r"[\\/]", name)[-1].removesuffix(".gguf") if name.endswith(".gguf") else name


def _place(facts: ModelFacts) -> int:
    return next((i for i, task in enumerate(TASKS) if task == facts.sense), len(TASKS))


def _senses(facts: ModelFacts) -> tuple[str, ...]:
    if facts.sense != "chat":
        return (facts.sense,)
    seeing = seems_to_see(facts.id) if facts.sees is None else facts.sees
    senses = ("images" if seeing else "", "audio" if facts.hears else "")
    return ("chat", *filter(None, senses))


def _note(facts: ModelFacts) -> str:
    """Such as "128K tokens · reasons · $0.25 in, $2 out a million tokens"."""
    said = [f"{_round(facts.window)} tokens"] if facts.window else []
    said += ["reasons"] if facts.reasons else []
    said += ["no tools"] if facts.tools is False and facts.sense == "chat" else []
    if facts.price_in == facts.price_out == 0:
        said.append("free")
    elif facts.price_in is not None and facts.price_out is not None:
        said.append(f"${facts.price_in:g} in, ${facts.price_out:g} out a million tokens")
    return " · ".join(said)


def _round(tokens: int) -> str:
    """Powers of two as people call them: 131072 is 128K, 1000000 is 1M."""
    kilo = 1024 if tokens % 1024 == 0 else 1000
    if tokens < kilo:
        return str(tokens)
    if tokens >= kilo * kilo:
        return f"{tokens / kilo / kilo:.1f}".removesuffix(".0") + "M"
    return f"{tokens // kilo}K"
