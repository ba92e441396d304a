"""What was recorded becomes words."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace

from events import Event, RequestSent, Transcribed
from inference.backend import BackendError, Errand, Speech
from inference.switchboard import Line
from memory.media import MediaStore
from memory.transcripts import Transcript, Transcripts
from messages import Audio, Media, Message, Request
from steps.course import Course
from voice.activity import VoiceActivity
from voice.decode import Undecodable
from voice.ghosts import is_ghost, without_asides
from voice.recording import as_wav, samples

ROUGH = "This recording would be understood only roughly, by this machine."
ROUGH_ADVICE = "Have it written down first, correct the words, then send it."


@dataclass(frozen=True, slots=True)
class Sound:
    """A recording as it is kept; `spoken_s`: for how long somebody speaks, None if nobody can tell."""

    data: bytes
    mime: str
    spoken_s: float | None = None

    @property
    def silent(self) -> bool:
        return self.spoken_s == 0


async def transcribe(course: Course) -> AsyncIterator[Event]:
    """What was written down before the message was sent is not asked for again.

    A recording without speech costs nothing. What only this machine understands is never sent
    unread.
    """
    owner, layers = course.turn.owner, course.layers
    transcripts = Transcripts(layers.media)
    for part in _recordings(course.turn.said):
        if part.transcript is not None:
            if kept := await transcripts.claim(owner, part.media.sha256):
                course.requests += 1
                request = Request("transcription", kept.model, free=kept.free)
                yield RequestSent(request, course.number)
            continue
        sound, words = await listen(layers.media, layers.activity, part.media), ""
        if not sound.silent:
            line, model = course.sense("transcription", course.planned.hearing)
            if line.provider.offline:
                raise BackendError(ROUGH, ROUGH_ADVICE)
            yield course.request("transcription", model, line)
            found = await understood(sound, line, model, course.errand("transcription"))
            await transcripts.keep(owner, part.media.sha256, found, told=True)
            words = found.text
        yield Transcribed(replace(part, transcript=words))
    said = course.exchange.said
    if not said.text and all(isinstance(part, Audio) for part in said.parts):
        raise BackendError(
            "No speech was heard in the recording.", "Speak closer to the microphone, or type."
        )


def unheard(message: Message) -> list[Audio]:
    return [part for part in _recordings(message) if part.transcript is None]


def _recordings(message: Message) -> list[Audio]:
    return [part for part in message.parts if isinstance(part, Audio)]


async def listen(media: MediaStore, activity: VoiceActivity | None, recording: Media) -> Sound:
    """The recording, and for how long somebody speaks in it: 0 requests."""
    data = await asyncio.to_thread(media.read, recording)
    sound = Sound(data, recording.mime)
    if activity is None or not activity.available:
        return sound
    if (pcm := await _pcm(data)) is None:
        return sound
    spans = await activity.spans(pcm)
    return replace(sound, spoken_s=sum(last - first for first, last in spans))


async def understood(sound: Sound, line: Line, model: str, errand: Errand) -> Transcript:
    """The words that were really said: 1 request. Raises BackendError."""
    free = line.provider.billing == "free"
    heard = Speech(sound.data, sound.mime)
    if free and sound.mime != "audio/wav" and (pcm := await _pcm(sound.data)) is not None:
        # Servers of one's own often know WAV alone, and it need not go far.
        heard = Speech(as_wav(pcm), "audio/wav")
    text = without_asides(await line.backend.transcribe(heard, model, errand))
    words = "" if is_ghost(text, sound.spoken_s or 0) else text
    return Transcript(words, model, rough=line.provider.offline, free=free)


async def _pcm(data: bytes) -> bytes | None:
    """None of what an earlier Parley kept unseen: the provider may say what it makes of it."""
    try:
        return await samples(data)
    except Undecodable:
        return None
