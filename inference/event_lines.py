"""Server-sent events as they really come: bytes in pieces of any size, JSON values out."""

import json
from typing import Any

import orjson

MAX_HELD_BYTES = 16_000_000


class Flood(ValueError):
    """More than MAX_HELD_BYTES came without making sense."""


class EventLines:
    """Feed it bytes; it gives (event name, JSON value) pairs. Never fails on what is no event.

    Comments, pings, bare fields and blank data are skipped; `data:` lines that are no JSON alone
    are joined as the standard says; `\\r\\n`, lone `\\r`, a byte order mark are understood. A body
    that is no event stream at all (JSON, HTML) is kept for `body`. `stray` is the beginning of
    whatever could not be read, `done` says that [DONE] came.
    """

    def __init__(self) -> None:
        self.done = False
        self.stray = ""
        self.body = b""
        self._kind: str = ""
        self._rest = b""
        self._event = ""
        self._data: list[bytes] = []

    def feed(self, data: bytes) -> list[tuple[str, Any]]:
        if self._kind == "body":
            self.body += data
            if len(self.body) > MAX_HELD_BYTES:
                raise Flood
            return []
        rest = self._rest + data
        if not self._kind:
            head = rest.removeprefix(b"\xef\xbb\xbf").lstrip()
            if not head:
                self._rest = rest
                return []
            rest = head
            if head[:1] in b"{[<":
                self._kind, self.body, self._rest = "body", head, b""
                return []
            self._kind = "events"
        if b"\r" in rest:
            held = b"\r" if rest.endswith(b"\r") else b""
            rest = rest.removesuffix(b"\r").replace(b"\r\n", b"\n").replace(b"\r", b"\n")
            rest += held
        *lines, self._rest = rest.split(b"\n")
        if len(self._rest) + sum(map(len, self._data)) > MAX_HELD_BYTES:
            raise Flood
        out: list[tuple[str, Any]] = []
        for line in lines:
            self._line(line, out)
        return out

    def close(self) -> list[tuple[str, Any]]:
        """What the last line held, if it came without its line break."""
        out: list[tuple[str, Any]] = []
        line, self._rest = self._rest.strip(b"\r"), b""
        if line:
            self._line(line, out)
        self._line(b"", out)
        return out

    def _line(self, line: bytes, out: list[tuple[str, Any]]) -> None:
        if not line:
            if self._data:
                self._strays(b"\n".join(self._data))
            self._data, self._event = [], ""
            return
        field, colon, value = line.partition(b":")
        if field == b"data" and colon:
            self._value(value.strip(), out)
        elif field == b"event":
            self._event = value.strip().decode(errors="replace")
        elif field and field not in (b"id", b"retry", b"data"):
            self._strays(line)

    def _value(self, data: bytes, out: list[tuple[str, Any]]) -> None:
        if not data or self.done:
            return
        if data == b"[DONE]":
            self.done = True
            return
        self._data.append(data)
        try:
            value = parsed(data if len(self._data) == 1 else b"\n".join(self._data))
        except ValueError:
            return
        self._data = []
        out.append((self._event, value))

    def _strays(self, data: bytes) -> None:
        if not self.stray:
            self.stray = data[:2_000].decode(errors="replace").strip()


def parsed(data: bytes) -> Any:
    """JSON; also with NaN, halves of surrogate pairs or broken UTF-8, which strict readers refuse.

    Raises ValueError.
    """
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError:
        return json.loads(data.decode(errors="replace"))
