"""Recordings in every form, made by ffmpeg from speech of our own."""

import subprocess
from functools import cache

from imageio_ffmpeg import get_ffmpeg_exe

from tests.speech import speech, wav

SAID = "What is the capital of France?"
TITLE = "SECRET-TITLE"

FORMS = {
    "wav": ("-ar", "44100", "-ac", "2", "-c:a", "pcm_s24le", "-f", "wav"),
    "mp3": ("-ar", "16000", "-c:a", "libmp3lame", "-b:a", "16k", "-f", "mp3"),
    # Its index comes last, as phones write it: it cannot be read from a pipe.
    "m4a": ("-c:a", "aac", "-f", "ipod"),
    "webm": ("-c:a", "libopus", "-f", "webm"),
    "ogg": ("-c:a", "libvorbis", "-f", "ogg"),
    "flac": ("-c:a", "flac", "-f", "flac"),
}


@cache
def encoded(form: str, sound: bytes | None = None) -> bytes:
    """SAID, or another WAV, with a title that nobody is to see."""
    given = wav(speech(SAID)) if sound is None else sound
    return ffmpeg("-i", "pipe:0", "-metadata", f"title={TITLE}", *FORMS[form], given=given)


def ffmpeg(*arguments: str, given: bytes = b"") -> bytes:
    import tempfile
    from pathlib import Path

    with tempfile.TemporaryDirectory() as folder:
        made = Path(folder) / "made"
        command = [get_ffmpeg_exe(), "-loglevel", "error", *arguments, str(made)]
        subprocess.run(command, input=given, check=True, timeout=60)
        return made.read_bytes()
