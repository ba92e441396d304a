"""A sense in a process of its own: `python -m inference.offline.worker reading`, spoken to by pipe.

It loads its sense at the first request and ends when its owner does, for its input then ends.
"""

import contextlib
import importlib
import os
import signal
import sys
import traceback
from typing import Any, BinaryIO

from inference.offline.senses.framing import receive, send
from inference.offline.senses.refused import Refused


def main(sense: str) -> None:
    # Ctrl-C is for the owner; this process ends with its input.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if hasattr(os, "nice"):
        os.nice(5)  # the page comes first on a small machine
    answers = _claim_stdout()
    module: Any = None
    while (request := receive(sys.stdin.buffer)) is not None:
        try:
            if module is None:
                module = importlib.import_module(f"inference.offline.senses.{sense}")
            header, body = module.answer(*request)
        except Refused as refused:
            header, body = {"refused": refused.message, "status": refused.status}, b""
        except ImportError as error:
            header, body = {"missing": error.name or str(error)}, b""
        except Exception:  # the owner logs it and answers the request as failed
            header, body = {"failed": traceback.format_exc(limit=8)}, b""
        with contextlib.suppress(BrokenPipeError):
            send(answers, header, body)


def _claim_stdout() -> BinaryIO:
    """Keep the pipe for answers alone: whatever a library prints goes to standard error."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    return answers


if __name__ == "__main__":
    main(sys.argv[1])
