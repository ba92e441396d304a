"""How a worker and its owner talk over a pipe: lengths, a JSON header, then bytes."""

import json
import struct
from typing import IO, Any

_LENGTHS = struct.Struct(">II")


def send(pipe: IO[bytes], header: dict[str, Any], body: bytes = b"") -> None:
    encoded = json.dumps(header).encode()
    pipe.write(_LENGTHS.pack(len(encoded), len(body)))
    pipe.write(encoded)
    pipe.write(body)
    pipe.flush()


def receive(pipe: IO[bytes]) -> tuple[dict[str, Any], bytes] | None:
    """The next header and body; None where the other side is gone, even in mid-message."""
    lengths = pipe.read(_LENGTHS.size)
    if len(lengths) < _LENGTHS.size:
        return None
    header_size, body_size = _LENGTHS.unpack(lengths)
    encoded, body = pipe.read(header_size), pipe.read(body_size)
    if len(encoded) < header_size or len(body) < body_size:
        return None
    header: dict[str, Any] = json.loads(encoded)
    return header, body
