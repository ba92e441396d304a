"""An assistant that plays recorded turns from memory: test data for the page, with no model behind it."""

import asyncio
import hashlib
import io
import time
import wave
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import replace
from pathlib import Path

from assistant import Answering, Assistant, NotFound, Refused, Snapshot, Usage
from events import Event, Exchange, TurnEnded, TurnStarted, begin, grow
from messages import Audio, Conversation, Image, Media, Message, Request, Text, new_id

Step = tuple[float, Event]
Script = Callable[[Message], Sequence[Step]]
"""What happens after something was said: seconds to wait, and then the event."""


class Canned(Assistant):
    def __init__(self, folder: Path, script: Script) -> None:
        self.folder = folder
        self.script = script
        self.offline = True
        self.limit: int | None = None
        self.refuse: Refused | None = None
        self.requests: list[Request] = []
        self.orders: list[tuple[object, ...]] = []
        self.talks: dict[tuple[str, str], Conversation] = {}
        self.said: defaultdict[tuple[str, str], list[Message]] = defaultdict(list)
        self._files: dict[tuple[str, str], Media] = {}
        self._kept: dict[str, Image | Audio] = {}
        self._played: dict[tuple[str, str], list[Event]] = {}
        self._tasks: dict[tuple[str, str], asyncio.Task[None]] = {}
        self._moved = asyncio.Condition()

    async def send(
        self, owner: str, conversation_id: str, text: str, media: Sequence[str], speak: bool
    ) -> None:
        self.orders.append(("send", text, tuple(media), speak))
        if self.refuse is not None:
            raise self.refuse
        place = (owner, conversation_id)
        if place in self._tasks and not self._tasks[place].done():
            raise Refused("A reply is still running here.", "Wait for it, or stop it.")
        now = time.time()
        title = text[:60] or "A recording"
        talk = self.talks.get(place) or Conversation(conversation_id, title, now, now)
        self.talks[place] = replace(talk, updated_at=now)
        parts = [self._kept[name] for name in media]
        words = (Text(text),) if text else ()
        self._start(place, Message(new_id(), "user", (*parts, *words), now))

    def _start(self, place: tuple[str, str], said: Message) -> None:
        kept = [m for m in self.said[place] if m.id != said.id]
        self.said[place] = [*kept, said]
        self._played[place] = [TurnStarted(said, new_id(), time.time())]
        self._tasks[place] = asyncio.create_task(self._play(place, self.script(said)))

    async def _play(self, place: tuple[str, str], steps: Sequence[Step]) -> None:
        began = time.monotonic()
        turn = self._played[place]
        try:
            await self._tell()
            for wait_s, event in steps:
                await asyncio.sleep(wait_s)
                turn.append(event)
                await self._tell()
        except asyncio.CancelledError:
            turn.append(TurnEnded("stopped", time.monotonic() - began))
        exchange = self._folded(place)
        self.requests += (exchange.reply.provenance or exchange.said.provenance).requests  # type: ignore[union-attr]
        self.said[place] = [
            *(m for m in self.said[place] if m.id != exchange.said.id),
            exchange.said,
            exchange.reply,
        ]
        await self._tell()

    def _folded(self, place: tuple[str, str]) -> Exchange:
        first, *rest = self._played[place]
        assert isinstance(first, TurnStarted)
        exchange = begin(first)
        for event in rest:
            exchange = grow(exchange, event)
        return exchange

    async def _tell(self) -> None:
        async with self._moved:
            self._moved.notify_all()

    async def retry(self, owner: str, conversation_id: str, reply_id: str, speak: bool) -> None:
        self.orders.append(("retry", reply_id))
        place = (owner, conversation_id)
        said = [m for m in self.said[place] if m.role == "user"][-1]
        self.said[place] = [m for m in self.said[place] if m.id != reply_id]
        self._start(place, said)

    async def stop(self, owner: str, conversation_id: str) -> None:
        self.orders.append(("stop", conversation_id))
        if task := self._tasks.get((owner, conversation_id)):
            task.cancel()

    async def attach(self, owner: str, data: bytes, name: str) -> Image | Audio:
        sha256 = hashlib.sha256(data).hexdigest()
        kept: Image | Audio
        if data.startswith(b"\x89PNG"):
            width, height = (int.from_bytes(data[i : i + 4], "big") for i in (16, 20))
            media = Media(sha256, "image/png", len(data), name)
            kept = Image(media, width, height)
        elif data.startswith(b"RIFF"):
            with wave.open(io.BytesIO(data)) as sound:
                seconds = sound.getnframes() / sound.getframerate()
            media = Media(sha256, "audio/wav", len(data), name)
            kept = Audio(media, seconds)
        else:
            raise Refused("This is no picture and no recording.", "Choose a PNG or a WAV.")
        (self.folder / sha256).write_bytes(data)
        self._files[owner, sha256] = media
        self._kept[sha256] = kept
        return kept

    async def media(self, owner: str, sha256: str) -> tuple[Media, Path]:
        if (owner, sha256) not in self._files:
            raise NotFound("There is no such file.")
        return self._files[owner, sha256], self.folder / sha256

    async def conversations(self, owner: str) -> list[Conversation]:
        mine = [talk for (who, _), talk in self.talks.items() if who == owner]
        return sorted(mine, key=lambda talk: -talk.updated_at)

    async def open(
        self, owner: str, conversation_id: str, limit: int = 40, before: str | None = None
    ) -> Snapshot:
        place = (owner, conversation_id)
        messages = list(self.said.get(place, ()))
        if place in self._tasks and not self._tasks[place].done():
            messages.append(self._folded(place).reply)
        if before is not None:
            messages = messages[: next(i for i, m in enumerate(messages) if m.id == before)]
        return Snapshot(
            self.talks.get(place), tuple(messages[-limit:]), earlier=len(messages) > limit
        )

    async def rename(self, owner: str, conversation_id: str, title: str) -> None:
        place = (owner, conversation_id)
        if place not in self.talks:
            raise NotFound("There is no such conversation.")
        self.talks[place] = replace(self.talks[place], title=title)

    async def delete(self, owner: str, conversation_id: str) -> None:
        self.talks.pop((owner, conversation_id), None)
        self.said.pop((owner, conversation_id), None)

    async def follow(self, owner: str, conversation_id: str) -> AsyncIterator[tuple[Event, ...]]:
        place = (owner, conversation_id)
        turn = self._played.get(place, [])
        seen = len(turn) if place not in self._tasks or self._tasks[place].done() else 0
        while True:
            async with self._moved:
                while turn is self._played.get(place, turn) and len(turn) == seen:
                    await self._moved.wait()
            latest = self._played[place]
            batch: list[Event] = []
            if latest is not turn:
                batch, turn, seen = turn[seen:], latest, 0
            batch, seen = [*batch, *turn[seen:]], len(turn)
            yield tuple(batch)

    async def forget(self, owner: str, memory_id: str) -> None:
        self.orders.append(("forget", memory_id))

    async def usage(self, owner: str) -> Usage:
        by = {"answer": sum(r.purpose == "answer" for r in self.requests)}
        billing = "free" if self.offline else "request"
        resets = (int(time.time()) // 86400 + 1) * 86400.0
        return Usage(len(self.requests), self.limit, resets, billing, by)

    def answering(self) -> Answering:
        if self.offline:
            return Answering("Offline engine", "parley-offline", True, "")
        return Answering("Oxlo", "deepseek-v3.2", False, "")
