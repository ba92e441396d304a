"""A web server on a free port that answers as a test says, down to the single byte."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

import httpcore2

Answer = Callable[[asyncio.StreamWriter], Awaitable[None]]
PUBLIC = "93.184.216.34"


@dataclass(frozen=True)
class Hit:
    """A request: the path, its query, and its header lines in lower case."""

    path: str
    query: dict[str, str]
    headers: dict[str, str]


class LocalWeb:
    def __init__(self) -> None:
        self.hits: list[Hit] = []
        self._answers: dict[str, list[Answer]] = {}

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        self.base_url = f"http://127.0.0.1:{self.port}"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()

    def answers(self, path: str, answer: Answer) -> None:
        """The next answer at a path; the last one is given again and again."""
        self._answers.setdefault(path, []).append(answer)

    def gives(
        self, path: str, body: bytes, mime: str = "text/html", status: int = 200, **headers: str
    ) -> None:
        """Headers are named with underscores: `content_encoding="gzip"`."""
        rows = {"content-type": mime, "content-length": str(len(body))}
        rows |= {name.replace("_", "-"): value for name, value in headers.items()}
        head = "".join(f"{name}: {value}\r\n" for name, value in rows.items())

        async def write(writer: asyncio.StreamWriter) -> None:
            writer.write(f"HTTP/1.1 {status} Said\r\n{head}connection: close\r\n\r\n".encode())
            writer.write(body)
            await writer.drain()

        self.answers(path, write)

    def gives_json(self, path: str, value: Any, status: int = 200) -> None:
        self.gives(path, json.dumps(value).encode(), "application/json; charset=utf-8", status)

    async def dial(self, address: str, port: int, timeout: float | None) -> Any:
        """Stands for the way to a public address: it ends here."""
        assert address == PUBLIC
        return await httpcore2.AnyIOBackend().connect_tcp("127.0.0.1", self.port, timeout)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
            target = urlsplit(head[0].split(" ")[1])
            lines = [line.partition(":") for line in head[1:] if line]
            headers = {name.lower(): value.strip() for name, _, value in lines}
            query = {name: values[0] for name, values in parse_qs(target.query).items()}
            self.hits.append(Hit(target.path, query, headers))
            waiting = self._answers[target.path]
            await (waiting.pop(0) if len(waiting) > 1 else waiting[0])(writer)
        writer.close()


async def public(_host: str, _port: int) -> list[str]:
    """A resolver that finds every name at one public address."""
    return [PUBLIC]
