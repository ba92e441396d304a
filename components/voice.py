"""A spoken reply under its words: its player, which static/sound.js moves; and the choice of a voice."""

from collections.abc import Sequence
from html import escape
from typing import Protocol

from components.icons import icon
from components.moments import elapsed
from components.words import say, told
from messages import Message, Provenance
from voice.language import guess

PACES = (0.75, 0.9, 1.0, 1.1, 1.25, 1.5)


def spoken(about: Provenance) -> str:
    """Empty where nothing was spoken. While pieces come they are played one after the other."""
    if about.spoken is None and not about.pieces and not about.unvoiced and not about.voice_note:
        return ""
    inner, marks = "", ""
    if about.spoken or about.pieces:
        marks = _addresses(about)
        inner = _player(about)
    elif about.unvoiced:
        marks = f' data-words="{escape(about.unvoiced)}" data-language="{guess(about.unvoiced)}"'
        inner = (
            '<button type="button" class="plain" data-do="play-reply">'
            f"{icon('sound')}<span>{say('Read aloud')}</span></button>"
            f'<small class="voice-note">{say("by a voice of your browser: no other here can")}</small>'
        )
    if about.voice_note:
        inner += f'<p class="voice-note">{escape(told(about.voice_note))}</p>'
    return f'<div class="spoken"{marks}>{inner}</div>'


def voicing(about: Provenance) -> str:
    """In the place of the player, until there is something to play."""
    words = say("Preparing the voice")
    counted = elapsed(about.voicing)
    return f'<div class="spoken"><p class="voicing">{icon("sound")}<span>{words}</span>{counted}</p></div>'


def read_aloud(message: Message) -> str:
    """The button that has a reply read out which was not; empty where there is nothing to read."""
    about = message.provenance or Provenance()
    if about.spoken or about.pieces or about.json or not message.text.strip():
        return ""
    return (
        f'<button type="button" class="quiet" data-do="read-aloud" aria-label="{say("Read aloud")}" '
        f'title="{say("Read aloud")}">{icon("sound")}</button>'
    )


def _addresses(about: Provenance) -> str:
    pieces = " ".join(_url(piece.sha256) for piece in about.pieces)
    whole = f' data-whole="{_url(about.spoken.sha256)}"' if about.spoken else ""
    starts = " ".join(f"{second:.3f}" for second in about.starts)
    return (
        f' data-pieces="{pieces}"{whole} data-starts="{starts}" data-seconds="{about.spoken_s:.3f}"'
    )


def _player(about: Provenance) -> str:
    seconds = int(about.spoken_s)
    label = f"{seconds // 60}:{seconds % 60:02d}" if seconds else ""
    # One piece is a whole sound of its own; an earlier Parley kept nothing else.
    source = about.spoken or (about.pieces[0] if len(about.pieces) == 1 else None)
    sound = f'<audio src="{_url(source.sha256)}" preload="none"></audio>' if source else ""
    held = "" if source else " disabled"
    return (
        '<div class="player"><button type="button" data-do="play" '
        f'aria-label="{say("Play the reply")}">{icon("play")}{icon("pause")}</button>'
        '<input type="range" min="0" max="1000" value="0" '
        f'aria-label="{say("Position in the spoken reply")}"{held}><output>{label}</output>'
        '<button type="button" class="speed" data-do="speed" '
        f'title="{say("How fast it is played")}">1×</button>{sound}</div>'
        '<button type="button" class="plain refused" data-do="play-reply" hidden>'
        f"{icon('play')}<span>{say('Play the reply')}</span></button>"
    )


def _url(sha256: str) -> str:
    return f"/parley/media/{escape(sha256)}"


class Voice(Protocol):
    """What an entry needs to know; inference.voices.Voice says what each of it means."""

    @property
    def id(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def language(self) -> str: ...


class Speaker(Protocol):
    """What the choice needs to know; lineup.Speaker says what each of it means."""

    @property
    def label(self) -> str: ...
    @property
    def voices(self) -> Sequence[Voice]: ...
    @property
    def chosen(self) -> str: ...
    @property
    def pace(self) -> float: ...
    @property
    def counts(self) -> bool: ...
    @property
    def offline(self) -> bool: ...


def voice_choice(speaker: Speaker) -> str:
    """Which voice reads replies, and how fast, in all conversations."""
    head = f'<section class="choice-voice"><h3>{say("How replies are spoken")}</h3>'
    if speaker.offline and not speaker.voices:
        words = say("Nothing here can speak: a voice of your browser reads replies aloud.")
        return f"{head}<small>{words}</small></section>"
    words = say(
        "By {speaker}, where “Speak replies” is on; in all your chats. A reply in another language "
        "is read by a voice for it, where there is one.",
        speaker=escape(told(speaker.label)),
    )
    preview = say("Preview · 1 request") if speaker.counts else say("Preview")
    paces = "".join(
        f'<option value="{pace:g}"{" selected" if pace == speaker.pace else ""}>{pace:g}×</option>'
        for pace in PACES
    )
    return (
        f"{head}<small>{words}</small>"
        f'<div class="voice-line"><label>{say("Voice")}{_voices(speaker)}</label>'
        f'<label>{say("Speed")}<select id="parley-pace">{paces}</select></label>'
        '<button type="button" class="plain" id="parley-preview" data-do="preview-voice">'
        f"{icon('sound')}<span>{preview}</span>"
        '</button></div><p class="voice-told" role="status"></p></section>'
    )


def _voices(speaker: Speaker) -> str:
    """A list by language, or a field for the name where nobody tells what there is."""
    chosen = escape(speaker.chosen)
    if not speaker.voices:
        return (
            f'<input type="text" id="parley-voice" value="{chosen}" autocomplete="off" '
            f'autocapitalize="off" spellcheck="false" placeholder="{say("its name")}">'
        )
    groups: dict[str, str] = {}
    if speaker.chosen not in {voice.id for voice in speaker.voices}:
        groups[""] = f'<option value="{chosen}" selected>{chosen or say("The usual one")}</option>'
    for voice in speaker.voices:
        mark = " selected" if voice.id == speaker.chosen else ""
        row = f'<option value="{escape(voice.id)}"{mark}>{escape(voice.name)}</option>'
        groups[voice.language] = groups.get(voice.language, "") + row
    rows = "".join(
        f'<optgroup label="{escape(tag)}">{group}</optgroup>' if tag else group
        for tag, group in groups.items()
    )
    return f'<select id="parley-voice">{rows}</select>'
