"""Recordings: any usual form is taken, by its content; whatever else it is, a sentence says so."""

import io
import json
import os
import struct
import subprocess
import sys
import wave
from pathlib import Path

import pytest

from attachments import BadAttachment, Recording, described, inspect
from messages import Audio, Media
from tests.scripted_server import tone
from tests.speech import speech, wav
from tests.voice.sounds import FORMS, SAID, TITLE, encoded, ffmpeg
from voice.activity import VoiceActivity
from voice.decode import RATE
from voice.recording import as_wav, is_sound, samples

ROOT = Path(__file__).parents[2]
LENGTH_S = len(speech(SAID)) / 2 / RATE


@pytest.mark.parametrize("form", FORMS)
async def test_a_recording_of_any_form_becomes_one_that_everybody_plays(form: str) -> None:
    given = encoded(form)
    assert TITLE.encode() in given
    found = await inspect(given)
    assert isinstance(found, Recording)
    assert found.mime == "audio/mpeg"
    assert found.seconds == pytest.approx(LENGTH_S, abs=0.2)
    assert TITLE.encode() not in found.data
    pcm = await samples(found.data)
    assert len(pcm) / 2 / RATE == pytest.approx(LENGTH_S, abs=0.2)
    assert await inspect(given) == found  # the same bytes: paid for once, whoever brings them again


async def test_speech_is_still_speech_after_it_was_kept() -> None:
    activity = VoiceActivity()
    try:
        found = await inspect(encoded("m4a"))
        assert await activity.spans(await samples(found.data))
    finally:
        await activity.close()


async def test_what_the_page_recorded_is_kept_as_it_is() -> None:
    said = as_wav(speech(SAID))
    found = await inspect(said)
    assert isinstance(found, Recording)
    assert (found.data, found.mime) == (said, "audio/wav")
    assert await samples(said) == speech(SAID)
    with wave.open(io.BytesIO(said)) as reader:
        assert reader.getnframes() / reader.getframerate() == found.seconds


async def test_a_long_take_is_kept_small() -> None:
    found = await inspect(as_wav(bytes(2 * RATE * 600 + 4_000)))  # the recorder stops a little late
    assert isinstance(found, Recording)
    assert found.mime == "audio/mpeg"
    assert len(found.data) < 5_000_000
    assert found.seconds == pytest.approx(600, abs=1)


async def test_the_length_of_what_is_kept_is_known_without_decoding_it() -> None:
    for sound, mime in ((tone(2.0), "audio/wav"), (tone(2.0, rate=8_000), "audio/wav")):
        part = described(Media("0" * 64, mime, len(sound)), sound)
        assert isinstance(part, Audio)
        assert part.seconds == pytest.approx(2.0)


@pytest.mark.parametrize(
    "data",
    [
        b"\xff\xfeH\0e\0l\0l\0o\0",
        b"RIFF\0\0\0\0WEBPVP8 ",
        b"\0\0\0\x18ftypavif",
        b"\0\0\0\x18ftypheic",
        b"\xff\xd8\xff\xe0 JPEG",
        b"ID",
        b"",
    ],
)
def test_texts_and_pictures_are_no_sound(data: bytes) -> None:
    assert not is_sound(data)


def _wav(rate_hz: int, frames: int) -> bytes:
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setnchannels(1)
        writer.setsampwidth(2)
        writer.setframerate(rate_hz)
        writer.writeframes(bytes(2 * frames))
    return file.getvalue()


def hostile(sibling: Path) -> dict[str, tuple[bytes, str]]:
    """What is attached, and some words of what is said of it. `sibling` is a good recording."""
    concat = f"ffconcat version 1.0\nfile '{sibling}'\n".encode()
    playlist = f"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\nfile://{sibling}\n".encode()
    huge_chunk = b"RIFF\xff\xff\xff\xffWAVEfmt \xff\xff\xff\x7f" + bytes(64)
    channels = struct.pack(
        "<4sIHHIIHH4sI", b"fmt ", 16, 1, 65_535, 16_000, 32_000, 2, 16, b"data", 64
    )
    mute = ffmpeg("-f", "lavfi", "-i", "color=s=16x16:d=1", "-c:v", "libvpx", "-f", "webm")
    return {
        "0 bytes": (b"", "empty"),
        "no samples": (tone(0.0), "empty"),
        "a header alone": (b"RIFF\0\0\0\0WAVEfmt ", "cannot be read"),
        "1 Hz": (_wav(1, 16_000), "4:26:40 long"),
        "3 hours": (encoded("mp3", tone(9.0)) * 1_200, "long; 10 minutes"),
        "11 minutes": (_wav(8_000, 8_000 * 660), "11:00 long"),
        "a text that lists others, named .webm": (concat, "list of recordings"),
        "a list behind a title": (b"ID3\4\0\0\0\0\0\0" + concat, "cannot be read"),
        "a playlist": (playlist, "list of recordings"),
        "a playlist behind a title": (b"ID3\4\0\0\0\0\0\0" + playlist, "cannot be read"),
        "cut off": (encoded("webm", tone(9.0))[:30_000], "cut off after"),
        "cut before its index": (encoded("m4a")[:-2_000], "cannot be read"),
        "noise behind a name": (b"OggS" + bytes(range(256)) * 40, "cannot be read"),
        "a chunk of 2 GB": (huge_chunk, "cannot be read"),
        "65,535 channels": (b"RIFF\x64\0\0\0WAVE" + channels + bytes(64), "cannot be read"),
        "a film without sound": (mute, "Videos cannot be read"),
        "too large": (b"fLaC" + bytes(26 << 20), "25 MB"),
    }


_ATTACH = """
import asyncio, json, resource, sys
from pathlib import Path
from attachments import BadAttachment, inspect

async def told(path):
    try:
        found = await inspect(path.read_bytes())
    except BadAttachment as refused:
        return f"{refused.message} {refused.advice}"
    return f"taken: {found.mime}"

async def main():
    return {path.name: await told(path) for path in sorted(Path(sys.argv[1]).iterdir())}

said = asyncio.run(main())
most = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
print(json.dumps({"said": said, "most": most}))
"""


def test_hostile_recordings_are_answered_in_little_room_and_leave_nothing_behind(
    tmp_path: Path,
) -> None:
    given, temporary = tmp_path / "given", tmp_path / "temporary"
    given.mkdir()
    temporary.mkdir()
    sibling = tmp_path / "sibling.wav"
    sibling.write_bytes(wav(speech(SAID)))
    cases = hostile(sibling)
    for name, (data, _) in cases.items():
        (given / name.replace(" ", "_")).write_bytes(data)
    run = subprocess.run(
        [sys.executable, "-c", _ATTACH, str(given)],
        cwd=ROOT,
        env={**os.environ, "TMPDIR": str(temporary)},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert run.returncode == 0, run.stderr
    answer = json.loads(run.stdout)
    for name, (_, words) in cases.items():
        assert words in answer["said"][name.replace(" ", "_")], name
    assert list(temporary.iterdir()) == []
    assert answer["most"] < 1_000_000  # kB


async def test_a_polyglot_is_kept_without_its_other_half() -> None:
    page = b"<script>alert(1)</script>"
    found = await inspect(wav(speech(SAID)) + page)
    assert isinstance(found, Recording)
    assert page not in found.data
    assert found.mime == "audio/mpeg"
    with pytest.raises(BadAttachment):
        await inspect(b"OggS" + page)
