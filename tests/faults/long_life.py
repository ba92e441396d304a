"""Two thousand turns in one process, and a conversation of ten thousand messages."""

import asyncio
import sqlite3
import time
from contextlib import closing
from pathlib import Path

from events import TextDelta, TurnEnded
from house import House
from messages import Message, Provenance, Text, message_to_json, new_id
from tests.conftest import OWNER, said
from tests.faults.person import with_a_tool
from tests.scripted_server import Reply, ScriptedServer

TURNS, WARM = 2_000, 500


def resident_mb() -> float:
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0]) / 1024


async def _turn(house: House, conversation: str) -> tuple[float, float]:
    """Seconds until its first words, and from those until its end."""
    began = time.monotonic()
    first = 0.0
    await house.turns.start(OWNER, conversation, said("What time is it?"))
    async for batch in house.turns.follow(OWNER, conversation):
        for event in batch:
            if isinstance(event, TextDelta) and not first:
                first = time.monotonic()
            if isinstance(event, TurnEnded):
                return first - began, time.monotonic() - first
    raise AssertionError


async def _whole(house: House, conversation: str) -> None:
    await _turn(house, conversation)
    while (await house.assistant.open(OWNER, conversation, limit=1)).messages[
        -1
    ].status == "running":
        await asyncio.sleep(0.005)


async def test_two_thousand_turns_leave_no_task_and_little_memory(
    model: ScriptedServer, house: House, tmp_path: Path
) -> None:
    model.improvises(with_a_tool)
    for _ in range(WARM):
        await _whole(house, new_id())
    before_mb, tasks, files = resident_mb(), len(asyncio.all_tasks()), _open_files()
    for _ in range(TURNS - WARM):
        await _whole(house, new_id())
        model.reset()
        model.improvises(with_a_tool)
    await asyncio.sleep(1)
    after_mb = resident_mb()
    print(f"\nmemory: {before_mb:.0f} MB after {WARM} turns, {after_mb:.0f} MB after {TURNS}")
    assert len(asyncio.all_tasks()) <= tasks + 1
    assert _open_files() <= files + 4
    assert not [p for p in tmp_path.rglob("*") if p.name.startswith(".part-")]
    assert after_mb < before_mb * 1.1


async def test_ten_thousand_messages_open_at_once_and_stream_like_none(
    model: ScriptedServer, house: House, tmp_path: Path
) -> None:
    words = tuple(f"word {n} " for n in range(200))
    model.improvises(lambda _: Reply(words=words, finish="stop"))
    long, short = new_id(), new_id()
    await _whole(house, long)
    # In a thread: the turn before is still being remembered on this loop.
    await asyncio.to_thread(_lengthen, tmp_path / "parley.db", long, 10_000)
    opened = []
    for _ in range(3):
        began = time.monotonic()
        found = await house.assistant.open(OWNER, long)
        opened.append(time.monotonic() - began)
        assert found.earlier
    streamed: dict[str, list[float]] = {long: [], short: []}
    firsts: dict[str, list[float]] = {long: [], short: []}
    for _ in range(5):
        for talk in (long, short):
            first, rest = await _turn(house, talk)
            firsts[talk].append(first)
            streamed[talk].append(rest)
            await asyncio.sleep(0.5)
    print(
        f"\nopened in {min(opened) * 1000:.0f} ms; first words after {min(firsts[long]):.2f} s "
        f"(empty: {min(firsts[short]):.2f} s); 200 words streamed in {min(streamed[long]):.2f} s "
        f"(empty: {min(streamed[short]):.2f} s)"
    )
    assert min(opened) < 2
    assert min(streamed[long]) < 2 * min(streamed[short]) + 0.1


def _lengthen(database: Path, conversation: str, count: int) -> None:
    """Write so many earlier messages into it, as they would have been written one by one."""
    with closing(sqlite3.connect(database, timeout=30)) as db:
        columns = [row[1] for row in db.execute("PRAGMA table_info(messages)")]
        last = db.execute(
            "SELECT * FROM messages WHERE conversation_id = ? ORDER BY seq DESC", (conversation,)
        ).fetchone()
        row = dict(zip(columns, last, strict=True))
        rows, parent = [], row["id"]
        for seq in range(2, count):
            role = "assistant" if seq % 2 else "user"
            message = Message(
                new_id(),
                role,  # type: ignore[arg-type]
                (Text(f"This is message {seq}, and it says as much as messages do on average."),),
                row["at"] + seq,
                provenance=Provenance() if seq % 2 else None,
            )
            rows.append(
                row
                | {"id": message.id, "seq": seq, "role": role, "at": message.at, "parent": parent}
                | {"body": message_to_json(message)}
            )
            parent = message.id
        marks = ", ".join(f":{name}" for name in columns)
        db.executemany(f"INSERT INTO messages VALUES ({marks})", rows)
        db.commit()


def _open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))
