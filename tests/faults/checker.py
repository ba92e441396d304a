"""The invariants of a Parley, checked after every fault by looking at what it left on its disk.

I1  A message that was accepted is on disk before the backend is asked, and stays there.
I2  Its reply's row exists before the reply's first token.
I3  After a restart, and whenever nothing runs, no row says running, and no request is open.
I4  The order of a conversation has no gap, sides alternate, every tool call has exactly one answer.
I5  No more requests were sent than were reserved.
I6  Nothing of one visitor reaches another.
I7  Temporary files return to none.
I8  No secret stands in the data or in the log.
And SQLite finds its file whole, and every file that a message shows is there.

(That memory and tasks return to where they were is measured in long_life.py, that a growing reply
is at most a second or 500 characters behind in test_process.py.)
"""

import json
import re
import sqlite3
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from messages import Message, ToolCall, ToolResult, message_from_json
from tests.faults.parley_process import CANARY_KEY
from tests.scripted_server import Hit, ScriptedServer

COUNTED = ("/v1/chat/completions", "/v1/audio/speech", "/v1/audio/transcriptions")
MARK = re.compile(r"\bm-[0-9a-f]{32}\b")
"""Stands in every message that a test sends, and in none twice."""


class Checker:
    """Of one data directory and the scripted server that answers for it, from their beginning on."""

    def __init__(self, data: Path, model: ScriptedServer, secrets: Sequence[str] = ()) -> None:
        self.data = data
        self.marks: set[str] = set()
        self.accepted: set[str] = set()
        self.deleted: set[str] = set()
        self.sent = 0
        self.secrets = (CANARY_KEY, *secrets)
        self.wrong: list[str] = []
        self._model = model

    def watch(self) -> None:
        """Look at each request from now on; of several on one server the last one does."""
        self._model.witness = self._witness

    def _witness(self, hit: Hit) -> None:
        """I1 and I2, at the moment when the backend is asked."""
        asked = json.loads(hit.body)["messages"] if hit.path == COUNTED[0] else []
        said = [m for m in asked if m["role"] == "user"]
        marks = MARK.findall(json.dumps(said[-1]["content"])) if said else []
        if marks and marks[-1] not in self.marks:
            return  # another Parley's, which a test before left running
        if hit.path in COUNTED:
            self.sent += 1
        if not marks:
            return
        with self.database() as db:
            rows = db.execute(
                "SELECT m.conversation_id FROM messages m WHERE m.role = 'user' AND instr(body, ?)",
                (marks[-1],),
            ).fetchall()
            running = db.execute(
                "SELECT count(*) FROM messages WHERE status = 'running' AND conversation_id IN "
                "(SELECT conversation_id FROM messages WHERE instr(body, ?))",
                (marks[-1],),
            ).fetchone()[0]
        if not rows and marks[-1] not in self.deleted:
            self.wrong.append(f"I1: {marks[-1]} was sent before it was stored")
        if rows and not running:
            self.wrong.append(f"I2: {marks[-1]} was sent without a row for its reply")

    @contextmanager
    def database(self) -> Iterator[sqlite3.Connection]:
        """What is on disk now, for reading."""
        place = f"{(self.data / 'parley.db').absolute().as_uri()}?mode=ro"
        with closing(sqlite3.connect(place, uri=True, timeout=10)) as db:
            yield db

    def running(self) -> int:
        with self.database() as db:
            found = db.execute("SELECT count(*) FROM messages WHERE status = 'running'")
            return int(found.fetchone()[0])

    def messages(self, conversation_id: str) -> list[Message]:
        """Those that are shown, in order."""
        with self.database() as db:
            rows = db.execute(
                "SELECT body FROM messages WHERE conversation_id = ? AND NOT replaced ORDER BY seq",
                (conversation_id,),
            ).fetchall()
        return [message_from_json(body) for (body,) in rows]

    def settle(self, patience_s: float = 60.0) -> None:
        """Wait until nothing runs."""
        deadline = time.monotonic() + patience_s
        while self.running():
            assert time.monotonic() < deadline, "I3: a reply still says running"
            time.sleep(0.03)

    def check(self, log: str = "") -> None:
        """All of them, when nothing runs. Fails with every one that is broken."""
        with self.database() as db:
            # A turn's last request is closed just after its reply was stored.
            deadline = time.monotonic() + 5
            while self._open_requests(db) and time.monotonic() < deadline:
                time.sleep(0.05)
            wrong = [*self.wrong, *self._of_rows(db), *self._of_requests(db)]
        wrong += self._of_files(log)
        assert not wrong, "\n".join(wrong)

    def _of_rows(self, db: sqlite3.Connection) -> Iterator[str]:
        (whole,) = db.execute("PRAGMA integrity_check").fetchone()
        if whole != "ok":
            yield f"SQLite: {whole}"
        for broken in db.execute("PRAGMA foreign_key_check"):
            yield f"SQLite: a row of {broken[0]} refers to nothing"
        talks: defaultdict[str, list[tuple[int, bool, Message, str]]] = defaultdict(list)
        asked = "SELECT conversation_id, seq, replaced, body, owner FROM messages ORDER BY seq, at"
        stored = ""
        for talk, seq, replaced, body, owner in db.execute(asked):
            talks[talk].append((seq, bool(replaced), message_from_json(body), owner))
            stored += body
        for mark in self.accepted - self.deleted:
            if mark not in stored:
                yield f"I1: {mark} was accepted and is lost"
        for talk, rows in talks.items():
            yield from _of_talk(talk, rows)
        lost = db.execute(
            "SELECT u.sha256 FROM message_media u LEFT JOIN media m "
            "ON m.sha256 = u.sha256 AND m.owner = u.owner WHERE m.sha256 IS NULL"
        )
        yield from (f"a file that a message shows is nobody's: {sha256}" for (sha256,) in lost)
        for (sha256,) in db.execute("SELECT DISTINCT sha256 FROM message_media"):
            if not (self.data / "media" / sha256[:2] / sha256[2:4] / sha256).is_file():
                yield f"a file that a message shows is gone: {sha256}"

    def _of_requests(self, db: sqlite3.Connection) -> Iterator[str]:
        if self._open_requests(db):
            yield "I3: a request is still open in the ledger"
        asked = "SELECT coalesce(sum(used), 0) FROM ledger_days WHERE provider != 'offline'"
        (reserved,) = db.execute(asked).fetchone()
        if self.sent > reserved:
            yield f"I5: {self.sent} requests were sent, {reserved} reserved"

    def _open_requests(self, db: sqlite3.Connection) -> int:
        found = db.execute("SELECT count(*) FROM ledger_entries WHERE outcome = 'open'")
        return int(found.fetchone()[0])

    def _of_files(self, log: str) -> Iterator[str]:
        for path in self.data.rglob("*"):
            if not path.is_file():
                continue
            if path.name.startswith(".part-"):
                yield f"I7: {path.relative_to(self.data)} is left over"
            data = path.read_bytes()
            for secret in self.secrets:
                if secret.encode() in data:
                    yield f"I8: a secret stands in {path.relative_to(self.data)}"
        yield from ("I8: a secret stands in the log" for secret in self.secrets if secret in log)


def _of_talk(talk: str, rows: list[tuple[int, bool, Message, str]]) -> Iterator[str]:
    """I3 and I4 of one conversation; I6 as far as its rows tell."""
    shown = [(seq, message) for seq, replaced, message, _ in rows if not replaced]
    if [seq for seq, _ in shown] != list(range(len(shown))):
        yield f"I4: the order of {talk} is {[seq for seq, _ in shown]}"
    if [m.role for _, m in shown] != ["user", "assistant"] * (len(shown) // 2):
        yield f"I4: the sides of {talk} are {[m.role for _, m in shown]}"
    if len({owner for *_, owner in rows}) != 1:
        yield f"I6: {talk} is of several owners"
    for _, _, message, _ in rows:
        if message.status == "running":
            yield f"I3: a reply of {talk} says running"
        calls = [p.call_id for p in message.parts if isinstance(p, ToolCall)]
        answers = [p.call_id for p in message.parts if isinstance(p, ToolResult)]
        if sorted(calls) != sorted(answers):
            yield f"I4: in {talk}, the calls {calls} have the answers {answers}"


def told_of(frames: Any, marks: Sequence[str]) -> list[str]:
    """I6: which of these marks of somebody else stand in what a visitor was sent."""
    text = json.dumps(frames)
    return [mark for mark in marks if mark in text]
