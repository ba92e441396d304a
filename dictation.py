"""What was said into a microphone, as words to be read before they are sent.

A call keeps a take with `assistant.attach(owner, wav, "recording.wav")`, has it written down with
`assistant.dictation.transcribe(…)`, and sends it with `assistant.send(…, media=[sha256], …)`: its
words are paid for once. A rough draft goes as `Take(sha256, words)`, once its speaker has read it.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from weakref import WeakValueDictionary

from inference.backend import Errand
from inference.ledger import Ledger
from inference.switchboard import Line, Switchboard
from inference.turn_plan import plan
from lineup import refusing
from memory.media import MediaStore
from memory.transcripts import Transcripts
from messages import Audio, Document, Image, Part
from refusals import NotFound, Refused
from steps.hearing import ROUGH, ROUGH_ADVICE, listen, understood
from voice.activity import VoiceActivity


@dataclass(frozen=True, slots=True)
class Take:
    """A recording whose words its speaker has read, and put right."""

    sha256: str
    words: str


@dataclass(frozen=True, slots=True)
class Draft:
    """`silent`: nobody speaks in it; it was thrown away, and nothing was spent on it.

    `text` is empty without that where no words were understood. `rough`: this machine wrote it, so
    it is not to be sent before it was read.
    """

    text: str
    rough: bool = False
    silent: bool = False


class Dictation:
    """The owner comes first, always. Whatever is refused raises Refused, with words for the reader.

    `board` gives an owner's lines, `answers` the one that answers in a conversation: its budget is kept.
    """

    def __init__(
        self,
        board: Callable[[str], Awaitable[Switchboard]],
        ledger: Ledger,
        media: MediaStore,
        activity: VoiceActivity | None,
        answers: Callable[[str, str], Awaitable[Line]],
    ) -> None:
        self._board = board
        self._ledger = ledger
        self._media = media
        self._activity = activity
        self._answers = answers
        self._transcripts = Transcripts(media)
        self._busy: WeakValueDictionary[tuple[str, str], asyncio.Lock] = WeakValueDictionary()

    async def transcribe(
        self, owner: str, conversation_id: str, sha256: str, pool: str = ""
    ) -> Draft:
        """The words of a recording: 1 request, and none if it is silent or was written down before."""
        lock = self._busy.setdefault((owner, sha256), asyncio.Lock())
        async with lock:
            with refusing():
                recording = await self._media.known(owner, sha256)
                if not recording.mime.startswith("audio/"):
                    raise NotFound("This is no recording.", "Attach one.")
                kept = await self._transcripts.get(owner, sha256)
                if kept and not (kept.rough and not await self.is_rough(owner, conversation_id)):
                    return Draft(kept.text, kept.rough)
                sound = await listen(self._media, self._activity, recording)
                if sound.silent:
                    await self.discard(owner, [sha256])
                    return Draft("", silent=True)
                line = await self._ears(owner, conversation_id, 1)
                errand = Errand(owner, conversation_id, "", "transcription", pool)
                model = line.model_for("transcription")
                found = await understood(sound, line, model, errand)
                await self._transcripts.keep(owner, sha256, found)
                return Draft(found.text, found.rough)

    async def discard(self, owner: str, sha256s: Iterable[str]) -> None:
        """Throw recordings away that no message holds."""
        given_up = list(sha256s)
        with refusing():
            await self._media.disown(owner, given_up)
            await self._transcripts.disown(owner, given_up)

    async def worded(
        self,
        owner: str,
        conversation_id: str,
        parts: Sequence[Image | Audio | Document],
        takes: Sequence[Take],
    ) -> list[Part]:
        """The parts of a message with the words that are known of its recordings."""
        given = {take.sha256: take.words.strip() for take in takes}
        worded: list[Part] = []
        unheard = 0
        for part in parts:
            if not isinstance(part, Audio):
                worded.append(part)
                continue
            words = given.get(part.media.sha256)
            kept = await self._transcripts.get(owner, part.media.sha256)
            if words is None and kept and not kept.rough:
                words = kept.text
            unheard += words is None
            worded.append(replace(part, transcript=words))
        if unheard and await self.is_rough(owner, conversation_id, unheard):
            raise Refused(ROUGH, ROUGH_ADVICE)
        return worded

    async def is_rough(self, owner: str, conversation_id: str, recordings: int = 1) -> bool:
        """Whether this machine would have to understand them, for want of a provider or a budget."""
        try:
            with refusing():
                return (await self._ears(owner, conversation_id, recordings)).provider.offline
        except Refused:  # nobody can
            return False

    async def _ears(self, owner: str, conversation_id: str, recordings: int) -> Line:
        """Who understands recordings; the last request of the day is kept for an answer."""
        board = await self._board(owner)
        answering = await self._answers(owner, conversation_id)
        left = await self._ledger.left(answering.provider.name, answering.model_for("chat"))
        local = board.has("offline")
        planned = plan(left.left, speak=False, recordings=recordings, local_senses=local)
        if planned.hearing == "none":
            raise Refused(
                planned.note or "Nobody can understand it now.", "Type, or send it later."
            )
        return (
            board.line("offline")
            if planned.hearing == "local"
            else board.for_sense("transcription")
        )
