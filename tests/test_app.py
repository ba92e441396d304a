"""The program as it is started: what it refuses, how it ends, what it leaves behind."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.tools.mcp_calls import alive, written

ROOT = Path(__file__).parent.parent


def start(data: Path, port: int, **environ: str) -> subprocess.Popen[str]:
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("PARLEY_", "OXLO_"))}
    return subprocess.Popen(
        [sys.executable, "app.py", "--port", str(port), "--data-dir", str(data)],
        cwd=ROOT,
        env={**clean, **environ},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, int]]:
    """A Parley on a data directory and a port."""
    folder, port = tmp_path_factory.mktemp("data"), free_port()
    data, shared = folder / "kept", folder / "tmp"
    shared.mkdir()
    # It starts a process of its own, and would sleep for an hour before it reads a line.
    slow = f"sleep 3600 & echo $! > {folder}/pid; wait"
    written(data, {"slow": {"command": "sh", "args": ["-c", slow]}}).chmod(0o600)
    data.chmod(0o700)
    process = start(data, port, TMPDIR=str(shared))
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        with suppress(OSError), urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz"):
            break
        time.sleep(0.1)
    yield data, port
    process.send_signal(signal.SIGTERM)
    began = time.monotonic()
    process.communicate(timeout=10)
    assert time.monotonic() - began < 5
    assert process.returncode == 0
    assert not alive(int((folder / "pid").read_text()))


def test_healthz_tells_the_version(running: tuple[Path, int]) -> None:
    with urllib.request.urlopen(f"http://127.0.0.1:{running[1]}/healthz") as answer:
        assert answer.read() == b'{"status":"ok","version":"0.1.0"}'


def test_nothing_answers_programs_unless_it_is_asked_to(running: tuple[Path, int]) -> None:
    for method in ("GET", "POST", "DELETE"):
        asked = urllib.request.Request(f"http://127.0.0.1:{running[1]}/mcp", method=method)
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(asked)
        assert refused.value.code == 404
    assert not (running[0] / "mcp.token").exists()


def test_a_second_parley_on_the_same_data_is_refused(running: tuple[Path, int]) -> None:
    said, _ = start(running[0], free_port()).communicate(timeout=30)
    assert "Another Parley is using" in said
    assert "Traceback" not in said


def test_a_taken_port_is_said_plainly(running: tuple[Path, int], tmp_path: Path) -> None:
    process = start(tmp_path, running[1])
    said, _ = process.communicate(timeout=30)
    assert process.returncode == 1
    assert "Choose another port with --port" in said
    assert "Traceback" not in said


def test_nothing_of_it_lies_where_another_user_could_be_in_its_way(
    running: tuple[Path, int],
) -> None:
    assert list((running[0].parent / "tmp").iterdir()) == []


def test_a_setting_that_makes_no_sense_is_named(tmp_path: Path) -> None:
    process = start(tmp_path, free_port(), PARLEY_SHARE="perhaps")
    said, _ = process.communicate(timeout=30)
    assert process.returncode == 2
    assert said.strip() == "parley: PARLEY_SHARE is 'perhaps'; it takes 1 or 0."


def test_the_data_are_for_their_owner_alone(running: tuple[Path, int]) -> None:
    data, _ = running
    assert data.stat().st_mode & 0o777 == 0o700
    for path in data.rglob("*"):
        assert path.stat().st_mode & 0o077 == 0, path
