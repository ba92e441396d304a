"""The offline engine's reading, hearing and speaking, through the real openai client."""

import asyncio
import base64
import io
import os
import shutil
import signal
import sys
import wave
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import openai
import pytest
from PIL import Image, ImageDraw, ImageFont

from inference.offline.engine import OfflineEngine
from inference.offline.senses.framing import receive, send


@pytest.fixture(scope="module", autouse=True)
def _senses_installed() -> None:
    pytest.importorskip("pocketsphinx")
    pytest.importorskip("espeakng_loader")


# One engine for the file: reading takes seconds to load.
@pytest.fixture(scope="module")
def engine() -> Iterator[OfflineEngine]:
    engine = OfflineEngine()
    asyncio.run(engine.start())  # it has a thread and a loop of its own
    yield engine
    asyncio.run(engine.stop())


@pytest.fixture
async def client(engine: OfflineEngine) -> AsyncIterator[openai.AsyncOpenAI]:
    async with openai.AsyncOpenAI(
        base_url=engine.base_url, api_key=engine.key, max_retries=0
    ) as client:
        yield client


def picture(*lines: str, size: tuple[int, int] = (900, 300), turned: int = 0) -> str:
    """A data URI of a white PNG with navy lines."""
    image = Image.new("RGB", size, "white")
    draw = ImageDraw.Draw(image)
    for i, line in enumerate(lines):
        draw.text((40, 30 + i * 70), line, fill="navy", font=ImageFont.load_default(36))
    return data_uri(image.rotate(turned, expand=True))


def data_uri(image: Image.Image) -> str:
    file = io.BytesIO()
    image.save(file, "PNG")
    return f"data:image/png;base64,{base64.b64encode(file.getvalue()).decode()}"


async def about(client: openai.AsyncOpenAI, *uris: str, said: str = "What is this?") -> str:
    parts: list[Any] = [{"type": "text", "text": said}]
    parts += [{"type": "image_url", "image_url": {"url": uri}} for uri in uris]
    answer = await client.chat.completions.create(
        model="parley-offline", messages=[{"role": "user", "content": parts}]
    )
    return str(answer.choices[0].message.content)


def wav(samples: bytes, rate_hz: int = 16_000, channels: int = 1) -> bytes:
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setnchannels(channels)
        writer.setsampwidth(2)
        writer.setframerate(rate_hz)
        writer.writeframes(samples)
    return file.getvalue()


def seconds(sound: bytes) -> float:
    with wave.open(io.BytesIO(sound)) as reader:
        return float(reader.getnframes() / reader.getframerate())


async def spoken(client: openai.AsyncOpenAI, text: str, **options: Any) -> bytes:
    answer = await client.audio.speech.create(
        model="parley-offline-voice", voice=options.pop("voice", "en-us"), input=text, **options
    )
    return answer.content


async def transcript(client: openai.AsyncOpenAI, sound: bytes, name: str = "said.wav") -> str:
    heard = await client.audio.transcriptions.create(
        model="parley-offline-hearing", file=(name, sound)
    )
    return heard.text


async def test_the_text_of_a_picture_is_quoted_with_its_size_and_colours(
    client: openai.AsyncOpenAI,
) -> None:
    text = await about(client, picture("Invoice 4711", "Total due: 128.50 EUR"))
    assert "```text\nInvoice 4711\nTotal due: 128.50 EUR\n```" in text.replace(
        "\n\nTotal", "\nTotal"
    )
    assert "landscape PNG of 900 × 300 pixels" in text
    assert "white" in text


async def test_a_picture_that_lies_on_its_side_is_read_too(client: openai.AsyncOpenAI) -> None:
    text = await about(client, picture("Invoice 4711", "Total due: 128.50 EUR", turned=90))
    assert "Invoice 4711" in text
    assert "turned" in text


async def test_columns_are_read_one_after_the_other(client: openai.AsyncOpenAI) -> None:
    image = Image.new("RGB", (1200, 420), "white")
    draw = ImageDraw.Draw(image)
    columns = (
        ("The first column tells", "of a ship that sailed", "towards the north", "in early spring"),
        ("While the second one", "speaks about a garden", "with seven apple trees", "and one pond"),
    )
    for x, column in zip((40, 660), columns, strict=True):
        for i, line in enumerate(column):
            draw.text((x, 40 + i * 50), line, fill="black", font=ImageFont.load_default(32))
    text = await about(client, data_uri(image))
    assert text.index("in early spring") < text.index("While the second one")


async def test_the_rows_of_a_table_stay_together(client: openai.AsyncOpenAI) -> None:
    image = Image.new("RGB", (800, 320), "white")
    draw = ImageDraw.Draw(image)
    rows = (("Item", "Price"), ("Coffee", "3.20"), ("Bread", "2.75"), ("Apples", "4.10"))
    for i, row in enumerate(rows):
        for x, cell in zip((40, 500), row, strict=True):
            draw.text((x, 30 + i * 60), cell, fill="black", font=ImageFont.load_default(34))
    text = await about(client, data_uri(image))
    assert "Coffee  3.20" in text
    assert "Apples  4.10" in text


async def test_a_picture_without_text_is_told_by_size_and_colour(
    client: openai.AsyncOpenAI,
) -> None:
    text = await about(client, data_uri(Image.new("RGB", (300, 400), (220, 20, 25))))
    assert "no text" in text
    assert "portrait PNG of 300 × 400 pixels, mostly red" in text


async def test_an_earlier_picture_can_be_asked_about_again(client: openai.AsyncOpenAI) -> None:
    shown: Any = [{"type": "image_url", "image_url": {"url": picture("Platform 9")}}]
    messages: Any = [
        {"role": "user", "content": shown},
        {"role": "assistant", "content": "…"},
        {"role": "user", "content": "What did the picture say?"},
    ]
    answer = await client.chat.completions.create(model="parley-offline", messages=messages)
    assert "Platform 9" in str(answer.choices[0].message.content)


@pytest.mark.parametrize(
    ("uri", "told"),
    [
        ("https://example.org/a.png", "data URI"),
        ("data:image/png;base64,!!!", "base64"),
        ("data:image/png;base64,aGVsbG8=", "PNG, JPEG, GIF or WebP"),
        (data_uri(Image.new("1", (9000, 9000))), "40 million"),
    ],
)
async def test_what_is_no_picture_to_open_is_refused(
    client: openai.AsyncOpenAI, uri: str, told: str
) -> None:
    with pytest.raises(openai.BadRequestError, match=told):
        await about(client, uri)


async def test_speech_is_a_wav_whose_length_follows_the_speed(client: openai.AsyncOpenAI) -> None:
    normal = await spoken(client, "Hello, this is Parley speaking.")
    fast = await spoken(client, "Hello, this is Parley speaking.", speed=2)
    assert 1.0 < seconds(normal) < 5.0
    assert seconds(fast) < 0.7 * seconds(normal)
    with wave.open(io.BytesIO(normal)) as reader:
        assert (reader.getframerate(), reader.getnchannels()) == (22_050, 1)
        samples = memoryview(reader.readframes(reader.getnframes())).cast("h")
    assert max(samples) > 3_000


async def test_an_unknown_voice_speaks_american_english(client: openai.AsyncOpenAI) -> None:
    usual = seconds(await spoken(client, "A schedule of tomatoes.", voice="en-us"))
    unknown = seconds(await spoken(client, "A schedule of tomatoes.", voice="af_heart"))
    british = seconds(await spoken(client, "A schedule of tomatoes.", voice="en-gb"))
    assert abs(unknown - usual) < 0.02
    assert abs(british - usual) > 0.005


async def test_the_voices_are_listed(client: openai.AsyncOpenAI) -> None:
    listed: Any = await client.get("/audio/voices", cast_to=object)
    names = {voice["id"]: voice["name"] for voice in listed["data"]}
    assert len(names) > 100
    assert names["en-us"] == "English (America)"


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"input": "a" * 4097}, "4096"),
        ({"input": " "}, "input"),
        ({"input": "a", "speed": 9}, "0.25 to 4"),
        ({"input": "a", "response_format": "mp3"}, "only wav"),
    ],
)
async def test_speech_that_cannot_be_made_is_refused(
    client: openai.AsyncOpenAI, options: Any, told: str
) -> None:
    with pytest.raises(openai.BadRequestError, match=told):
        await client.audio.speech.create(model="parley-offline-voice", voice="en-us", **options)


async def test_spoken_words_are_written_down(client: openai.AsyncOpenAI) -> None:
    sound = await spoken(client, "go forward ten meters", speed=0.8)
    assert "forward" in await transcript(client, sound)


async def test_a_stereo_recording_at_another_rate_is_heard_alike(
    client: openai.AsyncOpenAI,
) -> None:
    sound = await spoken(client, "go forward ten meters", speed=0.8)
    with wave.open(io.BytesIO(sound)) as reader:
        mono = memoryview(reader.readframes(reader.getnframes())).cast("h")
    doubled = b"".join(int(s).to_bytes(2, "little", signed=True) * 4 for s in mono)
    assert "forward" in await transcript(client, wav(doubled, rate_hz=44_100, channels=2))


async def test_silence_is_written_down_as_nothing(client: openai.AsyncOpenAI) -> None:
    assert await transcript(client, wav(bytes(2 * 16_000 * 2))) == ""


async def test_a_recording_without_samples_is_written_down_as_nothing(
    client: openai.AsyncOpenAI,
) -> None:
    assert await transcript(client, wav(b"")) == ""


@pytest.mark.parametrize(
    ("sound", "status", "told"),
    [
        (b"\x1aE\xdf\xa3 webm", 415, "Only PCM WAV"),
        (wav(bytes(2 * 8_000 * 121), rate_hz=8_000), 413, "120 s"),
        (wav(bytes(32_000), rate_hz=1), 400, "impossible"),
    ],
)
async def test_a_recording_that_cannot_be_heard_is_refused(
    client: openai.AsyncOpenAI, sound: bytes, status: int, told: str
) -> None:
    with pytest.raises(openai.APIStatusError, match=told) as refused:
        await transcript(client, sound)
    assert refused.value.status_code == status


async def test_a_killed_worker_is_replaced_at_the_next_request(
    engine: OfflineEngine, client: openai.AsyncOpenAI
) -> None:
    await spoken(client, "before")
    voice = next(worker for worker in engine.workers if worker.sense == "speaking")
    killed = voice.pid
    assert killed is not None
    os.kill(killed, signal.SIGKILL)
    assert seconds(await spoken(client, "after")) > 0.2
    assert voice.pid not in (None, killed)


async def test_a_request_nobody_waits_for_ends_its_worker(
    engine: OfflineEngine, client: openai.AsyncOpenAI
) -> None:
    noise = wav(os.urandom(2 * 16_000 * 100))
    hearing = next(worker for worker in engine.workers if worker.sense == "hearing")
    await transcript(client, wav(b""))
    busy = hearing.pid
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.3):
            await transcript(client, noise)
    async with asyncio.timeout(20):
        while hearing.pid == busy:
            await asyncio.sleep(0.02)
    assert hearing.pid is None


async def test_stopping_the_engine_ends_its_workers_and_its_port() -> None:
    engine = OfflineEngine()
    await engine.start()
    async with openai.AsyncOpenAI(
        base_url=engine.base_url, api_key=engine.key, max_retries=0
    ) as client:
        await spoken(client, "goodbye")
        voice = next(worker for worker in engine.workers if worker.sense == "speaking")
        pid = voice.pid
        assert pid is not None
        await engine.stop()
        with pytest.raises(openai.APIConnectionError):
            await spoken(client, "anybody there?")
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


async def test_a_sense_that_is_not_installed_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for package in ("rapidocr", "pocketsphinx", "espeakng_loader"):
        monkeypatch.setitem(sys.modules, package, None)  # Python's way of saying: not there
    engine = OfflineEngine()
    await engine.start()
    async with openai.AsyncOpenAI(
        base_url=engine.base_url, api_key=engine.key, max_retries=0
    ) as client:
        assert [m.id async for m in client.models.list()] == [
            "parley-offline",
            "parley-offline-embedding",
        ]
        for ask in (spoken(client, "hello"), transcript(client, wav(b""))):
            with pytest.raises(openai.APIStatusError, match=r"requirements-offline\.txt") as told:
                await ask
            assert told.value.status_code == 501
        seen = await about(client, picture("Invoice"))
        assert "900 × 300 pixels" in seen
        assert "requirements-offline.txt" in seen
    await engine.stop()


async def test_the_voice_works_from_a_folder_with_a_very_long_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import espeakng_loader

    deep = tmp_path / ("long" * 45)
    shutil.copytree(Path(espeakng_loader.__file__).parent, deep / "espeakng_loader")
    monkeypatch.setenv("PYTHONPATH", str(deep))
    engine = OfflineEngine()
    await engine.start()
    async with openai.AsyncOpenAI(
        base_url=engine.base_url, api_key=engine.key, max_retries=0
    ) as client:
        assert seconds(await spoken(client, "deep down")) > 0.2
    await engine.stop()


def test_a_message_cut_in_the_middle_is_the_end_of_the_line() -> None:
    pipe = io.BytesIO()
    send(pipe, {"do": "speak"}, b"body")
    assert receive(io.BytesIO(pipe.getvalue())) == ({"do": "speak"}, b"body")
    assert receive(io.BytesIO(pipe.getvalue()[:-1])) is None
    assert receive(io.BytesIO(b"")) is None
