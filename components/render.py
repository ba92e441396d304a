"""A Message as pieces of HTML, each under a key of its own, so that a growing reply sends only what
changed. Pure; everything that was said by anyone is escaped here or in markdown.py.
"""

from dataclasses import dataclass
from html import escape

from components import json_reply
from components.context import sent_from
from components.gallery import alt_of
from components.icons import icon
from components.message_acts import go_on_act, growing_foot, reply_foot, retry_act, said_foot
from components.message_acts import spent as spent
from components.moments import elapsed
from components.moments import moment as moment
from components.moments import seconds as seconds
from components.own_key import ways_on
from components.recalled import keep_document, recalled, remembered
from components.tool_card import tool_card
from components.voice import spoken, voicing
from components.words import count, number, say, told, word
from messages import (
    Audio,
    Document,
    Image,
    Message,
    Part,
    Provenance,
    Reasoning,
    Text,
    ToolCall,
    ToolResult,
)

_RECORDED_HERE = ("", "recording.wav", "call.wav")
_THUMB_WIDTH, _THUMB_HEIGHT = 320, 240
_ENDED = {
    "failed": word("This reply failed."),
    "interrupted": word("This reply was interrupted. What had arrived is kept."),
    "stopped": word("Stopped."),
}
_UNITS = {
    "sheet": (word("1 sheet"), word("{n} sheets")),
    "presentation": (word("1 slide"), word("{n} slides")),
}
_PAGES = (word("1 page"), word("{n} pages"))


@dataclass(frozen=True, slots=True)
class Piece:
    key: str
    html: str


def article(message: Message, pieces: tuple[Piece, ...] | None = None) -> str:
    """The whole message as one element; `pieces` spares drawing them a second time."""
    drawn = draw(message) if pieces is None else pieces
    inner = "".join(f'<div data-key="{p.key}">{p.html}</div>' for p in drawn)
    who = say("You") if message.role == "user" else "Parley"
    return (
        f'<article class="message {message.role}" data-role="{message.role}" '
        f'data-id="{escape(message.id)}" data-status="{message.status}" aria-label="{who}">'
        f"{inner}</article>"
    )


def draw(message: Message) -> tuple[Piece, ...]:
    if message.role == "user":
        return tuple(_said(message))
    return tuple(_reply(message))


def _said(message: Message) -> list[Piece]:
    drawn: list[Piece] = []
    images = [part for part in message.parts if isinstance(part, Image)]
    if images:
        drawn.append(Piece("images", _thumbnails(images)))
    for place, part in enumerate(message.parts):
        if isinstance(part, Audio):
            drawn.append(Piece(f"audio{place}", _recording(part)))
        elif isinstance(part, Document):
            drawn.append(Piece(f"document{place}", _document(part) + keep_document(part)))
        elif isinstance(part, Text) and part.text.strip():
            drawn.append(Piece(f"text{place}", f'<div class="bubble">{escape(part.text)}</div>'))
    drawn.append(Piece("foot", said_foot(message)))
    return drawn


def _reply(message: Message) -> list[Piece]:
    running = message.status == "running"
    about = message.provenance or Provenance()
    asking = {one.call_id: one for one in about.asking} if running else {}
    begun = {one.call_id: one.at for one in about.begun} if running else {}
    results = {part.call_id: part for part in message.parts if isinstance(part, ToolResult)}
    drawn: list[Piece] = []
    if begins := sent_from(about):
        drawn.append(Piece("sent-from", begins))
    for place, part in enumerate(message.parts):
        last = place == len(message.parts) - 1
        match part:
            case Text(text):
                blocks = json_reply.blocks(text, about, growing=running and last)
                drawn += [
                    Piece(f"text{place}-{i}", f'<div class="text">{html}</div>' if html else "")
                    for i, html in enumerate(blocks)
                ]
            case Reasoning(text):
                html = _reasoning(text, about.since, thinking=running and last)
                drawn.append(Piece(f"reasoning{place}", html))
            case ToolCall():
                at, result = begun.get(part.call_id, 0.0), results.get(part.call_id)
                html = tool_card(part, result, running, asking.get(part.call_id), at)
                drawn.append(Piece(f"tool{place}", html))
            case Image():
                drawn.append(Piece(f"image{place}", _thumbnails([part])))
            case Audio():
                drawn.append(Piece(f"audio{place}", _recording(part)))
            case Document():
                drawn.append(Piece(f"document{place}", _document(part)))
            case ToolResult():
                pass
    if running:
        if waiting := _waiting(message.parts, about, set(results)):
            drawn.append(Piece("waiting", waiting))
    else:
        drawn += _ending(message, about)
        if checked := json_reply.verdict(about):
            drawn.append(Piece("json", checked))
    if about.note:
        drawn.append(Piece("note", f'<p class="budget-note">{escape(told(about.note))}</p>'))
    if sound := spoken(about):
        drawn.append(Piece("spoken", sound))
    elif running and about.voicing:
        drawn.append(Piece("spoken", voicing(about)))
    if about.remembered:
        drawn.append(Piece("remembered", remembered(about.remembered)))
    noted = {memory.id for memory in about.remembered}  # sent as well, and shown once
    brought = [memory for memory in about.recalled if memory.id not in noted]
    if brought and not running:
        drawn.append(Piece("recalled", recalled(brought)))
    drawn += _foot(message, offered=any(piece.key == "ending" for piece in drawn))
    return drawn


def _foot(message: Message, *, offered: bool) -> list[Piece]:
    """What can be done with it; `offered`: a notice above says already how to go on."""
    if message.status != "running":
        return [Piece("foot", reply_foot(message, retry=not offered))]
    growing = growing_foot(message)
    return [Piece("foot", growing)] if growing else []


def _waiting(parts: tuple[Part, ...], about: Provenance, answered: set[str]) -> str:
    """What Parley does while no words come; empty while they do."""
    last = parts[-1] if parts else None
    if isinstance(last, Text | Reasoning) and last.text.strip():
        return ""
    if any(isinstance(part, ToolCall) and part.call_id not in answered for part in parts):
        return ""
    doing = say("Reading the results") if parts else say("Getting ready")
    if about.waiting:
        doing = escape(told(about.waiting))
    elif not parts and about.model:
        doing = say("Waiting for {model}", model=escape(about.model))
    dots = "<i></i><i></i><i></i>"
    return f'<div class="waiting">{dots}<span>{doing}</span>{elapsed(about.since)}</div>'


def _reasoning(text: str, since: float, *, thinking: bool) -> str:
    label = say("Thinking") if thinking else say("Thoughts")
    busy, counted = (" busy", elapsed(since)) if thinking else ("", "")
    return (
        f'<details class="reasoning{busy}"><summary>{icon("thought")}<span>{label}</span>{counted}'
        f"{icon('chevron')}</summary><div>{escape(text.strip())}</div></details>"
    )


def _ending(message: Message, about: Provenance) -> list[Piece]:
    """A notice under a reply that did not end well, with what to do next."""
    if message.status == "done" and about.fault is None:
        return []
    what, advice = say(_ENDED.get(message.status, "")), ""
    if about.fault is not None:
        what, advice = told(about.fault.message), told(about.fault.advice)
    words = f"<p>{escape(what)}</p>" + (f"<small>{escape(advice)}</small>" if advice else "")
    tone = "calm" if message.status in ("stopped", "done") else "warn"
    acts = (go_on_act() if message.broke_off else "") + retry_act()
    sign = icon("stop" if message.status == "stopped" else "alert")
    # Shown under the last reply, and only while no requests are left (usage.css).
    ways = ways_on() if message.status == "failed" else ""
    html = f'<div class="notice {tone}">{sign}<div>{words}{ways}</div><div class="acts">{acts}</div></div>'
    return [Piece("ending", html)]


def _thumbnails(images: list[Image]) -> str:
    return f'<div class="thumbs">{"".join(_thumbnail(image) for image in images)}</div>'


def _thumbnail(image: Image) -> str:
    """The picture in a box of its final size, so that nothing jumps when it has loaded."""
    name = escape(alt_of(image), quote=True)
    scale = min(1, _THUMB_WIDTH / max(1, image.width), _THUMB_HEIGHT / max(1, image.height))
    size = f'width="{round(image.width * scale)}" height="{round(image.height * scale)}"'
    return (
        f'<button type="button" class="thumb" data-do="enlarge" '
        f'aria-label="{say("Enlarge {name}", name=name)}">'
        f'<img src="{media_url(image.media.sha256)}" alt="{name}" {size} decoding="async"></button>'
    )


def _document(document: Document) -> str:
    """A card that downloads the file as it came; it is never shown by the browser itself."""
    media = document.media
    name = escape(media.name or say("Document"))
    facts = [length_of(document), _size(media.size)]
    if pictures := as_pictures(document):
        facts.append(pictures)
    elif not document.tokens:
        facts.append(say("no text was found in it"))
    return (
        f'<a class="paper" href="{media_url(media.sha256)}" download="{name}">{icon("page")}'
        f"<span><b>{name}</b><small>{' · '.join(facts)}</small></span></a>"
    )


def as_pictures(document: Document) -> str:
    """Such as "20 pages as pictures"; empty where it has none."""
    pictures = len(document.views)
    if not pictures:
        return ""
    if pictures == document.pages:
        return say("scanned")
    return count(pictures, "1 page as pictures", "{n} pages as pictures")


def length_of(document: Document) -> str:
    """Such as "12 pages", "1 sheet" or "30 slides"."""
    mime = document.media.mime
    one, many = next((unit for part, unit in _UNITS.items() if part in mime), _PAGES)
    return count(document.pages, one, many)


def _size(size: int) -> str:
    return f"{number(size / 1e6, 1)} MB" if size >= 1e6 else f"{max(1, round(size / 1e3))} kB"


def _recording(audio: Audio) -> str:
    words = ""
    if audio.transcript:
        words = f'<p class="transcript">{escape(audio.transcript)}</p>'
    elif audio.transcript is not None:
        words = f'<p class="transcript none">{say("No words were recognised.")}</p>'
    name = audio.media.name
    title = "" if name in _RECORDED_HERE else f'<small class="title">{escape(name)}</small>'
    sound = player(audio.media.sha256, audio.seconds)
    return f'<div class="bubble">{sound}{title}{words}</div>'


def player(sha256: str, length_s: float) -> str:
    """A small player; sound.js moves it. The length is 0 where it is not known before loading."""
    label = f"{int(length_s) // 60}:{int(length_s) % 60:02d}" if length_s else ""
    return (
        f'<div class="player"><button type="button" data-do="play" aria-label="{say("Play")}">'
        f'{icon("play")}{icon("pause")}</button><input type="range" min="0" max="1000" value="0" '
        f'aria-label="{say("Position")}"><output>{label}</output>'
        f'<audio src="{media_url(sha256)}" preload="none"></audio></div>'
    )


def media_url(sha256: str) -> str:
    return f"/parley/media/{escape(sha256)}"
