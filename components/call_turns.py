"""The turns of a call: what was said becomes words and is sent, and its reply is followed."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import aclosing

from assistant import Assistant, Refused, Take
from components.call_meter import Meter, Prices
from components.orders import Visitor
from components.patch import Frame
from components.words import explained, number, say, told
from events import Event, TurnStarted
from exchange import Exchange, begin, grow
from voice.recording import as_wav
from voice.turn_taking import TurnTaking

_NAME = "call.wav"
_MOST_TAKES = 4
"""That go into one message, where somebody goes on speaking before the first was understood."""
_PATIENCE = 2  # failures in a row after which it is waited for a tap
_PACE_S = 0.05
_LOOKS = 100


class CallTurns:
    """One at a time. `tell` sends a frame to the page; `taking` is whose turn it is."""

    def __init__(
        self,
        assistant: Assistant,
        who: Visitor,
        conversation: str,
        taking: TurnTaking,
        tell: Callable[[Frame], Awaitable[None]],
    ) -> None:
        self._assistant = assistant
        self._who = who
        self._conversation = conversation
        self._taking = taking
        self._tell = tell
        self._meter = Meter()
        self._one_at_a_time = asyncio.Lock()
        self._unsent: list[str] = []
        self._draft: Take | None = None
        self._following: asyncio.Task[None] | None = None
        self._failures = 0
        self.is_rough = False  # what is said is only understood roughly, and waits for a word

    @property
    def has_draft(self) -> bool:
        """A rough draft waits to be read and sent."""
        return self._draft is not None

    @property
    def is_running(self) -> bool:
        """A reply comes."""
        return self._following is not None and not self._following.done()

    @property
    def is_free(self) -> bool:
        """Nothing is being understood, sent or answered."""
        return not self.is_running and not self._one_at_a_time.locked()

    async def begin(self) -> None:
        """Say what a turn costs; go on with the turn that runs here, if one does."""
        owner = self._who.owner
        senses = await self._assistant.senses(owner)
        answering = await self._assistant.answering(owner, self._conversation)
        report = (await self._assistant.usage(owner, self._conversation)).report
        answer = not answering.offline and report.billing != "free"
        self.is_rough = senses.rough
        self._prices = Prices(senses.hearing_counts, answer, senses.speech_counts)
        await self._tell_costs()
        found = await self._assistant.open(owner, self._conversation, limit=1)
        if found.messages and found.messages[-1].status == "running":
            self._taking.answer()
            self._follow()

    async def take(self, pcm: bytes) -> None:
        """Somebody has said this. It is sent once it is understood, unless more is being said."""
        async with self._one_at_a_time:
            try:
                await self._understand(pcm)
                if self._unsent and not self._draft and self._taking.phase != "hearing":
                    await self._send(self._unsent)
            except Refused as refused:
                await self._trouble(refused.message, refused.advice)

    async def say(self, words: str) -> None:
        """Send the draft as its speaker has read and corrected it."""
        async with self._one_at_a_time:
            if not self._draft:
                return
            takes: list[str | Take] = [*self._unsent, Take(self._draft.sha256, words)]
            self._draft = None
            self._taking.answer()
            try:
                await self._send(takes)
            except Refused as refused:
                await self._trouble(refused.message, refused.advice)

    def drop(self) -> None:
        """The draft is not what was said."""
        self._draft, self._unsent = None, []
        self._taking.listen()

    async def stop(self) -> None:
        """End the turn that runs, as Stop does: what it has said is kept."""
        async with self._one_at_a_time:
            if self.is_running:
                await self.leave()
                await self._assistant.stop(self._who.owner, self._conversation)
                self._meter.close()

    async def leave(self) -> None:
        """Follow no more; a turn that runs goes on."""
        if self._following:
            self._following.cancel()
            await asyncio.wait((self._following,))

    async def _understand(self, pcm: bytes) -> None:
        owner, pool = self._who.owner, self._who.pool
        kept = await self._assistant.attach(owner, as_wav(pcm), _NAME)
        sha256 = kept.media.sha256
        draft = await self._assistant.dictation.transcribe(owner, self._conversation, sha256, pool)
        if not draft.silent and not draft.rough and self._prices.hearing:
            self._meter.heard()
            await self._tell_costs()
        if draft.silent or not draft.text:
            await self._tell({"kind": "heard", "text": "", "rough": False})
            if not self._unsent:
                self._taking.listen()
            return
        await self._tell({"kind": "heard", "text": draft.text, "rough": draft.rough})
        if draft.rough:
            self._draft = Take(sha256, draft.text)
            self._taking.rest()
        else:
            self._unsent.append(sha256)

    async def _send(self, takes: Sequence[str | Take]) -> None:
        self._unsent = []
        who = self._who
        await self._assistant.send(who.owner, self._conversation, "", takes, True, who.pool)
        self._follow()

    def _follow(self) -> None:
        self._following = asyncio.create_task(self._until_answered())

    async def _until_answered(self) -> None:
        exchange: Exchange | None = None
        batches = self._assistant.follow(self._who.owner, self._conversation)
        async with aclosing(batches):  # type: ignore[type-var]
            async for batch in batches:
                for event in batch:
                    exchange = _grown(exchange, event)
                if exchange:
                    await self._show(exchange)
                    if exchange.reply.status != "running":
                        break
                await asyncio.sleep(_PACE_S)
        if exchange:
            await self._end(exchange)

    async def _show(self, exchange: Exchange) -> None:
        about = exchange.reply.provenance
        if about is None:
            return
        if self._meter.reply(about.requests):
            await self._tell_costs()
        note = told(about.asking[0].why if about.asking else about.waiting)
        await self._tell({"kind": "reply", "turn": exchange.reply.id, "note": note})

    async def _end(self, exchange: Exchange) -> None:
        about = exchange.reply.provenance
        self._meter.close()
        failed = exchange.reply.status == "failed" and about is not None
        if failed and about and about.fault:
            await self._tell_why(about.fault.message, about.fault.advice)
        self._failures = self._failures + 1 if failed else 0
        await self._stored()
        spoken = about is not None and bool(about.spoken or about.pieces or about.unvoiced)
        await self._tell({"kind": "over", "turn": exchange.reply.id, "spoken": spoken})
        if self._failures >= _PATIENCE:
            self._rest()

    async def _stored(self) -> None:
        """A reply ends a moment before it is stored, and until then nothing can be sent."""
        for _ in range(_LOOKS):
            found = await self._assistant.open(self._who.owner, self._conversation, limit=1)
            if not found.messages or found.messages[-1].status != "running":
                return
            await asyncio.sleep(_PACE_S)

    async def _trouble(self, message: str, advice: str) -> None:
        """Nothing was sent: say why, and listen again, or rest where it went wrong before."""
        self._unsent = []
        self._failures += 1
        await self._tell_why(message, advice)
        if self._failures >= _PATIENCE:
            self._rest()
        elif self._taking.phase == "answering":
            self._taking.listen()

    def _rest(self) -> None:
        if self._taking.phase != "hearing":
            self._failures = 0
            self._taking.rest()

    async def _tell_why(self, message: str, advice: str) -> None:
        await self._tell({"kind": "told", **explained(message, advice)})

    async def _tell_costs(self) -> None:
        report = (await self._assistant.usage(self._who.owner, self._conversation)).report
        left = ""
        if report.left is not None and report.limit is not None:
            left = say(
                "{left} of {limit} left today",
                left=number(report.left),
                limit=number(report.limit),
            )
        frame = {"kind": "meter", "costs": self._prices.told(), "spent": self._meter.told()}
        await self._tell({**frame, "left": left})


def _grown(exchange: Exchange | None, event: Event) -> Exchange | None:
    if isinstance(event, TurnStarted):
        return begin(event)
    return grow(exchange, event) if exchange else None
