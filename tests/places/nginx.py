"""A real nginx on a free port, with a configuration of the test's own."""

import os
import shutil
import socket
import subprocess
import time
from contextlib import suppress
from pathlib import Path

import pytest

_AROUND = """
{user}
daemon off;
worker_processes 1;
pid {folder}/pid;
error_log {folder}/error.log;
events {{ worker_connections 512; }}
http {{
    access_log {folder}/access.log;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    {servers}
}}
"""


class Nginx:
    """`servers` is what stands in the http block; `{port}` in it is a free port."""

    def __init__(self, folder: Path, servers: str) -> None:
        program = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")
        if program is None:
            pytest.skip("no nginx here")
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = int(free.getsockname()[1])
        folder.mkdir()
        conf = folder / "nginx.conf"
        conf.write_text(
            _AROUND.format(
                # Whoever runs the tests, not nobody: pages lie in a folder of theirs.
                user="user root;" if os.getuid() == 0 else "",
                folder=folder,
                servers=servers.replace("{port}", str(self.port)),
            )
        )
        self.folder = folder
        self._process = subprocess.Popen(
            [program, "-e", str(folder / "error.log"), "-p", str(folder), "-c", str(conf)]
        )
        until = time.monotonic() + 20
        while time.monotonic() < until:
            with suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
                return
            assert self._process.poll() is None, (folder / "error.log").read_text()
            time.sleep(0.05)
        raise AssertionError("nginx did not answer within 20 s")

    def end(self) -> None:
        self._process.terminate()
        self._process.wait(10)
