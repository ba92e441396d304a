"""One turn, as the events it yields and the requests it sends."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from events import (
    Event,
    Recalled,
    RequestSent,
    SpokenWhole,
    ToolCalled,
    ToolReturned,
    Transcribed,
    TurnEnded,
    TurnStarted,
    from_jsonl,
    to_jsonl,
)
from exchange import Exchange, grow
from handler import run_turn
from house import House
from messages import Message, Text, Wishes, new_id
from steps.course import Turn
from tests.conftest import OWNER, kinds, said
from tests.pictures import png
from tests.scripted_server import ScriptedServer, tone
from tests.speech import speech, wav

RunTurn = Callable[..., Awaitable[list[Event]]]


@pytest.fixture
def turn(house: House) -> RunTurn:
    async def run(
        *parts: Any, speak: bool = False, history: tuple[Message, ...] = ()
    ) -> list[Event]:
        asked = Turn(OWNER, new_id(), said(*parts), new_id(), history, Wishes(speak))
        return [event async for event in run_turn(asked, house.layers)]

    return run


def ending(events: list[Event]) -> TurnEnded:
    assert isinstance(events[-1], TurnEnded)
    assert [e.kind for e in events].count("turn_ended") == 1
    return events[-1]


def reply(events: list[Event]) -> Message:
    return exchange(events).reply


def exchange(events: list[Event]) -> Exchange:
    assert isinstance(events[0], TurnStarted)
    from exchange import begin

    so_far = begin(events[0])
    for event in events:
        so_far = grow(so_far, event)
    return so_far


async def test_a_plain_turn_streams_an_answer_and_sends_one_request(
    model: ScriptedServer, turn: RunTurn
) -> None:
    model.says("Hello, ", "you.")
    events = await turn("Hi")
    assert kinds(events) == [
        "turn_started", "model_chosen", "context_built", "request_sent", "text_delta",
        "request_sent", "turn_ended",
    ]  # fmt: skip
    assert reply(events).text == "Hello, you."
    assert ending(events).reason == "done"
    assert len(model.hits) == 1
    body = model.requests[0]
    assert body["model"] == "big"
    assert body["messages"][-1] == {"role": "user", "content": "Hi"}


async def test_two_tools_of_one_round_cost_two_requests_and_both_results_go_back(
    model: ScriptedServer, turn: RunTurn
) -> None:
    model.calls(("clock", {"zone": "Asia/Tokyo"}), ("calculate", {"expression": "17% of 240"}))
    model.says("It is late, and 40.8.")
    events = await turn("What time is it in Tokyo, and what is 17% of 240?")
    assert [e.kind for e in events].count("tool_called") == 2
    results = {e.result.text for e in events if isinstance(e, ToolReturned)}
    assert "40.8" in results
    assert len(model.hits) == 2
    sent_back = [m for m in model.requests[1]["messages"] if m["role"] == "tool"]
    assert [m["content"] for m in sent_back][-1] == "40.8" or "40.8" in str(sent_back)
    purposes = [r.purpose for r in (reply(events).provenance or pytest.fail()).requests]
    assert purposes == ["answer", "tool round"]


async def test_every_call_is_answered_whatever_the_model_wrote(
    model: ScriptedServer, turn: RunTurn
) -> None:
    model.calls(("no_such_tool", {}), ("clock", {"zone": 7}), ("calculate", '{"expression": "1+'))
    model.says("Sorry.")
    events = await turn("Go")
    called = [e.call.call_id for e in events if isinstance(e, ToolCalled)]
    answered = [e.result for e in events if isinstance(e, ToolReturned)]
    assert sorted(called) == sorted(r.call_id for r in answered)
    assert not any(r.ok for r in answered)
    assert ending(events).reason == "done"


async def test_a_model_that_never_stops_calling_is_asked_for_its_answer_without_tools(
    model: ScriptedServer, turn: RunTurn
) -> None:
    for _ in range(6):
        model.calls("clock", zone="UTC")
    model.says("Enough.")
    events = await turn("Loop")
    assert reply(events).text == "Enough."
    assert len(model.requests) == 7
    assert "tools" in model.requests[5]
    assert "tools" not in model.requests[6]


async def test_a_picture_goes_to_the_vision_model_in_one_request(
    model: ScriptedServer, turn: RunTurn, house: House
) -> None:
    picture = await house.assistant.attach(OWNER, png("Hello"), "hello.png")
    model.says("A greeting.")
    events = await turn(picture, "What is this?")
    assert len(model.hits) == 1
    body = model.requests[0]
    assert body["model"] == "seeing"
    urls = [
        part["image_url"]["url"] for part in body["messages"][-1]["content"] if "image_url" in part
    ]
    assert [url.partition(",")[0] for url in urls] == ["data:image/png;base64"]
    assert ending(events).reason == "done"


async def test_a_spoken_question_is_transcribed_and_answered_in_two_requests(
    model: ScriptedServer, turn: RunTurn, house: House
) -> None:
    recording = await house.assistant.attach(OWNER, wav(speech("Hello there")), "voice.wav")
    model.hears("what is the time")
    model.says("Late.")
    events = await turn(recording)
    heard = next(e for e in events if isinstance(e, Transcribed))
    assert heard.audio.transcript == "what is the time"
    assert exchange(events).said.text == "what is the time"
    assert "what is the time" in str(model.requests[-1]["messages"][-1])
    assert [hit.path for hit in model.hits] == ["/v1/audio/transcriptions", "/v1/chat/completions"]


async def test_silence_costs_no_answer(model: ScriptedServer, turn: RunTurn, house: House) -> None:
    """Nor does a sound in which nobody speaks cost a transcription."""
    for sound, words, cost in ((wav(speech("Hum")), "[BLANK_AUDIO]", 1), (tone(), "", 0)):
        model.reset()
        model.hears(words)
        recording = await house.assistant.attach(OWNER, sound, "voice.wav")
        fault = ending(await turn(recording)).fault
        assert fault
        assert "No speech" in fault.message
        assert len(model.hits) == cost


async def test_a_reply_is_spoken_without_its_marks_when_asked_for(
    model: ScriptedServer, turn: RunTurn, house: House
) -> None:
    model.says("**Bold** words.\n\n```py\nx = 1\n```")
    model.speaks()
    events = await turn("Say it", speak=True)
    spoken = next(e for e in events if isinstance(e, SpokenWhole))
    assert spoken.media.mime == "audio/wav"
    assert Path(house.layers.media.read(spoken.media)[:4].decode()) == Path("RIFF")
    assert len(model.hits) == 2
    assert b"Bold words.\\nThere is code on the screen." in model.hits[1].body


async def test_a_voice_that_fails_does_not_lose_the_reply(
    model: ScriptedServer, turn: RunTurn
) -> None:
    model.says("Words.")
    model.fails(503, {"error": {"message": "voice is asleep"}}, on="speech")
    events = await turn("Say it", speak=True)
    end = ending(events)
    assert end.reason == "done"
    assert end.fault
    assert "voice is asleep" in end.fault.message
    assert reply(events).text == "Words."


async def test_an_error_of_the_provider_is_data_with_its_own_words(
    model: ScriptedServer, turn: RunTurn
) -> None:
    model.fails(401, {"error": {"message": "Incorrect API key provided: k-1"}})
    events = await turn("Hi")
    end = ending(events)
    assert end.reason == "failed"
    assert end.fault
    assert "k-1" not in end.fault.message
    assert len(model.hits) == 1


async def test_what_arrived_before_a_cut_is_kept(model: ScriptedServer, turn: RunTurn) -> None:
    piece = b'data: {"choices":[{"delta":{"content":"Half a "}}]}\n\n'
    model.raw(piece, content_type="text/event-stream", cut=True)
    events = await turn("Hi")
    assert ending(events).reason == "interrupted"
    assert reply(events).text == "Half a "


async def test_cancelling_ends_the_turn_with_every_call_answered(
    model: ScriptedServer, house: House
) -> None:
    model.says("One ", "two ", "three ", "four ", delay_s=0.2)
    asked = Turn(OWNER, new_id(), said("Count"), new_id(), ())
    events: list[Event] = []

    async def pull() -> None:
        async for event in run_turn(asked, house.layers):
            events.append(event)

    task = asyncio.create_task(pull())
    while "text_delta" not in kinds(events):
        await asyncio.sleep(0.01)
    task.cancel()
    await asyncio.wait([task])
    assert ending(events).reason == "stopped"
    for _ in range(30):
        if model.disconnects:
            break
        await asyncio.sleep(0.01)
    assert model.disconnects == 1


async def test_a_message_too_large_for_the_window_costs_nothing(
    model: ScriptedServer, turn: RunTurn
) -> None:
    events = await turn("word " * 200_000)
    assert ending(events).reason == "failed"
    assert not model.hits


async def test_what_was_said_in_one_conversation_is_recalled_in_another(
    model: ScriptedServer, turn: RunTurn
) -> None:
    model.says("Noted.").says("Peanuts.")
    await turn("I am allergic to peanuts and walnuts.")
    events = await turn("What am I allergic to?")
    recalled = next(e for e in events if isinstance(e, Recalled))
    assert "peanuts" in recalled.memories[0].text
    assert "peanuts" in str(model.requests[1]["messages"])
    assert len(model.hits) == 2


async def test_a_turn_written_to_jsonl_replays_to_the_same_reply(
    model: ScriptedServer, turn: RunTurn
) -> None:
    model.thinks("Hm.").calls("clock", zone="UTC")
    model.says("It is late.")
    events = await turn("What time is it?")
    replayed = from_jsonl(to_jsonl(events))
    assert replayed == events
    assert exchange(replayed) == exchange(events)
    assert Text("It is late.") in reply(events).parts
    assert RequestSent in {type(e) for e in replayed}
