"""Parley as Hugging Face runs a Space: nobody's user, an empty home, a Space's variables and no others."""

import os
import shlex
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from tests.browser.conftest import ROOT, RunningParley

PORT = 7860
USER = 1000
"""Whose number Spaces give to the user that runs the app."""

_EVERY_SPACE = {
    "SYSTEM": "spaces",
    "PATH": "/usr/local/bin:/usr/bin:/bin",
    "PYTHONUNBUFFERED": "1",
    "GRADIO_SERVER_NAME": "0.0.0.0",
    "GRADIO_SERVER_PORT": str(PORT),
    "GRADIO_NUM_PORTS": "1",
    "GRADIO_ALLOW_FLAGGING": "never",
    "GRADIO_THEME": "huggingface",
    "GRADIO_SSR_MODE": "true",
    "TQDM_POSITION": "-1",
    "TQDM_MININTERVAL": "1",
}


class Space(RunningParley):
    """`environ` is what the Space's own name, settings and secrets add to what every Space has."""

    def __init__(self, folder: Path, environ: dict[str, str]) -> None:
        self.home = Path(tempfile.mkdtemp(prefix="parley-space-"))
        if steps_down():
            os.chown(self.home, USER, USER)
        super().__init__(folder, {**_EVERY_SPACE, "HOME": str(self.home), **environ})
        if _is_taken(PORT):
            sys.stderr.write(f"Port {PORT} is taken here: the Space listens on {self.port}.\n")
            self.environ["PARLEY_PORT"] = str(self.port)
        else:
            self.port = PORT
            self.url = f"http://127.0.0.1:{PORT}/"

    def command(self) -> list[str]:
        return as_nobody([sys.executable, "app.py"])

    def environment(self) -> dict[str, str]:
        return self.environ

    def end(self, *how: int) -> None:
        super().end(*how)
        shutil.rmtree(self.home, ignore_errors=True)


def as_nobody(command: Sequence[str]) -> list[str]:
    """`command` as a user who can do nothing: root steps down, anybody else is such a user already."""
    return _down(command) if steps_down() else list(command)


@cache
def steps_down() -> bool:
    """Whether this is root, and free to become somebody else: in some containers it is not."""
    return os.getuid() == 0 and not subprocess.run(_down(["true"]), capture_output=True).returncode


def _down(command: Sequence[str]) -> list[str]:
    down = f"setpriv --reuid={USER} --regid={USER} --clear-groups --inh-caps=-all".split()
    down += ["--bounding-set=-all", "--no-new-privs", "--", *command]
    way = _way_to({Path(sys.base_prefix), Path(sys.prefix), ROOT})
    return ["unshare", "--mount", "sh", "-ec", f"{way}\nexec {shlex.join(down)}"] if way else down


def _way_to(places: set[Path]) -> str:
    """Shell lines that let others reach `places` within folders closed to them, such as /root.

    For one process alone: in its own view of the files the closed folder is an empty one, with
    nothing but the places in it.
    """
    held, covered, bound = [], set(), []
    for number, place in enumerate(sorted(one.resolve() for one in places), start=3):
        closed = [one for one in place.parents if not one.stat().st_mode & 0o001]
        if closed:
            name = shlex.quote(str(place))
            held.append(f"exec {number}<{name}")
            covered.add(f"mount -t tmpfs -o mode=755 parley {shlex.quote(str(closed[-1]))}")
            bound.append(f"mkdir -p {name}")
            bound.append(f"mount --no-canonicalize --bind /proc/self/fd/{number} {name}")
            bound.append(f"exec {number}<&-")
    return "\n".join(
        [*held, *sorted(covered), *bound, f"cd {shlex.quote(str(ROOT))}"] if held else []
    )


def _is_taken(port: int) -> bool:
    try:
        socket.create_server(("0.0.0.0", port)).close()
    except OSError:
        return True
    return False
