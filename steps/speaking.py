"""The reply as sound: its first sentences are spoken while the others are still being written."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Coroutine

from events import (
    Event,
    RequestSent,
    Spoken,
    SpokenWhole,
    TextDelta,
    ToolCalled,
    Unvoiced,
    VoiceNoted,
    Voicing,
)
from inference.backend import BackendError, ModelUnavailable
from inference.switchboard import Line
from inference.turn_plan import SPOKEN_IN
from inference.voices import suited
from memory.storage_faults import StoreFailed
from messages import Fault, Media
from steps.course import Course
from voice.language import NAMES, guess
from voice.pieces import LONGEST, Pieces
from voice.spoken import Reading
from voice.whole import put_together

log = logging.getLogger(__name__)

CUT = f"Only the first {LONGEST:,} characters are spoken: the rest would cost more requests."
JSON = "A reply in JSON is not read out."

_waiting: set[asyncio.Task[None]] = set()  # a task that nobody holds may vanish

Step = Callable[[Course], AsyncIterator[Event]]


def aloud(step: Step) -> Step:
    """The step, and beside it the voice that speaks what it yields; their events in one stream.

    The step goes on only when its event was taken: the turn has grown by it then.
    """

    async def both(course: Course) -> AsyncIterator[Event]:
        voice = course.voice = _voice_for(course)
        if voice is None:
            async for event in step(course):
                yield event
            return
        writing = asyncio.create_task(voice.follow(step(course)))
        try:
            while (told := await voice.told.get()) is not None:
                happened, taken = told
                yield happened() if callable(happened) else happened
                if taken:
                    taken.set()
            await writing
        finally:
            writing.cancel()
            await asyncio.gather(writing, return_exceptions=True)

    return both


async def speak(course: Course) -> AsyncIterator[Event]:
    """The end of it: the last pieces, and then all of them as one sound."""
    voice = course.voice
    if not isinstance(voice, Aloud):
        if course.turn.wishes.speak and course.turn.wishes.choices.json:
            yield VoiceNoted(JSON)
        return
    voice.finish()
    while (told := await voice.told.get()) is not None:
        yield told[0]() if callable(told[0]) else told[0]
    if voice.notes:
        yield VoiceNoted(" ".join(voice.notes))
    if voice.fault and course.shortcoming is None:
        course.shortcoming = voice.fault
    async for event in kept(course):
        yield event


async def read_out(course: Course, words: str) -> AsyncIterator[Event]:
    """A reply that was written before is spoken; of `course` no more than `planned` is asked."""
    voice = course.voice = _voice_for(course)
    if voice is None:
        return
    if course.planned.note:
        voice.notes.append(course.planned.note)
    voice.read(words)
    async for event in speak(course):
        yield event


async def kept(course: Course) -> AsyncIterator[Event]:
    """What was spoken until now as one sound, with the message; for a turn that ended early too."""
    voice = course.voice
    if not isinstance(voice, Aloud):
        return
    await voice.hush()
    while voice.unfinished:
        yield voice.unfinished.pop()()
    owner, media = course.turn.owner, course.layers.media
    try:
        whole = await put_together([data for _, data in voice.sounds]) if voice.sounds else None
        one = await media.put(owner, whole.data, whole.mime, "reply") if whole else None
    except Exception:
        # The pieces are there, and the reply is.
        log.exception("The pieces of a spoken reply could not be joined")
        whole = one = None
    course.voice = None  # not before: who stops meanwhile has it joined all the same
    if whole and one:
        yield SpokenWhole(one, whole.seconds, whole.starts)
        pieces = {piece.sha256 for piece, _ in voice.sounds} - {one.sha256}
        _later(course.layers.pieces_kept_s, lambda: media.disown(owner, pieces))


def _later(seconds: float, act: Callable[[], Coroutine[None, None, None]]) -> None:
    """Parley may end before: what is not given up then costs some room on the disk, no more."""

    async def wait() -> None:
        await asyncio.sleep(seconds)
        await act()

    task = asyncio.create_task(wait())
    _waiting.add(task)
    task.add_done_callback(_waiting.discard)


def _voice_for(course: Course) -> "Aloud | None":
    wishes = course.turn.wishes
    if not wishes.speak or wishes.choices.json:
        return None
    if course.planned.speech == "none":
        return Aloud(course, None)
    return Aloud(course, course.sense("speech", course.planned.speech))


Told = tuple[Event | Callable[[], Event], asyncio.Event | None]


class Aloud:
    """One reply's voice. `told` gets its events, each with what to set once it was taken, then None.

    Of a turn with tools, what was written before the tools ran is left out unless it was spoken
    already. `line` is None where nothing here can speak.
    """

    def __init__(self, course: Course, line: tuple[Line, str] | None) -> None:
        self.told: asyncio.Queue[Told | None] = asyncio.Queue()
        self.fault: Fault | None = None
        self.notes: list[str] = []
        self.sounds: list[tuple[Media, bytes]] = []
        self.unfinished: list[Callable[[], RequestSent]] = []
        self._course = course
        self._line = line
        self._reading = Reading()
        self._pieces = Pieces(_most(course, line))
        self._begun = False
        self._voice: str | None = None
        self._texts: asyncio.Queue[str | None] = asyncio.Queue()
        self._speaking = asyncio.create_task(self._speak_all())

    async def follow(self, events: AsyncIterator[Event]) -> None:
        """Hand on the events of a step, and speak the words in them."""
        try:
            async for event in events:
                taken = asyncio.Event()
                self.told.put_nowait((event, taken))
                await taken.wait()
                self._hear(event)
        finally:
            self.told.put_nowait(None)

    def read(self, words: str) -> None:
        """More of the reply."""
        self._say(self._pieces.feed(self._reading.feed(words)))

    def finish(self) -> None:
        """The reply is whole: what is left of it is spoken, then `told` ends."""
        self._say(self._pieces.feed(self._reading.close()))
        self._say(self._pieces.close())
        if self._pieces.cut:
            self.notes.append(CUT)
        self._texts.put_nowait(None)

    async def hush(self) -> None:
        self._speaking.cancel()
        await asyncio.gather(self._speaking, return_exceptions=True)

    def _hear(self, event: Event) -> None:
        if isinstance(event, TextDelta):
            self.read(event.text)
        elif isinstance(event, ToolCalled):
            self._reading = Reading()
            self._pieces.drop()

    def _say(self, pieces: list[str]) -> None:
        for text in pieces:
            self._texts.put_nowait(text)

    async def _speak_all(self) -> None:
        while (text := await self._texts.get()) is not None:
            if self.fault is not None:
                continue
            try:
                await self._speak(text)
            except StoreFailed as error:
                log.exception("A spoken reply could not be stored")
                self.fault = Fault(f"The reply could not be spoken. {error.message}", error.advice)
            except Exception:
                # The reply is whole, or will be: that it cannot be spoken does not make it fail.
                log.exception("A reply could not be spoken")
                told = "Parley failed inside while speaking."
                self.fault = Fault(told, "The log says what happened.")
            if self.fault is not None:
                self.told.put_nowait((Voicing(0.0), None))
        self.told.put_nowait(None)

    async def _speak(self, text: str) -> None:
        if self._line and not self.sounds and not self._begun:
            self._begun = True
            self.told.put_nowait((Voicing(), None))
        if self._line and self._voice is None:
            await self._choose(self._line[0], guess(text))
        if self._line is None or self._voice is None:
            self.told.put_nowait((Unvoiced(text), None))
            return
        (line, model), course = self._line, self._course
        sent = self._request(line, model)
        self.unfinished.append(sent)
        try:
            speech = await line.backend.speak(
                text, model, self._voice, course.errand("speech"), course.turn.wishes.choices.pace
            )
        except BackendError as error:
            self.unfinished.clear()
            if error.sent and not isinstance(error, ModelUnavailable):
                self.told.put_nowait((sent, None))
            self._failed(error, line, text)
            return
        self.unfinished.clear()
        media = await course.layers.media.put(course.turn.owner, speech.data, speech.mime, "reply")
        self.sounds.append((media, speech.data))
        self.told.put_nowait((sent, None))
        self.told.put_nowait((Spoken(media, len(self.sounds) - 1), None))

    def _failed(self, error: BackendError, line: Line, text: str) -> None:
        """Said once, and nothing more is asked for; a browser reads what no voice here can."""
        if not self.sounds and (line.provider.offline or isinstance(error, ModelUnavailable)):
            self._line = None
            self.told.put_nowait((Unvoiced(text), None))
            return
        what = "The rest of the reply" if self.sounds else "The reply"
        self.fault = Fault(f"{what} could not be spoken. {error.message}", error.advice)

    def _request(self, line: Line, model: str) -> Callable[[], RequestSent]:
        """The event is made when it is taken, so that the turn counts as many as it has seen."""
        return lambda: self._course.request("speech", model, line)

    async def _choose(self, line: Line, language: str) -> None:
        """Who speaks the whole reply, by the language in which it begins.

        No voice reads what it does not speak: the one of this machine does, else a browser's.
        """
        self._voice = await self._suited(line, language)
        if self._voice is not None:
            return
        told = f"{line.provider.label} has no voice for {NAMES.get(language, language)}"
        here = self._course.sense("speech", "local") if self._course.lines.has("offline") else None
        if here and not line.provider.offline:
            self._voice = await self._suited(here[0], language)
        if self._voice is None:
            here, told = None, f"{told}."
        else:
            self._pieces.free()
            told = f"{told}: the one of this machine reads it, and costs no request."
        self._line = here
        self.notes.append(told)

    async def _suited(self, line: Line, language: str) -> str | None:
        choices, provider = self._course.turn.wishes.choices, line.provider
        own = choices.voice if choices.voice_of == provider.name.partition("@")[0] else ""
        voices = await line.backend.voices(self._course.errand("models"))
        if provider.offline and not voices:
            return None
        voice, speaks = suited(voices, own, provider.voice, language)
        return voice if speaks else None


def _most(course: Course, line: tuple[Line, str] | None) -> int | None:
    """How many requests the speech of this reply may take; None for as many as it has sentences."""
    if line is None or line[0].provider.billing == "free":
        return None
    most = course.planned.speech_requests
    return SPOKEN_IN[line[0].provider.billing] if most > 1 else most
