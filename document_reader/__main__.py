"""The process: a document on its input, its pages as JSON on its output; pictures in it are base64.

Files come from strangers, and parsers of large formats meet every trick there is. So each document
is read in a process of its own, with no more memory and time than a large honest one needs; whatever
happens to it, the house goes on.
"""

import base64
import contextlib
import io
import json
import os
import sys

from document_reader.limits import MAX_CPU_S, MAX_MEMORY, Refused
from document_reader.read import read


def main() -> None:
    answers = _claim_stdout()
    _confine()
    answers.write(json.dumps(_told(sys.stdin.buffer.read())).encode())
    answers.flush()


def _told(data: bytes) -> dict[str, object]:
    try:
        mime, pages, scans = read(data)
    except Refused as refused:
        return {"refused": refused.message, "advice": refused.advice}
    except MemoryError:
        return {"refused": "Reading this document takes too much memory."}
    except Exception:  # parsers raise anything on hostile bytes
        return {"refused": "The document is damaged.", "advice": "Save it again and attach it."}
    drawn = [
        {
            "page": s.page,
            "width": s.width,
            "height": s.height,
            "jpeg": base64.b64encode(s.data).decode(),
        }
        for s in scans
    ]
    return {"mime": mime, "pages": pages, "scans": drawn}


def _confine() -> None:
    """No more memory, time and disk than an honest document needs, where the system sees to it."""
    if hasattr(os, "nice"):
        os.nice(5)  # the page comes first on a small machine
    with contextlib.suppress(ImportError):
        import resource

        limits = {
            resource.RLIMIT_AS: MAX_MEMORY,
            resource.RLIMIT_CPU: MAX_CPU_S,
            resource.RLIMIT_FSIZE: 1 << 20,  # room for the bytecode of the libraries
            resource.RLIMIT_CORE: 0,
        }
        for kind, most in limits.items():
            with contextlib.suppress(ValueError, OSError):  # macOS has no limit of address space
                resource.setrlimit(kind, (most, most))


def _claim_stdout() -> io.BufferedWriter:
    """Keep the pipe for the answer alone: whatever a library prints goes to standard error."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    return answers


if __name__ == "__main__":
    main()
