"""Which kind of picture a file is, by its content alone; and what to do with those that are not read."""

import re
import struct
from dataclasses import dataclass
from typing import Literal

Kind = Literal["PNG", "JPEG", "GIF", "WEBP", "AVIF"]

_JPEG_OR_PNG = "Save it as JPEG or PNG and attach that."
_LOOKED_AT = 64 * 1024
_TAIL = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Unread:
    """Something to look at that Parley does not read: what it is, and what to do."""

    message: str
    advice: str = _JPEG_OR_PNG


_BEGINNINGS: tuple[tuple[bytes, Kind], ...] = (
    (b"\x89PNG\r\n\x1a\n", "PNG"),
    (b"\xff\xd8\xff", "JPEG"),
    (b"GIF87a", "GIF"),
    (b"GIF89a", "GIF"),
)
_UNREAD = (
    (re.compile(rb"II[*+]\0|MM\0[*+]"), "TIFF and camera raw pictures cannot be read."),
    (re.compile(rb"FUJIFILMCCD-RAW"), "Camera raw pictures cannot be read."),
    (re.compile(rb"BM.{4}\0{4}.{4}[\x0c(48@l|]\0{3}", re.S), "BMP pictures cannot be read."),
    (re.compile(rb"8BP[SB]\0[\1\2]"), "Photoshop files cannot be read."),
    (re.compile(rb"\0\0[\1\2]\0[^\0]\0"), "Icon files cannot be read."),
    (re.compile(rb"\xff\x0a|\0\0\0\x0cJXL "), "JPEG XL pictures cannot be read."),
    (re.compile(rb"\xff\x4f\xff\x51|\0\0\0\x0cjP  "), "JPEG 2000 pictures cannot be read."),
)  # fmt: skip
_HEIC = Unread(
    "HEIC pictures cannot be read.",
    "Save it as JPEG and attach that; on an iPhone, Settings → Camera → Formats → Most Compatible "
    "makes the camera do so.",
)
_VIDEO = Unread(
    "Videos cannot be read.", "Attach a picture of the moment that matters, or its sound as MP3."
)
_AVIF_BRANDS = {b"avif", b"avis"}
_HEIC_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"}
_VIDEO_CODEC = re.compile(rb"V_(?:VP[89]|AV1|MPEG|MPEGH|THEORA|MS|UNCOMPRESSED|PRORES|REAL)")
_VIDEO_TRACK = re.compile(rb"hdlr.{8}vide", re.DOTALL)


def kind_of(data: bytes) -> Kind | Unread | None:
    """None where it is nothing to look at, as far as its content says."""
    for beginning, kind in _BEGINNINGS:
        if data.startswith(beginning):
            return kind
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "WEBP"
    brands = _brands(data)
    if brands & _AVIF_BRANDS:
        return "AVIF"
    if brands & _HEIC_BRANDS:
        return _HEIC
    for beginning_of, message in _UNREAD:
        if beginning_of.match(data):
            return Unread(message)
    return _VIDEO if _is_video(data, brands) else None


def _brands(data: bytes) -> set[bytes]:
    """What a file of the MP4 family says it is."""
    if data[4:8] != b"ftyp":
        return set()
    (length,) = struct.unpack(">I", data[:4])
    box = data[8 : min(max(length, 12), 512)]
    return {box[:4], *(box[at : at + 4] for at in range(8, len(box), 4))}


def _is_video(data: bytes, brands: set[bytes]) -> bool:
    """With pictures in it: many recordings of sound alone come in the same containers."""
    if data[:4] == b"RIFF" and data[8:12] == b"AVI ":
        return True
    if data[:4] == b"\x1a\x45\xdf\xa3":
        return bool(_VIDEO_CODEC.search(data[:_LOOKED_AT]))
    if data[:4] == b"OggS":
        return b"\x80theora" in data[:_LOOKED_AT]
    if data[:4] == b"FLV\x01":
        return len(data) > 4 and bool(data[4] & 1)
    if brands or data[4:8] in (b"moov", b"mdat", b"wide"):
        # What the tracks are is said at the beginning or at the very end.
        return bool(_VIDEO_TRACK.search(data[:_TAIL]) or _VIDEO_TRACK.search(data[-_TAIL:]))
    return False
