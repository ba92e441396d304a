"""A conversation as a page by itself, without a script: behind a shared link, or as a file that stands alone.

It shows what was said and the pictures of it; nothing of how a reply came about but which model answered.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from html import escape

from components import markdown
from components.files import STATIC
from components.gallery import alt_of
from components.moments import day
from components.words import language, say, word
from messages import Audio, Document, Image, Media, Message, Text, ToolResult

Address = Callable[[Media], str]
"""Where the bytes of a picture or a recording are; "" where they are not to be had."""

_DARK = re.compile(r':root\[data-theme="dark"\] (\{[^}]*\})')
_COPY = re.compile(
    r'<button type="button" class="quiet" data-do="copy-code".*?</button>', re.DOTALL
)
_ALIGNED = re.compile(r' style="text-align:(left|right|center)"')


@lru_cache(maxsize=1)
def style() -> str:
    """The colours of the page, light or dark as the reader's system is."""
    sheets = ("tokens.css", "markdown.css", "reading.css")
    whole = "\n".join((STATIC / name).read_text("utf-8") for name in sheets)
    return _DARK.sub(r"@media (prefers-color-scheme: dark) { :root \1 }", whole)


def page(title: str, at: float, said: Sequence[Message], address: Address, note: str) -> str:
    """`at` is when it was begun or shared, `note` what the foot says."""
    iso = f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d}"
    shown = "".join(_message(message, address) for message in said)
    return f"""<!doctype html><html lang="{language()}"><head><meta charset="utf-8">
<title>{escape(title)}</title><meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex, nofollow"><meta name="referrer" content="no-referrer">
<meta name="color-scheme" content="light dark"><style>{style()}</style></head>
<body><main class="reading"><header><h1 dir="auto">{escape(title)}</h1>
<p>{say("A conversation with Parley")} · <time datetime="{iso}">{day(at)}</time></p></header>
{shown}<footer>{escape(note)}</footer></main></body></html>
"""


def _message(message: Message, address: Address) -> str:
    who = say("You") if message.role == "user" else "Parley"
    if message.provenance and message.provenance.model:
        who += f" · {message.provenance.model}"
    inner = "".join(_parts(message, address))
    return f'<article class="message {message.role}"><h2>{escape(who)}</h2>{inner}</article>'


def _parts(message: Message, address: Address) -> Iterator[str]:
    for part in message.parts:
        match part:
            case Text(text) if message.role == "user":
                yield f'<div class="bubble">{escape(text)}</div>' if text.strip() else ""
            case Text(text):
                for html in markdown.pieces(text):
                    yield f'<div class="text">{_ALIGNED.sub(_align, _COPY.sub("", html))}</div>'
            case Image():
                yield _picture(part.media, alt_of(part), address)
            case ToolResult():
                for media in part.pictures:
                    yield _picture(media, media.name or say("Picture"), address)
            case Audio():
                yield _recording(part, address)
            case Document():
                name = escape(part.media.name or say("without a name"))
                yield f'<p class="named">{say("Document: {name}", name=name)}</p>'
            case _:
                pass
    if ended := _ENDED.get(message.status):
        yield f'<p class="ended">{say(ended)}</p>'


_ENDED = {
    "stopped": word("This reply was stopped."),
    "interrupted": word("This reply was interrupted."),
    "failed": word("This reply was not finished."),
}


def _align(match: re.Match[str]) -> str:
    return f' align="{match[1]}"'


def _picture(media: Media, words: str, address: Address) -> str:
    if not (url := address(media)):
        return f'<p class="named">{say("Picture: {name}", name=escape(words))}</p>'
    return f'<img class="picture" src="{escape(url)}" alt="{escape(words)}" loading="lazy">'


def _recording(audio: Audio, address: Address) -> str:
    url = address(audio.media)
    sound = f'<audio controls preload="none" src="{escape(url)}"></audio>' if url else ""
    words = escape(audio.transcript or "")
    said = f'<div class="bubble">{words}</div>' if words else ""
    return sound + (said or ("" if sound else f'<p class="named">{say("Recording")}</p>'))
