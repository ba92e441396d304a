"""Whatever calls itself a picture: a clear sentence or a clean picture, soon, and nothing left behind."""

import asyncio
import io
import os
import random
import struct
import subprocess
import sys
import warnings
import zipfile
import zlib
from pathlib import Path

import pytest
from PIL import Image

from attachments import BadAttachment, Picture, inspect
from tests.pictures import encoded, png

ROOT = Path(__file__).parents[2]
NOISE = Image.frombytes("RGB", (200, 150), random.Random(3).randbytes(200 * 150 * 3))
PHOTO = encoded(NOISE, "JPEG")


def chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def with_chunk(data: bytes, name: bytes, content: bytes) -> bytes:
    """The PNG with one more chunk after its head."""
    return data[:33] + chunk(name, content) + data[33:]


def many_frames() -> bytes:
    """A GIF of 10,000 frames of 2,000 × 2,000 pixels each, in 300 kB."""
    still = encoded(Image.new("P", (2_000, 2_000)), "GIF")
    at = still.index(b"\x2c")
    frame = b"\x21\xf9\x04\0\0\0\0\0" + b"\x2c" + bytes(4) + b"\1\0\1\0\0\x02\x02\x44\1\0"
    return still[:at] + still[at:-1] + frame * 10_000 + b"\x3b"


def zipped(name: str, content: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as box:
        box.writestr(name, content)
    return out.getvalue()


def bomb(side: int) -> bytes:
    """A white PNG of so many pixels a side, each row the same: a tenth of a megabyte."""
    rows = zlib.compressobj(9)
    row = b"\0" + b"\xff" * (side // 8)
    packed = b"".join(rows.compress(row) for _ in range(side)) + rows.flush()
    head = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", packed) + chunk(b"IEND", b"")
    )


def huge_exif() -> bytes:
    """More metadata than picture: forty segments of 64 kB."""
    segment = b"\xff\xe1" + struct.pack(">H", 65_535) + b"Exif\0\0" + b"GPS-HOME" * 8_190
    segment = segment[: 2 + 65_535]
    return PHOTO[:2] + segment * 40 + PHOTO[2:]


SCRIPT = b"/*alert(document.domain)*/"
HTML = b"<script>alert(1)</script><html>"

CLEAN = {
    "a GIF that is JavaScript, too": encoded(Image.new("P", (40, 40)), "GIF") + SCRIPT,
    "a PNG that is an archive, too": png("x") + zipped("evil.exe", b"MZ" * 900),
    "a JPEG that is a web page, too": PHOTO[:2] + b"\xff\xfe\0\x21" + HTML + PHOTO[2:],
    "10,000 frames": many_frames(),
    "a profile that is none": encoded(NOISE, icc_profile=b"\0" * 100_000),
    "metadata without an end": huge_exif(),
}  # fmt: skip
REFUSED = {
    "a bomb of 900 megapixels": (bomb(30_000), "million"),
    "a bomb of 81 megapixels": (bomb(9_000), "million"),
    "a text that unpacks to a gigabyte": (
        with_chunk(png("x"), b"zTXt", b"k\0\0" + zlib.compress(bytes(64_000_000), 9)), "damaged"),
    "a profile that unpacks to a gigabyte": (
        with_chunk(png("x"), b"iCCP", b"k\0\0" + zlib.compress(bytes(64_000_000), 9)), "damaged"),
    "a PNG inside a PNG's pixels": (png("x")[:41] + png("y"), "damaged"),
    "nothing but a head": (png("x")[:33], "damaged"),
    "half a PNG": (png("x")[: len(png("x")) // 2], "damaged"),
    "a PNG without its end": (png("x")[:-40], "damaged"),
    "half a JPEG": (PHOTO[: len(PHOTO) // 2], "damaged"),
    "half a WebP": (encoded(NOISE, "WEBP")[:900], "damaged"),
    "half an AVIF": (encoded(NOISE, "AVIF", speed=10)[:900], "damaged"),
    "half a GIF": (encoded(NOISE.convert("P"), "GIF")[:900], "damaged"),
    "no more than a beginning": (b"\xff\xd8\xff", "damaged"),
    "nothing": (b"", "empty"),
    "a picture of an iPhone": (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(60), "HEIC"),
    "a drawing": (b"<?xml version='1.0'?><svg xmlns='http://www.w3.org/2000/svg'/>", "SVG"),
    "a TIFF": (encoded(NOISE, "TIFF"), "TIFF"),
    "a BMP": (encoded(NOISE, "BMP"), "BMP"),
    "an icon": (encoded(NOISE, "ICO"), "Icon"),
    "a JPEG 2000": (b"\0\0\0\x0cjP  \r\n\x87\n" + bytes(50), "JPEG 2000"),
    "a Photoshop file": (b"8BPS\0\1" + bytes(60), "Photoshop"),
    "a film": (
        b"\0\0\0\x18ftypisom\0\0\2\0isomiso2\0\0\0\x21hdlr" + bytes(8) + b"vide", "Videos"),
    "a film of the web": (b"\x1a\x45\xdf\xa3" + bytes(40) + b"\x86\x85V_VP9" + bytes(40), "Videos"),
}  # fmt: skip


@pytest.mark.parametrize("what", CLEAN)
async def test_what_can_be_seen_is_kept_as_a_clean_picture(what: str) -> None:
    found = await inspect(CLEAN[what])
    assert isinstance(found, Picture)
    for trace in (b"alert", b"PK\x03\x04", b"GPS-HOME", b"Exif"):
        assert trace not in found.data
    with Image.open(io.BytesIO(found.data)) as kept:
        kept.verify()


@pytest.mark.parametrize("what", REFUSED)
async def test_what_cannot_be_seen_is_refused_in_words(what: str) -> None:
    data, words = REFUSED[what]
    with warnings.catch_warnings(), pytest.raises(BadAttachment) as told:
        warnings.simplefilter("error")
        await inspect(data)
    assert words in told.value.message
    assert told.value.advice or not data


async def test_what_has_a_wrong_name_is_taken_for_what_it_is() -> None:
    for encoding, mime in (("WEBP", "image/jpeg"), ("GIF", "image/png")):
        found = await inspect(
            encoded(NOISE if encoding == "WEBP" else Image.new("P", (9, 9)), encoding)
        )
        assert isinstance(found, Picture)
        assert found.mime == mime


def test_memory_stays_bounded_and_no_file_is_left(tmp_path: Path) -> None:
    """The largest pictures there may be, in a process whose temp directory is the test's own."""
    large = Image.new("RGBA", (6_400, 6_200), (200, 30, 30, 100))
    (tmp_path / "temp").mkdir()
    names = []
    for number, data in enumerate(
        (encoded(large, "WEBP"), many_frames(), bomb(30_000), bomb(9_000))
    ):
        names.append(tmp_path / str(number))
        names[-1].write_bytes(data)
    attach = (
        "import asyncio, re, sys, resource, attachments\n"
        "for name in sys.argv[1:]:\n"
        "    try: asyncio.run(attachments.inspect(open(name, 'rb').read()))\n"
        "    except attachments.BadAttachment: pass\n"
        "own = int(re.search(r'VmHWM:\\s+(\\d+)', open('/proc/self/status').read())[1])\n"
        "print(own + resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)\n"
    )
    told = subprocess.run(
        [sys.executable, "-c", attach, *names],
        cwd=ROOT,
        env={**os.environ, "TMPDIR": str(tmp_path / "temp")},
        check=True,
        capture_output=True,
    )
    assert int(told.stdout) < 1_000_000  # kB
    assert told.stderr == b""
    assert list((tmp_path / "temp").iterdir()) == []


async def test_who_stops_waiting_ends_the_decoding() -> None:
    slow = encoded(
        Image.effect_noise((4_200, 4_200), 90), "WEBP", lossless=True, quality=0, method=0
    )
    waiting = asyncio.create_task(inspect(slow))
    while not (children := _decoders()) and not waiting.done():
        await asyncio.sleep(0.01)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert children
    assert not _decoders()


def _decoders() -> list[str]:
    running = Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()
    return [pid for pid in running if b"pictures" in Path(f"/proc/{pid}/cmdline").read_bytes()]
