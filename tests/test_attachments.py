"""What may be attached is judged by its content and cleaned."""

import pytest

from attachments import BadAttachment, Recording, inspect
from tests.pictures import png
from tests.scripted_server import tone


async def test_a_recording_has_a_length() -> None:
    found = await inspect(tone(2.0))
    assert isinstance(found, Recording)
    assert found.seconds == pytest.approx(2.0)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "empty"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "SVG drawings cannot be read"),
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
