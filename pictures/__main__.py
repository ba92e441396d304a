"""The process: a picture on its input, the clean one on its output, in the frames of pictures/gate.py.

Files come from strangers, and the libraries that decode them meet every trick there is. So each
picture is decoded in a process of its own, with no more memory and time than an honest one needs.
"""

import sys
import warnings
from typing import Any

from pictures.framing import written
from pictures.kinds import Unread, kind_of
from pictures.limits import MAX_CPU_S, MAX_MEMORY, Refused
from process_apart.inside import claim_stdout, confine

_DAMAGED = Refused("The picture is damaged.", "Save it again and attach it.")
_TOO_MUCH = Refused(
    "Decoding this picture takes too much memory.", "Make it smaller and attach it again."
)


def main() -> None:
    answers = claim_stdout()
    confine(MAX_MEMORY, MAX_CPU_S)
    warnings.simplefilter("ignore")  # sizes are checked by our own limits, before decoding
    for piece in _told(sys.stdin.buffer.read()):
        answers.write(piece)
    answers.flush()


def _told(data: bytes) -> tuple[bytes, ...]:
    from PIL import Image

    from pictures.cleaning import cleaned

    Image.MAX_IMAGE_PIXELS = None
    kind = kind_of(data)
    if kind is None or isinstance(kind, Unread):
        return _refused(_DAMAGED)
    try:
        found = cleaned(data, kind)
    except Refused as refused:
        return _refused(refused)
    except MemoryError:
        return _refused(_TOO_MUCH)
    except Exception:  # decoders raise anything on hostile bytes
        return _refused(_DAMAGED)
    images = (found.whole, *found.pieces)
    about: list[dict[str, Any]] = [
        {"mime": i.mime, "width": i.width, "height": i.height} for i in images
    ]
    return written({"moves": found.moves, "images": about}, *(image.data for image in images))


def _refused(refused: Refused) -> tuple[bytes, ...]:
    return written({"refused": refused.message, "advice": refused.advice})


if __name__ == "__main__":
    main()
