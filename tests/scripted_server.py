"""A real HTTP server that speaks the OpenAI API from a script: the only fake of the suite."""

import base64
import io
import json
import math
import socket
import struct
import threading
import time
import wave
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any, Literal, NamedTuple, Self

import uvicorn

from inference.offline.prompt_server import PromptServer
from tests.scripted_line import ClientGone, Line, Receive, Scope, Send, watched

Sense = Literal["chat", "transcription", "speech", "embedding", "image", "models"]
Call = tuple[str, dict[str, Any] | str]

ROUTES: dict[str, Sense] = {
    "/v1/chat/completions": "chat",
    "/v1/audio/transcriptions": "transcription",
    "/v1/audio/speech": "speech",
    "/v1/embeddings": "embedding",
    "/v1/images/generations": "image",
    "/v1/models": "models",
}


class Hit(NamedTuple):
    """One request as it came over the wire; header names are lower case."""

    path: str
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True)
class Reply:
    """A completion: thoughts, then words piece by piece, then calls."""

    thoughts: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    calls: tuple[Call, ...] = ()
    delay_s: float = 0.0
    finish: str = ""
    stamped: bool = False


@dataclass(frozen=True)
class Raw:
    """Exact bytes; `cut` closes the connection where more was to come."""

    pieces: tuple[bytes, ...]
    content_type: str
    status: int = 200
    cut: bool = False
    delay_s: float = 0.0
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Hang:
    """Headers and what was begun, then silence, then a closed connection."""

    seconds: float
    begun: Reply = Reply()


Answer = Reply | Raw | Hang


@cache
def tone(seconds: float = 1.0, hertz: float = 440.0, rate: int = 16_000) -> bytes:
    """A sine as a mono 16-bit WAV file."""
    samples = (math.sin(2 * math.pi * hertz * n / rate) for n in range(int(seconds * rate)))
    frames = b"".join(struct.pack("<h", int(12_000 * s)) for s in samples)
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as wav:
        wav.setnchannels(1)
        wav.setsampwidth(2)
        wav.setframerate(rate)
        wav.writeframes(frames)
    return buffer.getvalue()


class ScriptedServer:
    """Answers in the order they were scripted, each kind of request from its own queue.

    `requests` holds the parsed JSON of every chat request, `hits` every request of any kind.
    """

    def __init__(self) -> None:
        self.requests: list[dict[str, Any]] = []
        self.hits: list[Hit] = []
        self.disconnects = 0
        self.witness: Callable[[Hit], None] = lambda _: None  # is told of each before its answer
        self.said: list[tuple[float, str]] = []  # words and when they left, in monotonic seconds
        self._improvised: Callable[[dict[str, Any]], Answer] | None = None
        self._script: dict[Sense, deque[Answer]] = {s: deque() for s in ROUTES.values()}
        self._begun = Reply()
        self._default = Reply(words=("ok",))
        self._models: Any = [{"id": "scripted", "object": "model", "owned_by": "tests"}]
        self._called = 0
        self._other: dict[str, Any] = {}
        self._stopping = threading.Event()
        self._socket = socket.socket()
        self._server: PromptServer | None = None
        self._thread: threading.Thread | None = None

    # ── the script ──────────────────────────────────────────────────────────────────────────────

    def says(self, *pieces: str, delay_s: float = 0.0, finish: str = "stop") -> Self:
        """The next chat answer, streamed piece by piece, `delay_s` before each."""
        return self._next(Reply(words=pieces, delay_s=delay_s, finish=finish))

    def calls(self, *calls: Call | str, **arguments: Any) -> Self:
        """The next chat answer asks for tools: `calls(("a", {...}), ...)` or `calls("a", x=1)`.

        Arguments given as a string are sent as they are, broken or not.
        """
        pairs = tuple((c, dict(arguments)) if isinstance(c, str) else c for c in calls)
        return self._next(Reply(calls=pairs, finish="tool_calls"))

    def thinks(self, *pieces: str) -> Self:
        """Reasoning (`reasoning_content`) that opens the next chat answer."""
        self._begun = replace(self._begun, thoughts=(*self._begun.thoughts, *pieces))
        return self

    def begins(self, *pieces: str) -> Self:
        """Words that open the next chat answer, before its calls or its silence."""
        self._begun = replace(self._begun, words=(*self._begun.words, *pieces))
        return self

    def fails(
        self,
        status: int,
        body: Any = None,
        headers: dict[str, str] | None = None,
        on: Sense = "chat",
    ) -> Self:
        """An HTTP error next; `body` is JSON, or a string or bytes sent as they are (HTML)."""
        plain = body is None or isinstance(body, str | bytes)
        data = body or b"" if plain else json.dumps(body)
        data = data.encode() if isinstance(data, str) else data
        kind = "text/html" if plain else "application/json"
        self._script[on].append(Raw((data,), kind, status, headers=headers or {}))
        return self

    def raw(
        self,
        *pieces: bytes,
        content_type: str = "text/event-stream",
        cut: bool = False,
        delay_s: float = 0.0,
        on: Sense = "chat",
        headers: dict[str, str] | None = None,
    ) -> Self:
        """Exact bytes next, one write a piece; `cut` closes the connection in the middle."""
        self._script[on].append(
            Raw(pieces, content_type, cut=cut, delay_s=delay_s, headers=headers or {})
        )
        return self

    def hangs(self, seconds: float, on: Sense = "chat") -> Self:
        """Headers, and on a chat what `thinks` and `begins` said, then nothing for so long."""
        self._script[on].append(Hang(seconds, self._opening() if on == "chat" else Reply()))
        return self

    def hears(self, text: str) -> Self:
        """The next transcription."""
        self._script["transcription"].append(_json({"text": text}))
        return self

    def speaks(self, data: bytes | None = None, content_type: str = "audio/wav") -> Self:
        """The next speech; a second of 440 Hz where nothing is given."""
        self._script["speech"].append(Raw((tone() if data is None else data,), content_type))
        return self

    def draws(self, data: bytes = b"", *, link: str = "", **usage: int) -> Self:
        """The next picture, as base64; or a `link` to it alone."""
        row = {"url": link} if link else {"b64_json": base64.b64encode(data).decode()}
        body = {"created": 1, "data": [row]} | ({"usage": usage} if usage else {})
        self._script["image"].append(_json(body))
        return self

    def default(self, *pieces: str, delay_s: float = 0.0, stamped: bool = False) -> Self:
        """What is said when the script is empty; `stamped`: each piece is instead the monotonic
        time at which it leaves."""
        self._default = Reply(words=pieces, delay_s=delay_s, finish="stop", stamped=stamped)
        return self

    def improvises(self, by: Callable[[dict[str, Any]], Answer] | None) -> Self:
        """What a chat is answered when the script is empty, made of its request."""
        self._improvised = by
        return self

    def models(self, rows: Any) -> Self:
        """What /v1/models answers: rows, or a whole body given as a dict."""
        self._models = rows
        return self

    def serves(self, path: str, body: Any) -> Self:
        """JSON at a path that is not OpenAI's; a callable makes it of the request's JSON, and bytes
        are given as they are."""
        self._other[path] = body
        return self

    def reset(self) -> None:
        """Forget the script and the record."""
        for script in self._script.values():
            script.clear()
        self.requests.clear()
        self.hits.clear()
        self.said.clear()
        self.disconnects = 0
        self._begun, self._default = Reply(), Reply(words=("ok",))

    def _next(self, reply: Reply) -> Self:
        begun = self._opening()
        words = begun.words + reply.words
        self._script["chat"].append(replace(reply, thoughts=begun.thoughts, words=words))
        return self

    def _opening(self) -> Reply:
        begun, self._begun = self._begun, Reply()
        return begun

    # ── the server ──────────────────────────────────────────────────────────────────────────────

    def __enter__(self) -> Self:
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._socket.bind(("127.0.0.1", 0))
        self.base_url = f"http://127.0.0.1:{self._socket.getsockname()[1]}/v1"
        config = uvicorn.Config(
            self._app,
            interface="asgi3",
            log_level="critical",
            log_config=None,
            access_log=False,
            lifespan="off",
            timeout_graceful_shutdown=1,
        )
        self._server = PromptServer(config)
        self._thread = threading.Thread(
            target=self._server.run, kwargs={"sockets": [self._socket]}, daemon=True
        )
        self._thread.start()
        deadline = time.monotonic() + 10
        while not self._server.started:
            if time.monotonic() > deadline:
                raise RuntimeError("the scripted server did not start within 10 s")
            time.sleep(0.005)
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        if self._server and self._thread:
            self._server.end()
            self._thread.join(timeout=5)
        self._socket.close()

    async def _app(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        body = b""
        while True:
            event = await receive()
            body += event.get("body", b"")
            if event["type"] == "http.disconnect" or not event.get("more_body"):
                break
        headers = {k.decode().lower(): v.decode() for k, v in scope["headers"]}
        self.hits.append(Hit(scope["path"], headers, body))
        sense = ROUTES.get(scope["path"])
        request: dict[str, Any] = {}
        if sense == "chat":
            request = json.loads(body)
            self.requests.append(request)
        self.witness(self.hits[-1])
        answer = self._answer(sense, request) if sense else self._elsewhere(scope["path"], body)
        async with watched(receive) as gone:
            line = Line(send, gone, self._stopping)
            try:
                await self._play(answer, request, line)
            except ClientGone:
                if sense == "chat":
                    self.disconnects += 1

    def _elsewhere(self, path: str, body: bytes) -> Answer:
        if path not in self._other:
            return _json({"error": {"message": "no such path"}}, 404)
        value = self._other[path]
        if isinstance(value, bytes):
            return Raw((value,), "application/octet-stream")
        return _json(value(json.loads(body or b"null")) if callable(value) else value)

    def _answer(self, sense: Sense, request: dict[str, Any]) -> Answer:
        if self._script[sense]:
            return self._script[sense].popleft()
        if sense == "chat" and self._improvised:
            return self._improvised(request)
        match sense:
            case "chat":
                return self._default
            case "transcription":
                return _json({"text": "hello world"})
            case "speech":
                return Raw((tone(),), "audio/wav")
            case "embedding":
                return _json(_embeddings(self.hits[-1].body))
            case "image":
                return _json({"error": {"message": "no picture was scripted"}}, 500)
            case "models":
                rows = self._models
                return _json(rows if isinstance(rows, dict) else {"object": "list", "data": rows})

    async def _play(self, answer: Answer, request: dict[str, Any], line: Line) -> None:
        match answer:
            case Raw():
                await line.start(answer.status, answer.content_type, answer.headers)
                for piece in answer.pieces:
                    await line.wait(answer.delay_s)
                    await line.write(piece)
                if answer.cut:
                    await line.wait(0.02)  # let what was written leave before the line breaks
                else:
                    await line.end()
            case Hang():
                await line.start(200, "text/event-stream", {})
                for delta in self._deltas(answer.begun):
                    await line.event(self._chunk(request, delta))
                await line.wait(answer.seconds)
            case Reply() if request.get("stream"):
                await line.start(200, "text/event-stream", {})
                for delta in self._deltas(answer):
                    await line.wait(answer.delay_s)
                    if answer.stamped:
                        delta = {"content": f"{time.monotonic():.6f} "}
                    await line.event(self._chunk(request, delta))
                    self.said.append((time.monotonic(), delta.get("content") or ""))
                await line.event(self._chunk(request, {}, answer.finish or "stop"))
                if (request.get("stream_options") or {}).get("include_usage"):
                    usage = {"choices": [], "usage": _usage(answer, request)}
                    await line.event({**self._chunk(request, {}), **usage})
                await line.write(b"data: [DONE]\n\n")
                await line.end()
            case Reply():
                await line.wait(answer.delay_s * len(answer.words))
                await line.start(200, "application/json", {})
                await line.write(json.dumps(self._completion(answer, request)).encode())
                await line.end()

    # ── OpenAI's shapes ─────────────────────────────────────────────────────────────────────────

    def _chunk(
        self, request: dict[str, Any], delta: dict[str, Any], finish: str | None = None
    ) -> dict[str, Any]:
        return {
            "id": f"chatcmpl-{len(self.requests)}",
            "object": "chat.completion.chunk",
            "created": int(time.time()),
            "model": request.get("model", "scripted"),
            "choices": [{"index": 0, "delta": delta, "finish_reason": finish}],
        }

    def _deltas(self, reply: Reply) -> Iterator[dict[str, Any]]:
        """Thoughts, words and calls; the arguments of a call in two halves."""
        yield from ({"reasoning_content": thought} for thought in reply.thoughts)
        yield from ({"content": word} for word in reply.words)
        for index, call in enumerate(self._tool_calls(reply.calls)):
            arguments = call["function"]["arguments"]
            opening = {**call, "function": {**call["function"], "arguments": ""}}
            yield {"tool_calls": [{"index": index, **opening}]}
            middle = len(arguments) // 2
            for part in (arguments[:middle], arguments[middle:]):
                if part:
                    yield {"tool_calls": [{"index": index, "function": {"arguments": part}}]}

    def _completion(self, reply: Reply, request: dict[str, Any]) -> dict[str, Any]:
        message: dict[str, Any] = {"role": "assistant", "content": "".join(reply.words)}
        if reply.thoughts:
            message["reasoning_content"] = "".join(reply.thoughts)
        if reply.calls:
            message["tool_calls"] = self._tool_calls(reply.calls)
        choice = {"index": 0, "message": message, "finish_reason": reply.finish or "stop"}
        return {
            "id": f"chatcmpl-{len(self.requests)}",
            "object": "chat.completion",
            "created": int(time.time()),
            "model": request.get("model", "scripted"),
            "choices": [choice],
            "usage": _usage(reply, request),
        }

    def _tool_calls(self, calls: Sequence[Call]) -> list[dict[str, Any]]:
        rows = []
        for name, arguments in calls:
            self._called += 1
            text = arguments if isinstance(arguments, str) else json.dumps(arguments)
            function = {"name": name, "arguments": text}
            rows.append({"id": f"call_{self._called}", "type": "function", "function": function})
        return rows


def _json(value: Any, status: int = 200) -> Raw:
    return Raw((json.dumps(value).encode(),), "application/json", status)


def _embeddings(body: bytes) -> dict[str, Any]:
    """A vector a text, told apart by its length; listed backwards, as the API does not forbid."""
    texts = json.loads(body)["input"]
    rows = [
        {"object": "embedding", "index": n, "embedding": [float(len(text)), 1.0]}
        for n, text in enumerate(texts)
    ]
    return {"object": "list", "data": rows[::-1], "model": "scripted"}


def _usage(reply: Reply, request: dict[str, Any]) -> dict[str, int]:
    """Four characters of the messages' JSON a token asked; one piece a token answered."""
    prompt = len(json.dumps(request.get("messages", []))) // 4
    completion = len(reply.thoughts) + len(reply.words) + len(reply.calls)
    total = prompt + completion
    return {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": total}
