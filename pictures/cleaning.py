"""A picture made clean: upright, of a sensible size, in sRGB, encoded anew without any metadata.

Runs in the process of `python -m pictures` alone: what is decoded here, strangers have sent.
"""

import io
from dataclasses import dataclass
from typing import Literal

from PIL import Image, ImageChops, ImageCms, ImageOps, ImageStat

from pictures.kinds import Kind
from pictures.limits import (
    LONG,
    LONG_PIXELS,
    LONGEST_SIDE,
    MAX_PIXELS,
    MAX_SIDE,
    PIECE_OVERLAP,
    Refused,
)

_SAMPLE = 1_000  # pixels a side that tell a drawing from a photograph
_FLAT = 0.65
"""Share of pixels that are just like their neighbours: of most in a screenshot, of few in a photograph."""
_MOST_PNG_BYTES = 1_500_000
_WHITE, _BLACK = (255, 255, 255), (0, 0, 0)


@dataclass(frozen=True, slots=True)
class Encoded:
    data: bytes
    mime: Literal["image/png", "image/jpeg"]
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Cleaned:
    """`pieces` are those of a long page, along its length, each overlapping the one before a little.

    `moves`: there is more to it than the first frame, which is what was kept.
    """

    whole: Encoded
    pieces: tuple[Encoded, ...] = ()
    moves: bool = False


def cleaned(data: bytes, kind: Kind) -> Cleaned:
    """Raises Refused for what is too large; Pillow raises what it likes for what is damaged."""
    with Image.open(io.BytesIO(data), formats=[kind]) as opened:
        _check(*opened.size)
        moves = bool(getattr(opened, "is_animated", False))
        profile = opened.info.get("icc_profile")
        seen = _decoded(opened, kind)
    drawn = _is_drawn(seen)
    seen = ImageOps.exif_transpose(_fitted(seen, drawn))
    seen = _in_srgb(_on_ground(seen), profile)
    png = drawn and kind != "JPEG"
    pieces = tuple(_encoded(piece, png=png, drawn=drawn) for piece in _pieces(seen, drawn))
    return Cleaned(_encoded(seen, png=png, drawn=drawn), pieces, moves)


def _check(width: int, height: int) -> None:
    """What a picture says of its size, before a single pixel of it is decoded."""
    if width * height > MAX_PIXELS or max(width, height) > MAX_SIDE:
        raise Refused(
            f"The picture has {width:,} × {height:,} pixels; {MAX_PIXELS // 1_000_000} million "
            f"in all and {MAX_SIDE:,} a side are the most.",
            "Make it smaller and attach it again.",
        )


def _decoded(opened: Image.Image, kind: Kind) -> Image.Image:
    """Its first frame, in a mode that can be made smaller without jags."""
    if kind == "JPEG":
        # Decoded at an eighth, a quarter or half of its size where that is enough.
        opened.draft(None, (2 * LONGEST_SIDE, 2 * LONGEST_SIDE))
    opened.load()
    if opened.mode.startswith(("I", "F")):
        return _levelled(opened)
    if opened.mode in ("P", "PA", "1", "LA", "La", "RGBa") or "transparency" in opened.info:
        return _keeping_exif(opened, opened.convert("RGBA"))
    return opened


def _levelled(opened: Image.Image) -> Image.Image:
    """Grey of 16 bits as grey of 8."""
    _, highest = opened.getextrema()
    assert isinstance(highest, int | float)
    share = 256 if highest > 255 else 1
    return _keeping_exif(
        opened, opened.convert("I").point(lambda value: value / share).convert("L")
    )


def _keeping_exif(opened: Image.Image, changed: Image.Image) -> Image.Image:
    """Where its top is, `exif_transpose` is told by the original's metadata."""
    if "exif" in opened.info:
        changed.info["exif"] = opened.info["exif"]
    return changed


def _is_drawn(picture: Image.Image) -> bool:
    """Screenshots, pages and diagrams are flat; what a camera sees never is."""
    left, top = (max(0, (side - _SAMPLE) // 2) for side in picture.size)
    sample = picture.crop((left, top, left + _SAMPLE, top + _SAMPLE)).convert("L")
    sample = sample.crop((0, 0, min(_SAMPLE, picture.width), min(_SAMPLE, picture.height)))
    if sample.width < 2:
        return True
    beside = ImageChops.difference(sample, ImageChops.offset(sample, 1, 0))
    below = ImageChops.difference(sample, ImageChops.offset(sample, 0, 1))
    alike = ImageChops.lighter(beside, below).histogram()[0]
    return alike >= _FLAT * sample.width * sample.height


def _fitted(picture: Image.Image, drawn: bool) -> Image.Image:
    longest, shortest = max(picture.size), min(picture.size)
    scale = LONGEST_SIDE / longest
    if drawn and longest >= LONG * shortest:
        kept = (LONG_PIXELS / (longest * shortest)) ** 0.5
        scale = max(scale, min(LONGEST_SIDE / shortest, kept))
    if scale >= 1:
        return picture
    size = (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
    return _keeping_exif(picture, picture.resize(size, Image.Resampling.LANCZOS, reducing_gap=2.0))


def _on_ground(picture: Image.Image) -> Image.Image:
    """What is see-through stands on white; on black where what is seen is light."""
    if not picture.has_transparency_data:
        return picture
    picture = picture.convert("RGBA")
    seen = ImageStat.Stat(picture.convert("L"), mask=picture.getchannel("A"))
    light = bool(seen.count[0]) and seen.mean[0] > 200
    ground = Image.new("RGBA", picture.size, _BLACK if light else _WHITE)
    ground.alpha_composite(picture)
    return ground.convert("RGB")


def _in_srgb(picture: Image.Image, profile: bytes | None) -> Image.Image:
    if profile and picture.mode in ("RGB", "L", "CMYK"):
        try:
            own = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            srgb = ImageCms.createProfile("sRGB")
            turned = ImageCms.profileToProfile(picture, own, srgb, outputMode="RGB")
        except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
            turned = None  # a profile that is not one, or of other colours: they stay as they are
        if turned is not None:
            return turned
    return picture.convert("RGB")


def _pieces(picture: Image.Image, drawn: bool) -> list[Image.Image]:
    """A long page as pages; none where it is not long."""
    longest, shortest = max(picture.size), min(picture.size)
    if not drawn or longest < LONG * shortest or longest <= LONGEST_SIDE:
        return []
    count = -(-(longest - PIECE_OVERLAP) // (LONGEST_SIDE - PIECE_OVERLAP))
    step = (longest - PIECE_OVERLAP) / count
    cuts = [
        (round(n * step), min(longest, round((n + 1) * step) + PIECE_OVERLAP)) for n in range(count)
    ]
    if picture.height >= picture.width:
        return [picture.crop((0, start, picture.width, end)) for start, end in cuts]
    return [picture.crop((start, 0, end, picture.height)) for start, end in cuts]


def _encoded(picture: Image.Image, *, png: bool, drawn: bool) -> Encoded:
    # What the file was encoded with would be written again: only the pixels go on.
    bare = Image.new("RGB", picture.size)
    bare.paste(picture)
    if png:
        data = _saved(bare, "PNG")
        if len(data) <= _MOST_PNG_BYTES:
            return Encoded(data, "image/png", *picture.size)
    data = (
        _saved(bare, "JPEG", quality=90, subsampling=0)
        if drawn
        else _saved(bare, "JPEG", quality=80)
    )
    return Encoded(data, "image/jpeg", *picture.size)


def _saved(picture: Image.Image, encoding: str, **how: int) -> bytes:
    out = io.BytesIO()
    picture.save(out, encoding, **how)
    return out.getvalue()
