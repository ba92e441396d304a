"""How the process and the house talk: a JSON header that says how long the bytes after it are."""

import json
import struct
from typing import Any

_LENGTH = struct.Struct(">I")


def written(header: dict[str, Any], *bodies: bytes) -> tuple[bytes, ...]:
    told = json.dumps({**header, "lengths": [len(body) for body in bodies]}).encode()
    return (_LENGTH.pack(len(told)), told, *bodies)


def read(answer: bytes) -> tuple[dict[str, Any], list[bytes]] | None:
    """The header and its bodies; None where the answer is not whole."""
    if len(answer) < _LENGTH.size:
        return None
    (length,) = _LENGTH.unpack_from(answer)
    at = _LENGTH.size + length
    if len(answer) < at:
        return None
    header: dict[str, Any] = json.loads(answer[_LENGTH.size : at])
    bodies = []
    for size in header["lengths"]:
        bodies.append(answer[at : at + size])
        at += size
    return (header, bodies) if len(answer) == at else None
