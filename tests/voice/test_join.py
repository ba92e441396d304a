"""One sound of many pieces: measured in its samples."""

import io
import wave

import numpy as np
import pytest

from tests.scripted_server import tone
from voice import decode
from voice.join import RATE, join, wav_of
from voice.whole import put_together


def samples(wav: bytes) -> "np.ndarray[tuple[int], np.dtype[np.float64]]":
    with wave.open(io.BytesIO(wav)) as opened:
        assert (opened.getnchannels(), opened.getsampwidth(), opened.getframerate()) == (1, 2, RATE)
        return np.frombuffer(opened.readframes(opened.getnframes()), np.int16) / 32768


def silence(seconds: float, rate: int = 16_000) -> bytes:
    return bytes(2 * int(seconds * rate))


def padded(before: float, after: float, gain: float = 1.0) -> bytes:
    middle = (np.frombuffer(tone()[44:], np.int16) * gain).astype(np.int16).tobytes()
    return wav_of(silence(before) + middle + silence(after), 16_000)


def longest_quiet(sound: "np.ndarray[tuple[int], np.dtype[np.float64]]") -> float:
    loud = np.flatnonzero(np.abs(sound) > 0.01)
    return float(np.diff(loud).max() / RATE)


def test_pieces_follow_each_other_without_a_gap_or_a_click() -> None:
    joined = join([tone(1.0), tone(0.5, rate=22_050), tone(0.5, rate=24_000)])
    sound = samples(joined.wav)
    assert joined.seconds == pytest.approx(2.0, abs=0.01)
    assert joined.starts == pytest.approx((0.0, 1.0, 1.5), abs=0.01)
    assert longest_quiet(sound) < 0.01
    assert np.abs(np.diff(sound)).max() < 0.06  # a 440 Hz tone moves so far, a click further


def test_silence_around_the_pieces_is_cut_to_a_breath() -> None:
    joined = join([padded(0.8, 1.2), padded(0.5, 0.9)])
    assert 2.2 < joined.seconds < 2.5
    assert longest_quiet(samples(joined.wav)) < 0.25


def test_a_whisper_and_a_shout_come_out_alike() -> None:
    sound = samples(join([padded(0, 0, 0.1), padded(0, 0, 2.5)]).wav)
    whisper, shout = (np.sqrt(np.mean(half**2)) for half in np.array_split(sound, 2))
    assert shout / whisper < 2.2  # 25 before
    assert np.abs(sound).max() < 0.95


def test_a_silent_piece_takes_no_time() -> None:
    assert join([tone(), wav_of(silence(3), 16_000)]).seconds == pytest.approx(1.0, abs=0.01)


@pytest.mark.parametrize("data", [b"", b"RIFF....WAVE", b"no sound"])
def test_what_is_no_wav_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError):
        join([data])


async def test_compressed_pieces_are_joined_too_and_a_long_reply_is_kept_small() -> None:
    mp3 = (await decode.mp3(tone(20.0))).data
    whole = await put_together([mp3, tone(10.0)])
    assert whole
    assert whole.mime == "audio/mpeg"
    assert whole.seconds == pytest.approx(30.0, abs=0.3)
    assert len(whole.data) < 300_000
    assert await put_together([tone(), b"\xff\xfb no sound"]) is None
