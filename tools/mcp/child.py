"""A server as a process of our own: JSON-RPC by lines over its pipes, whatever it writes into them.

The SDK has a transport for this too. It keeps a line whole however long it grows, copying it with
every piece that comes, and logs each line that is no JSON: a server that writes 50 MB, or never
stops, would hold up everybody. Here a line has a limit, a call whose answer is longer is answered
with an error, and a server that writes what nobody asked for is ended.
"""

import asyncio
import os
import re
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, suppress
from dataclasses import dataclass, field
from typing import Any

import anyio
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream
from mcp.shared.message import SessionMessage
from mcp_types import (
    INTERNAL_ERROR,
    ErrorData,
    JSONRPCError,
    JSONRPCRequest,
    JSONRPCResponse,
    jsonrpc_message_adapter,
)

from tools.mcp.config import Server
from tools.mcp.noise import FLOODS, Floods, Noise

MAX_MESSAGE = 8 * 1024 * 1024  # bytes of one line: a picture of 6 MB in base64 fits
MAX_SKIPPED = 128 * 1024 * 1024  # of one line that is too long: then it is taken for endless
TOO_LONG = f"The answer is longer than {MAX_MESSAGE // 1024 // 1024} MB."
GRACE_S = 1.0  # after its input closed, and again after SIGTERM

_PIECE = 64 * 1024
_END = 512
_TAIL = 2_000  # bytes of its standard error that are kept
_PACE = 64 * 1024 * 1024  # bytes a second of what is thrown away: reading it costs the loop too
_ID = re.compile(rb'"id"\s*:\s*("(?:[^"\\]{0,64})"|\d{1,18})')

Incoming = MemoryObjectSendStream[SessionMessage | Exception]
Streams = tuple[
    MemoryObjectReceiveStream[SessionMessage | Exception], MemoryObjectSendStream[SessionMessage]
]


@dataclass(eq=False)
class Child(AbstractAsyncContextManager[Streams]):
    """A transport for the SDK's Client. `gone` is called once its process can be spoken to no more.

    `last_words` is the end of its standard error; `problem` why Parley itself broke off.
    """

    server: Server
    gone: Callable[[], None]
    problem: str = ""
    _stderr: bytearray = field(default_factory=bytearray)
    _asked: set[int | str] = field(default_factory=set)
    _noise: Noise = field(default_factory=Noise)

    @property
    def last_words(self) -> str:
        lines = self._stderr.decode(errors="replace").split("\n")
        told = [" ".join(line.split()) for line in lines[-12:] if line.strip()]
        return "\n".join(told)[-600:]

    async def __aenter__(self) -> Streams:
        """Raises OSError where the command cannot be started."""
        server = self.server
        self._process = await asyncio.create_subprocess_exec(
            *(server.command, *server.args),
            stdin=PIPE,
            stdout=PIPE,
            stderr=PIPE,
            cwd=server.cwd,
            env=dict(server.env),
            start_new_session=True,  # what it starts itself is ended with it
            limit=_PIECE,
        )
        to_us, ours = anyio.create_memory_object_stream[SessionMessage | Exception](0)
        theirs, to_them = anyio.create_memory_object_stream[SessionMessage](0)
        self._ends = (ours, theirs, to_us, to_them)
        self._tasks = [
            asyncio.create_task(self._read(self._process, to_us)),
            asyncio.create_task(self._write(self._process, to_them)),
            asyncio.create_task(self._listen(self._process)),
        ]
        return ours, theirs

    async def __aexit__(self, *_: object) -> None:
        for end in self._ends:
            end.close()
        try:
            await _ended(self._process)
        finally:
            _kill(self._process)
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
            _close(self._process)

    async def _read(self, process: Process, to_us: Incoming) -> None:
        assert process.stdout
        line = _Line()
        try:
            while piece := await process.stdout.read(_PIECE):
                *whole, rest = piece.split(b"\n")
                for part in whole:
                    line.add(part)
                    await self._take(line, to_us)
                    line = _Line()
                line.add(rest)
                if line.size > MAX_MESSAGE:
                    await asyncio.sleep(len(piece) / _PACE)
                if line.size > MAX_SKIPPED:
                    raise Floods
        except Floods:
            self.problem = FLOODS
        except (anyio.BrokenResourceError, anyio.ClosedResourceError, OSError):
            pass
        finally:
            to_us.close()
            self.gone()

    async def _take(self, line: "_Line", to_us: Incoming) -> None:
        """Hand a line on; one that is too long is answered as an error in its server's name."""
        message: Any = None
        if line.size > MAX_MESSAGE:
            number = line.id_of_one(self._asked)
            if number is not None:
                error = ErrorData(code=INTERNAL_ERROR, message=TOO_LONG)
                message = JSONRPCError(jsonrpc="2.0", id=number, error=error)
        elif line.size:
            with suppress(ValueError):
                message = jsonrpc_message_adapter.validate_json(line.text, by_name=False)
        if isinstance(message, JSONRPCResponse | JSONRPCError) and message.id in self._asked:
            self._asked.discard(message.id)
        else:
            self._noise.add()
            await asyncio.sleep(0)
        if message is not None:
            await to_us.send(SessionMessage(message))

    async def _write(
        self, process: Process, to_them: MemoryObjectReceiveStream[SessionMessage]
    ) -> None:
        assert process.stdin
        try:
            async for outgoing in to_them:
                message = outgoing.message
                if isinstance(message, JSONRPCRequest):
                    self._asked.add(message.id)
                text = message.model_dump_json(by_alias=True, exclude_unset=True)
                process.stdin.write(text.encode() + b"\n")
                await process.stdin.drain()
        except (OSError, RuntimeError):  # it closed its input; uvloop says so by a RuntimeError
            self.gone()

    async def _listen(self, process: Process) -> None:
        assert process.stderr
        with suppress(OSError):
            while piece := await process.stderr.read(_PIECE):
                self._stderr += piece
                del self._stderr[:-_TAIL]
                await asyncio.sleep(len(piece) / _PACE)


class _Line:
    """A line as it comes; of one that grows too long only the two ends are kept."""

    def __init__(self) -> None:
        self.size = 0
        self._pieces: list[bytes] = []
        self._head = b""

    def add(self, piece: bytes) -> None:
        self.size += len(piece)
        if len(self._head) < _END:
            self._head = (self._head + piece)[:_END]
        self._pieces.append(piece)
        if self.size > MAX_MESSAGE:
            self._pieces = [b"".join(self._pieces[-2:])[-_END:]]

    @property
    def text(self) -> bytes:
        return b"".join(self._pieces)

    def id_of_one(self, asked: set[int | str]) -> int | str | None:
        """Which of the requests it answers: SDKs write the id before the result, or at the end."""
        before = self._head.partition(b'"result"')[0]
        for number in (*_ID.findall(before)[:1], *_ID.findall(self.text)[-1:]):
            told = number[1:-1].decode(errors="replace") if number[:1] == b'"' else int(number)
            if told in asked:
                return told
        return None


async def _ended(process: Process) -> None:
    """Close its input; where that does not end it, SIGTERM for it and all that it started."""
    if process.stdin:
        process.stdin.close()
    for last in (False, True):
        with suppress(TimeoutError):
            async with asyncio.timeout(GRACE_S):
                await process.wait()
        if process.returncode is not None or last:
            return
        _signal(process, signal.SIGTERM)


def _kill(process: Process) -> None:
    """Its whole group, which may outlive it."""
    _signal(process, signal.SIGTERM if sys.platform == "win32" else signal.SIGKILL)


def _signal(process: Process, number: int) -> None:
    with suppress(ProcessLookupError, PermissionError):
        if hasattr(os, "killpg"):
            os.killpg(process.pid, number)
        elif process.returncode is None:
            process.send_signal(number)


def _close(process: Process) -> None:
    """A grandchild that got away may hold the pipes open; nothing public closes our ends of them."""
    transport = getattr(process, "_transport", None)
    if transport is not None:
        with suppress(OSError, RuntimeError):
            transport.close()
