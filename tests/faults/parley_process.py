"""A real Parley in a process of its own: started, killed, ended, and looked at from outside."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import suppress
from pathlib import Path

ROOT = Path(__file__).parents[2]
CANARY_KEY = "sk-canary-7f3a1c9e5b2d4860"
"""The operator's key: it stands nowhere but in requests to the provider."""
START_S = 200.0


class Parley:
    """Parley on `data`, answered for by the API at `base_url`; its log is the file `log`."""

    def __init__(self, data: Path, base_url: str, **environ: str) -> None:
        self.data = data
        self.log = data.parent / f"{data.name}.log"
        self.temporary = data.parent / f"{data.name}.tmp"
        self.temporary.mkdir(exist_ok=True)
        self.port = _free_port()
        self.environ = {
            "PARLEY_BASE_URL": base_url,
            "PARLEY_API_KEY": CANARY_KEY,
            "PARLEY_MODEL": "big",
            "PARLEY_TRANSCRIBE_MODEL": "hearing",
            "PARLEY_SPEECH_MODEL": "speaking",
            "PARLEY_VOICE": "calm",
            "TMPDIR": str(self.temporary),
            **environ,
        }
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        assert self.process
        return self.process.pid

    def launch(self) -> None:
        """Start it, and wait for nothing."""
        inherited = {k: v for k, v in os.environ.items() if not k.startswith(("PARLEY_", "OXLO_"))}
        command = [sys.executable, "app.py", "--port", str(self.port), "--data-dir"]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [*command, str(self.data)],
                cwd=ROOT,
                env={**inherited, **self.environ},
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    def start(self) -> "Parley":
        """Start it, and wait until its page can be seen."""
        self.launch()
        deadline = time.monotonic() + START_S
        while not self.answers():
            if self.process and self.process.poll() is not None:
                raise AssertionError(f"Parley ended at its start: {self.said()[-2000:]}")
            if time.monotonic() > deadline:
                self.close()
                raise AssertionError(f"Parley did not start: {self.said()[-2000:]}")
            time.sleep(0.05)
        return self

    def answers(self) -> bool:
        where = f"{self.address}/healthz"
        with suppress(OSError), urllib.request.urlopen(where, timeout=5) as answer:
            return bool(answer.status == 200)
        return False

    def refuses_to_start(self) -> str:
        """Start it where it cannot; what it says. It must end by itself."""
        before = self.log.stat().st_size if self.log.exists() else 0
        self.launch()
        assert self.process
        code = self.process.wait(60)
        said = self.log.read_bytes()[before:].decode(errors="replace")
        assert code == 2, f"ended with {code}: {said}"
        assert "Traceback" not in said, said
        return said

    def kill(self) -> float:
        """As by a power cut, or by who had no memory left; how many seconds it took."""
        assert self.process
        began = time.monotonic()
        self.process.kill()
        self.process.wait(10)
        return time.monotonic() - began

    def end(self) -> float:
        """An orderly end; how many seconds it took."""
        assert self.process
        began = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        try:
            assert self.process.wait(30) == 0, self.said()[-2000:]
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError("Parley did not end on SIGTERM") from None
        return time.monotonic() - began

    def close(self) -> None:
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait(10)

    def said(self) -> str:
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    # ── seen from outside ───────────────────────────────────────────────────────────────────────

    def resident_mb(self) -> float:
        status = Path(f"/proc/{self.pid}/status").read_text()
        line = next(line for line in status.splitlines() if line.startswith("VmRSS"))
        return int(line.split()[1]) / 1024

    def children(self) -> set[int]:
        """The processes it has started and that still run."""
        found: set[int] = set()
        for task in Path(f"/proc/{self.pid}/task").iterdir():
            with suppress(OSError):
                found |= {int(n) for n in (task / "children").read_text().split()}
        return found


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])
