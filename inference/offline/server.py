"""The engine's endpoints under /v1, for whoever knows the key."""

import asyncio
import hmac
import json
import logging
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from starlette.applications import Starlette
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from inference.offline.chat import MODEL, chat_asked, completed, streamed, whole
from inference.offline.embedding import DIMENSIONS, embedded
from inference.offline.errors import ApiError, bad_request
from inference.offline.faculties import READING_MODEL, Faculties

log = logging.getLogger(__name__)
T = TypeVar("T")

HEARING_MODEL = "parley-offline-hearing"
VOICE_MODEL = "parley-offline-voice"
EMBEDDING_MODEL = "parley-offline-embedding"
MAX_BODY_BYTES = 64 * 2**20
MAX_SPOKEN_CHARS = 4096
MAX_TEXTS = 2048
_BORN = 1_767_225_600  # every model needs a date of birth


def server(key: str, faculties: Faculties) -> ASGIApp:
    """The ASGI application. Every request must bear `key`."""
    endpoints = Endpoints(faculties)
    app = Starlette(
        routes=[
            Route("/v1/models", endpoints.models),
            Route("/v1/models/{model}", endpoints.model),
            Route("/v1/chat/completions", endpoints.chat, methods=["POST"]),
            Route("/v1/audio/transcriptions", endpoints.transcriptions, methods=["POST"]),
            Route("/v1/audio/speech", endpoints.speech, methods=["POST"]),
            Route("/v1/audio/voices", endpoints.voices),
            Route("/v1/embeddings", endpoints.embeddings, methods=["POST"]),
        ],
        exception_handlers={
            ApiError: _api_error,
            HTTPException: _http_error,
            Exception: _bug,
        },
    )
    return _Guarded(app, key)


class _Guarded:
    """Turns away requests without the key, and bodies that are too large."""

    def __init__(self, app: ASGIApp, key: str) -> None:
        self._app = app
        self._expected = f"Bearer {key}".encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        headers = dict(scope["headers"])
        if not hmac.compare_digest(headers.get(b"authorization", b""), self._expected):
            error = ApiError(401, "The key is missing or wrong.", code="invalid_api_key")
            await _answer(error)(scope, receive, send)
            return
        size = headers.get(b"content-length", b"0")
        if headers.get(b"transfer-encoding") or not size.isdigit() or int(size) > MAX_BODY_BYTES:
            limit = MAX_BODY_BYTES // 2**20
            error = ApiError(
                413, f"The request is larger than {limit} MB, or does not say its size."
            )
            await _answer(error)(scope, receive, send)
            return
        await self._app(scope, receive, send)


class Endpoints:
    def __init__(self, faculties: Faculties) -> None:
        self._faculties = faculties

    def _installed(self) -> frozenset[str]:
        return frozenset(w.sense for w in self._faculties.workers if w.missing is None)

    def _models(self) -> list[dict[str, Any]]:
        installed = self._installed()
        names = [MODEL, EMBEDDING_MODEL]
        names += [HEARING_MODEL] if "hearing" in installed else []
        names += [VOICE_MODEL] if "speaking" in installed else []
        fixed = {"object": "model", "created": _BORN, "owned_by": "parley"}
        return [{"id": name, **fixed} for name in names]

    async def models(self, _request: Request) -> Response:
        return JSONResponse({"object": "list", "data": self._models()})

    async def model(self, request: Request) -> Response:
        wanted = request.path_params["model"]
        for model in self._models():
            if model["id"] == wanted:
                return JSONResponse(model)
        raise _no_such_model(wanted)

    async def chat(self, request: Request) -> Response:
        body = await _json_body(request)
        if body.get("model") != READING_MODEL:
            _check_model(body.get("model"), MODEL)
        asked = await chat_asked(body, self._installed())
        if asked.stream:
            return StreamingResponse(
                streamed(asked, self._faculties), media_type="text/event-stream"
            )
        return JSONResponse(whole(await _unless_gone(request, completed(asked, self._faculties))))

    async def transcriptions(self, request: Request) -> Response:
        async with request.form() as form:
            upload = form.get("file")
            if not isinstance(upload, UploadFile):
                raise bad_request("A recording is needed, as a form field named file.", "file")
            _check_model(form.get("model"), HEARING_MODEL)
            shape = form.get("response_format") or "json"
            recording = await upload.read()
        if shape not in ("json", "text", "verbose_json"):
            raise bad_request("response_format: json, text or verbose_json.", "response_format")
        heard = await _unless_gone(request, self._faculties.hear(recording))
        if shape == "text":
            return PlainTextResponse(heard.text)
        if shape == "json":
            return JSONResponse({"text": heard.text})
        about = {"task": "transcribe", "language": "english", "duration": heard.seconds}
        return JSONResponse({**about, "text": heard.text})

    async def speech(self, request: Request) -> Response:
        body = await _json_body(request)
        _check_model(body.get("model"), VOICE_MODEL)
        text, speed = body.get("input"), body.get("speed", 1.0)
        if not isinstance(text, str) or not text.strip():
            raise bad_request("input must be the text to speak.", "input")
        if len(text) > MAX_SPOKEN_CHARS:
            raise bad_request(f"input is longer than {MAX_SPOKEN_CHARS} characters.", "input")
        if not isinstance(speed, int | float) or not 0.25 <= speed <= 4:
            raise bad_request("speed must be from 0.25 to 4.", "speed")
        if body.get("response_format") not in (None, "wav"):
            raise bad_request("The offline voice makes only wav.", "response_format")
        voice = str(body.get("voice") or "")
        wav = await _unless_gone(request, self._faculties.speak(text, voice, float(speed)))
        return Response(wav, media_type="audio/wav")

    async def voices(self, _request: Request) -> Response:
        return JSONResponse({"object": "list", "data": await self._faculties.voices()})

    async def embeddings(self, request: Request) -> Response:
        body = await _json_body(request)
        _check_model(body.get("model"), EMBEDDING_MODEL)
        given = body.get("input")
        texts = [given] if isinstance(given, str) else given
        if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
            raise bad_request("input must be a text or a list of texts.", "input")
        if not 1 <= len(texts) <= MAX_TEXTS:
            raise bad_request(f"input must be 1 to {MAX_TEXTS} texts.", "input")
        if body.get("dimensions") not in (None, DIMENSIONS):
            raise bad_request(f"dimensions can only be {DIMENSIONS}.", "dimensions")
        vectors, tokens = await asyncio.to_thread(embedded, texts)
        encode = _base64 if body.get("encoding_format") == "base64" else list
        data = [
            {"object": "embedding", "index": i, "embedding": encode(vector)}
            for i, vector in enumerate(vectors)
        ]
        usage = {"prompt_tokens": tokens, "total_tokens": tokens}
        return JSONResponse(
            {"object": "list", "data": data, "model": EMBEDDING_MODEL, "usage": usage}
        )


async def _json_body(request: Request) -> dict[str, Any]:
    try:
        body = json.loads(await request.body())
    except ValueError:
        raise bad_request("The request's body is not valid JSON.") from None
    if not isinstance(body, dict):
        raise bad_request("The request's body must be a JSON object.")
    return body


def _check_model(given: object, expected: str) -> None:
    if given is None:
        raise bad_request("model is missing.", "model")
    if given != expected:
        raise _no_such_model(str(given), expected)


def _no_such_model(given: str, expected: str = "") -> ApiError:
    advice = f" Use {expected} here." if expected else ""
    message = f"The offline engine has no model {given!r} for this.{advice}"
    return ApiError(404, message, code="model_not_found", param="model")


def _base64(vector: list[float]) -> str:
    import base64
    import struct

    return base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode()


async def _unless_gone(request: Request, work: Awaitable[T]) -> T:
    """The work's result; it is cancelled if the client hangs up first. The body must be read."""
    working = asyncio.ensure_future(work)
    waiting = asyncio.ensure_future(_hung_up(request.receive))
    try:
        await asyncio.wait({working, waiting}, return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            raise ApiError(499, "The client hung up.")
        return working.result()
    finally:
        working.cancel()
        waiting.cancel()
        await asyncio.gather(working, waiting, return_exceptions=True)


async def _hung_up(receive: Callable[[], Awaitable[Any]]) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _answer(error: ApiError) -> Response:
    return JSONResponse(error.body(), status_code=error.status)


async def _api_error(_request: Request, error: Exception) -> Response:
    assert isinstance(error, ApiError)
    return _answer(error)


async def _http_error(_request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return _answer(ApiError(error.status_code, error.detail))


async def _bug(request: Request, error: Exception) -> Response:
    log.error("The offline engine failed at %s", request.url.path, exc_info=error)
    return _answer(ApiError(500, "The offline engine failed; its log says why."))
