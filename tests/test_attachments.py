"""What may be attached is judged by its content and cleaned."""

import io

import pytest
from PIL import Image

from attachments import BadAttachment, Picture, Recording, inspect
from tests.pictures import png
from tests.scripted_server import tone


def photo(**options: object) -> bytes:
    image = Image.new("RGB", (3000, 1000), "red")
    out = io.BytesIO()
    image.save(out, "JPEG", **options)
    return out.getvalue()


async def test_a_large_photo_is_made_small_and_loses_its_metadata() -> None:
    exif = Image.Exif()
    exif[0x0110] = "SECRET-CAMERA"
    exif[0x0112] = 6  # lies on its side
    found = await inspect(photo(exif=exif))
    assert isinstance(found, Picture)
    assert (found.width, found.height) == (523, 1568)
    assert found.mime == "image/jpeg"
    assert b"SECRET-CAMERA" not in found.data


async def test_a_screenshot_stays_a_png() -> None:
    found = await inspect(png("Hello"))
    assert isinstance(found, Picture)
    assert found.mime == "image/png"


async def test_a_recording_has_a_length() -> None:
    found = await inspect(tone(2.0))
    assert isinstance(found, Recording)
    assert found.seconds == pytest.approx(2.0)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "empty"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "no picture"),
        (b"\x00\x01\x02", "no picture"),
        (png("x")[:200], "damaged"),
        (b"RIFF\x00\x00\x00\x00WAVEfmt ", "cannot be read"),
        (tone(0.0), "empty"),
    ],
)
async def test_what_cannot_be_shown_is_refused_with_a_reason(data: bytes, words: str) -> None:
    with pytest.raises(BadAttachment) as refused:
        await inspect(data)
    assert words in refused.value.message


async def test_a_picture_of_too_many_pixels_is_refused_before_it_is_decoded() -> None:
    out = io.BytesIO()
    Image.new("1", (11_000, 11_000)).save(out, "PNG")
    with pytest.raises(BadAttachment, match="40 million"):
        await inspect(out.getvalue())
