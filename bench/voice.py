"""How long it takes in a call from the end of what was said to the first sound of the reply.

The provider answers in 300 ms each time: the transcription, the first token, the speech. Printed
piece by piece over some turns, beside the CPU time of the detector of speech and of the cutting of
sentences. `python -m bench.voice`
"""

import asyncio
import json
import os
import re
import resource
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path
from statistics import median
from typing import Any

ROOT = Path(__file__).parents[1]
TURNS = 5
PROVIDER_S = 0.3
SILENCE_S = 0.7
TARGET_S = 1.0 + SILENCE_S
FRAME_BYTES, FRAME_S = 1024, 0.032
QUESTION = "What is the capital of France?"
REPLY = (
    "Paris is the capital of France. " + 8 * "It lies on the Seine, in the north of the country. "
)
SENTENCE = "It costs approx. 3.50 euros, says Dr. Smith of example.com (see fig. 2). Really? Yes… "


def main() -> None:
    from tests.scripted_server import ScriptedServer

    with ScriptedServer() as provider:
        turns = asyncio.run(_measured(provider, TURNS))
    print(f"From the end of speech to the first sound, median of {len(turns)} turns, ms:")
    for name in turns[0]:
        spent = [turn[name] * 1000 for turn in turns]
        print(f"  {name:44} {median(spent):6.0f}   ({min(spent):.0f} to {max(spent):.0f})")
    total = median(sum(turn.values()) for turn in turns)
    print(f"  {'in all':44} {total * 1000:6.0f}   target at most {TARGET_S * 1000:.0f}")
    _detector()
    _sentences()


async def _measured(provider: Any, turns: int) -> list[dict[str, float]]:
    """A whole Parley in a process of its own, and a caller who speaks in real time."""
    with tempfile.TemporaryDirectory() as data:
        environ = {
            **{k: v for k, v in os.environ.items() if not k.endswith("_API_KEY")},
            "PARLEY_BASE_URL": provider.base_url, "PARLEY_API_KEY": "bench",
            "PARLEY_MODEL": "big", "PARLEY_TRANSCRIBE_MODEL": "hearing",
            "PARLEY_SPEECH_MODEL": "speaking", "PARLEY_VOICE": "calm",
        }  # fmt: skip
        port = _free_port()
        command = [sys.executable, "app.py", "--port", str(port), "--data-dir", data]
        parley = subprocess.Popen(command, cwd=ROOT, env=environ, stderr=subprocess.DEVNULL)
        try:
            cookie = await asyncio.to_thread(_cookie, port)
            return await _call(provider, port, cookie, turns)
        finally:
            parley.terminate()
            parley.wait()


async def _call(provider: Any, port: int, cookie: str, turns: int) -> list[dict[str, float]]:
    from websockets.asyncio.client import connect

    from tests.speech import speech

    address = f"ws://127.0.0.1:{port}/parley"
    headers = {"Cookie": cookie, "Origin": f"http://127.0.0.1:{port}"}
    said, conversation = speech(QUESTION), os.urandom(16).hex()
    async with (
        connect(f"{address}/call", additional_headers=headers) as line,
        connect(f"{address}/live", additional_headers=headers, max_size=None) as page,
    ):
        await line.send(json.dumps({"begin": conversation}))
        await page.send(json.dumps({"follow": conversation}))
        found = []
        for number in range(turns + 1):  # the first warms up
            _script(provider)
            seen = await _turn(line, page, _again(said, number))
            url = f"http://127.0.0.1:{port}{seen['url']}"
            request = urllib.request.Request(url, headers={"Cookie": cookie})
            await asyncio.to_thread(lambda: urllib.request.urlopen(request).read())  # noqa: B023
            sounded = time.monotonic()
            if number:
                found.append(_pieces(seen, sounded))
            while json.loads(await line.recv())["kind"] != "over":
                pass
            await line.send(json.dumps({"silent": True}))
        return found


def _script(provider: Any) -> None:
    from tests.scripted_server import tone

    provider.reset()
    provider.raw(
        b'{"text": "What is the capital of France?"}',
        content_type="application/json", delay_s=PROVIDER_S, on="transcription",
    )  # fmt: skip
    provider.says(REPLY, delay_s=PROVIDER_S)
    for _ in range(2):
        provider.raw(tone(1.0), content_type="audio/wav", delay_s=PROVIDER_S, on="speech")


async def _turn(line: Any, page: Any, said: bytes) -> dict[str, Any]:
    """When what was told to the page, and the address of the first sound."""
    seen: dict[str, Any] = {}
    speaking = asyncio.create_task(_speak(line, said, seen))
    telling = asyncio.create_task(_told(line, seen))
    while "url" not in seen:
        frame = str(await page.recv())
        piece = re.search(r'data-pieces=\\"(/parley/media/[0-9a-f]+)', frame)
        if piece and '"kind":"turn"' in frame and "thinking" in seen:
            seen |= {"url": piece[1], "sound": time.monotonic()}
    for task in (speaking, telling):
        task.cancel()
        await asyncio.wait((task,))
    return seen


async def _told(line: Any, seen: dict[str, Any]) -> None:
    while True:
        frame = json.loads(await line.recv())
        name = frame.get("state") or frame["kind"]
        if "end of speech" in seen:
            seen.setdefault(name, time.monotonic())


async def _speak(line: Any, said: bytes, seen: dict[str, Any]) -> None:
    """In real time, and silence after it, as a microphone gives it."""
    last = _last_loud(said)
    started, sent = time.monotonic(), 0
    while True:
        piece = said[sent : sent + FRAME_BYTES]
        await line.send(piece + b"\0" * (FRAME_BYTES - len(piece)))
        if sent <= last < sent + FRAME_BYTES:
            seen["end of speech"] = started + last / 32_000
        sent += FRAME_BYTES
        await asyncio.sleep(max(0.0, started + sent / 32_000 - time.monotonic()))


def _again(said: bytes, number: int) -> bytes:
    """The same words, another recording: what was understood once is not asked for again."""
    import numpy as np

    hiss = np.random.default_rng(number).integers(-2, 3, len(said) // 2)
    return (np.frombuffer(said, "<i2") + hiss).clip(-32768, 32767).astype("<i2").tobytes()


def _last_loud(said: bytes) -> int:
    """The byte where the voice has faded."""
    import numpy as np

    loud = np.flatnonzero(np.abs(np.frombuffer(said, "<i2").astype(int)) > 500)
    return int(loud[-1]) * 2


def _pieces(seen: dict[str, Any], sounded: float) -> dict[str, float]:
    return {
        "until the end of the turn is noticed": seen["thinking"] - seen["end of speech"],
        "until the words are known (300 of it hearing)": seen["heard"] - seen["thinking"],
        "until its sound is told of (600 answer, speech)": seen["sound"] - seen["heard"],
        "until that is fetched": sounded - seen["sound"],
    }


def _detector() -> None:
    """CPU seconds of the worker for a second of sound, beside the parent's for handing it over."""
    from tests.speech import noise
    from voice.activity import VoiceActivity

    seconds = 60

    async def judge() -> float:
        activity = VoiceActivity()
        sound = noise(seconds)
        sound = sound[: len(sound) // FRAME_BYTES * FRAME_BYTES]
        started = time.process_time()
        for at in range(0, len(sound), FRAME_BYTES):
            await activity.probabilities("bench", sound[at : at + FRAME_BYTES])
        spent = time.process_time() - started
        await activity.close()
        return spent

    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    parent = asyncio.run(judge())
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    worker = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    print(
        f"Detector of speech: {worker / seconds:.4f} CPU s a second of sound in its process, "
        f"{parent / seconds:.4f} in Parley's"
    )


def _sentences() -> None:
    from voice.sentences import Sentences

    text = (SENTENCE * 200)[:10_000]
    for size in (1, 4, len(text)):
        best = float("inf")
        for _ in range(3):
            started, cut = time.process_time(), Sentences()
            count = sum(len(cut.feed(text[at : at + size])) for at in range(0, len(text), size))
            count += len(cut.close())
            best = min(best, time.process_time() - started)
        pieces = "at once" if size == len(text) else f"in pieces of {size}"
        print(f"Sentences: {best * 1000:6.1f} ms for 10,000 characters {pieces}: {count} of them")


def _free_port() -> int:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


def _cookie(port: int) -> str:
    deadline = time.monotonic() + 60
    while True:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/") as page:
                return str(page.headers["set-cookie"]).partition(";")[0]
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)


if __name__ == "__main__":
    main()
