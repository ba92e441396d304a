"""Messages as the tests say them, and ids that are hostile."""

import itertools

from messages import Message, Role, Status, Text, new_id

ANN, BOB = "ann", "bob"

HOSTILE = [
    '{"$ne": ""}',
    "' OR '1'='1",
    '" OR ""="',
    "",
    "%",
    "../../etc/passwd",
    "x" * 100_000,
    "\ud800",
    "\x00",
]

_clock = itertools.count(1_790_000_000)


def message(role: Role, text: str, status: Status = "done") -> Message:
    return Message(new_id(), role, (Text(text),) if text else (), float(next(_clock)), status)


def said(text: str = "Hello there") -> Message:
    return message("user", text)


def reply(text: str = "", status: Status = "running") -> Message:
    return message("assistant", text, status)
