"""The process: a document on its input, its pages as JSON on its output; pictures in it are base64.

Files come from strangers, and parsers of large formats meet every trick there is. So each document
is read in a process of its own, with no more memory and time than a large honest one needs; whatever
happens to it, the house goes on.
"""

import base64
import json
import sys

from document_reader.limits import MAX_CPU_S, MAX_MEMORY, Refused
from document_reader.read import read
from process_apart.inside import claim_stdout, confine


def main() -> None:
    answers = claim_stdout()
    confine(MAX_MEMORY, MAX_CPU_S)
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


if __name__ == "__main__":
    main()
