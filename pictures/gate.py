"""The way in for pictures: each is decoded and encoded anew in a process of its own, with caps."""

from dataclasses import dataclass

from pictures.framing import read
from pictures.kinds import Unread, kind_of
from pictures.limits import WITHIN_S, Refused
from process_apart.asking import answered

_TOO_MUCH = Refused(
    "Decoding this picture takes too much time or memory.", "Make it smaller and attach it again."
)


@dataclass(frozen=True, slots=True)
class Clean:
    """Upright, in sRGB, encoded anew: no metadata is left in it.

    At most 1568 pixels a side, but for a drawn page that is long. `pieces` are those of such a page,
    each small enough for a model, from its beginning on. `moves`: it is the first frame of several.
    """

    data: bytes
    mime: str
    width: int
    height: int
    pieces: tuple["Clean", ...] = ()
    moves: bool = False


def is_picture(data: bytes) -> bool:
    """Something to look at, whether it can be read or has to be refused as what it is."""
    return kind_of(data) is not None


async def clean(data: bytes) -> Clean:
    """Raises Refused, after WITHIN_S seconds at the latest."""
    kind = kind_of(data)
    if isinstance(kind, Unread):
        raise Refused(kind.message, kind.advice)
    try:
        answer = read(await answered("pictures", data, WITHIN_S))
    except TimeoutError:
        raise _TOO_MUCH from None
    if answer is None:
        raise _TOO_MUCH
    header, bodies = answer
    if "refused" in header:
        raise Refused(header["refused"], header["advice"])
    whole, *pieces = (
        Clean(body, about["mime"], about["width"], about["height"])
        for about, body in zip(header["images"], bodies, strict=True)
    )
    return Clean(
        whole.data, whole.mime, whole.width, whole.height, tuple(pieces), bool(header["moves"])
    )
