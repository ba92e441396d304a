"""A hands-free call over a whole Parley: real speech in, and what a page is told out."""

import asyncio
import json
import os
import re
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from components.call_meter import Meter, Prices
from house import House
from messages import Request
from tests.components.conftest import Frame, Visitor
from tests.scripted_server import ScriptedServer
from tests.speech import noise, silence, speech

TALK = "d" * 32
QUESTION = "What is the capital of France?"
HEARS, ANSWERS, SPEAKS = "/v1/audio/transcriptions", "/v1/chat/completions", "/v1/audio/speech"


class Caller:
    """A page in a call, from its side: it plays nothing, and so is silent as soon as it may be."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self.frames: list[Frame] = []

    async def tell(self, word: object) -> None:
        await self.socket.send(word if isinstance(word, str | bytes) else json.dumps(word))

    async def speak(self, *sounds: bytes) -> None:
        pcm = b"".join(sounds)
        pcm += b"\0" * (-len(pcm) % 1024)
        for at in range(0, len(pcm), 4096):
            await self.socket.send(pcm[at : at + 4096])

    async def until(self, wanted: Callable[[Frame], bool], *, obliging: bool = True) -> Frame:
        """The first frame from now on that is wanted; `obliging`: silent when the reply is over."""
        async with asyncio.timeout(20):
            while True:
                frame: Frame = json.loads(await self.socket.recv())
                self.frames.append(frame)
                if frame["kind"] == "over" and obliging:
                    await self.tell({"silent": True})
                if wanted(frame):
                    return frame

    async def state(self, name: str) -> None:
        await self.until(lambda frame: frame == {"kind": "state", "state": name})

    async def kind(self, name: str) -> Frame:
        return await self.until(lambda frame: frame["kind"] == name)

    def seen(self, kind: str) -> list[Frame]:
        return [frame for frame in self.frames if frame["kind"] == kind]


@asynccontextmanager
async def line(visitor: Visitor, **headers: str) -> AsyncIterator[Caller]:
    cookie = "; ".join(f"{name}={value}" for name, value in visitor.cookies.items())
    address = str(visitor.base_url.copy_with(scheme="ws")).rstrip("/") + "/parley/call"
    every = {"cookie": cookie, **headers}
    async with connect(address, additional_headers=every, close_timeout=2) as socket:
        yield Caller(socket)


@asynccontextmanager
async def calling(
    visitor: Visitor, conversation: str = TALK, **wishes: bool
) -> AsyncIterator[Caller]:
    async with line(visitor) as caller:
        await caller.tell({"begin": conversation, **wishes})
        await caller.state("listening")
        yield caller


def paths(model: ScriptedServer) -> list[str]:
    return [hit.path for hit in model.hits]


async def test_two_turns_without_a_hand(visitor: Visitor, model: ScriptedServer) -> None:
    model.hears("what is the capital of France").says("Paris.")
    model.hears("and of Italy").says("Rome.")
    async with calling(visitor) as caller:
        assert caller.seen("meter")[0]["costs"] == (
            "A call turn costs 2 requests (transcription, answer) plus speech."
        )
        await caller.speak(silence(0.3), speech(QUESTION), silence(0.8))
        await caller.state("hearing")
        await caller.state("thinking")
        assert (await caller.kind("heard"))["text"] == "what is the capital of France"
        assert (await caller.kind("over"))["spoken"]
        await caller.state("listening")
        assert re.search(
            r"This turn: 3 requests: 1 transcription \+ 1 answer \+ 1 speech. This call: 3",
            str(caller.seen("meter")),
        )
        await caller.speak(speech("And of Italy?"), silence(0.8))
        assert (await caller.kind("heard"))["text"] == "and of Italy"
        await caller.state("listening")
    assert paths(model) == [HEARS, ANSWERS, SPEAKS] * 2
    told = [message["content"] for message in model.requests[1]["messages"]]
    assert told[-3:] == ["what is the capital of France", "Paris.", "and of Italy"]


async def test_silence_and_noise_cost_nothing_and_are_said_once(
    visitor: Visitor, model: ScriptedServer
) -> None:
    async with calling(visitor) as caller:
        await caller.speak(noise(3), silence(6.5))
        await caller.kind("nothing")
        await caller.speak(b"\0" * 1024)
        await caller.tell({"half_duplex": False})
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.5):
                await caller.kind("nothing")
    assert model.hits == []


async def test_barging_in_stops_the_turn_and_keeps_what_it_said(
    visitor: Visitor, model: ScriptedServer, house: House
) -> None:
    model.hears("tell me a story").says(
        "Once upon a time ", *["there was more "] * 400, delay_s=0.05
    )
    model.hears("no, stop").says("As you wish.")
    async with calling(visitor) as caller:
        await caller.speak(speech("Tell me a story."), silence(0.8))
        await caller.kind("reply")
        while not model.requests:
            await asyncio.sleep(0.02)
        await caller.speak(speech("No, please stop it."), silence(0.8))
        await caller.kind("barged")
        assert (await caller.kind("heard"))["text"] == "no, stop"
        await caller.state("listening")
    assert model.disconnects == 1
    found = await house.assistant.open(visitor.cookies["parley"].split(".")[0], TALK)
    assert [m.status for m in found.messages] == ["done", "stopped", "done", "done"]
    assert found.messages[3].text == "As you wish."


async def test_who_goes_on_speaking_before_being_understood_sends_one_message(
    visitor: Visitor, model: ScriptedServer
) -> None:
    model.raw(
        b'{"text": "what is the capital"}',
        content_type="application/json",
        delay_s=1.5,
        on="transcription",
    )
    model.hears("of France").says("Paris.")
    async with calling(visitor) as caller:
        await caller.speak(
            speech("What is the capital"), silence(0.8), speech("of France, please?"), silence(0.8)
        )
        await caller.state("listening")
    assert paths(model) == [HEARS, HEARS, ANSWERS, SPEAKS]
    assert model.requests[0]["messages"][-1]["content"] == "what is the capital\n\nof France"


async def test_a_deaf_microphone_hears_nothing_while_parley_speaks(
    visitor: Visitor, model: ScriptedServer
) -> None:
    model.hears("hello").says("Good morning.")
    async with calling(visitor, half_duplex=True) as caller:
        await caller.speak(speech("Hello, Parley."), silence(0.8))
        await caller.kind("reply")
        await caller.tell({"speaking": True})
        await caller.until(lambda frame: frame.get("state") == "speaking", obliging=False)
        await caller.speak(speech(QUESTION), silence(0.8))
        await caller.until(lambda frame: frame["kind"] == "over", obliging=False)
        await caller.tell({"silent": True})
        await caller.state("listening")
    assert caller.seen("barged") == []
    assert paths(model) == [HEARS, ANSWERS, SPEAKS]


async def test_a_reply_that_fails_is_told_and_after_two_it_rests(
    visitor: Visitor, model: ScriptedServer
) -> None:
    async with calling(visitor) as caller:
        for _ in range(2):
            model.hears("hello").fails(400, {"error": {"message": "The model is asleep."}})
            await caller.speak(speech(QUESTION), silence(0.8))
            assert "asleep" in str(await caller.kind("told"))
            await caller.until(lambda frame: frame.get("state") in ("listening", "resting"))
        assert caller.frames[-1]["state"] == "resting"
        await caller.speak(speech(QUESTION), silence(0.8))
        await caller.tell({"wake": True})
        await caller.state("listening")
    assert len(paths(model)) == 4


async def test_words_that_are_none_send_no_message(visitor: Visitor, model: ScriptedServer) -> None:
    model.hears("")
    async with calling(visitor) as caller:
        await caller.speak(speech(QUESTION), silence(0.8))
        assert (await caller.kind("heard"))["text"] == ""
        await caller.state("listening")
    assert paths(model) == [HEARS]


async def test_what_this_machine_understood_waits_to_be_read(
    visitor: Visitor, model: ScriptedServer, house: House
) -> None:
    house.lines.use("transcription", "offline")
    model.says("Paris.")
    async with calling(visitor) as caller:
        assert "1 request (answer) plus speech" in str(caller.seen("meter")[0]["costs"])
        await caller.speak(speech(QUESTION), silence(0.8), speech("And more."), silence(0.8))
        heard = await caller.kind("heard")
        assert heard["rough"]
        assert heard["text"]
        await caller.state("drafting")
        await caller.speak(speech(QUESTION), silence(0.8))  # nobody listens while one reads
        await caller.tell({"say": "What is the capital of France?"})
        await caller.state("thinking")
        await caller.state("listening")
    assert paths(model) == [ANSWERS, SPEAKS]
    assert model.requests[0]["messages"][-1]["content"] == "What is the capital of France?"


async def test_the_detector_may_be_killed_in_a_call(
    visitor: Visitor, model: ScriptedServer, house: House
) -> None:
    model.hears("hello").says("Good morning.")
    async with calling(visitor) as caller:
        await caller.speak(silence(0.5))
        activity = house.assistant.activity
        assert activity is not None
        async with asyncio.timeout(5):
            while activity.pid is None:
                await asyncio.sleep(0.02)
        os.kill(activity.pid, signal.SIGKILL)
        await caller.speak(speech(QUESTION), silence(0.8))
        await caller.state("listening")
    assert paths(model) == [HEARS, ANSWERS, SPEAKS]


async def test_a_line_that_breaks_in_a_turn_finds_it_again(
    visitor: Visitor, model: ScriptedServer
) -> None:
    model.hears("hello").says(*["word "] * 30, delay_s=0.05)
    async with calling(visitor) as caller:
        await caller.speak(speech(QUESTION), silence(0.8))
        await caller.kind("reply")
        caller.socket.transport.abort()
    async with line(visitor) as caller:
        await caller.tell({"begin": TALK})
        await caller.state("thinking")
        await caller.kind("over")
        await caller.state("listening")
    assert paths(model) == [HEARS, ANSWERS, SPEAKS]


async def test_a_second_call_takes_the_place_of_the_first(visitor: Visitor) -> None:
    async with calling(visitor) as first, calling(visitor) as second:
        with pytest.raises(ConnectionClosed) as closed:
            await first.kind("never")
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 4001
        await second.tell({"half_duplex": True})
        await second.speak(silence(9))
        await second.kind("nothing")


async def test_two_visitors_call_at_once_and_hear_nothing_of_each_other(
    visitor: Visitor, stranger: Visitor, model: ScriptedServer
) -> None:
    model.hears("hello").says("Good morning.")
    async with calling(visitor) as one, calling(stranger) as other:
        await one.speak(speech(QUESTION), silence(0.8))
        await one.kind("over")
        await one.state("listening")
        await other.speak(silence(9))
        await other.kind("nothing")
    assert {frame["kind"] for frame in other.frames} == {"meter", "state", "nothing"}


async def test_a_conversation_of_somebody_else_cannot_be_talked_into(
    visitor: Visitor, model: ScriptedServer, house: House
) -> None:
    model.says("A secret.")
    await house.assistant.send("somebody", TALK, "My secret", [], speak=False)
    while (await house.assistant.open("somebody", TALK)).messages[-1].status == "running":
        await asyncio.sleep(0.02)
    model.hears("what is the secret")
    async with calling(visitor) as caller:
        await caller.speak(speech(QUESTION), silence(0.8))
        assert "not here any more" in str(await caller.kind("told"))
    assert "A secret." not in str(caller.frames)
    assert len(model.requests) == 1


@pytest.mark.parametrize(
    "junk",
    ["", "x", "[]", "null", "{}", '{"begin": 1}', '{"begin": "../x"}', '{"say": 3}', "[" * 4000],
    ids=lambda junk: junk[:16] or "nothing",
)
async def test_junk_is_passed_over(visitor: Visitor, junk: str) -> None:
    async with line(visitor) as caller:
        await caller.tell(junk)
        await caller.speak(silence(0.2))  # sound before the call begins
        await caller.tell({"begin": TALK})
        await caller.state("listening")
        await caller.tell(junk)
        await caller.tell({"say": "nothing was drafted", "silent": True, "wake": True})
        await caller.speak(silence(9))
        await caller.kind("nothing")


@pytest.mark.parametrize(
    ("sound", "code"),
    [
        (bytes(10_000_000), 1009),
        (bytes(16_384 + 1024), 1009),
        (b"\0" * 999, 1008),
        ("a" * 9000, 1009),
    ],
    ids=["10 MB", "17 frames", "half a frame", "a long word"],
)
async def test_what_no_page_sends_ends_the_call(
    visitor: Visitor, sound: bytes | str, code: int
) -> None:
    async with line(visitor) as caller:
        await caller.tell({"begin": TALK})
        await caller.tell(sound)
        with pytest.raises(ConnectionClosed) as closed:
            await caller.kind("never")
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == code
    async with calling(visitor):
        pass  # the next one is welcome


async def test_sound_that_comes_faster_than_anybody_speaks_ends_the_call(visitor: Visitor) -> None:
    async with line(visitor) as caller:
        await caller.tell({"begin": TALK})
        with pytest.raises(ConnectionClosed) as closed:
            await caller.speak(silence(600))
            await caller.kind("never")
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1008


async def test_another_site_cannot_call(visitor: Visitor) -> None:
    with pytest.raises(InvalidStatus) as refused:
        async with line(visitor, origin="http://evil.example"):
            pass
    assert refused.value.response.status_code == 403


def test_the_meter_counts_what_was_really_sent() -> None:
    assert Prices(hearing=False, answer=True, speech=False).told() == (
        "A call turn costs 1 request (answer)."
    )
    assert Prices(hearing=False, answer=False, speech=False).told() == (
        "A call turn costs no requests."
    )
    meter = Meter()
    assert meter.told() == ""
    meter.heard()
    assert meter.told() == "This turn: 1 request: transcription. This call: 1 request."
    heard, free = Request("transcription", "m"), Request("speech", "m", free=True)
    assert meter.reply([heard, Request("answer", "m"), free])
    assert not meter.reply([heard, Request("answer", "m"), free])
    assert (
        meter.told() == "This turn: 2 requests: 1 transcription + 1 answer. This call: 2 requests."
    )
    meter.close()
    assert meter.told() == "This call: 2 requests."
