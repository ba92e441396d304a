"""What deployments install: pinned, hashed, in step with requirements*.txt, and looked up."""

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parent.parent
PINNED = """\
idna==3.20 \\
    --hash=sha256:a7db850025b95ded1eae8a46181a1a6c56c92c96f0e2b005d9ff8dc0210cab44
colorama==0.4.6 ; sys_platform == 'never' \\
    --hash=sha256:4f1d9991f5acc0ca119f9d443620b77f9d6b33703e51011c16baf57afb285fc6
bcrypt==5.0.0 \\
    --hash=sha256:046ad6db88edb3c5ece4369af997938fb1c19d6a699b9c1b27b0db432faae4c4
"""
KNOWN = {
    "id": "GHSA-0000-0000-0001",
    "aliases": ["CVE-2026-0001"],
    "summary": "Names are read wrongly",
    "details": "…",
    "affected": [
        {
            "package": {"ecosystem": "PyPI", "name": "idna"},
            "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "3.21"}]}],
        }
    ],
}


class Osv:
    """Stands in for osv.dev, which speaks this API: it knows what a test says it knows."""

    def __init__(self) -> None:
        self.known: dict[str, list[dict[str, Any]]] = {}
        self.asked: list[str] = []
        self.status = 200
        osv = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
                name = asked["package"]["name"]
                osv.asked.append(f"{name}=={asked['version']}")
                vulns = osv.known.get(name)
                body = json.dumps({"vulns": vulns} if vulns else {}).encode()
                self.send_response(osv.status)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/v1/query"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture
def osv() -> Iterator[Osv]:
    osv = Osv()
    yield osv
    osv.server.shutdown()
    osv.server.server_close()


@pytest.fixture
def lock(tmp_path: Path) -> Path:
    path = tmp_path / "some.lock"
    path.write_text(PINNED)
    return path


def audit(*arguments: object) -> tuple[int, str]:
    command = [sys.executable, "-m", "supply.audit", *map(str, arguments)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert not done.stderr, done.stderr
    return done.returncode, done.stdout


def accepting(path: Path, until: str, **more: str) -> Path:
    rows = {"id": '"CVE-2026-0001"', "package": '"idna"', "why": '"Not called."', **more}
    lines = [f"{name} = {value}" for name, value in rows.items() if value]
    path.write_text("\n".join(["[[accepted]]", *lines, f"until = {until}"]))
    return path


def test_where_nothing_is_known_all_is_fine(osv: Osv, lock: Path) -> None:
    code, told = audit("--lock", lock, "--service", osv.url)
    assert (code, told) == (0, "2 packages looked up: no known vulnerability.\n")
    assert sorted(osv.asked) == ["bcrypt==5.0.0", "idna==3.20"]


def test_a_finding_is_a_failure_that_says_what_to_do(osv: Osv, lock: Path) -> None:
    osv.known["idna"] = [KNOWN]
    code, told = audit("--lock", lock, "--service", osv.url, "--if-reachable")
    assert code == 1
    assert "idna 3.20: CVE-2026-0001 = GHSA-0000-0000-0001, fixed in 3.21" in told
    assert "accepted.toml" in told


def test_a_finding_with_a_reason_is_accepted_until_its_day(
    osv: Osv, lock: Path, tmp_path: Path
) -> None:
    osv.known["idna"] = [KNOWN]
    asked = ("--lock", lock, "--service", osv.url, "--accepted")
    code, told = audit(*asked, accepting(tmp_path / "a.toml", "2999-01-01"))
    assert (code, told) == (0, "2 packages looked up: no known vulnerability, 1 accepted.\n")
    assert audit(*asked, accepting(tmp_path / "b.toml", "2020-01-01"))[0] == 1
    code, told = audit(*asked, accepting(tmp_path / "c.toml", "2999-01-01", why=""))
    assert (code, "each one needs id, package, until, why" in told) == (2, True)
    osv.known.clear()
    code, told = audit(*asked, tmp_path / "a.toml")
    assert (code, "take it out" in told) == (0, True)


@pytest.mark.parametrize("trouble", ["nobody", "broken", "unheard"])
def test_what_could_not_be_looked_up_is_never_called_fine(
    osv: Osv, lock: Path, trouble: str
) -> None:
    osv.status = 503
    service = "http://127.0.0.1:9/v1/query" if trouble == "nobody" else osv.url
    if trouble == "unheard":
        lock.write_text(PINNED.replace("idna==3.20", "idna==three"))
    code, told = audit("--lock", lock, "--service", service)
    assert code == 3
    assert told.startswith("NOT AUDITED: ")
    assert "no known vulnerability" not in told
    assert audit("--lock", lock, "--service", service, "--if-reachable") == (0, told)


# ── the locks ───────────────────────────────────────────────────────────────────────────────────


def named(path: Path) -> list[Requirement]:
    """What a requirements file asks for, with those of the files it names."""
    found = []
    for line in path.read_text().splitlines():
        line = line.partition("#")[0].strip()
        if line.startswith("-r "):
            found += named(path.with_name(line.removeprefix("-r ")))
        elif line:
            found.append(Requirement(line))
    return found


def locked(path: Path) -> dict[str, tuple[list[Requirement], str]]:
    """By name: its pins, of which markers choose one, and the lines below them."""
    found: dict[str, tuple[list[Requirement], str]] = {}
    name = ""
    for line in path.read_text().splitlines():
        if line.startswith((" ", "#")):
            if name:
                found[name] = (found[name][0], found[name][1] + line + "\n")
            continue
        pin = Requirement(line.removesuffix("\\"))
        name = canonicalize_name(pin.name)
        found[name] = ([*found.get(name, ([], ""))[0], pin], found.get(name, ([], ""))[1])
    return found


@pytest.mark.parametrize("what", ["requirements", "requirements-hosted"])
def test_the_lock_is_in_step_with_what_is_asked_for(what: str) -> None:
    """`make lock` brings it in step again."""
    asked = {canonicalize_name(one.name): one for one in named(ROOT / f"{what}.txt")}
    pins = locked(ROOT / f"{what}.lock")
    for name, requirement in asked.items():
        assert name in pins, f"{name} is not in {what}.lock: make lock"
        for pin in pins[name][0]:
            (version,) = [one.version for one in pin.specifier]
            assert requirement.specifier.contains(version), f"{pin} is not {requirement}: make lock"
    direct = {name for name, (_, notes) in pins.items() if "-r requirements" in notes}
    assert direct == set(asked), "make lock"


@pytest.mark.parametrize("what", ["requirements", "requirements-hosted"])
def test_all_that_is_locked_is_pinned_and_hashed(what: str) -> None:
    for name, (pins, notes) in locked(ROOT / f"{what}.lock").items():
        for pin in pins:
            assert str(pin.specifier).startswith("=="), name
            assert not pin.url
        assert notes.count("--hash=sha256:") >= len(pins), name
