"""What is kept of a picture: upright, of a sensible size, in sRGB, with nothing about its maker."""

import io
import struct
import zlib

import pytest
from PIL import Image, ImageCms, PngImagePlugin

from attachments import BadAttachment, Picture, inspect
from tests.pictures import encoded, photographed, written


async def clean(data: bytes) -> Picture:
    found = await inspect(data)
    assert isinstance(found, Picture)
    return found


def pixels(found: Picture) -> Image.Image:
    return Image.open(io.BytesIO(found.data)).convert("RGB")


def photo(size: tuple[int, int] = (3000, 2000)) -> Image.Image:
    return photographed(written(["A page on a table"] * 6, width=900)).resize(size)


def close(one: object, other: tuple[int, ...], most: int = 6) -> bool:
    assert isinstance(one, tuple)
    return all(abs(a - b) <= most for a, b in zip(one, other, strict=True))


async def test_where_a_photo_was_taken_never_leaves_the_machine() -> None:
    exif = Image.Exif()
    exif[0x0110], exif[0x0112] = "SECRET-CAMERA", 6  # it lies on its side
    exif.get_ifd(0x8825)[2] = (48.0, 51.0, 30.0)
    found = await clean(encoded(photo(), "JPEG", exif=exif, comment=b"SECRET-COMMENT"))
    assert (found.mime, found.width, found.height) == ("image/jpeg", 1045, 1568)
    assert b"SECRET" not in found.data
    assert b"Exif" not in found.data
    assert not Image.open(io.BytesIO(found.data)).getexif()


@pytest.mark.parametrize("encoding", ["PNG", "WEBP", "AVIF"])
async def test_no_metadata_is_left_of_any_kind(encoding: str) -> None:
    exif = Image.Exif()
    exif[0x0110] = "SECRET-CAMERA"
    about = PngImagePlugin.PngInfo()
    about.add_text("Author", "SECRET-AUTHOR", zip=True)
    about.add_itxt("XML:com.adobe.xmp", "<x>SECRET-XMP</x>")
    extra = {"pnginfo": about} if encoding == "PNG" else {"xmp": b"<x>SECRET-XMP</x>"}
    found = await clean(encoded(written(["Hello"]), encoding, exif=exif, **extra))
    assert found.mime == "image/png"
    kept = Image.open(io.BytesIO(found.data))
    kept.load()
    assert (b"SECRET" in found.data, kept.info) == (False, {})


async def test_a_screenshot_stays_sharp_and_a_photo_becomes_small() -> None:
    page = written(["Sharp letters"] * 20, width=1400)
    screenshot, shot = await clean(encoded(page)), await clean(encoded(photo()))
    assert (screenshot.mime, shot.mime) == ("image/png", "image/jpeg")
    assert pixels(screenshot).tobytes() == page.tobytes()
    assert (shot.width, shot.height) == (1568, 1045)
    assert len(shot.data) < 600_000


async def test_other_colour_spaces_become_srgb() -> None:
    # A profile in which red and green have changed places.
    swapped = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    places = {}
    for number in range(struct.unpack(">I", swapped[128:132])[0]):
        at = 132 + 12 * number
        places[bytes(swapped[at : at + 4])] = at + 4
    red, green = places[b"rXYZ"], places[b"gXYZ"]
    swapped[red : red + 8], swapped[green : green + 8] = (
        swapped[green : green + 8],
        swapped[red : red + 8],
    )
    seen = encoded(Image.new("RGB", (90, 90), (255, 0, 0)), icc_profile=bytes(swapped))
    assert close(pixels(await clean(seen)).getpixel((5, 5)), (0, 255, 0))
    odd = encoded(Image.new("RGB", (90, 90), (255, 0, 0)), icc_profile=b"no profile at all")
    assert pixels(await clean(odd)).getpixel((5, 5)) == (255, 0, 0)
    printed = encoded(Image.new("CMYK", (90, 90), (0, 255, 255, 0)), "JPEG")
    assert close(pixels(await clean(printed)).getpixel((5, 5)), (255, 0, 0))


async def test_what_is_see_through_stands_where_it_can_be_seen() -> None:
    dark, light = Image.new("RGBA", (90, 90)), Image.new("RGBA", (90, 90))
    dark.paste((20, 20, 20, 255), (30, 30, 60, 60))
    light.paste((250, 250, 250, 255), (30, 30, 60, 60))
    assert pixels(await clean(encoded(dark))).getpixel((1, 1)) == (255, 255, 255)
    assert pixels(await clean(encoded(light))).getpixel((1, 1)) == (0, 0, 0)


async def test_grey_of_sixteen_bits_keeps_its_shades() -> None:
    deep = Image.new("I;16", (90, 90), 0x8000)
    deep.putpixel((0, 0), 0xFFFF)
    assert close(pixels(await clean(encoded(deep))).getpixel((9, 9)), (128, 128, 128))


@pytest.mark.parametrize("encoding", ["GIF", "WEBP", "PNG"])
async def test_of_what_moves_the_first_frame_is_kept_and_that_is_known(encoding: str) -> None:
    frames = [Image.new("RGB", (80, 60), colour) for colour in ("red", "lime", "blue")]
    data = encoded(frames[0], encoding, save_all=True, append_images=frames[1:], duration=50)
    found = await clean(data)
    assert found.moves
    assert close(pixels(found).getpixel((9, 9)), (255, 0, 0))


async def test_a_long_page_stays_readable_and_comes_in_pieces_too() -> None:
    page = written([f"Line {n} of a long page" for n in range(140)], width=1200)
    found = await clean(encoded(page))
    assert (found.width, found.height) == page.size
    heights = [piece.height for piece in found.pieces]
    assert (len(heights), max(heights) <= 1568) == (4, True)
    assert sum(heights) == page.height + 3 * 96
    end = pixels(found.pieces[-1])
    assert end.tobytes() == page.crop((0, page.height - end.height, 1200, page.height)).tobytes()


def head(width: int, height: int) -> bytes:
    """The beginning of a PNG that says it has that size; it has no pixels at all."""
    chunk = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    whole = b"\0\0\0\r" + chunk + struct.pack(">I", zlib.crc32(chunk))
    return b"\x89PNG\r\n\x1a\n" + whole + struct.pack(">I", 1 << 20) + b"IDAT"


@pytest.mark.parametrize("size", [(30_000, 30_000), (9_000, 9_000), (12_001, 10), (4, 2**31 - 1)])
async def test_the_size_is_checked_before_anything_is_decoded(size: tuple[int, int]) -> None:
    with pytest.raises(BadAttachment, match="million in all and 12,000 a side"):
        await inspect(head(*size))
