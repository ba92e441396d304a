"""A sense in a process of its own: `python -m inference.offline.worker reading`, spoken to by pipe.

It loads its sense at the first request and ends when its owner does, for its input then ends.
"""

import contextlib
import importlib
import signal
import sys
import traceback
from typing import Any

from inference.offline.senses.framing import receive, send
from inference.offline.senses.refused import Refused
from process_apart.inside import claim_stdout, give_way


def main(sense: str) -> None:
    # Ctrl-C is for the owner; this process ends with its input.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    give_way()
    answers = claim_stdout()
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


if __name__ == "__main__":
    main(sys.argv[1])
