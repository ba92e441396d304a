"""`python app.py --ask`: the answer on standard output, all else beside it, and an exit code."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.pictures import png
from tests.scripted_server import ScriptedServer

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def provider() -> Iterator[ScriptedServer]:
    with ScriptedServer() as server:
        yield server


@pytest.fixture
def model(provider: ScriptedServer) -> ScriptedServer:
    provider.reset()
    return provider


def start(model: ScriptedServer, data: Path, *words: str) -> subprocess.Popen[str]:
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("PARLEY_", "OXLO_"))}
    own = {
        "PARLEY_BASE_URL": model.base_url,
        "PARLEY_API_KEY": "k-shell",
        "PARLEY_MODEL": "big",
        "PARLEY_VISION_MODEL": "seeing",
    }
    return subprocess.Popen(
        [sys.executable, "app.py", "--data-dir", str(data), *words],
        cwd=ROOT,
        env={**clean, **own},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=_heeding_interrupts,
    )


def _heeding_interrupts() -> None:
    """Whoever runs the tests in the background of a shell script has Ctrl-C ignored, and so would this."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


def test_a_question_is_answered_on_standard_output_in_one_request(
    model: ScriptedServer, tmp_path: Path
) -> None:
    model.says("It is ", "four.")
    asking = start(model, tmp_path, "--ask", "-")
    answer, told = asking.communicate("What is 2 + 2?", timeout=60)
    assert (answer, asking.returncode) == ("It is four.\n", 0)
    assert "big" in told
    assert "k-shell" not in told
    [request] = model.requests
    assert request["messages"][-1]["content"] == "What is 2 + 2?"


def test_a_picture_goes_along_and_a_missing_one_costs_nothing(
    model: ScriptedServer, tmp_path: Path
) -> None:
    picture = tmp_path / "cat.png"
    picture.write_bytes(png("CAT"))
    asking = start(model, tmp_path / "data", "--ask", "x", "--attach", str(tmp_path / "no.png"))
    answer, told = asking.communicate(timeout=60)
    assert (answer, asking.returncode) == ("", 2)
    assert "no.png (No such file or directory)" in told
    assert not model.requests
    model.says("A cat.")
    asking = start(model, tmp_path / "data", "--ask", "What is it?", "--attach", str(picture))
    answer, _ = asking.communicate(timeout=60)
    assert (answer, asking.returncode) == ("A cat.\n", 0)
    content = model.requests[0]["messages"][-1]["content"]
    assert [part["type"] for part in content] == ["image_url", "text"]


def test_what_fails_says_why_beside_the_answer(model: ScriptedServer, tmp_path: Path) -> None:
    model.fails(401)
    asking = start(model, tmp_path, "--ask", "Hello")
    answer, told = asking.communicate(timeout=60)
    assert (answer.strip(), asking.returncode) == ("", 1)
    assert "key" in told
    assert "Traceback" not in told
    asking = start(model, tmp_path, "--ask", " ")
    answer, told = asking.communicate(timeout=60)
    assert (answer, asking.returncode) == ("", 3)
    assert "nothing to send" in told


@pytest.mark.parametrize(("how", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_who_ends_it_stops_the_provider_too(
    model: ScriptedServer, tmp_path: Path, how: signal.Signals, code: int
) -> None:
    model.says(*(f"{n} " for n in range(600)), delay_s=0.1)
    asking = start(model, tmp_path, "--ask", "Count")
    assert asking.stdout is not None
    assert asking.stdout.read(4) == "0 1 "
    asking.send_signal(how)
    _, told = asking.communicate(timeout=30)
    assert (asking.returncode, "Traceback" in told) == (code, False)
    deadline = time.monotonic() + 10
    while not model.disconnects and time.monotonic() < deadline:
        time.sleep(0.05)
    assert model.disconnects


def test_data_in_use_are_refused(model: ScriptedServer, tmp_path: Path) -> None:
    model.hangs(30)
    first = start(model, tmp_path, "--ask", "Wait")
    deadline = time.monotonic() + 30
    while not model.requests and time.monotonic() < deadline:
        time.sleep(0.05)
    second = start(model, tmp_path, "--ask", "Me too")
    _, told = second.communicate(timeout=60)
    assert second.returncode == 2
    assert "Another Parley is using" in told
    first.terminate()
    first.communicate(timeout=30)
