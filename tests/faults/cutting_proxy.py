"""A line to the provider that breaks after so many bytes of its answers."""

import socket
import threading
from contextlib import suppress
from typing import Self


class CuttingProxy:
    """Hands on every byte to `port` and back, until it is told to cut."""

    def __init__(self, port: int) -> None:
        self._to = port
        self._left: int | None = None
        self._lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.base_url = f"http://127.0.0.1:{self._listener.getsockname()[1]}/v1"

    def cut_after(self, count: int) -> None:
        """The line breaks once, when so many more bytes of answers have come."""
        with self._lock:
            self._left = count

    def heal(self) -> None:
        with self._lock:
            self._left = None

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                far = socket.create_connection(("127.0.0.1", self._to))
                for work in (self._ask, self._answer):
                    threading.Thread(target=work, args=(near, far), daemon=True).start()

    def _ask(self, near: socket.socket, far: socket.socket) -> None:
        with suppress(OSError):
            while data := near.recv(65_536):
                far.sendall(data)
            far.shutdown(socket.SHUT_WR)

    def _answer(self, near: socket.socket, far: socket.socket) -> None:
        with suppress(OSError):
            while data := far.recv(65_536):
                with self._lock:
                    most = len(data) if self._left is None else min(self._left, len(data))
                    broken = most < len(data)
                    self._left = None if self._left is None or broken else self._left - most
                near.sendall(data[:most])
                if broken:
                    break
        for end in (near, far):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)  # wakes who reads there, which `close` would not
            end.close()
