"""What a person at the page feels: the first word, the last, many talking at once, and the start.

`python -m bench.page` prints three tables: a reply in a real Chromium with 0, 200 and 1,000 earlier
messages; 1 to 100 replies at once; and the time to `/healthz` beside a bare Gradio app, in one run.
"""

import asyncio
import os
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

from playwright.sync_api import BrowserContext, sync_playwright

from bench.crowd import PER_SECOND, Provider, cpu_s, listen, p95, raw, twice
from tests.attacker import Attacker
from tests.browser.conftest import RunningParley, launch, opened, ready, say

ROOT = Path(__file__).parents[1]
EARLIER = (0, 200, 1_000)
STREAMS = (1, 10, 50, 100)
ROUNDS = 3

_WATCH = """() => {
  const seen = window.seen = { clicked: 0, first: 0, last: 0, updates: 0 };
  const send = document.querySelector('#parley-send');
  send.addEventListener('click', () => { seen.clicked = Date.now(); }, true);
  const list = document.querySelector('#parley-messages');
  const before = list.querySelectorAll('[data-role=assistant]').length;
  new MutationObserver(() => {
    const replies = list.querySelectorAll('[data-role=assistant]');
    if (replies.length <= before) return;
    const words = replies[replies.length - 1].textContent;
    if (!/token/.test(words)) return;
    seen.first ||= Date.now();
    seen.updates += 1;
    if (!seen.last && /the-end/.test(words)) seen.last = Date.now();
  }).observe(list, { childList: true, subtree: true, characterData: true });
}"""

_BARE = """
import gradio as gr
with gr.Blocks() as page:
    gr.Chatbot(); gr.Textbox()
page.launch(server_port=int(__import__("sys").argv[1]), quiet=True, ssr_mode=False)
"""


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        provider = Provider()
        try:
            own_s = asyncio.run(raw(provider.url, 1))
            print(f"The reply is {own_s:.2f} s long by itself.\n")
            _in_a_browser(provider.url, Path(folder), own_s)
            asyncio.run(_many(provider.url, Path(folder)))
        finally:
            provider.end()
        _start(Path(folder))


def _parley(provider: str, data: Path) -> RunningParley:
    data.mkdir()
    running = RunningParley(
        data, {"PARLEY_BASE_URL": provider, "PARLEY_API_KEY": "none", "PARLEY_MODEL": "big"}
    )
    running.start()
    return running


# ── one page ────────────────────────────────────────────────────────────────────────────────────


def _in_a_browser(provider: str, folder: Path, own_s: float) -> None:
    print("| earlier messages | first word after Send, ms | last word late, ms | updates a second |"
          " main thread, s |\n| --- | --- | --- | --- | --- |")  # fmt: skip
    running = _parley(provider, folder / "page")
    with sync_playwright() as started:
        browser = launch(started)
        for earlier in EARLIER:
            context = browser.new_context(viewport={"width": 1280, "height": 800})
            rows = [
                _one_reply(running, context, own_s, earlier if turn == 0 else None)
                for turn in range(ROUNDS + 1)
            ]
            first, last, rate, busy = (
                statistics.median(column) for column in zip(*rows[1:], strict=True)
            )
            print(
                f"| {earlier:,} | {first:.0f} | {last:.0f} | {rate:.1f} | {busy:.2f} |", flush=True
            )
            context.close()
        browser.close()
    running.end()


def _one_reply(
    running: RunningParley, context: BrowserContext, own_s: float, earlier: int | None
) -> tuple[float, float, float, float]:
    """`earlier`: it is the first, after so many messages that are to be stored before."""
    if earlier is not None:
        page, _ = opened(context, running.url)
        if earlier:
            conversation = os.urandom(16).hex()
            _fill(running, context, conversation, earlier)
            page.goto(f"{running.url}?c={conversation}")
            ready(page)
    page = context.pages[0]
    page.evaluate(_WATCH)
    session = context.new_cdp_session(page)
    session.send("Performance.enable")
    before = _main_thread_s(session)
    say(page, "Go")
    page.wait_for_function("window.seen.last > 0", timeout=60_000)
    page.wait_for_timeout(400)
    busy = _main_thread_s(session) - before
    seen = page.evaluate("window.seen")
    whole_ms = own_s * 1000
    first = seen["first"] - seen["clicked"] - 1000 / PER_SECOND
    last = seen["last"] - seen["clicked"] - whole_ms
    return first, last, seen["updates"] / (whole_ms / 1000), busy


def _main_thread_s(session: Any) -> float:
    metrics = session.send("Performance.getMetrics")["metrics"]
    return float(next(m["value"] for m in metrics if m["name"] == "TaskDuration"))


def _fill(running: RunningParley, context: BrowserContext, conversation: str, earlier: int) -> None:
    """Earlier messages of this visitor, stored as turns store them, while Parley is down."""
    owner = next(c["value"] for c in context.cookies() if c["name"] == "parley").partition(".")[0]
    running.end()
    with ThreadPoolExecutor(1) as aside:  # Playwright has a loop of its own in this thread
        aside.submit(asyncio.run, _store(running.data, owner, conversation, earlier)).result()
    running.start()


async def _store(data: Path, owner: str, conversation: str, earlier: int) -> None:
    from inference.ledger import MIGRATIONS as LEDGER
    from memory.conversations import Conversations
    from memory.database import open_database
    from memory.migrations import MIGRATIONS
    from messages import Message, Text, new_id

    engine = await open_database(
        f"sqlite+aiosqlite:///{data / 'parley.db'}", [*MIGRATIONS, *LEDGER]
    )
    store = Conversations(engine)
    for number in range(earlier // 2):
        said = Message(new_id(), "user", (Text(f"Question {number}?"),), time.time())
        answer = (Text(f"Answer {number}, in **some** words and `code`.\n\n" * 3),)
        reply = Message(new_id(), "assistant", answer, time.time())
        await store.begin_turn(owner, conversation, said, reply)
    await engine.dispose()


# ── many at once ────────────────────────────────────────────────────────────────────────────────


async def _many(provider: str, folder: Path) -> None:
    print("\n| replies at once | begun | first word p50, s | p95, s | the whole, p95, s |"
          " of bare sockets, s | × | server CPU, s |")  # fmt: skip
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    for streams in STREAMS:
        floor_s = await raw(provider, streams)
        running = _parley(provider, folder / f"many{streams}")
        assert running.process
        visitors = [Attacker(base_url=running.url, timeout=60) for _ in range(streams)]
        for visitor in visitors:
            await visitor.get("/")
        await listen(visitors[0])  # what is loaded with the first reply is there
        for begun in ("in one moment", "in turn"):
            apart_s = 0.0 if begun == "in one moment" else floor_s / streams
            before = cpu_s(running.process.pid)
            told = await asyncio.gather(*(twice(v, n * apart_s) for n, v in enumerate(visitors)))
            cpu = cpu_s(running.process.pid) - before
            # Of those in turn the second: with it all others are under way.
            firsts, wholes = zip(*(both[apart_s > 0] for both in told), strict=True)
            print(
                f"| {streams} | {begun} | {statistics.median(firsts):.2f} | {p95(firsts):.2f} |"
                f" {p95(wholes):.2f} | {floor_s:.2f} | {p95(wholes) / floor_s:.2f} | {cpu / 2:.1f} |",
                flush=True,
            )
        for visitor in visitors:
            await visitor.aclose()
        running.end()


# ── the start ───────────────────────────────────────────────────────────────────────────────────


def _start(folder: Path) -> None:
    print("\n| start | until it answers, s | CPU, s |\n| --- | --- | --- |")
    for name in ("a bare Gradio app", "Parley, /healthz", "a bare Gradio app", "Parley, /healthz"):
        wall, cpu = _started(name.startswith("Parley"), folder)
        print(f"| {name} | {wall:.2f} | {cpu:.2f} |", flush=True)


def _started(parley: bool, folder: Path) -> tuple[float, float]:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    environ = {**os.environ, "GRADIO_ANALYTICS_ENABLED": "False"}
    where = ["app.py", "--port", str(port), "--data-dir", str(folder / "start")]
    command = where if parley else ["-c", _BARE, str(port)]
    path = "healthz" if parley else ""
    began = time.monotonic()
    child = subprocess.Popen(
        [sys.executable, *command], cwd=ROOT, env=environ,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    while True:
        with suppress(OSError), urllib.request.urlopen(f"http://127.0.0.1:{port}/{path}") as answer:
            if answer.status == 200:
                break
        time.sleep(0.02)
    wall, cpu = time.monotonic() - began, cpu_s(child.pid)
    child.terminate()
    child.wait(15)
    return wall, cpu


if __name__ == "__main__":
    main()
