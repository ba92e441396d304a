"""The page: Gradio components for what is asked, containers for what components/live.py sends."""

import json
from collections.abc import Awaitable, Callable
from typing import Any

import gradio as gr

from assistant import Assistant
from components import call_view, furniture
from components.guests import Guests
from components.identity import who
from components.orders import Visitor, obey
from gate.throttle import Pace

Order = Callable[[str, gr.Request], Awaitable[str]]

# The order is written by the page's scripts at the moment of the event (static/orders.js).
_SEND = "async (_) => [(await window.parley?.sending()) ?? '']"
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
    *,
    forgets: bool = False,
) -> gr.Blocks:
    """The page for `assistant`; `changed` is told an owner whose lists may have changed, `erased` one
    of whom nothing is left. `forgets`: nothing outlasts a restart, which the page says."""
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
            _side()
            with gr.Column(elem_id="parley-main"):
                _html(furniture.header(forgets), "parley-header")
                _html(furniture.chat(), "parley-chat")
                with gr.Column(elem_id="parley-composer"):
                    box, send, stop = _composer()
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
    number = _read(slip).get("number")
    number = number if isinstance(number, int) else 0
    return json.dumps({"number": number, "ok": False, "message": message, "advice": advice})


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


def _html(html: str, name: str) -> gr.HTML:
    return gr.HTML(html, elem_id=name, js_on_load=None, apply_default_css=False, padding=False)


def _side() -> None:
    with gr.Column(elem_id="parley-side"):
        _html(furniture.wordmark(), "parley-wordmark")
        gr.Button("New chat", elem_id="parley-new")
        _html(furniture.conversations(), "parley-conversations")
        _html(furniture.pane("memory"), "parley-memory")
        _html(furniture.pane("tools"), "parley-toolbox")
        _html(furniture.pane("usage"), "parley-usage")
        _html(furniture.settings_button(), "parley-settings")
        _html("<div></div>", "parley-account")


def _composer() -> tuple[gr.Textbox, gr.Button, gr.Button]:
    _html(furniture.tray(), "parley-tray")
    _html(call_view.shell(), "parley-call")
    box = gr.Textbox(
        elem_id="parley-input",
        label="Message",
        show_label=False,
        container=False,
        placeholder="Write, drop a picture, or speak",
        lines=1,
        max_lines=12,
        max_length=400_000,
        autofocus=True,
    )
    with gr.Row(elem_id="parley-tools"):
        _html(furniture.image_button(), "parley-image")
        _html(furniture.mic_button(), "parley-mic")
        _html(furniture.call_button(), "parley-call-start")
        gr.Checkbox(label="Speak replies", elem_id="parley-speak", container=False, min_width=0)
        _html(furniture.pane("forecast"), "parley-forecast")
        stop = gr.Button("Stop", elem_id="parley-stop")
        send = gr.Button("Send", elem_id="parley-send")
    return box, send, stop
