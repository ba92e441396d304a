"""Tool calls put together from the fragments of a stream, however the server numbers them."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any

import orjson

from messages import ToolCall


@dataclass(slots=True)
class _Growing:
    """A call that is still coming in."""

    index: int | None
    call_id: str
    name: str
    arguments: str = ""

    @property
    def whole(self) -> bool:
        return is_object(self.arguments)


class CallAssembly:
    """Feed it each delta's `tool_calls`; `close` gives the calls, each with an id of its own.

    `offered` are the names of the tools the model was told of: they settle whether a second name
    at the same index continues a split one or starts another call. `taken` are the ids already in
    the conversation: servers that count from call_0 in every request would repeat them.
    """

    def __init__(self, offered: Collection[str] = (), taken: Collection[str] = ()) -> None:
        self._offered = frozenset(offered)
        self._taken = set(taken)
        self._calls: list[_Growing] = []

    def __bool__(self) -> bool:
        return bool(self._calls)

    def feed(self, fragments: Iterable[Any]) -> None:
        known = [f for f in fragments if isinstance(f, dict)]
        for place, fragment in enumerate(known):
            inner = fragment.get("function")
            function = inner if isinstance(inner, dict) else fragment
            call_id = _string(fragment.get("id"))
            name = _string(function.get("name"))
            index = _number(fragment.get("index"))
            if index is None and len(known) > 1 and not call_id and not name:
                index = place
            self._add(index, call_id, name, function.get("arguments"))

    def add_whole(self, name: str, arguments: str) -> None:
        """A call that came in one piece, out of the text."""
        self._calls.append(_Growing(None, "", name, arguments))

    @property
    def whole(self) -> bool:
        """Whether the arguments of every call are complete."""
        return all(call.whole for call in self._calls)

    def close(self) -> list[ToolCall]:
        """All calls; a fragment that never got a name was none."""
        named = [call for call in self._calls if call.name]
        self._calls = []
        return [ToolCall(self._own_id(c.call_id), c.name, _unwrapped(c.arguments)) for c in named]

    def _add(self, index: int | None, call_id: str, name: str, arguments: Any) -> None:
        text, replaces = _arguments(arguments)
        call = self._continued(index, call_id, name, text)
        if call is None:
            self._calls.append(_Growing(index, call_id, name, text))
            return
        call.call_id = call.call_id or call_id
        if name and name != call.name:
            call.name += name
        call.arguments = text if replaces else call.arguments + text

    def _continued(
        self, index: int | None, call_id: str, name: str, arguments: str
    ) -> _Growing | None:
        """The call that a fragment belongs to; None where it starts another."""
        same_id = [c for c in self._calls if call_id and c.call_id == call_id]
        if index is not None:
            at_index = [c for c in self._calls if c.index == index]
            if at_index:
                call = at_index[-1]
            elif name or not self._calls:
                return None
            else:
                call = (same_id or self._calls)[-1]
        elif same_id:
            call = same_id[-1]
        elif call_id or not self._calls:
            return None
        else:
            call = self._calls[-1]
        return None if self._starts_anew(call, call_id, name, arguments) else call

    def _starts_anew(self, call: _Growing, call_id: str, name: str, arguments: str) -> bool:
        """Whether a fragment that points at `call` is really the beginning of the next one."""
        if not name:
            return False
        if call_id and call.call_id and call_id != call.call_id:
            return name != call.name or call.whole or not call.arguments
        if name == call.name:
            return call.whole and bool(arguments)
        if call.arguments:
            return True
        return bool(self._offered) and call.name + name not in _beginnings(self._offered)

    def _own_id(self, wanted: str) -> str:
        number = 1
        while not wanted or wanted in self._taken:
            wanted = f"call_{number}"
            number += 1
        self._taken.add(wanted)
        return wanted


def is_object(text: str) -> bool:
    """Whether a text is one whole JSON object."""
    if not text.rstrip().endswith("}"):
        return False
    try:
        return isinstance(orjson.loads(text), dict)
    except orjson.JSONDecodeError:
        return False


def _beginnings(names: Iterable[str]) -> set[str]:
    return {name[:length] for name in names for length in range(1, len(name) + 1)}


def _string(value: Any) -> str:
    return value if isinstance(value, str) else str(value) if isinstance(value, int) else ""


def _number(value: Any) -> int | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value
    return int(value) if isinstance(value, str) and value.isdecimal() else None


def _arguments(value: Any) -> tuple[str, bool]:
    """Arguments as text, and whether they are whole (an object instead of a piece of its text)."""
    if value is None or isinstance(value, str):
        return value or "", False
    return orjson.dumps(value).decode(), True


def _unwrapped(arguments: str) -> str:
    """Nothing at all means no arguments; an object inside a JSON string is taken out of it."""
    text = arguments.strip()
    if text in {"", "null"}:
        return "{}"
    if text.startswith('"'):
        try:
            inner = orjson.loads(text)
        except orjson.JSONDecodeError:
            return arguments
        if isinstance(inner, str) and is_object(inner):
            return inner
    return arguments
