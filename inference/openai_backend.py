"""Chat, transcription and speech by any server that speaks OpenAI's API; each call is one request."""

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from inference.backend import (
    BackendError,
    BadReply,
    ChatRequest,
    Chunk,
    Errand,
    FinishedChunk,
    Interrupted,
    ModelUnavailable,
    ProviderDown,
    Speech,
)
from inference.event_lines import parsed
from inference.event_stream import EventStream
from inference.ledger import DONE, UNREACHED, Ledger
from inference.openai_wire import chat_body
from inference.provider import Provider
from inference.server_errors import Asked, from_page, from_response, from_stream
from inference.sound import as_wav, file_name, mended, pcm_rate, sniff
from inference.transport import Deadlines, Unreached, errors_sorted, open_client, patience
from messages import ToolCall

if TYPE_CHECKING:
    from openai import AsyncOpenAI


@dataclass(slots=True)
class _Spent:
    """Tokens as the provider reports them while a request goes on."""

    prompt_tokens: int = 0
    completion_tokens: int = 0


class OpenAIBackend:
    """A Backend over the `openai` SDK. `key` is that of this provider, empty where none is needed."""

    def __init__(
        self,
        provider: Provider,
        key: str,
        ledger: Ledger,
        deadlines: Deadlines | None = None,
    ) -> None:
        self.provider = provider
        self._key = key
        self._ledger = ledger
        self._deadlines = deadlines or Deadlines()
        self._client: AsyncOpenAI | None = None
        self._opening = asyncio.Lock()

    async def chat(self, request: ChatRequest, errand: Errand) -> AsyncGenerator[Chunk, None]:
        """Stream a reply. Closing the iterator hangs up, so that the server stops too."""
        # In a thread: images are read from disk here.
        body = await asyncio.to_thread(chat_body, request, self.provider)
        asked = Asked(self.provider, request.model, self._key)
        stream = EventStream({tool.name for tool in request.tools}, _call_ids(request))
        async with (
            self._door(asked, errand) as (client, spent),
            aclosing(self._bytes(client, body, stream)) as data,
        ):
            broken: BackendError | None = None
            try:
                async for piece in data:
                    for chunk in stream.feed(piece):
                        yield chunk
                    if stream.over:
                        break
            except BackendError as error:
                broken = error
            for chunk in stream.close(cut=broken is not None):
                if isinstance(chunk, FinishedChunk):
                    spent.prompt_tokens = chunk.prompt_tokens
                    spent.completion_tokens = chunk.completion_tokens
                    _check_something_came(asked, stream)
                yield chunk
            _raise_what_went_wrong(asked, stream, broken)

    async def transcribe(self, audio: Speech, model: str, errand: Errand) -> str:
        """The words of a recording, in one request."""
        asked = Asked(self.provider, model, self._key)
        _check_model(asked, "understands speech", "PARLEY_TRANSCRIBE_MODEL")
        mime = sniff(audio.data) or audio.mime
        file = (file_name(mime), audio.data, mime)
        async with self._door(asked, errand) as (client, _):
            api = client.audio.transcriptions.with_streaming_response
            async with (
                errors_sorted(asked),
                api.create(file=file, model=model, timeout=patience(self._deadlines)) as response,
            ):
                body = await response.read()
            return _heard(asked, body)

    async def speak(self, text: str, model: str, voice: str, errand: Errand) -> Speech:
        """A text as sound, in one request; the type is that of the bytes that came."""
        asked = Asked(self.provider, model, self._key)
        _check_model(asked, "speaks", "PARLEY_SPEECH_MODEL")
        async with self._door(asked, errand) as (client, _):
            from openai import omit

            api = client.audio.speech.with_streaming_response
            async with (
                errors_sorted(asked),
                api.create(
                    model=model,
                    input=text,
                    voice=voice or cast(str, omit),
                    response_format=self.provider.quirks.speech_format or omit,
                    timeout=patience(self._deadlines),
                ) as response,
            ):
                data = await response.read()
                kind = response.headers.get("content-type", "")
            return _sounding(asked, data, kind.lower())

    async def aclose(self) -> None:
        """Hang up everywhere; the backend is not used after this."""
        if self._client is not None:
            await self._client.close()

    @asynccontextmanager
    async def _door(
        self, asked: Asked, errand: Errand
    ) -> "AsyncIterator[tuple[AsyncOpenAI, _Spent]]":
        """The only way to the provider: written down before, closed with its outcome after."""
        client = await self._ready()
        entry = await self._ledger.open(errand, asked.provider.name, asked.model)
        started, spent, outcome = time.monotonic(), _Spent(), "failed"
        try:
            yield client, spent
            outcome = DONE
        except (asyncio.CancelledError, GeneratorExit):
            outcome = "stopped"
            raise
        except Unreached:
            outcome = UNREACHED
            raise
        except BackendError as error:
            outcome = type(error).__name__
            raise
        finally:
            seconds = time.monotonic() - started
            closing = self._ledger.close(
                entry, outcome, seconds, spent.prompt_tokens, spent.completion_tokens
            )
            # Shielded: who stops a turn twice must not leave its request open in the ledger.
            await asyncio.shield(closing)

    async def _ready(self) -> "AsyncOpenAI":
        async with self._opening:
            if self._client is None:
                self._client = await asyncio.to_thread(
                    open_client, self.provider.base_url, self._key, self._deadlines
                )
            return self._client

    async def _bytes(
        self, client: "AsyncOpenAI", body: dict[str, Any], stream: EventStream
    ) -> AsyncGenerator[bytes, None]:
        """The raw bytes of a chat answer. Raises BackendError; hangs up when closed."""
        asked = Asked(self.provider, body["model"], self._key)
        now = asyncio.get_running_loop().time
        first = now() + self._deadlines.first_token
        async with errors_sorted(asked):
            async with asyncio.timeout_at(first):
                answer = client.chat.completions.with_streaming_response.create(**body)
                response = await answer.__aenter__()
            try:
                pieces = response.iter_bytes()
                while True:
                    # Pings are bytes too: only a sign of an answer ends the first deadline.
                    until = now() + self._deadlines.silence if stream.spoke else first
                    async with asyncio.timeout_at(until):
                        piece = await anext(pieces, b"")
                    if not piece:
                        return
                    yield piece
            finally:
                await answer.__aexit__(None, None, None)


def _call_ids(request: ChatRequest) -> set[str]:
    return {p.call_id for m in request.messages for p in m.parts if isinstance(p, ToolCall)}


def _raise_what_went_wrong(asked: Asked, stream: EventStream, broken: BackendError | None) -> None:
    """What the server said comes first, then how the line broke; nothing, after a whole answer."""
    if stream.error is not None:
        raise from_stream(asked, stream.error)
    if stream.page:
        raise from_page(asked, stream.page)
    if broken is None or stream.complete:
        return
    if stream.spoke and isinstance(broken, ProviderDown):
        raise Interrupted(f"{asked.who} fell silent in the middle.", "Retry the message.")
    raise broken


def _check_something_came(asked: Asked, stream: EventStream) -> None:
    if not stream.spoke and not stream.over:
        raise BadReply(f"{asked.who} answered with nothing at all.", "Retry the message.")


def _check_model(asked: Asked, does: str, variable: str) -> None:
    if not asked.model:
        raise ModelUnavailable(
            f"No model that {does} is chosen for {asked.who}.", f"Set {variable} to one it offers."
        )


def _heard(asked: Asked, body: bytes) -> str:
    """The text of a transcription: `{"text": …}`, a JSON string, or plain words."""
    plain = body.decode(errors="replace").strip()
    try:
        value = parsed(body)
    except ValueError:
        if plain.startswith("<"):
            raise from_page(asked, plain) from None
        return plain
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, dict):
        text = value.get("text")
        if isinstance(text, str):
            return text.strip()
        if value.get("error") or value.get("detail"):
            raise from_response(asked, 400, {}, body)
    raise BadReply(f"{asked.who} sent a transcription that cannot be read.", "Retry.")


def _sounding(asked: Asked, data: bytes, content_type: str) -> Speech:
    """Sound bytes under their true type; those without a header are samples and get one."""
    mime = sniff(data)
    if mime == "audio/wav":
        return Speech(mended(data), mime)
    if mime:
        return Speech(data, mime)
    if data[:1] == b"{" and b'"error"' in data[:200]:
        raise from_response(asked, 400, {}, data)
    if "html" in content_type or "text/" in content_type or "json" in content_type:
        raise from_page(asked, data[:20_000].decode(errors="replace"))
    if len(data) < 2:
        raise BadReply(f"{asked.who} sent no sound.", "Retry, or choose another voice.")
    return Speech(as_wav(data, pcm_rate(content_type)), "audio/wav")
