"""The process itself: `python -m tools.apart TASK`, asked by its standard input, once.

A line of JSON, then bytes; so is the answer. `TASK` is a module of this folder with a function
`answer(asked, data)`, which raises Cannot.
"""

import importlib
import json
import sys

from process_apart.inside import claim_stdout, confine
from tools.apart import Cannot

MAX_MEMORY = 2_000_000_000
MAX_CPU_S = 30
MAX_FILE = 8 << 20
"""Room for the list of fonts that matplotlib keeps."""


def main(task: str) -> None:
    answers = claim_stdout()
    confine(MAX_MEMORY, MAX_CPU_S, MAX_FILE)
    asked = json.loads(sys.stdin.buffer.readline())
    data = sys.stdin.buffer.read()
    try:
        told, made = importlib.import_module(f"tools.apart.{task}").answer(asked, data)
    except Cannot as error:
        told, made = {"refused": str(error)}, b""
    except (MemoryError, RecursionError):
        told, made = {"refused": "It is too large or too deeply nested to be read."}, b""
    answers.write(json.dumps(told).encode() + b"\n" + made)
    answers.close()


if __name__ == "__main__":
    main(sys.argv[1])
