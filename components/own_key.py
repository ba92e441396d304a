"""A key of one's own: its place in the sheet behind the status line, and the way it comes here.

It takes a route of its own: what goes through a component of the page is kept by Gradio.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from typing import Annotated, Protocol

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from pydantic import StringConstraints, TypeAdapter, ValidationError

from assistant import Assistant, Refused
from components.icons import icon
from components.words import say, told

_MOST_BYTES = 4096


class OwnKey(Protocol):
    """What the section needs to know; inference.own_keys.OwnKey says what each of it means."""

    @property
    def providers(self) -> Mapping[str, str]: ...
    @property
    def connected(self) -> str: ...
    @property
    def plans(self) -> Mapping[str, Sequence[str]]: ...


@dataclass(frozen=True, slots=True)
class _Brought:
    provider: Annotated[str, StringConstraints(min_length=1, max_length=64)]
    key: Annotated[str, StringConstraints(max_length=2048)] = field(repr=False)
    plan: Annotated[str, StringConstraints(max_length=64)] = ""


_brought: TypeAdapter[_Brought] = TypeAdapter(_Brought)


def section(own: OwnKey) -> str:
    """The key itself never comes back to the page."""
    if not own.providers:
        return ""
    inside = _connected(own.connected) if own.connected else _asking(own)
    kept = say(
        "Kept in this server's memory for two hours after its last use, never stored. It answers "
        "you alone, and what it spends is yours."
    )
    return (
        '<section class="choice-key" aria-labelledby="parley-key-title">'
        f'<h3 id="parley-key-title">{say("Use your own key")}</h3>{inside}'
        f"<small>{kept}</small>"
        '<p class="key-told" role="status"></p></section>'
    )


def offer(words: str = "", kind: str = "link") -> str:
    """A button that opens the sheet at this section, called by these words or as the section is."""
    name = say("Use your own key")
    sign = f"{icon('key')}<span>{words or name}</span>" if kind == "plain" else words or name
    return (
        f'<button type="button" class="{kind}" data-do="own-key" aria-haspopup="dialog" '
        f'aria-label="{name}">{sign}</button>'
    )


def ways_on() -> str:
    """What can be done where no requests are left: for a notice that says so."""
    return (
        '<div class="ways-on"><button type="button" class="plain" data-do="use-offline">'
        f"{icon('plug')}<span>{say('Use the offline engine')}</span></button>{offer(kind='plain')}</div>"
    )


def key_routes(assistant: Assistant) -> APIRouter:
    """Whose key it is, the cookie says; a page of another site is turned away before."""
    router = APIRouter()

    @router.post("/parley/key", include_in_schema=False)
    async def connect(request: Request) -> JSONResponse:
        body = await _body(request)
        if body is None:
            message, advice = say("This is too large for a key."), say("Copy the key alone.")
            return _answer(message, advice, status=413)
        try:
            brought = _brought.validate_json(body)
            done = await assistant.connect_own_key(
                request.state.owner, brought.provider, brought.key, brought.plan
            )
        except ValidationError:  # its text holds what was sent
            message, advice = say("The page sent what is no key."), say("Reload the page.")
            return _answer(message, advice, status=422)
        except Refused as refused:
            return _answer(told(refused.message), told(refused.advice), status=422)
        return _answer(told(done))

    @router.delete("/parley/key", include_in_schema=False)
    async def disconnect(request: Request) -> JSONResponse:
        await assistant.disconnect_own_key(request.state.owner)
        return _answer(say("Your key is forgotten here."))

    return router


async def _body(request: Request) -> bytes | None:
    """The whole body, or None as soon as it is too large."""
    data = bytearray()
    async for chunk in request.stream():
        data += chunk
        if len(data) > _MOST_BYTES:
            return None
    return bytes(data)


def _answer(message: str, advice: str = "", status: int = 200) -> JSONResponse:
    answer = {"ok": status == 200, "message": message, "advice": advice}
    return JSONResponse(answer, status_code=status, headers={"cache-control": "no-store"})


def _connected(label: str) -> str:
    return (
        f'<p class="key-line"><span class="key-on">{icon("check")}<b>{escape(label)}</b></span>'
        '<button type="button" class="plain" id="parley-key-off" data-do="disconnect-key">'
        f"{say('Disconnect')}</button></p>"
    )


def _asking(own: OwnKey) -> str:
    """Where an account may have one of several plans, each stands in the list with its provider."""
    options = "".join(
        f'<option value="{escape(name)}" data-plan="{escape(plan)}">{_planned(label, plan)}</option>'
        for name, label in own.providers.items()
        for plan in own.plans.get(name, ("",))
    )
    return (
        '<div class="key-line"><select id="parley-key-provider" '
        f'aria-label="{say("Whose key it is")}">{options}</select>'
        f'<input type="password" id="parley-key" aria-label="{say("Your key")}" '
        f'placeholder="{say("Your key")}" autocomplete="off" autocapitalize="off" spellcheck="false" '
        'maxlength="512" data-1p-ignore data-lpignore="true" data-bwignore>'
        '<button type="button" class="plain" id="parley-key-on" data-do="connect-key">'
        f"{say('Connect')}</button></div>"
    )


def _planned(label: str, plan: str) -> str:
    if not plan:
        return escape(label)
    return say("{provider}, {plan} plan", provider=escape(label), plan=escape(plan))
