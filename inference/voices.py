"""The voices of a provider: their names, their languages, and which of them suits a text."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from inference.event_lines import parsed
from inference.provider import Provider
from inference.server_errors import Asked
from inference.transport import errors_sorted

if TYPE_CHECKING:
    from openai import AsyncOpenAI

PATIENCE_S = 4.0
MOST = 400
_KOKORO = {
    "a": "en-us", "b": "en-gb", "e": "es", "f": "fr", "h": "hi", "i": "it", "j": "ja", "p": "pt-br",
    "z": "zh",
}  # fmt: skip
"""The first letter of a Kokoro voice is its language, the second its sex: `bm_george`."""
_ESPEAK = {"cmn": "zh", "yue": "zh", "nb": "no"}


SAMPLES = {
    "en": "Good day. This is how your replies will sound.",
    "de": "Guten Tag. So werden Ihre Antworten klingen.",
    "fr": "Bonjour. Voici comment sonneront vos réponses.",
    "es": "Buenos días. Así sonarán sus respuestas.",
    "it": "Buongiorno. Le risposte suoneranno così.",
    "pt": "Bom dia. As respostas vão soar assim.",
    "ja": "こんにちは。返事はこのように聞こえます。",
    "zh": "您好。回答听起来就是这样。",
    "hi": "नमस्ते। जवाब ऐसे सुनाई देंगे।",
}
"""What a voice says to show itself, by language."""


@dataclass(frozen=True, slots=True)
class Voice:
    """`id` is asked for, `name` is shown. `language` is a tag such as "en-gb", "" for any."""

    id: str
    name: str
    language: str = ""

    def speaks(self, language: str) -> bool:
        """Whether a text in `language` ("" where nobody knows it) is for this voice."""
        return not language or not self.language or self.language.partition("-")[0] == language


def of_file(provider: Provider) -> tuple[Voice, ...]:
    """The voices of its model that speaks, where its file names them."""
    known = provider.models.get(provider.speech)
    return tuple(_voice(provider, name) for name in known.voices) if known else ()


def listed(provider: Provider, body: object) -> tuple[Voice, ...]:
    """What /audio/voices says: names, or rows with an id, however they are wrapped."""
    rows = body
    if isinstance(body, Mapping):
        rows = body.get("voices", body.get("data", ()))
    if isinstance(rows, Mapping):
        rows = list(rows)
    found: dict[str, Voice] = {}
    for row in rows if isinstance(rows, Sequence) and not isinstance(rows, str) else ():
        told: Mapping[str, object] = row if isinstance(row, Mapping) else {}
        name = (
            row if isinstance(row, str) else told.get("id", told.get("voice_id", told.get("name")))
        )
        if isinstance(name, str) and name.strip():
            label, language = told.get("name"), told.get("language", told.get("lang"))
            voice = _voice(provider, name, label if isinstance(label, str) else "")
            if isinstance(language, str) and language and not voice.language:
                voice = Voice(voice.id, voice.name, language.lower().replace("_", "-"))
            found.setdefault(voice.id, voice)
    return tuple(found.values())[:MOST]


async def list_of(asked: Asked, client: "AsyncOpenAI") -> object:
    """What the server answers to /audio/voices. Raises BackendError."""
    import httpx2

    async with errors_sorted(asked), asyncio.timeout(PATIENCE_S):
        response = await client.get("/audio/voices", cast_to=httpx2.Response)
    try:
        return parsed(response.content)
    except ValueError:
        return None


def suited(voices: Sequence[Voice], chosen: str, usual: str, language: str) -> tuple[str, bool]:
    """The voice to ask for, and whether it speaks the language, as far as anybody knows.

    The one that was chosen, else the usual one, if it does; else the first that does; else, though it
    does not, the chosen one.
    """
    first = chosen or usual
    known = {voice.id: voice for voice in voices}
    if not voices or (first in known and known[first].speaks(language)):
        return first, True
    if first and first not in known and not chosen:
        return first, True  # the operator's own: nothing is known of it
    found = next((v.id for v in voices if v.speaks(language) and v.language), "")
    found = found or next((v.id for v in voices if v.speaks(language)), "")
    return (found, True) if found else (first or voices[0].id, False)


def _voice(provider: Provider, name: str, label: str = "") -> Voice:
    if provider.offline:
        tag = name.lower()
        head = tag.partition("-")[0]
        return Voice(name, label or name, _ESPEAK.get(head, head) + tag[len(head) :])
    if "kokoro" in provider.speech or provider.name.startswith("kokoro"):
        # Blends such as "af_bella+af_sky" are of the language of their first.
        if len(name) > 2 and name[2:3] == "_" and name[0] in _KOKORO:
            plain = name[3:].replace("_", " ").title()
            return Voice(name, plain, _KOKORO[name[0]])
        return Voice(name, label or name)
    english = "-english" in provider.speech
    return Voice(name, label or name.replace("_", " ").capitalize(), "en" if english else "")
