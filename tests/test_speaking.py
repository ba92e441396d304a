"""Replies that are spoken: what is asked for, when, and what is kept of it."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from components.voice import spoken
from events import Event, Spoken, SpokenWhole, TextDelta, TurnEnded, TurnStarted, Unvoiced
from exchange import begin, grow
from handler import run_turn
from house import House, open_house
from inference.connection import connect
from inference.openai_backend import OpenAIBackend
from inference.provider import load_providers
from inference.switchboard import Switchboard
from inference.transport import Deadlines
from inference.voices import Voice, listed, of_file, suited
from memory.edge import Missing
from messages import Choices, Message, Wishes, message_from_json, message_to_json, new_id
from settings import Settings
from steps.course import Turn
from tests.conftest import OWNER, said
from tests.scripted_server import ScriptedServer, tone

LONG = "This is the first sentence, and it is long enough to be worth a request. "
RunTurn = Callable[..., Awaitable[list[Event]]]


@asynccontextmanager
async def opened(model: ScriptedServer, data: Path, **chosen: Any) -> AsyncIterator[House]:
    """A house whose provider bills as its file says."""
    settings = Settings(model="big", speech_model="speaking", data_dir=data, **chosen)
    known = load_providers()
    provider = replace(known["oxlo"], base_url=model.base_url, plans={}, plan="")
    connection = connect({**known, "oxlo": provider}, model.base_url, "k-1", {})
    async with open_house(replace(settings, base_url=model.base_url), connection) as house:
        yield house


@pytest.fixture
async def oxlo(model: ScriptedServer, tmp_path: Path) -> AsyncIterator[House]:
    """A house whose provider bills by the request."""
    async with opened(model, tmp_path) as house:
        yield house


async def run(house: House, words: str = "Say it", choices: Choices | None = None) -> list[Event]:
    wishes = Wishes(True, choices or Choices())
    turn = Turn(OWNER, new_id(), said(words), new_id(), (), wishes)
    layers = replace(house.layers, pieces_kept_s=2)
    return [event async for event in run_turn(turn, layers)]


def reply(events: list[Event]) -> Message:
    assert isinstance(events[0], TurnStarted)
    exchange = begin(events[0])
    for event in events:
        exchange = grow(exchange, event)
    return exchange.reply


def asked(model: ScriptedServer) -> list[dict[str, Any]]:
    return [json.loads(hit.body) for hit in model.hits if hit.path.endswith("/speech")]


def ended(events: list[Event]) -> TurnEnded:
    assert isinstance(events[-1], TurnEnded)
    return events[-1]


async def test_a_reply_billed_by_the_request_is_spoken_in_two_the_first_while_it_is_written(
    model: ScriptedServer, oxlo: House
) -> None:
    model.says(
        LONG, "More", *[" "] * 10, "of it. And", " more.\n\n- And a list. ", "End.", delay_s=0.05
    )
    events = await run(oxlo)
    assert [body["input"] for body in asked(model)] == [
        LONG.strip(), "More of it. And more.\nAnd a list. End.",
    ]  # fmt: skip
    spoken = [n for n, event in enumerate(events) if isinstance(event, Spoken)]
    words = [n for n, event in enumerate(events) if isinstance(event, TextDelta)]
    assert words[0] < spoken[0] < words[-1] < spoken[1]
    about = reply(events).provenance
    assert about
    assert [request.purpose for request in about.requests] == ["answer", "speech", "speech"]
    assert about.requests[0].completion_tokens > 0


async def test_the_pieces_become_one_sound_with_the_message_and_are_given_up(
    model: ScriptedServer, oxlo: House
) -> None:
    model.says(LONG, "The end.")
    model.speaks(tone(1.0)).speaks(tone(0.5))
    events = await run(oxlo)
    whole = next(event for event in events if isinstance(event, SpokenWhole))
    assert whole.seconds == pytest.approx(1.5, abs=0.05)
    assert whole.starts == pytest.approx((0.0, 1.0), abs=0.05)
    about = reply(events).provenance
    assert about
    assert (about.spoken, about.pieces) == (whole.media, ())
    assert oxlo.layers.media.read(whole.media)[:4] == b"RIFF"
    pieces = [event.media.sha256 for event in events if isinstance(event, Spoken)]
    assert len(pieces) == 2
    assert [await is_kept(oxlo, sha256) for sha256 in pieces] == [True, True]
    async with asyncio.timeout(15):
        for sha256 in pieces:
            while await is_kept(oxlo, sha256):
                await asyncio.sleep(0.1)


async def is_kept(house: House, sha256: str) -> bool:
    try:
        await house.layers.media.path(OWNER, sha256)
    except Missing:
        return False
    return True


@asynccontextmanager
async def with_kokoro(
    model: ScriptedServer, data: Path
) -> AsyncIterator[tuple[House, ScriptedServer]]:
    """A house whose replies are spoken by a server of one's own, with two voices."""
    with ScriptedServer() as mouth:
        mouth.serves("/v1/audio/voices", {"voices": ["af_heart", "ff_siwis"]})
        connection = connect(load_providers(), model.base_url, "k", {})
        chosen = Settings(base_url=model.base_url, model="big", data_dir=data)
        async with open_house(chosen, connection) as house:
            kokoro = replace(load_providers()["kokoro"], base_url=mouth.base_url)
            line = await house.lines.add(connect({"kokoro": kokoro}, mouth.base_url, "", {}))
            house.lines.use("speech", line.provider.name)
            yield house, mouth


async def test_a_free_voice_speaks_sentence_by_sentence_in_order(
    model: ScriptedServer, tmp_path: Path
) -> None:
    async with with_kokoro(model, tmp_path) as (house, mouth):
        model.says("Yes. It", " is. ", "So be it.")
        await run(house)
        model.says("Le temps est beau dans les montagnes. ", "Oui, il est là.")
        french = reply(await run(house)).provenance
        assert [body["input"] for body in asked(mouth)[:3]] == ["Yes.", "It is.", "So be it."]
        assert [body["voice"] for body in asked(mouth)] == ["af_heart"] * 3 + ["ff_siwis"] * 2
        assert [hit.path for hit in mouth.hits].count("/v1/audio/voices") == 1
    assert french
    assert all(request.free for request in french.requests if request.purpose == "speech")


GERMAN = "Das Wetter ist heute nicht gut, und es ist kalt. "


async def test_a_language_without_a_voice_is_read_by_this_machine_and_that_is_said(
    model: ScriptedServer, tmp_path: Path
) -> None:
    async with with_kokoro(model, tmp_path) as (house, mouth):
        model.says(GERMAN, "Es regnet.")
        about = reply(await run(house)).provenance
        assert asked(mouth) == []
        assert about
        assert about.spoken
        assert about.spoken_s > 2
    assert about.voice_note == (
        "Kokoro-FastAPI has no voice for German: the one of this machine reads it, and costs no request."
    )
    assert all(request.free for request in about.requests if request.purpose == "speech")


async def test_a_language_that_nothing_here_speaks_is_left_to_the_browser_and_not_faked(
    model: ScriptedServer, tmp_path: Path
) -> None:
    async with with_kokoro(model, tmp_path) as (house, mouth):
        board = Switchboard(
            lambda provider, key: OpenAIBackend(provider, key, house.ledger, Deadlines())
        )
        first, *_ = house.lines.lines()
        await board.add(first.connection)
        await board.add(house.lines.for_sense("speech").connection)
        board.use("speech", "kokoro")
        model.says(GERMAN, "Es regnet.")
        turn = Turn(OWNER, new_id(), said("Sag es"), new_id(), (), Wishes(True))
        layers = replace(house.layers, lines=board)
        about = reply([event async for event in run_turn(turn, layers)]).provenance
        await board.aclose()
        assert asked(mouth) == []
    assert about
    assert about.unvoiced == f"{GERMAN}Es regnet."
    assert about.voice_note == "Kokoro-FastAPI has no voice for German."
    assert 'data-language="de"' in spoken(about)


async def test_words_before_a_tool_and_thoughts_are_not_spoken(
    model: ScriptedServer, oxlo: House
) -> None:
    model.thinks("Hm, let me think. ").begins("Let me look at the clock. ").calls(
        "clock", zone="UTC"
    )
    model.thinks("It is late. Or not. ").says("It is late.")
    events = await run(oxlo)
    assert [body["input"] for body in asked(model)] == ["It is late."]
    assert ended(events).reason == "done"


async def test_a_piece_that_fails_is_said_once_and_what_came_before_is_kept(
    model: ScriptedServer, oxlo: House
) -> None:
    model.says(LONG, "Then more.", delay_s=0.05)
    model.speaks(tone(1.0)).fails(500, {"error": {"message": "the voice is hoarse"}}, on="speech")
    events = await run(oxlo)
    fault = ended(events).fault
    assert ended(events).reason == "done"
    assert fault
    assert fault.message.startswith("The rest of the reply could not be spoken.")
    about = reply(events).provenance
    assert about
    assert about.spoken
    assert about.spoken_s == pytest.approx(1.0, abs=0.05)
    assert len(asked(model)) == 2


async def test_stop_ends_the_request_for_speech_and_keeps_what_was_spoken(
    model: ScriptedServer, oxlo: House
) -> None:
    model.says(LONG, *["Word "] * 200, "end.", delay_s=0.05)
    model.speaks(tone(1.0))
    events: list[Event] = []
    turn = Turn(OWNER, new_id(), said("Go"), new_id(), (), Wishes(True))

    async def pull() -> None:
        async for event in run_turn(turn, oxlo.layers):
            events.append(event)

    task = asyncio.create_task(pull())
    async with asyncio.timeout(20):
        while not any(isinstance(event, Spoken) for event in events):
            await asyncio.sleep(0.01)
    task.cancel()
    await asyncio.wait([task])
    assert ended(events).reason == "stopped"
    about = reply(events).provenance
    assert about
    assert about.spoken
    assert len(asked(model)) == 1


async def test_stop_while_a_voice_is_slow_does_not_wait_for_it_and_counts_it(
    model: ScriptedServer, oxlo: House
) -> None:
    model.says(LONG, "End.")
    model.hangs(20, on="speech")
    turn = Turn(OWNER, new_id(), said("Go"), new_id(), (), Wishes(True))
    events: list[Event] = []

    async def pull() -> None:
        async for event in run_turn(turn, oxlo.layers):
            events.append(event)

    task = asyncio.create_task(pull())
    async with asyncio.timeout(20):
        while not asked(model):
            await asyncio.sleep(0.01)
        task.cancel()
        await asyncio.wait([task])
    about = reply(events).provenance
    assert about
    assert [request.purpose for request in about.requests] == ["answer", "speech"]
    assert reply(events).text.startswith(LONG)


async def test_where_nothing_can_speak_the_words_are_left_to_the_browser(
    model: ScriptedServer, oxlo: House
) -> None:
    model.says(f"**{LONG}**", "And `more`.")
    model.fails(
        404, {"error": {"message": "no such model", "code": "model_not_found"}}, on="speech"
    )
    events = await run(oxlo)
    assert [event.words for event in events if isinstance(event, Unvoiced)] == [
        LONG.strip(),
        "And more.",
    ]
    assert ended(events).fault is None
    about = reply(events).provenance
    assert about
    assert about.unvoiced == f"{LONG}And more."


async def test_a_reply_in_json_is_not_read_out(model: ScriptedServer, oxlo: House) -> None:
    model.says('{"a": 1}')
    about = reply(await run(oxlo, choices=Choices(json=True))).provenance
    assert about
    assert about.voice_note == "A reply in JSON is not read out."
    assert asked(model) == []


async def test_a_very_long_reply_is_spoken_as_far_as_two_requests_go_and_says_so(
    model: ScriptedServer, oxlo: House
) -> None:
    model.says(LONG * 120)
    about = reply(await run(oxlo)).provenance
    assert about
    assert [len(body["input"]) > 4_000 for body in asked(model)] == [False, False]
    assert "Only the first" in about.voice_note


async def test_near_the_end_of_the_day_the_last_request_speaks_the_whole_reply(
    model: ScriptedServer, tmp_path: Path
) -> None:
    async with opened(model, tmp_path, requests_per_day=13, reserve=0) as house:
        model.says(LONG, "And more.")
        await run(house)
        assert len(asked(model)) == 2
        model.hits.clear()
        model.says(LONG, "And more.")
        events = await run(house)
    about = reply(events).provenance
    assert about
    assert "local voice" in about.note
    assert asked(model) == []


async def test_the_chosen_voice_and_pace_are_asked_for_at_that_provider_alone(
    model: ScriptedServer, oxlo: House
) -> None:
    kind = oxlo.lines.lines()[0].provider.name
    for choices in (
        Choices(voice="onyx", voice_of=kind, pace=1.5),
        Choices(voice="x", voice_of="y"),
    ):
        model.says("Yes.")
        await run(oxlo, choices=choices)
    first, second = asked(model)
    assert (first["voice"], first["speed"]) == ("onyx", 1.5)
    assert second.get("voice") != "x"
    assert "speed" not in second


def test_a_reply_that_an_earlier_parley_has_stored_still_opens() -> None:
    media = {"sha256": "c" * 64, "mime": "audio/mpeg", "size": 4000, "name": ""}
    old = {
        "id": "1" * 32,
        "role": "assistant",
        "parts": [],
        "at": 1.0,
        "provenance": {"spoken": media},
    }
    opened = message_from_json(json.dumps(old))
    assert opened.provenance
    assert opened.provenance.spoken
    assert message_from_json(message_to_json(opened)) == opened


@pytest.mark.parametrize(
    "body",
    [
        {"voices": ["af_heart", "zf_xiaoxiao"]},
        {"voices": [{"id": "af_heart", "name": "Heart"}, {"id": "zf_xiaoxiao"}]},
        {
            "object": "list",
            "data": [{"id": "af_heart"}, {"voice_id": "zf_xiaoxiao", "language": "x"}],
        },
        ["af_heart", "zf_xiaoxiao", 7, None],
    ],
)
def test_voices_are_read_in_any_form_of_list(body: object) -> None:
    found = listed(load_providers()["kokoro"], body)
    assert [(voice.id, voice.language) for voice in found] == [
        ("af_heart", "en-us"), ("zf_xiaoxiao", "zh"),
    ]  # fmt: skip
    assert listed(load_providers()["kokoro"], {"detail": "Not Found"}) == ()


def test_the_voice_suits_the_language_where_one_does() -> None:
    voices = of_file(load_providers()["oxlo"])
    assert suited(voices, "", "af_heart", "en") == ("af_heart", True)
    assert suited(voices, "bm_george", "af_heart", "en") == ("bm_george", True)
    assert suited(voices, "bm_george", "af_heart", "ja") == ("jf_alpha", True)
    assert suited(voices, "", "af_heart", "de") == ("af_heart", False)
    assert suited((), "", "calm", "de") == ("calm", True)
    assert suited((Voice("alloy", "Alloy"),), "", "alloy", "ja") == ("alloy", True)
