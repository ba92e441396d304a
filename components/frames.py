"""What goes over the line of a page: a frame that came is read, a conversation put into one."""

import json
from html import escape
from time import time

from assistant import Refused, Snapshot, StoreFailed
from components.patch import Frame
from components.render import article
from components.words import explained

_LONGEST = 4096


def read(text: str) -> dict[str, object]:
    """The frame of a page; empty where it is none."""
    if len(text) > _LONGEST:
        return {}
    try:
        frame = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return frame if isinstance(frame, dict) else {}


def written(frame: Frame) -> str:
    """JSON with ASCII only: a lone surrogate from a broken stream must not end the line."""
    return json.dumps(frame, separators=(",", ":"))


def around(panes: dict[str, str]) -> Frame:
    """What stands around the chat; `now` sets the clock by which the page counts what goes on."""
    return {"kind": "panes", "panes": panes, "now": time()}


def shown(conversation: str, found: Snapshot) -> Frame:
    return {
        "conversation": conversation,
        "title": escape(found.conversation.title) if found.conversation else "",
        "known": found.conversation is not None,
        "earlier": found.earlier,
        "messages": [{"id": m.id, "article": article(m)} for m in found.messages],
    }


def told(refused: Refused | StoreFailed) -> Frame:
    return {"kind": "refused", **explained(refused.message, refused.advice)}
