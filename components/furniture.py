"""The parts of the page that stand still: what is there before anything was said."""

from components import gallery, memory_panel, tool_panel
from components.icons import icon
from components.words import say, word

_CARDS = (
    (
        "tools",
        "tool",
        word("Use tools"),
        word("What time is it in Tokyo, and what is 17% of 240?"),
    ),
    ("image", "image", word("Read a picture"), word("Choose one, and ask what it says")),
    ("document", "page", word("Sum up a document"), word("In five points, with their pages")),
    ("voice", "mic", word("Say it"), word("Speak, and read what was understood")),
    ("keep", "memory", word("Keep in mind"), word("Remember that …")),
    ("memory", "search", word("Look back"), word("What did I say about …")),
)


def wordmark() -> str:
    return (
        f'<div class="wordmark"><span class="mark">{icon("mark")}</span><span>Parley</span>'
        '<button type="button" class="quiet drawer-close" data-do="drawer" '
        f'aria-label="{say("Close the list")}">{icon("close")}</button></div>'
    )


def temporary_button() -> str:
    return (
        '<button type="button" class="quiet" data-do="temporary" '
        f'title="{say("Nothing of it is kept")}">{icon("fleeting")}<span>{say("Temporary chat")}</span>'
        "</button>"
    )


def header(forgets: bool = False) -> str:
    """`forgets`: what is kept here is gone when Parley starts again."""
    told = say("This Space forgets when it restarts: export what you want to keep.")
    note = f'<p id="parley-forgets" role="note">{told}</p>' if forgets else ""
    return (
        '<header><button type="button" class="quiet drawer-open" data-do="drawer" '
        f'aria-label="{say("Conversations")}" aria-controls="parley-side" '
        f'aria-expanded="false">{icon("menu")}</button>'
        f'<h1 id="parley-title" dir="auto">{say("New chat")}</h1>'
        '<div id="parley-context" data-pane="context"></div>'
        '<div id="parley-status" data-pane="status" role="status"></div>'
        f"{gallery.button()}"
        '<button type="button" class="quiet" data-do="theme" '
        f'aria-label="{say("Light or dark")}">'
        f"{icon('sun')}{icon('moon')}</button></header>"
        f'<div id="parley-line" role="status" hidden>{say("Reconnecting…")}</div>'
        f"{note}"
        f'<p id="parley-temporary" role="note">{icon("fleeting")}<span>'
        f"{say('Temporary: nothing of this chat is kept.')}</span></p>"
        f'<div id="parley-banner" data-pane="banner"></div>{memory_panel.shell()}'
        f"{tool_panel.shell()}"
    )


def chat() -> str:
    cards = "".join(
        f'<button type="button" class="card" data-do="suggest" data-card="{name}">{icon(sign)}'
        f"<b>{say(title)}</b><span>{say(words)}</span></button>"
        for name, sign, title, words in _CARDS
    )
    return (
        '<div id="parley-scroll" tabindex="-1"><div id="parley-column">'
        f'<button type="button" class="plain" id="parley-earlier" hidden>{say("Show earlier")}</button>'
        f'<section id="parley-messages" aria-label="{say("Conversation")}"></section>'
        f'<section id="parley-welcome" hidden>{_greeting()}<div class="cards">{cards}</div></section>'
        '<div class="skeletons" aria-hidden="true"><i></i><i></i><i></i></div></div></div>'
        f'<button type="button" id="parley-newer" hidden>{icon("down")}<span>{say("More below")}</span>'
        '</button><div id="parley-announcer" class="unseen" aria-live="polite"></div>'
    )


def _greeting() -> str:
    """One for the chats that are kept, one for the others; which is seen, the style decides."""
    spent = say("Type, show or say it. Each request that is spent is counted, and shown.")
    gone = say(
        "Not stored, not listed, not remembered. It is gone when you open another chat, or 15 minutes "
        "after you close it. Whoever answers reads it, as always, and its requests are counted."
    )
    return (
        f'<div class="lasting"><h2>{say("What shall we talk about?")}</h2><p>{spent}</p></div>'
        f'<div class="fleeting"><h2>{say("A chat that leaves no trace")}</h2><p>{gone}</p></div>'
    )


def settings_button() -> str:
    return (
        '<div class="side-foot"><button type="button" class="memories" data-do="settings" '
        f'aria-haspopup="dialog">{icon("gear")}<span>{say("Settings")}</span></button>'
        '<button type="button" class="quiet" data-do="shortcuts" aria-haspopup="dialog" '
        f'aria-label="{say("Keyboard shortcuts")}" title="{say("Keyboard shortcuts")} (?)">'
        f"{icon('keyboard')}</button>"
        "</div>"
    )


def pane(name: str) -> str:
    """An empty place that components/live.py fills by `name`."""
    return f'<div data-pane="{name}"></div>'


def conversations() -> str:
    return (
        '<form class="find" role="search"><label class="seek">'
        f'{icon("search")}<input type="search" maxlength="300" autocomplete="off" spellcheck="false" '
        f'placeholder="{say("Search")}" aria-label="{say("Search everything that was said")}"></label>'
        '<button type="button" class="quiet" data-do="list-menu" aria-haspopup="menu" '
        f'aria-label="{say("Import and export")}" title="{say("Import and export")}">'
        f"{icon('dots')}</button></form>"
        '<div id="parley-found" tabindex="-1" hidden></div>'
        f'<nav data-pane="conversations" aria-label="{say("Conversations")}"><div class="skeletons" '
        'aria-hidden="true"><i></i><i></i><i></i></div></nav>'
    )


def tray() -> str:
    return (
        f'<div id="parley-slash" role="listbox" aria-label="{say("Commands")}" hidden></div>'
        '<div id="parley-notice" role="alert" hidden></div><div id="parley-attachments"></div>'
    )


def image_button() -> str:
    return (
        # Any file may be chosen: what it holds decides, and is answered in words.
        f'<button type="button" class="quiet" data-do="choose" aria-label="{say("Add files")}" '
        f'title="{say("Add pictures, recordings, documents")}">{icon("clip")}</button>'
        '<button type="button" class="quiet" data-do="camera" '
        f'aria-label="{say("Take a photo")}" title="{say("Take a photo")}">{icon("camera")}</button>'
        f'<input type="file" multiple tabindex="-1" aria-label="{say("Files to add")}">'
    )


def call_button() -> str:
    return (
        '<button type="button" class="quiet" data-do="call" '
        f'aria-label="{say("Call: talk hands-free")}" title="{say("Call: talk hands-free")}">'
        f"{icon('call')}</button>"
    )


def mic_button() -> str:
    return (
        '<button type="button" class="quiet" data-do="record" '
        f'aria-label="{say("Record")}" aria-pressed="false" title="{say("Record")}">'
        f"{icon('mic')}{icon('stop')}</button>"
        # A timer is not read out each second.
        '<span class="level" hidden><i></i><span role="timer">0:00</span>'
        '<label><input type="checkbox" role="switch" id="parley-at-once">'
        f"<span>{say('Send at once')}</span>"
        '</label><button type="button" class="quiet" data-do="cancel-take" '
        f'aria-label="{say("Throw the recording away")}" '
        f'title="{say("Throw it away (Escape)")}">{icon("trash")}'
        '</button></span><span data-pane="json"></span>'
    )
