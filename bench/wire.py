"""What reading a reply costs: ours, the SDK's own loop, and a raw HTTP loop with json.

Each reads the same stream of 1,000 tokens from the same scripted server in a process of its own,
turn about, several times; printed are the CPU seconds of the best time (whatever else the machine
does only adds) and how late a token is when the reader has it in hand. `python -m bench.wire`
"""

import asyncio
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from app import loop_factory

ROOT = Path(__file__).parents[1]
TOKENS = 1_000
PER_SECOND = 100
ROUNDS = 3
READERS = {
    "http": "raw httpx and json loop",
    "sdk": "openai, create(stream=True)",
    "parley": "ours",
}

Late = list[float]


def main() -> None:
    from tests.scripted_server import ScriptedServer

    found: dict[str, list[tuple[float, float, float]]] = {name: [] for name in READERS}
    with ScriptedServer() as provider:
        provider.default(*["word "] * TOKENS, delay_s=1 / PER_SECOND, stamped=True)
        for _ in range(ROUNDS):
            for name in READERS:
                found[name].append(_run(name, provider.base_url))
    spent = {name: min(cpu for cpu, _, _ in runs) for name, runs in found.items()}
    for name, label in READERS.items():
        middle, slow = (statistics.median(run[n] for run in found[name]) for n in (1, 2))
        print(
            f"{label:28} {spent[name]:.3f} CPU s per {TOKENS:,} tokens, "
            f"{spent[name] / spent['sdk']:.2f} × the SDK's loop, "
            f"{spent[name] / spent['http']:.2f} × the raw one; "
            f"a token is {middle * 1e3:.2f} ms late, 95th percentile {slow * 1e3:.2f}"
        )


def _run(name: str, base_url: str) -> tuple[float, float, float]:
    run = subprocess.run(
        [sys.executable, "-m", "bench.wire", name, base_url],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    cpu, middle, slow = map(float, run.stdout.split())
    return cpu, middle, slow


async def _measured(name: str, base_url: str) -> None:
    """Two replies, of which the first warms up; prints CPU seconds and the lateness of tokens."""
    reader = {"http": _http, "sdk": _sdk, "parley": _parley}[name]
    cpu, late = await reader(base_url)
    late.sort()
    assert len(late) == TOKENS
    print(cpu, late[len(late) // 2], late[len(late) * 95 // 100])


def _lateness(word: str) -> float:
    return time.monotonic() - float(word)


async def _http(base_url: str) -> tuple[float, Late]:
    import httpx2

    body = {
        "model": "big",
        "messages": [{"role": "user", "content": "Go"}],
        "max_tokens": 4_000,
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    spent, late = 0.0, Late()
    async with httpx2.AsyncClient(timeout=60, trust_env=False) as client:
        for _ in range(2):
            started, late = time.process_time(), []
            async with client.stream("POST", f"{base_url}/chat/completions", json=body) as answer:
                async for line in answer.aiter_lines():
                    if not line.startswith("data: ") or line == "data: [DONE]":
                        continue
                    choices = json.loads(line[6:])["choices"]
                    if choices and (word := choices[0]["delta"].get("content")):
                        late.append(_lateness(word))
            spent = time.process_time() - started
    return spent, late


async def _sdk(base_url: str) -> tuple[float, Late]:
    import openai

    client = openai.AsyncOpenAI(base_url=base_url, api_key="none", max_retries=0)
    spent, late = 0.0, Late()
    for _ in range(2):
        started, late = time.process_time(), []
        stream = await client.chat.completions.create(
            model="big",
            messages=[{"role": "user", "content": "Go"}],
            max_tokens=4_000,
            stream=True,
            stream_options={"include_usage": True},
        )
        async for chunk in stream:
            if chunk.choices and (word := chunk.choices[0].delta.content):
                late.append(_lateness(word))
        spent = time.process_time() - started
    return spent, late


async def _parley(base_url: str) -> tuple[float, Late]:
    """As it is shipped: the ledger on a database of its own, tools on offer, every deadline."""
    from dataclasses import replace

    from inference.backend import ChatRequest, Errand, TextChunk, ToolSpec
    from inference.ledger import MIGRATIONS, Ledger
    from inference.openai_backend import OpenAIBackend
    from inference.provider import load_providers
    from memory.database import open_database
    from messages import Media, Message, Text

    def read(_: Media) -> bytes:
        return b""

    said = (Message("m", "user", (Text("Go"),), 0.0),)
    tools = (ToolSpec("clock", "The time.", {"type": "object", "properties": {}}),)
    request = ChatRequest("big", "", said, read, 4_000, tools)
    spent, late = 0.0, Late()
    with tempfile.TemporaryDirectory() as folder:
        engine = await open_database(f"sqlite+aiosqlite:///{folder}/ledger.db", MIGRATIONS)
        facts = replace(load_providers()["custom"], base_url=base_url)
        backend = OpenAIBackend(facts, "none", Ledger(engine))
        for _ in range(2):
            started, late = time.process_time(), []
            errand = Errand("bench", "c", "t", "answer")
            async for chunk in backend.chat(request, errand):
                if isinstance(chunk, TextChunk):
                    late.append(_lateness(chunk.text))
            spent = time.process_time() - started
        await backend.aclose()
        await engine.dispose()
    return spent, late


if __name__ == "__main__":
    match sys.argv[1:]:
        case [name, url]:
            with asyncio.Runner(loop_factory=loop_factory()) as runner:
                runner.run(_measured(name, url))
        case _:
            main()
