"""The parts of the page that stand still: what is there before anything was said."""

from components import gallery, memory_panel, tool_panel
from components.icons import icon

_CARDS = (
    (
        "tools",
        "tool",
        "Use tools",
        "What time is it in Tokyo, and what is 17% of 240?",
    ),
    ("image", "image", "Read a picture", "Drop one here and ask what it says"),
    ("voice", "mic", "Say it", "Speak, and read what was understood"),
    ("memory", "memory", "Look back", "What did I say about …"),
)


_FORGETS = (
    '<p id="parley-forgets" role="note">This Space forgets when it restarts: '
    "export what you want to keep.</p>"
)


def wordmark() -> str:
    return (
        f'<div class="wordmark"><span class="mark">{icon("mark")}</span><span>Parley</span>'
        '<button type="button" class="quiet drawer-close" data-do="drawer" '
        f'aria-label="Close the list">{icon("close")}</button></div>'
    )


def header(forgets: bool = False) -> str:
    """`forgets`: what is kept here is gone when Parley starts again."""
    return (
        '<header><button type="button" class="quiet drawer-open" data-do="drawer" '
        f'aria-label="Conversations" aria-controls="parley-side" '
        f'aria-expanded="false">{icon("menu")}</button>'
        '<h1 id="parley-title">New chat</h1>'
        '<div id="parley-context" data-pane="context"></div>'
        '<div id="parley-status" data-pane="status" role="status"></div>'
        f"{gallery.button()}"
        '<button type="button" class="quiet" data-do="theme" aria-label="Light or dark">'
        f"{icon('sun')}{icon('moon')}</button></header>"
        '<div id="parley-line" role="status" hidden>Reconnecting…</div>'
        f"{_FORGETS if forgets else ''}"
        f'<div id="parley-banner" data-pane="banner"></div>{memory_panel.shell()}'
        f"{tool_panel.shell()}"
    )


def chat() -> str:
    cards = "".join(
        f'<button type="button" class="card" data-do="suggest" data-card="{name}">{icon(sign)}'
        f"<b>{title}</b><span>{words}</span></button>"
        for name, sign, title, words in _CARDS
    )
    return (
        '<div id="parley-scroll" tabindex="-1"><div id="parley-column">'
        '<button type="button" class="plain" id="parley-earlier" hidden>Show earlier</button>'
        '<section id="parley-messages" aria-label="Conversation"></section>'
        f'<section id="parley-welcome" hidden><h2>What shall we talk about?</h2>'
        "<p>Type, show or say it. Each request that is spent is counted, and shown.</p>"
        f'<div class="cards">{cards}</div></section>'
        '<div class="skeletons" aria-hidden="true"><i></i><i></i><i></i></div></div></div>'
        f'<button type="button" id="parley-newer" hidden>{icon("down")}<span>More below</span>'
        '</button><div id="parley-announcer" class="unseen" aria-live="polite"></div>'
    )


def settings_button() -> str:
    return (
        '<div class="side-foot"><button type="button" class="memories" data-do="settings" '
        f'aria-haspopup="dialog">{icon("gear")}<span>Settings</span></button>'
        '<button type="button" class="quiet" data-do="shortcuts" aria-haspopup="dialog" '
        f'aria-label="Keyboard shortcuts" title="Keyboard shortcuts (?)">{icon("keyboard")}</button>'
        "</div>"
    )


def pane(name: str) -> str:
    """An empty place that components/live.py fills by `name`."""
    return f'<div data-pane="{name}"></div>'


def conversations() -> str:
    return (
        '<form class="find" role="search"><label class="seek">'
        f'{icon("search")}<input type="search" maxlength="300" autocomplete="off" spellcheck="false" '
        'placeholder="Search" aria-label="Search everything that was said"></label>'
        '<button type="button" class="quiet" data-do="list-menu" aria-haspopup="menu" '
        f'aria-label="Import and export" title="Import and export">{icon("dots")}</button></form>'
        '<div id="parley-found" tabindex="-1" hidden></div>'
        '<nav data-pane="conversations" aria-label="Conversations"><div class="skeletons" '
        'aria-hidden="true"><i></i><i></i><i></i></div></nav>'
    )


def tray() -> str:
    return (
        '<div id="parley-slash" role="listbox" aria-label="Commands" hidden></div>'
        '<div id="parley-notice" role="alert" hidden></div><div id="parley-attachments"></div>'
    )


def image_button() -> str:
    return (
        # Any file may be chosen: what it holds decides, and is answered in words.
        f'<button type="button" class="quiet" data-do="choose" aria-label="Add files" '
        f'title="Add pictures, recordings, documents">{icon("clip")}</button>'
        '<button type="button" class="quiet" data-do="camera" aria-label="Take a photo" '
        f'title="Take a photo">{icon("camera")}</button>'
        '<input type="file" multiple tabindex="-1" aria-label="Files to add">'
    )


def call_button() -> str:
    return (
        '<button type="button" class="quiet" data-do="call" aria-label="Call: talk hands-free" '
        f'title="Call: talk hands-free">{icon("call")}</button>'
    )


def mic_button() -> str:
    return (
        '<button type="button" class="quiet" data-do="record" aria-label="Record" '
        f'aria-pressed="false" title="Record">{icon("mic")}{icon("stop")}</button>'
        # A timer is not read out each second.
        '<span class="level" hidden><i></i><span role="timer">0:00</span>'
        '<label><input type="checkbox" role="switch" id="parley-at-once"><span>Send at once</span>'
        '</label><button type="button" class="quiet" data-do="cancel-take" '
        f'aria-label="Throw the recording away" title="Throw it away (Escape)">{icon("trash")}'
        '</button></span><span data-pane="json"></span>'
    )
