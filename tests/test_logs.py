"""What is written of the work: enough to run a service by, nothing of what anybody said."""

import json
import logging
import subprocess
import sys
from pathlib import Path

from logs import AsJson
from tests.scripted_server import ScriptedServer

ROOT = Path(__file__).parent.parent
SECRET = "a question about xylophones"
TURN = """
import asyncio, sys
import logs
from house import open_house
from inference.connection import connect
from inference.provider import load_providers
from messages import new_id
from pathlib import Path
from settings import Settings

async def main(url, data, words):
    logs.begin("json")
    chosen = Settings(base_url=url, model="big", data_dir=Path(data))
    async with open_house(chosen, connect(load_providers(), url, "sk-canary-0123456789", {})) as house:
        here = new_id()
        await house.assistant.send("ann", here, words, (), speak=False)
        while (await house.assistant.open("ann", here)).messages[-1].status == "running":
            await asyncio.sleep(0.05)

asyncio.run(main(*sys.argv[1:]))
"""


def test_requests_and_turns_are_lines_of_json_without_what_was_said(
    model: ScriptedServer, tmp_path: Path
) -> None:
    model.calls("clock", zones=["Europe/Paris"]).says("An answer about marimbas.")
    run = subprocess.run(
        [sys.executable, "-c", TURN, model.base_url, str(tmp_path), SECRET],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    lines = [json.loads(line) for line in run.stderr.splitlines()]
    asked = [line for line in lines if line["message"].startswith("request ended")]
    assert [(line["purpose"], line["outcome"]) for line in asked] == [
        ("answer", "done"),
        ("tool round", "done"),
    ]
    (ended,) = [line for line in lines if line["message"].startswith("turn ended")]
    assert (ended["reason"], ended["requests"], ended["level"]) == ("done", 2, "info")
    for word in ("xylophones", "marimbas", "sk-canary", "ann"):
        assert word not in run.stderr


def test_a_traceback_stays_within_its_line() -> None:
    try:
        raise ValueError("two\nlines")
    except ValueError:
        record = logging.LogRecord("x", logging.ERROR, "", 0, "it %s", ("broke",), sys.exc_info())
    line = AsJson().format(record)
    assert "\n" not in line
    told = json.loads(line)
    assert told["message"] == "it broke"
    assert "ValueError" in told["error"]
