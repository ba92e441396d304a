"""The reply's words as sound, where that was asked for."""

from collections.abc import AsyncIterator

from events import Event, Spoken
from inference.backend import BackendError
from inference.spoken import spoken
from messages import Fault
from steps.course import Course


async def speak(course: Course) -> AsyncIterator[Event]:
    words = spoken(course.exchange.reply.text)
    if course.planned.speech == "none" or not words:
        return
    line, model = course.sense("speech", course.planned.speech)
    yield course.request("speech", model, line)
    try:
        speech = await line.backend.speak(
            words, model, line.provider.voice, course.errand("speech")
        )
    except BackendError as error:
        # The reply is whole: that it could not be spoken does not make it fail.
        told = f"The reply could not be spoken. {error.message}"
        course.shortcoming = Fault(told, error.advice)
        return
    media = await course.layers.media.put(course.turn.owner, speech.data, speech.mime, "reply")
    yield Spoken(media)
