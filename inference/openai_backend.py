"""Chat, transcription, speech, embeddings and pictures by any server that speaks OpenAI's API."""

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager, suppress
from dataclasses import dataclass, replace
from importlib import import_module
from typing import TYPE_CHECKING, Any, cast

from inference.adaptations import Adaptations
from inference.answers import heard, sounding, vectors
from inference.attempts import Attempts, reaching
from inference.backend import (
    BackendError,
    BadReply,
    ChatRequest,
    Chunk,
    Errand,
    FinishedChunk,
    ModelUnavailable,
    Speech,
)
from inference.drawing import Drawn, Wanted, image_fields, is_at, lying_at, painted, whole, worded
from inference.event_stream import EventStream, joined
from inference.ledger import DONE, UNREACHED, Aside, Ledger
from inference.openai_wire import chat_body
from inference.provider import Provider
from inference.rate_headers import told
from inference.retries import Retries
from inference.server_errors import Asked, from_page, from_stream
from inference.sound import file_name, sniff
from inference.transport import Deadlines, Unreached, errors_sorted, open_client, patience
from inference.voices import Voice, list_of, listed, of_file
from inference.watch import Watch
from messages import ToolCall

if TYPE_CHECKING:
    from openai import AsyncOpenAI

EMBEDDED_AT_ONCE = 64
GATHER_S = 0.002
"""What each other reply adds to the pause between two readings of one: many are read in larger pieces,
for which no page has to wait longer than for its next update."""
CHARACTERS_A_TOKEN = 4
"""A guess, for the ledger alone: where the provider counts, its count is written beside it."""


@dataclass(slots=True)
class _Spent:
    """What is learned of a request while it goes on, for the ledger."""

    prompt_tokens: int = 0
    completion_tokens: int = 0
    prompt_characters: int = 0
    stream: EventStream | None = None
    headers: Mapping[str, str] | None = None

    def heed(self, headers: Mapping[str, str]) -> None:
        self.headers = headers


class OpenAIBackend:
    """A provider that answers, over the `openai` SDK. Every call is one request, and a RetryChunk tells
    of one more. `key` is that of this provider, empty where none is needed."""

    def __init__(
        self,
        provider: Provider,
        key: str,
        ledger: Ledger,
        deadlines: Deadlines | None = None,
        retries: Retries | None = None,
    ) -> None:
        self.provider = provider
        self.adaptations = Adaptations()
        self._key = key
        self._ledger = ledger
        self._deadlines = deadlines or Deadlines()
        self._retries = retries or Retries()
        self._client: AsyncOpenAI | None = None
        self._opening = asyncio.Lock()
        self._streaming = 0
        self._voices: tuple[Voice, ...] = ()
        self._asked_voices = False

    async def chat(self, request: ChatRequest, errand: Errand) -> AsyncGenerator[Chunk, None]:
        """Stream a reply. Closing the iterator hangs up, so that the server stops too.

        What failed before it began may be sent again, as `Attempts` decides; a RetryChunk says so.
        Raises BackendError; a stream that was cut raises Interrupted after its chunks.
        """
        asked = Asked(self.provider, request.model, self._key)
        attempts = Attempts(asked, self._retries, self.adaptations)
        while True:
            # In a thread: images are read from disk here.
            body = await asyncio.to_thread(chat_body, request, self.provider, attempts.manners)
            stream = EventStream({t.name: t.parameters for t in request.tools}, _call_ids(request))
            try:
                async with aclosing(self._reply(asked, body, stream, errand)) as chunks:
                    async for chunk in chunks:
                        yield chunk
                attempts.succeeded(stream.reasoning_field)
                return
            except BackendError as error:
                again = None if stream.signs else attempts.after(error, body)
                if again is None:
                    raise
            yield again
            await asyncio.sleep(again.wait_s)

    async def _reply(
        self, asked: Asked, body: dict[str, Any], stream: EventStream, errand: Errand
    ) -> AsyncGenerator[Chunk, None]:
        """One sending of a chat: one request."""
        async with (
            self._door(asked, errand) as (client, spent),
            aclosing(self._bytes(asked, client, body, stream, spent)) as data,
        ):
            spent.stream, spent.prompt_characters = stream, _characters(body)
            broken: BackendError | None = None
            try:
                async for piece in data:
                    for chunk in joined(stream.feed(piece)):
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
        _check_model(asked, "understands speech", "Set PARLEY_TRANSCRIBE_MODEL to one it offers.")
        mime = sniff(audio.data) or audio.mime
        file = (file_name(mime), audio.data, mime)

        async def once() -> str:
            async with self._door(asked, errand) as (client, spent):
                api = client.audio.transcriptions.with_streaming_response
                asking = api.create(file=file, model=model, timeout=patience(self._deadlines))
                async with errors_sorted(asked, spent.heed), asking as response:
                    spent.heed(response.headers)
                    body = await response.read()
                return heard(asked, body)

        return await reaching(once, self._retries)

    async def speak(
        self, text: str, model: str, voice: str, errand: Errand, pace: float = 1.0
    ) -> Speech:
        """A text as sound, in one request; the type is that of the bytes that came."""
        asked = Asked(self.provider, model, self._key)
        _check_model(asked, "speaks", "Set PARLEY_SPEECH_MODEL to one it offers.")

        async def once() -> Speech:
            async with self._door(asked, errand) as (client, spent):
                from openai import omit

                asking = client.audio.speech.with_streaming_response.create(
                    model=model,
                    input=text,
                    voice=voice or cast(str, omit),
                    response_format=self.provider.quirks.speech_format or omit,
                    speed=omit if pace == 1 else pace,
                    timeout=patience(self._deadlines),
                )
                async with errors_sorted(asked, spent.heed), asking as response:
                    spent.heed(response.headers)
                    data = await response.read()
                    kind = response.headers.get("content-type", "")
                return sounding(asked, data, kind.lower())

        return await reaching(once, self._retries)

    async def voices(self, errand: Errand) -> tuple[Voice, ...]:
        """The voices that its file names, else those that a server of one's own lists; asked once.

        Empty where nobody tells. A provider that bills is never asked.
        """
        if not self._voices:
            self._voices = of_file(self.provider)
        if not self._voices and self.provider.billing == "free" and not self._asked_voices:
            self._asked_voices = True
            asked = Asked(self.provider, "", self._key)
            with suppress(BackendError):
                async with self._door(asked, errand) as (client, _):
                    self._voices = listed(self.provider, await list_of(asked, client))
        return self._voices

    async def embed(self, texts: Sequence[str], model: str, errand: Errand) -> list[list[float]]:
        """One vector a text, in order, all of one length; a request for every EMBEDDED_AT_ONCE."""
        asked = Asked(self.provider, model, self._key)
        _check_model(asked, "embeds", "Choose one that it offers.")
        found: list[list[float]] = []
        for start in range(0, len(texts), EMBEDDED_AT_ONCE):
            batch = list(texts[start : start + EMBEDDED_AT_ONCE])

            async def once(batch: list[str] = batch) -> list[list[float]]:
                return await self._embedded(asked, batch, errand)

            found += await reaching(once, self._retries)
        return found

    async def _embedded(self, asked: Asked, batch: list[str], errand: Errand) -> list[list[float]]:
        async with self._door(asked, errand) as (client, spent):
            spent.prompt_characters = sum(map(len, batch))
            asking = client.embeddings.with_streaming_response.create(
                input=batch,
                model=asked.model,
                encoding_format="float",  # the SDK's own choice, base64, hangs some servers
                timeout=patience(self._deadlines),
            )
            async with errors_sorted(asked, spent.heed), asking as response:
                spent.heed(response.headers)
                body = await response.read()
            return vectors(asked, body, len(batch))

    async def draw(self, wanted: Wanted, errand: Errand, counted: Callable[[], None]) -> Drawn:
        """A picture, in one request, never sent again once it was: it may be paid for.

        `counted` is called when the request is written down, just before it goes.
        """
        asked = Asked(self.provider, wanted.model, self._key)
        _check_model(asked, "makes pictures", "Set PARLEY_IMAGE_MODEL to one it offers.")

        async def once() -> Drawn:
            async with self._door(asked, errand) as (client, spent):
                counted()
                spent.prompt_characters = len(wanted.prompt)
                try:
                    body = await self._painting(asked, client, wanted, spent)
                except BackendError as error:
                    raise worded(asked, error) from None
                drawn = painted(asked, body)
                spent.prompt_tokens = drawn.prompt_tokens
                spent.completion_tokens = drawn.completion_tokens
                if is_at(self.provider, drawn.url):
                    drawn = replace(drawn, data=await lying_at(asked, client, drawn.url), url="")
                return drawn

        return await reaching(once, self._retries)

    async def _painting(
        self, asked: Asked, client: "AsyncOpenAI", wanted: Wanted, spent: _Spent
    ) -> bytes:
        fields = image_fields(wanted, self.provider)
        api = client.images.with_streaming_response
        asking = api.generate(**fields, timeout=patience(self._deadlines))
        async with errors_sorted(asked, spent.heed), asking as response:
            spent.heed(response.headers)
            return await whole(asked, response.iter_bytes())

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
            outcome = _name(error)
            raise
        finally:
            seconds = time.monotonic() - started
            closing = self._ledger.close(
                entry,
                outcome,
                seconds,
                spent.prompt_tokens,
                spent.completion_tokens,
                self._aside(spent),
            )
            # Shielded: who stops a turn twice must not leave its request open in the ledger.
            await asyncio.shield(closing)

    async def warm(self) -> None:
        """Load the SDK and its transport, which takes seconds, before a turn has to wait for it."""
        for module in ("openai", "inference.aio_transport"):
            await asyncio.to_thread(import_module, module)

    async def _ready(self) -> "AsyncOpenAI":
        async with self._opening:
            if self._client is None:
                self._client = await asyncio.to_thread(
                    open_client, self.provider.base_url, self._key, self._deadlines
                )
            return self._client

    def _aside(self, spent: _Spent) -> Aside:
        """What we count ourselves, and what the provider's headers say is left."""
        answered = spent.stream.characters if spent.stream else 0
        span, headers = self.provider.quirks.rate_headers, spent.headers
        return Aside(
            spent.prompt_characters // CHARACTERS_A_TOKEN,
            answered // CHARACTERS_A_TOKEN,
            told(span, headers, time.time()) if headers and span else None,
        )

    async def _bytes(
        self,
        asked: Asked,
        client: "AsyncOpenAI",
        body: dict[str, Any],
        stream: EventStream,
        spent: _Spent,
    ) -> AsyncGenerator[bytes, None]:
        """The raw bytes of a chat answer. Raises BackendError; hangs up when closed."""
        watch = Watch(self._deadlines, asyncio.get_running_loop().time)
        async with errors_sorted(asked, spent.heed):
            try:
                async with asyncio.timeout_at(watch.until):
                    api = client.chat.completions.with_streaming_response
                    # As it is: the SDK would look through every message and tool, 0.1 ms each.
                    answer = api.create(
                        model=asked.model,
                        messages=(),
                        stream=True,
                        extra_body=body,
                        timeout=patience(self._deadlines, bounded=False),
                    )
                    response = await answer.__aenter__()
                spent.heed(response.headers)
                self._streaming += 1
                try:
                    pieces = response.iter_bytes()
                    while True:
                        async with asyncio.timeout_at(watch.until):
                            piece = await anext(pieces, b"")
                        if not piece:
                            return
                        yield piece
                        watch.heard(stream.signs)
                        if stream.signs and self._streaming > 1:
                            await asyncio.sleep(GATHER_S * (self._streaming - 1))
                finally:
                    self._streaming -= 1
                    await answer.__aexit__(None, None, None)
            except TimeoutError:
                raise watch.lapsed(asked) from None


def _call_ids(request: ChatRequest) -> set[str]:
    return {p.call_id for m in request.messages for p in m.parts if isinstance(p, ToolCall)}


def _raise_what_went_wrong(asked: Asked, stream: EventStream, broken: BackendError | None) -> None:
    """What the server said comes first, then how the line broke; nothing, after a whole answer."""
    if stream.error is not None:
        raise from_stream(asked, stream.error)
    if stream.page:
        raise from_page(asked, stream.page)
    if broken is not None and not stream.complete:
        raise broken


def _check_something_came(asked: Asked, stream: EventStream) -> None:
    if not stream.spoke and not stream.over:
        raise BadReply(f"{asked.who} answered with nothing at all.", "Retry the message.")


def _check_model(asked: Asked, does: str, advice: str) -> None:
    if not asked.model:
        raise ModelUnavailable(f"No model that {does} is chosen for {asked.who}.", advice)


def _name(error: BackendError) -> str:
    """The error's name in the tree of backend.py: those below it are nobody else's business."""
    kinds = (kind for kind in type(error).__mro__ if kind.__module__ == BackendError.__module__)
    return next(kinds).__name__


def _characters(body: dict[str, Any]) -> int:
    """All words of the messages; of the rest, images above all, nothing is guessed."""
    contents = (row["content"] for row in body["messages"])
    parts = (c if isinstance(c, list) else [{"text": c}] for c in contents)
    return sum(len(part.get("text") or "") for each in parts for part in each)
