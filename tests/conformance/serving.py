"""A foreign server in a process of its own: started on a free port, watched, ended by its pid."""

import json
import os
import re
import selectors
import subprocess
import time
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any, Self

START_S = 30.0
"""The longest a server may take to say where it listens, on a machine with other work to do."""


class Serving:
    """Runs `command` until the block is left. It says where it listens in a line with an address.

    Its own log goes to `log`; the end of it is in the error where the server does not start.
    """

    def __init__(
        self, command: Sequence[str], log: Path, environment: Mapping[str, str] | None = None
    ) -> None:
        self.address = ""
        self.log = log
        self._command = list(command)
        self._environment = {"PATH": os.environ.get("PATH", ""), **(environment or {})}
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def base_url(self) -> str:
        return f"{self.address}/v1"

    def get(self, path: str, **headers: str) -> Any:
        """The JSON that GET `path` answers with."""
        asked = urllib.request.Request(self.address + path, headers=headers)
        with urllib.request.urlopen(asked, timeout=10) as answer:
            return json.load(answer)

    def post(self, path: str, body: Mapping[str, Any]) -> Any:
        """The JSON that POST `path` answers a JSON body with."""
        asked = urllib.request.Request(
            self.address + path, json.dumps(body).encode(), {"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(asked, timeout=10) as answer:
            return json.load(answer)

    def kill(self) -> None:
        """As a crash would: the lines break without a word."""
        assert self._process
        self._process.kill()
        self._process.wait()

    def __enter__(self) -> Self:
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(
                self._command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                env=self._environment,
            )
        try:
            self.address = self._said_address(self._process)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        process = self._process
        if process is None:
            return
        if process.stdin:
            process.stdin.close()
        process.terminate()
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stdout:
            process.stdout.close()

    def _said_address(self, process: subprocess.Popen[bytes]) -> str:
        """Waits for the address on standard output; nothing after it is read."""
        assert process.stdout
        said = b""
        until = time.monotonic() + START_S
        while found := _more(process.stdout, until):
            said += found
            if address := re.search(rb"(http://127\.0\.0\.1:\d+)\s", said):
                return address.group(1).decode()
        raise RuntimeError(
            f"{self._command[0]} did not start: {(said[-500:] + self.log.read_bytes()[-1500:])!r}"
        )


def _more(pipe: IO[bytes], until: float) -> bytes:
    """The next bytes of a pipe; none at its end, or when the time is over."""
    with selectors.DefaultSelector() as selector:
        selector.register(pipe, selectors.EVENT_READ)
        if not selector.select(max(0.0, until - time.monotonic())):
            return b""
    return os.read(pipe.fileno(), 65_536)
