"""Who answers: what is offered, what an owner decided, with whose key, and what it has cost."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

from inference.backend import BackendError, Errand, Speech
from inference.discovery import Catalogue
from inference.json_answer import schema_problem
from inference.ledger import Ledger
from inference.models import ModelFacts, Needs, choose
from inference.own_keys import OwnKey, OwnKeys
from inference.switchboard import Line, Offer, Switchboard, Task
from inference.turn_plan import SPOKEN_IN
from inference.usage import usage_report
from inference.voices import SAMPLES
from memory.choices import ConversationChoices
from memory.conversations import Busy, Missing
from memory.storage_faults import StoreFailed
from messages import Choices, Pick, Preset, Sense, Style
from refusals import EVERYWHERE, NotFound, Refused
from roles import Answering, Connected, Lent, Limits, Role, Senses, Speaker, Usage
from turns import MOST_REQUESTS

OFFLINE_ADVICE = (
    "Set OXLO_API_KEY (or another provider's key), or PARLEY_BASE_URL for any "
    "OpenAI-compatible server, and start Parley again."
)
MOST_PRESETS = 30
_LENT: tuple[Task, ...] = ("transcription", "speech")


class Lineup:
    """The owner comes first, always. Whatever is refused raises Refused, with words for the reader."""

    def __init__(
        self,
        lines: Switchboard,
        choices: ConversationChoices,
        ledger: Ledger,
        catalogue: Catalogue,
        own_keys: OwnKeys,
    ) -> None:
        self._lines = lines
        self._choices = choices
        self._ledger = ledger
        self._catalogue = catalogue
        self._own_keys = own_keys
        self.offers_changed: Callable[[], None] = lambda: None
        self.deciding = asyncio.Lock()

    async def choices(self, owner: str, conversation_id: str) -> Choices:
        """What was decided for this conversation, else for all of this owner's."""
        with refusing():
            here = await self._choices.get(owner, conversation_id)
            usual = here or await self._choices.get(owner, EVERYWHERE) or Choices()
        # A chat's own style stays empty until it has one: what holds everywhere may change meanwhile.
        own = here is not None or conversation_id == EVERYWHERE
        return usual if own else replace(usual, style=Style(), presets=())

    async def choose(self, owner: str, conversation_id: str, choices: Choices) -> None:
        """Decide for a conversation; for EVERYWHERE, for all that have no choice of their own."""
        with refusing():
            if choices.provider:
                self._lines.of(owner).line(choices.provider)
        if choices.schema and (problem := schema_problem(choices.schema)):
            raise Refused(f"This is no JSON Schema: {problem}", "Correct it, or leave it empty.")
        with refusing():
            await self._choices.set(owner, conversation_id, choices)

    def offers(self, owner: str) -> list[Offer]:
        """Every model that can be chosen, as far as is known without asking anybody."""
        return self._lines.of(owner).offers()

    async def set_style(self, owner: str, conversation_id: str, style: Style) -> None:
        """How replies are to be from now on; for EVERYWHERE, where a conversation does not say."""
        decided = await self.choices(owner, conversation_id)
        await self.choose(owner, conversation_id, replace(decided, style=style))

    async def set_presets(self, owner: str, presets: Sequence[Preset]) -> None:
        if len(presets) > MOST_PRESETS:
            raise Refused(f"{MOST_PRESETS} presets are the most.", "Delete one first.")
        usual = await self.choices(owner, EVERYWHERE)
        await self.choose(owner, EVERYWHERE, replace(usual, presets=tuple(presets)))

    async def limits(self, owner: str, conversation_id: str) -> Limits:
        """What the model that answers here can be asked for."""
        line, model = await self._answers(owner, conversation_id)
        if line.provider.offline:
            return Limits()
        try:
            choice = choose(
                line.provider,
                Needs(),
                chat=None,
                vision=None,
                pin=model or None,
                offered=line.models,
            )
        except BackendError:
            return Limits()
        known = line.backend.adaptations.of(line.provider.base_url, choice.model).refused
        warm = choice.temperature and "temperature" not in known
        return Limits(True, warm, choice.max_output)

    async def roles(self, owner: str, conversation_id: str) -> tuple[Role, ...]:
        """Who answers, sees, hears, speaks and draws in this conversation."""
        line, model = await self._answers(owner, conversation_id)
        pin = (await self.choices(owner, conversation_id)).model or None
        provider, lines = line.provider, await self._board(owner)
        try:
            seen = choose(
                provider,
                Needs(images=True),
                chat=None,
                vision=provider.vision or None,
                pin=pin,
                offered=line.models,
            )
            eyes = seen.model if seen.sees else ""
        except BackendError:
            eyes = ""
        hears, speaks = lines.for_sense("transcription"), lines.for_sense("speech")
        found: tuple[tuple[Sense, Line, str], ...] = (
            ("chat", line, model),
            ("images", line, eyes),
            ("transcription", hears, hears.model_for("transcription")),
            ("speech", speaks, speaks.model_for("speech")),
            ("drawing", line, provider.image),
        )
        offers = self._all_offers(owner)
        notes = {(offer.provider, offer.model): offer.note for offer in offers}
        picked = {p.sense: p for p in (await self.choices(owner, EVERYWHERE)).picks}
        if (here := await self.choices(owner, conversation_id)).provider:
            picked["chat"] = Pick("chat", here.provider, model)
        return tuple(
            Role(
                sense,
                name,
                who.provider.label,
                notes.get((who.provider.name, name), ""),
                who.provider.billing != "free",
                tuple(o for o in offers if _could(o, sense, provider.name)),
                picked.get(sense),
            )
            for sense, who, name in found
        )

    async def pick(self, owner: str, sense: Sense, provider: str, model: str) -> None:
        """From now on this model does it, in all conversations; "" leaves it to Parley again."""
        known = [(o.provider, o.model) for o in self._all_offers(owner) if sense in o.senses]
        if model and (provider, model) not in known:
            raise Refused(
                f"{model} is not offered for this.", "Refresh the list, or choose another model."
            )
        usual = await self.choices(owner, EVERYWHERE)
        picks = tuple(pick for pick in usual.picks if pick.sense != sense)
        picks += (Pick(sense, provider, model),) if model else ()
        await self.choose(owner, EVERYWHERE, replace(usual, picks=picks))

    def providers(self, owner: str) -> tuple[Connected, ...]:
        """Who is connected, for this owner."""
        return tuple(
            Connected(line.provider.name, line.provider.label, line.provider.offline)
            for line in self._lines.of(owner).lines()
        )

    async def check(self, owner: str, provider: str) -> str:
        """Whether one provider answers and takes its key; a sentence says so. Spends no request."""
        with refusing():
            line = self._lines.of(owner).line(provider)
            models = await self._heard(owner, line)
        many = "1 model" if len(models) == 1 else f"{len(models):,} models"
        return f"{line.provider.label} answers, and offers {many}."

    async def senses(self, owner: str) -> Senses:
        """Who would hear and speak for this owner now."""
        lines = await self._board(owner)
        hears = lines.for_sense("transcription").provider
        speaks = lines.for_sense("speech").provider
        return Senses(hears.billing != "free", speaks.billing != "free", hears.offline)

    async def speaker(self, owner: str) -> Speaker:
        """Who speaks for this owner now. A server of one's own is asked for its voices, once."""
        usual = await self.choices(owner, EVERYWHERE)
        line = self._lines.of(owner, usual.picks).for_sense("speech")
        voices = await line.backend.voices(Errand(owner, "", "", "models"))
        provider = line.provider
        own = usual.voice if usual.voice_of == provider.name.partition("@")[0] else ""
        counts = provider.billing != "free"
        chosen = own or provider.voice
        return Speaker(provider.label, voices, chosen, usual.pace, counts, provider.offline)

    async def choose_voice(self, owner: str, voice: str, pace: float) -> None:
        """From now on replies are spoken so, in all conversations."""
        usual = await self.choices(owner, EVERYWHERE)
        speaks = self._lines.of(owner, usual.picks).for_sense("speech")
        name = speaks.provider.name.partition("@")[0]
        await self.choose(owner, EVERYWHERE, replace(usual, voice=voice, voice_of=name, pace=pace))

    async def preview(self, owner: str, voice: str, pace: float, pool: str = "") -> Speech:
        """How a voice sounds, at this pace: 1 request."""
        line = (await self._board(owner)).for_sense("speech")
        errand = Errand(owner, "", "", "speech", pool)
        known = {one.id: one.language for one in await line.backend.voices(errand)}
        words = SAMPLES.get(known.get(voice, "").partition("-")[0], SAMPLES["en"])
        with refusing():
            return await line.backend.speak(words, line.model_for("speech"), voice, errand, pace)

    def own_key(self, owner: str) -> OwnKey:
        return self._own_keys.of(owner)

    async def connect_own_key(self, owner: str, provider: str, key: str, plan: str = "") -> str:
        """Let this visitor's own key answer them; a sentence says how it went. It is kept in memory
        for two hours after its last use, and never written anywhere."""
        with refusing():
            return await self._own_keys.connect(owner, provider, key, plan)

    async def disconnect_own_key(self, owner: str) -> None:
        await self._own_keys.disconnect(owner)

    async def refresh_offers(self, owner: str) -> None:
        """Ask every provider what it offers. No request of a day's budget is spent on it."""
        problem: BackendError | None = None
        for line in self._lines.of(owner).lines():
            try:
                await self._heard(owner, line)
            except BackendError as error:
                problem = error
        if problem:
            raise Refused(problem.message, problem.advice)

    async def _heard(self, owner: str, line: Line) -> tuple[ModelFacts, ...]:
        """What its server offers now. Raises BackendError."""
        catalogue = self._own_keys.catalogue(owner, line) or self._catalogue
        age_s = catalogue.age_s(line.connection)
        # Ten seconds of rest: a page may not be used to knock at a provider's door.
        fresh = age_s is None or age_s > 10
        models = await catalogue.offered(line.connection, owner, fresh=fresh)
        self._lines.of(owner).learn(line.provider.name, models)
        return models

    async def usage(self, owner: str, conversation_id: str = "") -> Usage:
        """What was sent to who answers here, by everybody today and by this owner."""
        line = await self._line(owner, conversation_id)
        report = await usage_report(self._ledger, line.provider, owner)
        most = MOST_REQUESTS if report.left is None else min(MOST_REQUESTS, report.left)
        board = await self._board(owner)
        spoken = board.for_sense("speech").provider.billing
        lent = await self._lent(owner, board, line)
        heard = board.for_sense("transcription").provider.billing
        return Usage(report, most, SPOKEN_IN[spoken], int(heard != "free"), lent)

    async def _lent(self, owner: str, board: Switchboard, answers: Line) -> tuple[Lent, ...]:
        """Who hears and speaks with requests of their own that count."""
        lines = {task: board.for_sense(task) for task in _LENT}
        billed = {
            one.provider.name: one for one in lines.values() if one.provider.billing != "free"
        }
        billed.pop(answers.provider.name, None)
        lent = []
        for name, line in billed.items():
            senses = tuple(task for task, one in lines.items() if one.provider.name == name)
            model = line.model_for(senses[0])
            report = await usage_report(self._ledger, line.provider, owner, model)
            lent.append(Lent(line.provider.label, senses, report))
        return tuple(lent)

    async def answering(self, owner: str, conversation_id: str) -> Answering:
        """Who answers in this conversation; "" stands for a page that has none open yet."""
        conversation_id = conversation_id or EVERYWHERE
        line = await self._line(owner, conversation_id)
        choices = await self.choices(owner, conversation_id)
        model = choices.model or line.model_for("chat")
        gone = choices.provider not in ("", line.provider.name)
        offline = line.provider.offline and not gone
        others = [o for o in self._lines.of(owner).lines() if not o.provider.offline]
        return Answering(
            provider="not connected" if gone else line.provider.label,
            model=model,
            offline=offline,
            advice=_advice(others) if offline else "",
            json=choices.json,
        )

    async def _answers(self, owner: str, conversation_id: str) -> tuple[Line, str]:
        """Who answers in a conversation, with which model where nothing else is needed."""
        line = await self._line(owner, conversation_id or EVERYWHERE)
        chosen = (await self.choices(owner, conversation_id or EVERYWHERE)).model
        return line, chosen or line.model_for("chat")

    def _all_offers(self, owner: str) -> tuple[Offer, ...]:
        """Those that draw included."""
        return (*self.offers(owner), *self._lines.of(owner).brushes())

    async def _board(self, owner: str) -> Switchboard:
        """The owner's lines, with the models that they chose by sense."""
        return self._lines.of(owner, (await self.choices(owner, EVERYWHERE)).picks)

    async def _line(self, owner: str, conversation_id: str) -> Line:
        chosen = (await self.choices(owner, conversation_id)).provider if conversation_id else ""
        lines = await self._board(owner)
        return lines.line(chosen) if lines.has(chosen) else lines.for_sense("chat")


def _could(offer: Offer, sense: Sense, answers: str) -> bool:
    """Pictures are seen, and drawn, by who answers."""
    elsewhere = sense not in ("images", "drawing")
    return sense in offer.senses and (elsewhere or offer.provider == answers)


def _advice(found: Sequence[Line]) -> str:
    if found:
        names = " and ".join(line.provider.label for line in found)
        return f"{names} can answer: choose a model above."
    return OFFLINE_ADVICE


@contextmanager
def refusing() -> Iterator[None]:
    """What the layers raise, in words for the reader."""
    try:
        yield
    except BackendError as error:
        raise Refused(error.message, error.advice) from None
    except Missing:
        raise NotFound("This is not here any more.", "Reload the page.") from None
    except StoreFailed as failed:
        raise Refused(failed.message, failed.advice) from failed
    except Busy:
        raise Refused(
            "A reply is still being written here.", "Wait for it, or press Stop."
        ) from None
