"""The process itself: `python -m tools.apart TASK`, asked by its standard input, once.

A line of JSON, then bytes; so is the answer. `TASK` is a module of this folder with a function
`answer(asked, data)`, which raises Cannot.
"""

import importlib
import json
import os
import sys

from tools.apart import Cannot

MAX_MEMORY = 2_000_000_000
MAX_CPU_S = 30


def main(task: str) -> None:
    _limit()
    asked = json.loads(sys.stdin.buffer.readline())
    data = sys.stdin.buffer.read()
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a library prints is no answer
    try:
        told, made = importlib.import_module(f"tools.apart.{task}").answer(asked, data)
    except Cannot as error:
        told, made = {"refused": str(error)}, b""
    except (MemoryError, RecursionError):
        told, made = {"refused": "It is too large or too deeply nested to be read."}, b""
    answers.write(json.dumps(told).encode() + b"\n" + made)
    answers.close()


def _limit() -> None:
    if hasattr(os, "nice"):
        os.nice(5)  # the page comes first on a small machine
    try:
        import resource
    except ImportError:  # Windows has none
        return
    for what, most in ((resource.RLIMIT_AS, MAX_MEMORY), (resource.RLIMIT_CPU, MAX_CPU_S)):
        resource.setrlimit(what, (most, most))


if __name__ == "__main__":
    main(sys.argv[1])
