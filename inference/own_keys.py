"""Keys that visitors bring: each answers its own visitor alone, out of memory, for two hours.

Such a key is never written anywhere. Its line has a provider of its own name, so that the ledger
counts it apart from the operator's budget: no limit and no reserve of the operator's applies to it.
"""

import asyncio
import hashlib
import time
from collections import deque
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping, Sequence
from contextlib import aclosing, contextmanager
from dataclasses import dataclass, field, replace

from inference.backend import (
    BackendError,
    ChatRequest,
    Chunk,
    Errand,
    KeyRejected,
    ModelUnavailable,
    RateLimited,
    Speech,
)
from inference.connection import Connection
from inference.discovery import Catalogue
from inference.drawing import Drawn, Wanted
from inference.ledger import Ledger
from inference.models import ModelFacts, filled, learnt
from inference.openai_backend import OpenAIBackend
from inference.provider import NoSuchPlan, Provider
from inference.switchboard import OWN, Line, heard
from inference.transport import Deadlines

LIFE_S = 2 * 3600.0
"""How long a key is kept after it was last used."""
LINGER_S = 60.0
"""A turn pauses between its requests, while tools run: nobody hangs up on it for so long."""
MOST_KEYS = 200
MOST_TRIES = 20
"""Keys that may be tried in a minute, by all visitors together: Parley is no place to test keys."""
SHORTEST_KEY, LONGEST_KEY = 8, 512
_TIDY_EVERY_S = 30.0
_COPY = "Copy it again from your account there."


@dataclass(frozen=True, slots=True)
class OwnKey:
    """Whose key a visitor may bring, by name with the label; `connected` is the label of the one
    whose they have brought, "" where it is none. `plans` are those an account there may have, by
    the provider's name, the smallest first."""

    providers: Mapping[str, str]
    connected: str = ""
    plans: Mapping[str, Sequence[str]] = field(default_factory=dict)


class OwnBackend(OpenAIBackend):
    """Knows when it was used, so that it is closed only when no turn runs on it."""

    def __init__(
        self,
        provider: Provider,
        key: str,
        ledger: Ledger,
        deadlines: Deadlines | None,
        clock: Callable[[], float],
    ) -> None:
        super().__init__(provider, key, ledger, deadlines)
        self._clock = clock
        self._running = 0
        self._used_at = clock()
        self._closed = False

    @property
    def idle_s(self) -> float:
        """Since when nothing was asked; 0 while something is."""
        return 0.0 if self._running else self._clock() - self._used_at

    async def chat(self, request: ChatRequest, errand: Errand) -> AsyncGenerator[Chunk, None]:
        with self._using():
            async with aclosing(super().chat(request, errand)) as chunks:
                async for chunk in chunks:
                    yield chunk

    async def transcribe(self, audio: Speech, model: str, errand: Errand) -> str:
        with self._using():
            return await super().transcribe(audio, model, errand)

    async def speak(
        self, text: str, model: str, voice: str, errand: Errand, pace: float = 1.0
    ) -> Speech:
        with self._using():
            return await super().speak(text, model, voice, errand, pace)

    async def embed(self, texts: Sequence[str], model: str, errand: Errand) -> list[list[float]]:
        with self._using():
            return await super().embed(texts, model, errand)

    async def draw(self, wanted: Wanted, errand: Errand, counted: Callable[[], None]) -> Drawn:
        with self._using():
            return await super().draw(wanted, errand, counted)

    async def aclose(self) -> None:
        self._closed = True
        await super().aclose()

    @contextmanager
    def _using(self) -> Iterator[None]:
        if self._closed:
            raise KeyRejected(
                "Your own key is not connected any more.", "Enter it again, then retry."
            )
        self._running += 1
        try:
            yield
        except KeyRejected as error:
            # What is said otherwise is for the operator: which variable to set.
            raise KeyRejected(error.message, f"{_COPY} Then connect it anew.") from None
        finally:
            self._running -= 1
            self._used_at = self._clock()


@dataclass(slots=True)
class _Own:
    """What is kept for one visitor. What their server offers goes with the key."""

    line: Line
    backend: OwnBackend
    catalogue: Catalogue


class OwnKeys:
    """By owner. `providers` are all there are: only a known address ever gets a visitor's key, and
    of those only what asks for one. `clock` gives monotonic seconds. Of more than `most` keys the one
    that was unused for longest goes."""

    def __init__(
        self,
        providers: Mapping[str, Provider],
        ledger: Ledger,
        deadlines: Deadlines | None = None,
        clock: Callable[[], float] = time.monotonic,
        most: int = MOST_KEYS,
    ) -> None:
        self._providers = {
            name: provider
            for name, provider in providers.items()
            if provider.key_variable and provider.base_url and provider.billing != "free"
        }
        self._ledger = ledger
        self._deadlines = deadlines
        self._clock = clock
        self._most = most
        self._own: dict[str, _Own] = {}
        self._leaving: list[OwnBackend] = []
        self._tries: deque[float] = deque(maxlen=MOST_TRIES)
        self._tidying: asyncio.Task[None] | None = None
        self.on_change: Callable[[str], None] = _nobody_listens
        """Told an owner whose key came or went."""

    def of(self, owner: str) -> OwnKey:
        labels = {name: provider.label for name, provider in self._providers.items()}
        plans = {name: tuple(p.plans) for name, p in self._providers.items() if p.plans}
        line = self.line(owner)
        return OwnKey(labels, line.provider.label if line else "", plans)

    def line(self, owner: str) -> Line | None:
        """The line of this visitor's own key, while it lives."""
        own = self._own.get(owner)
        if own is not None and own.backend.idle_s >= LIFE_S:
            self._put_away(owner)
            return None
        return own.line if own else None

    def catalogue(self, owner: str, line: Line) -> Catalogue | None:
        """Where this line's models are asked for, if it is the visitor's own."""
        own = self._own.get(owner)
        return own.catalogue if own and own.line.provider.name == line.provider.name else None

    def learn(self, owner: str, models: Sequence[ModelFacts]) -> Line:
        """Take down what the visitor's own server was heard to offer. Raises ModelUnavailable."""
        own = self._own.get(owner)
        if own is None:
            raise ModelUnavailable("Your own key is not connected any more.", "Enter it again.")
        own.line = heard(own.line, models)
        return own.line

    async def connect(self, owner: str, provider: str, key: str, plan: str = "") -> str:
        """Keep a key in the place of an earlier one; gives a sentence on how that went.

        `plan` is the account's, the smallest if not given. The key is checked by asking for the
        provider's models, which spends nothing. Raises BackendError where it is none or is
        rejected; then nothing is kept. Where the list cannot be had for another reason, the key is
        kept unchecked, and said so.
        """
        connection = self._connection(owner, provider, key, plan)
        self._count_a_try()
        catalogue = Catalogue(self._ledger)
        models: tuple[ModelFacts, ...] = ()
        label, doubt = self._providers[provider].label, ""
        try:
            models = await catalogue.offered(connection, owner)
        except KeyRejected as error:
            raise KeyRejected(error.message, f"{_COPY} Nothing was kept.") from None
        except BackendError as error:
            doubt = error.message
        self._keep(owner, connection, models, catalogue)
        if doubt:
            return (
                f"Kept, but not checked. {doubt} Your first message will show whether the key "
                "is right."
            )
        many = f"{len(models)} models" if len(models) != 1 else "1 model"
        return f"Connected: {label} offers {many}, and answers you with your own key now."

    async def disconnect(self, owner: str) -> None:
        """Forget this visitor's key. A turn that runs on it may still end."""
        self._put_away(owner)
        await self.tidy()

    async def tidy(self) -> None:
        """Put away what lapsed, and hang up where no turn runs any more."""
        for owner in list(self._own):
            self.line(owner)
        done = [backend for backend in self._leaving if backend.idle_s >= LINGER_S]
        self._leaving = [backend for backend in self._leaving if backend not in done]
        for backend in done:
            await backend.aclose()

    async def aclose(self) -> None:
        """Forget all keys and hang up everywhere."""
        if self._tidying is not None:
            self._tidying.cancel()
            await asyncio.wait((self._tidying,))
        backends = [own.backend for own in self._own.values()] + self._leaving
        self._own, self._leaving = {}, []
        for backend in backends:
            await backend.aclose()

    def _connection(self, owner: str, provider: str, key: str, plan: str) -> Connection:
        facts, key = self._providers.get(provider), key.strip()
        if facts is None:
            raise ModelUnavailable("Parley takes no key for that.", "Choose one from the list.")
        try:
            facts = facts.on_plan(plan)
        except NoSuchPlan as error:
            raise ModelUnavailable(str(error), "Choose one from the list.") from None
        if not SHORTEST_KEY <= len(key) <= LONGEST_KEY:
            raise KeyRejected(
                f"A key has {SHORTEST_KEY} to {LONGEST_KEY} characters: this is none.", _COPY
            )
        if not key.isascii() or not key.isprintable() or " " in key:
            raise KeyRejected("The key holds characters that no key has.", _COPY)
        whose = hashlib.sha256(owner.encode()).hexdigest()[:8]
        return Connection(replace(facts, name=f"{facts.name}{OWN}{whose}"), key)

    def _count_a_try(self) -> None:
        now = self._clock()
        if len(self._tries) == MOST_TRIES and now - self._tries[0] < 60:
            raise RateLimited("Too many keys are being tried here just now.", "Wait a minute.")
        self._tries.append(now)

    def _keep(
        self,
        owner: str,
        connection: Connection,
        models: Sequence[ModelFacts],
        catalogue: Catalogue,
    ) -> None:
        self._put_away(owner)
        if len(self._own) >= self._most:
            self._put_away(max(self._own, key=lambda each: self._own[each].backend.idle_s))
        facts = connection.provider
        connection = replace(connection, provider=replace(facts, label=f"{facts.label} (your key)"))
        told = learnt(connection.provider, models) if models else connection.provider
        backend = OwnBackend(told, connection.key, self._ledger, self._deadlines, self._clock)
        line = Line(told, backend, connection, filled(told, models))
        self._own[owner] = _Own(line, backend, catalogue)
        if self._tidying is None or self._tidying.done():
            self._tidying = asyncio.create_task(self._tidy_on())
        self.on_change(owner)

    def _put_away(self, owner: str) -> None:
        if own := self._own.pop(owner, None):
            self._leaving.append(own.backend)
            self.on_change(owner)

    async def _tidy_on(self) -> None:
        """While there is a key: it goes in time, also where nobody asks for it any more."""
        while self._own or self._leaving:
            await asyncio.sleep(_TIDY_EVERY_S)
            await self.tidy()


def _nobody_listens(_owner: str) -> None:
    pass
