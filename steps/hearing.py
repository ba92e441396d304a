"""What was recorded becomes words."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

from events import Event, Transcribed
from inference.backend import BackendError, Speech
from messages import Audio, Message
from steps.course import Course


async def transcribe(course: Course) -> AsyncIterator[Event]:
    line, model = course.sense("transcription", course.planned.hearing)
    for part in unheard(course.turn.said):
        yield course.request("transcription", model, line)
        data = await asyncio.to_thread(course.layers.media.read, part.media)
        sound = Speech(data, part.media.mime)
        text = await line.backend.transcribe(sound, model, course.errand("transcription"))
        yield Transcribed(replace(part, transcript=text.strip()))
    said = course.exchange.said
    if not said.text and all(isinstance(part, Audio) for part in said.parts):
        raise BackendError(
            "No speech was heard in the recording.", "Speak closer to the microphone, or type."
        )


def unheard(message: Message) -> list[Audio]:
    return [p for p in message.parts if isinstance(p, Audio) and p.transcript is None]
