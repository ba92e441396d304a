"""The page: Gradio components for what is asked, containers for what components/live.py sends."""

import json
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import gradio as gr

from assistant import Assistant
from components import call_view, furniture
from components.guests import Guests
from components.identity import who
from components.orders import Visitor, answer_to, obey
from components.words import say
from gate.throttle import Pace

Order = Callable[[str, gr.Request], Awaitable[str]]

# The order is written by the page's scripts at the moment of the event (static/orders.js).
_SEND = "async (_) => { await window.parleyWired; return [(await window.parley.sending()) ?? '']; }"
_STOP = "(_) => [window.parley?.stopping() ?? '']"
_OTHER = "(_) => [window.parley?.ordering() ?? '']"
_ANSWERED = "(answer) => { window.parley?.answered(answer); }"

_NOBODY = (
    "Parley cannot tell who you are: your browser sent no cookie.",
    "Reload the page. If this is said again, allow cookies for it, or open it in its own tab.",
)
_TOO_FAST = ("That is faster than Parley can take it.", "Wait a few seconds, then try again.")


def build(
    assistant: Assistant,
    changed: Callable[[str], None],
    erased: Callable[[str], None],
    words: gr.I18n,
) -> gr.Blocks:
    """The page for `assistant`; `changed` is told an owner whose lists may have changed, `erased` one
    of whom nothing is left. `words` has what stands still, as `frame` draws it in each language."""
    guests, pace = Guests(assistant), Pace(each_s=3, burst=40)

    async def order(slip: str, request: gr.Request) -> str:
        assert request.request is not None  # the order comes by no queue
        found = who(request.request)
        if not found.known:
            return _refused(slip, *_NOBODY)
        if not pace.takes(found.owner):
            return _refused(slip, *_TOO_FAST)
        if found.guest:
            await guests.admit(found.owner)
        visitor = Visitor(found.owner, found.pool, found.operator)
        answer = await obey(assistant, visitor, slip, changed)
        if _was_erase(slip, answer):
            erased(found.owner)
        return answer

    with gr.Blocks(title="Parley", fill_width=True, fill_height=True) as page:
        with gr.Row(elem_id="parley-shell"):
            _side(words)
            with gr.Column(elem_id="parley-main"):
                _html("parley-header", words)
                _html("parley-chat", words)
                with gr.Column(elem_id="parley-composer"):
                    box, send, stop = _composer(words)
        with gr.Column(elem_id="parley-wires"):
            slip = gr.Textbox(elem_id="parley-slip", show_label=False)
            answer = gr.Textbox(elem_id="parley-answer", show_label=False)
            courier = gr.Button("Order", elem_id="parley-order")
        for event, js in (
            (box.submit, _SEND),
            (send.click, _SEND),
            (stop.click, _STOP),
            (courier.click, _OTHER),
        ):
            _wire(event, order, slip, answer, js)
    return page  # type: ignore[no-any-return]


def _refused(slip: str, message: str, advice: str) -> str:
    return answer_to(_read(slip).get("number"), message, advice)


def _was_erase(slip: str, answer: str) -> bool:
    return _read(slip).get("do") == "erase" and _read(answer).get("ok") is True


def _read(text: object) -> dict[str, object]:
    try:
        found = json.loads(text) if isinstance(text, str) else None
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _wire(event: Any, act: Order, slip: gr.Textbox, answer: gr.Textbox, js: str) -> None:
    # queue=False: an order is one short call, and is answered at once whatever else waits.
    done = event(
        act,
        [slip],
        [answer],
        js=js,
        queue=False,
        trigger_mode="multiple",
        show_progress="hidden",
        api_visibility="private",
    )
    done.then(None, [answer], None, js=_ANSWERED, show_progress="hidden", api_visibility="private")


def frame(forgets: bool) -> dict[str, Callable[[], str]]:
    """What stands still, by its place: HTML, or the words of a button or a field.

    `forgets`: nothing outlasts a restart, which the page says.
    """
    return {
        "parley-wordmark": furniture.wordmark,
        "parley-new": lambda: say("New chat"),
        "parley-begin": furniture.temporary_button,
        "parley-conversations": furniture.conversations,
        "parley-settings": furniture.settings_button,
        "parley-header": partial(furniture.header, forgets),
        "parley-chat": furniture.chat,
        "parley-tray": furniture.tray,
        "parley-call": call_view.shell,
        "parley-input": lambda: say("Write, drop a picture, or speak"),
        "parley-input-name": lambda: say("Message"),
        "parley-image": furniture.image_button,
        "parley-mic": furniture.mic_button,
        "parley-call-start": furniture.call_button,
        "parley-speak": lambda: say("Speak replies"),
        "parley-stop": lambda: say("Stop"),
        "parley-send": lambda: say("Send"),
    }


def _html(name: str, words: gr.I18n | None = None, pane: str = "") -> gr.HTML:
    """What stands there in the reader's language; without `words` an empty place to be filled."""
    html = words(f"#{name}") if words else furniture.pane(pane or name.removeprefix("parley-"))
    return gr.HTML(html, elem_id=name, js_on_load=None, apply_default_css=False, padding=False)


def _side(words: gr.I18n) -> None:
    with gr.Column(elem_id="parley-side"):
        _html("parley-wordmark", words)
        gr.Button(words("#parley-new"), elem_id="parley-new")
        _html("parley-begin", words)
        _html("parley-conversations", words)
        _html("parley-memory")
        _html("parley-toolbox", pane="tools")
        _html("parley-usage")
        _html("parley-settings", words)
        _html("parley-account")


def _composer(words: gr.I18n) -> tuple[gr.Textbox, gr.Button, gr.Button]:
    _html("parley-tray", words)
    _html("parley-call", words)
    box = gr.Textbox(
        elem_id="parley-input",
        label=words("#parley-input-name"),
        show_label=False,
        container=False,
        placeholder=words("#parley-input"),
        lines=1,
        max_lines=12,
        max_length=400_000,
        autofocus=True,
    )
    with gr.Row(elem_id="parley-tools"):
        _html("parley-image", words)
        _html("parley-mic", words)
        _html("parley-call-start", words)
        gr.Checkbox(
            label=words("#parley-speak"), elem_id="parley-speak", container=False, min_width=0
        )
        _html("parley-forecast")
        stop = gr.Button(words("#parley-stop"), elem_id="parley-stop")
        send = gr.Button(words("#parley-send"), elem_id="parley-send")
    return box, send, stop
