"""A real Chroma server, started for the tests by the command that its wheel brings."""

import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType

import pytest


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class ChromaProcess:
    """`chroma run` on `directory`; `stop` and `start` again on the same port as often as wanted."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        command = Path(sys.executable).with_name("chroma")
        where = ["--path", str(self.directory), "--host", "127.0.0.1", "--port", str(self.port)]
        self._process = subprocess.Popen(
            [str(command), "run", *where], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        until = time.monotonic() + 30
        while time.monotonic() < until:
            try:
                with urllib.request.urlopen(f"{self.url}/api/v2/heartbeat", timeout=1):
                    return
            except (urllib.error.URLError, OSError):
                assert self._process.poll() is None, "chroma run ended"
                time.sleep(0.1)
        raise AssertionError("chroma run did not answer within 30 s")

    def stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def freeze(self) -> None:
        """It takes connections and answers nothing, until it is stopped."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def wipe(self) -> None:
        """As after the loss of its disk."""
        self.stop()
        shutil.rmtree(self.directory, ignore_errors=True)
        self.start()

    def __enter__(self) -> "ChromaProcess":
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()


@pytest.fixture(scope="package")
def chroma_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A Chroma server that all tests of memory share; each takes a collection of its own."""
    with ChromaProcess(tmp_path_factory.mktemp("chroma-server")) as server:
        yield server.url
