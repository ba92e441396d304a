"""Speech by espeak-ng, through ctypes; runs in a worker of its own.

The library is GPL-3 and optional, not thread-safe, and refuses a data path of 160 characters.
"""

import ctypes
import io
import os
import wave
from pathlib import Path
from typing import Any

import espeakng_loader

from inference.offline.senses.refused import Refused

DEFAULT_VOICE = "en-us"
MAX_CHARS = 4096
WORDS_PER_MINUTE = 175  # at speed 1; espeak itself keeps to 80 and more

_RETRIEVE = 1  # AUDIO_OUTPUT_RETRIEVAL: sound goes to the callback, not to a device
_RATE, _UTF8, _BY_CHARACTER = 1, 1, 1


class _Voice(ctypes.Structure):
    """espeak_VOICE of speak_lib.h."""

    _fields_ = (
        ("name", ctypes.c_char_p),
        ("languages", ctypes.c_void_p),
        ("identifier", ctypes.c_char_p),
        ("gender", ctypes.c_ubyte),
        ("age", ctypes.c_ubyte),
        ("variant", ctypes.c_ubyte),
        ("xx1", ctypes.c_ubyte),
        ("score", ctypes.c_int),
        ("spare", ctypes.c_void_p),
    )


_Callback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_int, ctypes.c_void_p)


class _Espeak:
    def __init__(self) -> None:
        self._lib = ctypes.CDLL(espeakng_loader.get_library_path())
        # From inside its folder the path is one character, however deep the folder lies.
        os.chdir(Path(espeakng_loader.get_data_path()).parent)
        self.rate_hz = self._lib.espeak_Initialize(_RETRIEVE, 0, b".", 0)
        if self.rate_hz <= 0:
            raise RuntimeError("espeak-ng could not be initialised")
        self._sound = bytearray()
        self._callback = _Callback(self._hear)  # kept: the library holds only a pointer
        self._lib.espeak_SetSynthCallback(self._callback)
        self.voices = self._list_voices()

    def _hear(self, samples: int | None, count: int, _events: int | None) -> int:
        if samples and count > 0:
            self._sound += ctypes.string_at(samples, count * 2)
        return 0

    def _list_voices(self) -> dict[str, tuple[str, str]]:
        """Voice id (a language tag such as en-us) → its name and the name of its file."""
        self._lib.espeak_ListVoices.restype = ctypes.POINTER(ctypes.POINTER(_Voice))
        listed = self._lib.espeak_ListVoices(None)
        voices: dict[str, tuple[str, str]] = {}
        index = 0
        while listed[index]:
            voice = listed[index].contents
            # The list of languages begins with one byte of priority before the tag.
            tag = ctypes.string_at(voice.languages + 1).decode()
            voices.setdefault(tag, (voice.name.decode(), voice.identifier.decode()))
            index += 1
        return voices

    def speak(self, text: str, voice: str, words_per_minute: int) -> bytes:
        """16-bit mono samples. A voice unknown to espeak is answered with American English."""
        wanted = voice.strip().lower()
        _, file_name = self.voices.get(wanted) or self.voices[DEFAULT_VOICE]
        self._lib.espeak_SetVoiceByName(file_name.encode())
        self._lib.espeak_SetParameter(_RATE, words_per_minute, 0)
        self._sound.clear()
        encoded = text.replace("\0", " ").encode("utf-8", "replace") + b"\0"
        self._lib.espeak_Synth(encoded, len(encoded), 0, _BY_CHARACTER, 0, _UTF8, None, None)
        self._lib.espeak_Synchronize()
        return bytes(self._sound)


_loaded: list[_Espeak] = []


def answer(header: dict[str, Any], _body: bytes) -> tuple[dict[str, Any], bytes]:
    """{"do": "voices"}, or {"do": "speak", "text", "voice", "speed"} answered with a WAV."""
    if not _loaded:
        _loaded.append(_Espeak())
    espeak = _loaded[0]
    if header["do"] == "voices":
        listed = [{"id": tag, "name": name} for tag, (name, _) in sorted(espeak.voices.items())]
        return {"voices": listed}, b""
    if len(header["text"]) > MAX_CHARS:
        raise Refused(f"The text to speak is longer than {MAX_CHARS} characters.")
    rate = round(WORDS_PER_MINUTE * header["speed"])
    return {}, _wav(espeak.speak(header["text"], header["voice"], rate), espeak.rate_hz)


def _wav(samples: bytes, rate_hz: int) -> bytes:
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setnchannels(1)
        writer.setsampwidth(2)
        writer.setframerate(rate_hz)
        writer.writeframes(samples)
    return file.getvalue()
