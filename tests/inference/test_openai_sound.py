"""Hearing and speaking against a real server, whatever its answers look like."""

import io
import wave

import orjson
import pytest

from inference.backend import BackendError, BadReply, Errand, ModelUnavailable, Speech, Unsupported
from inference.provider import Quirks
from tests.inference.conftest import Open
from tests.scripted_server import ScriptedServer, tone

ERRAND = Errand("ann", "c1", "t1", "speech")


@pytest.mark.parametrize(
    ("answer", "heard"),
    [
        (b'{"text": " hello world "}', "hello world"),
        (b'"hello world"', "hello world"),
        (b"hello world\n", "hello world"),
        (b'{"text": ""}', ""),
        (b'{"segments": [{"text": " hello"}, {"text": " world"}]}', "hello world"),
        (
            b'data: {"type": "transcript.text.delta", "delta": "hello "}\n\n'
            b'data: {"type": "transcript.text.delta", "delta": "world"}\n\ndata: [DONE]\n\n',
            "hello world",
        ),
        (
            b'data: {"type": "transcript.text.delta", "delta": "hel"}\n\n'
            b'data: {"type": "transcript.text.done", "text": "hello world"}\n\n',
            "hello world",
        ),
        (b'data: {"text": "hello "}\n\ndata: {"text": "world"}\n\n', "hello world"),
        (b"data: hello world\n\n", "hello world"),
    ],
)
async def test_a_recording_is_heard_in_any_form_of_answer(
    model: ScriptedServer, backend: Open, answer: bytes, heard: str
) -> None:
    model.raw(answer, content_type="application/json", on="transcription")
    sound = Speech(tone(), "audio/webm")  # the bytes are a WAV, whatever was said of them
    assert await backend().transcribe(sound, "hearing", ERRAND) == heard
    (hit,) = model.hits
    assert hit.path == "/v1/audio/transcriptions"
    assert b'filename="recording.wav"' in hit.body
    assert b"Content-Type: audio/wav" in hit.body
    assert b"hearing" in hit.body


async def test_a_transcription_that_fails_says_why(model: ScriptedServer, backend: Open) -> None:
    model.fails(400, {"error": {"message": "does not support audio"}}, on="transcription")
    model.raw(b"<html><title>Nope</title>", content_type="text/html", on="transcription")
    model.raw(b'{"odd": 1}', content_type="application/json", on="transcription")
    model.raw(b'data: {"error": {"message": "x"}}\n\n', on="transcription")
    sound, opened = Speech(tone(), "audio/wav"), backend()
    for kind in (Unsupported, BadReply, BadReply, BackendError):
        with pytest.raises(kind):
            await opened.transcribe(sound, "hearing", ERRAND)
    with pytest.raises(ModelUnavailable):
        await opened.transcribe(sound, "", ERRAND)
    assert len(model.hits) == 4


@pytest.mark.parametrize(
    ("data", "mime"),
    [
        (tone(0.1), "audio/wav"),
        (b"ID3\x04 and so on", "audio/mpeg"),
        (b"\xff\xfb\x90\x64 and so on", "audio/mpeg"),
        (b"OggS and so on", "audio/ogg"),
        (b"fLaC and so on", "audio/flac"),
    ],
)
async def test_speech_is_called_what_it_is(
    model: ScriptedServer, backend: Open, data: bytes, mime: str
) -> None:
    model.speaks(data, content_type="audio/mpeg")
    assert await backend().speak("Hi", "speaking", "calm", ERRAND) == Speech(data, mime)


async def test_headerless_samples_become_a_wav(model: ScriptedServer, backend: Open) -> None:
    model.speaks(b"\x01\x02" * 24_000, content_type="audio/pcm")
    model.speaks(b"\x01\x02" * 8_000, content_type="audio/pcm;rate=16000")
    opened = backend()
    for rate, seconds in ((24_000, 1.0), (16_000, 0.5)):
        speech = await opened.speak("Hi", "speaking", "calm", ERRAND)
        with wave.open(io.BytesIO(speech.data)) as wav:
            assert (wav.getframerate(), wav.getnframes() / rate) == (rate, seconds)


async def test_a_wav_of_unknown_length_gets_its_true_one(
    model: ScriptedServer, backend: Open
) -> None:
    streamed = bytearray(tone(0.5))
    streamed[4:8] = streamed[40:44] = b"\xff\xff\xff\xff"
    model.speaks(bytes(streamed))
    speech = await backend().speak("Hi", "speaking", "calm", ERRAND)
    assert speech.data == tone(0.5)


async def test_speech_is_asked_for_as_the_provider_wants_it(
    model: ScriptedServer, backend: Open
) -> None:
    await backend().speak("Hi", "speaking", "calm", ERRAND)
    await backend(quirks=Quirks(speech_format="")).speak("Hi", "speaking", "", ERRAND)
    assert [orjson.loads(hit.body) for hit in model.hits] == [
        {"input": "Hi", "model": "speaking", "voice": "calm", "response_format": "wav"},
        {"input": "Hi", "model": "speaking"},
    ]


@pytest.mark.parametrize(
    ("data", "content_type"),
    [
        (b'{"error": {"message": "no voice"}}', "application/json"),
        (b"<html><title>no voice</title></html>", "text/html"),
        (b"", "audio/wav"),
    ],
)
async def test_what_is_no_sound_is_an_error(
    model: ScriptedServer, backend: Open, data: bytes, content_type: str
) -> None:
    model.raw(data, content_type=content_type, on="speech")
    with pytest.raises(BackendError):
        await backend().speak("Hi", "speaking", "calm", ERRAND)
