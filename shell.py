"""Parley in a terminal: one question, its answer as it comes, and an exit code."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import TextIO

from assistant import Assistant
from events import (
    Event,
    ModelChosen,
    TextDelta,
    ToolAsked,
    ToolCalled,
    ToolReturned,
    TurnEnded,
    Waiting,
)
from messages import ToolCall, new_id
from refusals import Refused

OWNER = "shell"
"""Whose conversations these are: of nobody who comes by the page."""

ANSWERED, FAILED, REFUSED = 0, 1, 3
"""Exit codes; 2 is a wrong setting, option or file, 130 Ctrl-C, 143 SIGTERM."""


class NoFile(Exception):
    """What was to be attached cannot be read; the text says why."""


async def ask(
    assistant: Assistant, question: str, files: Sequence[Path], answer: TextIO, told: TextIO
) -> int:
    """Ask `question` with `files` attached; the words of the reply go to `answer`, all else to `told`.

    The reply is stored like any other, under OWNER. Cancelling it stops the turn, the provider's work
    too. A tool that asks first is rejected: nobody is there who could look at it. Raises NoFile.
    """
    conversation = new_id()
    try:
        media = [await _attached(assistant, path) for path in files]
        await assistant.send(OWNER, conversation, question, media, speak=False)
    except Refused as refused:
        print(refused.message, refused.advice, file=told)
        return REFUSED
    try:
        async for batch in assistant.follow(OWNER, conversation):
            for event in batch:
                if isinstance(event, TurnEnded):
                    return _ended(event, answer, told)
                _tell(assistant, conversation, event, answer, told)
    except asyncio.CancelledError:
        await assistant.stop(OWNER, conversation)
        raise
    return FAILED


async def _attached(assistant: Assistant, path: Path) -> str:
    try:
        data = await asyncio.to_thread(path.read_bytes)
    except OSError as error:
        raise NoFile(f"cannot read {path} ({error.strerror or error}).") from None
    return (await assistant.attach(OWNER, data, path.name)).media.sha256


def _tell(
    assistant: Assistant, conversation: str, event: Event, answer: TextIO, told: TextIO
) -> None:
    match event:
        case TextDelta(text):
            print(text, end="", file=answer, flush=True)
        case ModelChosen(provider, model):
            print(f"[{provider} · {model}]", file=told)
        case Waiting(why, seconds):
            again = f" Asking again in {seconds:.0f} s." if seconds else ""
            print(f"[{why}{again}]", file=told)
        case ToolCalled(ToolCall(_, name, arguments)):
            print(f"[{name} {arguments}]", file=told)
        case ToolReturned(result) if not result.ok:
            print(f"[{result.text}]", file=told)
        case ToolAsked(asking):
            print("[It asks first, and is not run: allow it on the page.]", file=told)
            assistant.toolbox.decide(OWNER, conversation, asking.call_id, "reject")


def _ended(event: TurnEnded, answer: TextIO, told: TextIO) -> int:
    print(file=answer, flush=True)
    if event.fault is not None:
        print(event.fault.message, event.fault.advice, file=told)
    return ANSWERED if event.reason == "done" else FAILED
