"""What a turn spends: counted at the provider, planned before the end of the budget, never hidden."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from assistant import EVERYWHERE, Refused
from events import Event, JsonChecked, Planned, TurnEnded, Waiting
from exchange import begin, grow
from handler import run_turn
from house import House, look_around, open_house
from inference.connection import connect
from inference.provider import load_providers
from messages import Choices, Image, Message, Sense, Wishes, new_id
from settings import Settings
from steps.course import Turn
from tests.conftest import OWNER, kinds, said
from tests.pictures import png
from tests.scripted_server import ScriptedServer
from tests.speech import speech, wav

SCHEMA = '{"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}'


@asynccontextmanager
async def limited(model: ScriptedServer, data: Path, per_day: int) -> AsyncIterator[House]:
    chosen = Settings(
        base_url=model.base_url,
        model="big",
        vision_model="seeing-vl",
        transcribe_model="hearing",
        speech_model="speaking",
        voice="calm",
        requests_per_day=per_day,
        data_dir=data,
    )
    async with open_house(chosen, connect(load_providers(), model.base_url, "k-1", {})) as house:
        yield house


async def turn(house: House, *parts: Any, **how: Any) -> list[Event]:
    history = how.pop("history", ())
    asked = Turn(OWNER, new_id(), said(*parts), new_id(), history, Wishes(**how))
    return [event async for event in run_turn(asked, house.layers)]


def reply(events: list[Event]) -> Message:
    so_far = begin(events[0])  # type: ignore[arg-type]
    for event in events:
        so_far = grow(so_far, event)
    return so_far.reply


def ended(events: list[Event]) -> TurnEnded:
    assert isinstance(events[-1], TurnEnded)
    return events[-1]


async def test_a_failure_before_the_first_word_is_tried_once_more_and_counted(
    model: ScriptedServer, house: House
) -> None:
    model.fails(503, {"error": {"message": "busy"}}).says("Here.")
    events = await turn(house, "Hi")
    assert "waiting" in kinds(events)
    assert next(e for e in events if isinstance(e, Waiting)).seconds < 3
    about = reply(events).provenance
    assert about
    assert len(about.requests) == 2
    assert about.waiting == ""
    assert len(model.requests) == 2
    assert await house.ledger.used_today("custom") == 2


async def test_the_last_requests_of_the_day_are_kept_for_answers(
    model: ScriptedServer, tmp_path: Path
) -> None:
    async with limited(model, tmp_path, per_day=2) as house:
        model.calls("clock", zone="UTC").says("Late.")
        events = await turn(house, "What time is it?")
        assert len(model.requests) == 2
        assert "tools" in model.requests[0]
        assert "tools" not in model.requests[1]
        assert await house.ledger.used_today("custom") == 2
        spent = await turn(house, "And now?")
        fault = ended(spent).fault
        assert fault
        assert "All 2 requests of today" in fault.message
        about = reply(spent).provenance
        assert about
        assert about.requests == ()
        assert len(model.requests) == 2
    assert ended(events).reason == "done"


async def test_near_the_end_of_the_budget_the_local_voice_speaks_and_says_so(
    model: ScriptedServer, tmp_path: Path
) -> None:
    async with limited(model, tmp_path, per_day=3) as house:
        model.says("Good morning.")
        events = await turn(house, "Greet me", speak=True)
        note = next(e for e in events if isinstance(e, Planned)).note
        assert "local voice" in note
        about = reply(events).provenance
        assert about
        assert about.spoken
        assert [r.purpose for r in about.requests if not r.free] == ["answer"]
        assert [hit.path for hit in model.hits] == ["/v1/chat/completions"]


async def test_a_recording_costs_one_request_and_a_spoken_reply_one_more(
    model: ScriptedServer, house: House
) -> None:
    recording = await house.assistant.attach(OWNER, wav(speech("Hello there")), "voice.wav")
    model.hears("hello").says("Hello.").speaks()
    await turn(house, recording, speak=True)
    paths = [hit.path.removeprefix("/v1/") for hit in model.hits]
    assert paths == ["audio/transcriptions", "chat/completions", "audio/speech"]
    assert await house.ledger.used_today("custom") == 3


async def test_a_visitors_network_cannot_spend_what_the_operator_reserved(
    model: ScriptedServer, tmp_path: Path
) -> None:
    chosen = Settings(
        base_url=model.base_url, model="big", requests_per_day=24, reserve=8, data_dir=tmp_path
    )
    async with open_house(chosen, connect(load_providers(), model.base_url, "k", {})) as house:
        endings = [ended(await turn(house, "Hi", pool="203.0.113.0/24")) for _ in range(3)]
        assert [e.reason for e in endings] == ["done", "done", "failed"]  # an eighth of 16
        assert ended(await turn(house, "Hi")).reason == "done"  # the operator's own page
    assert len(model.requests) == 3


async def test_nothing_but_a_turn_sends_anything(model: ScriptedServer, house: House) -> None:
    here = new_id()
    await house.assistant.open(OWNER, here)
    await house.assistant.usage(OWNER, here)
    await house.assistant.answering(OWNER, here)
    await house.assistant.attach(OWNER, png("Hello"), "a.png")
    house.assistant.offers(OWNER)
    assert model.hits == []


async def test_another_line_can_be_chosen_for_a_conversation(
    model: ScriptedServer, house: House
) -> None:
    events = await turn(house, "2 + 2", choices=Choices(provider="offline"))
    assert "4" in reply(events).text
    assert model.hits == []
    events = await turn(house, "Hi", choices=Choices(provider="custom", model="other"))
    assert model.requests[0]["model"] == "other"
    about = reply(events).provenance
    assert about
    assert "you chose it" in about.why


async def test_choices_hold_for_their_conversation_and_for_new_ones_if_wanted(
    model: ScriptedServer, house: House
) -> None:
    here, there = new_id(), new_id()
    await house.assistant.choose(OWNER, here, Choices(model="other"))
    assert (await house.assistant.answering(OWNER, here)).model == "other"
    assert (await house.assistant.answering(OWNER, there)).model == "big"
    await house.assistant.choose(OWNER, EVERYWHERE, Choices(model="other"))
    assert (await house.assistant.answering(OWNER, there)).model == "other"
    assert (await house.assistant.answering("somebody-else", there)).model == "big"


async def test_what_cannot_be_chosen_is_refused_with_a_reason(house: House) -> None:
    with pytest.raises(Refused, match="nowhere is not connected"):
        await house.assistant.choose(OWNER, new_id(), Choices(provider="nowhere"))
    with pytest.raises(Refused, match="no JSON Schema"):
        await house.assistant.choose(OWNER, new_id(), Choices(json=True, schema='{"type": 7}'))


async def test_a_reply_in_json_is_asked_for_and_checked(
    model: ScriptedServer, house: House
) -> None:
    model.says('{"n": 7}')
    events = await turn(house, "A number", choices=Choices(json=True, schema=SCHEMA))
    assert model.requests[0]["response_format"]["type"] == "json_schema"
    assert next(e for e in events if isinstance(e, JsonChecked)).check.fits


async def test_a_reply_that_does_not_fit_is_repaired_only_when_asked_for(
    model: ScriptedServer, house: House
) -> None:
    here = new_id()
    await house.assistant.choose(OWNER, here, Choices(json=True, schema=SCHEMA))
    model.says('{"n": "seven"}').says('{"n": 7}')
    await house.assistant.send(OWNER, here, "A number", (), speak=False)
    first = await whole(house, here, 2)
    assert first.provenance
    assert first.provenance.json
    assert "n" in " ".join(first.provenance.json.problems)
    assert len(model.requests) == 1
    await house.assistant.repair(OWNER, here, first.id, speak=False)
    second = await whole(house, here, 4)
    assert second.text == '{"n": 7}'
    assert len(model.requests) == 2
    with pytest.raises(Refused):
        await house.assistant.repair(OWNER, here, second.id, speak=False)


async def whole(house: House, conversation: str, messages: int) -> Message:
    async for batch in house.turns.follow(OWNER, conversation):
        if isinstance(batch[-1], TurnEnded):
            break
    while True:
        found = (await house.assistant.open(OWNER, conversation)).messages
        if len(found) == messages and found[-1].status != "running":
            return found[-1]


async def test_a_model_that_cannot_see_is_told_what_an_earlier_picture_shows(
    model: ScriptedServer, tmp_path: Path
) -> None:
    async with limited(model, tmp_path, per_day=60) as house:
        picture = await house.assistant.attach(OWNER, png("Hello"), "a.png")
        model.says("A white card that says Hello.").says("Yes, a card.")
        events = await turn(house, picture, "What is this?")
        so_far = begin(events[0])  # type: ignore[arg-type]
        for event in events:
            so_far = grow(so_far, event)
        shown = next(p for p in so_far.said.parts if isinstance(p, Image))
        assert shown.caption == "A white card that says Hello."
        blind = Choices(provider="custom", model="text-only")
        history = (so_far.said, so_far.reply)
        await turn(house, "Was it a card?", history=history, choices=blind)
        sent = str(model.requests[1]["messages"])
        assert model.requests[1]["model"] == "text-only"
        assert "data:image" not in sent
        assert sent.count("A white card that says Hello.") >= 1


async def test_a_model_server_of_this_machine_is_offered_and_can_answer(
    model: ScriptedServer, house: House
) -> None:
    with ScriptedServer() as local:
        local.models([{"id": "Qwen/Qwen3-8B", "owned_by": "vllm", "max_model_len": 40960}])
        local.says("From next door.")
        port = int(local.base_url.rsplit(":", 1)[1].removesuffix("/v1"))
        await look_around(house, [port])
        offer = next(o for o in house.assistant.offers(OWNER) if o.model == "Qwen/Qwen3-8B")
        chosen = Choices(provider=offer.provider, model=offer.model)
        events = await turn(house, "Hi", choices=chosen)
        assert reply(events).text == "From next door."
        assert model.hits == []
        assert local.hits[-1].headers["authorization"] != "Bearer k-1"


async def test_other_providers_may_hear_and_speak_each_with_its_own_key(
    model: ScriptedServer, tmp_path: Path
) -> None:
    with ScriptedServer() as ears, ScriptedServer() as mouth:
        chosen = Settings(
            base_url=model.base_url,
            model="big",
            transcribe_model="whisper",
            speech_model="kokoro",
            hearing_base_url=ears.base_url,
            hearing_api_key="k-ears",
            speech_base_url=mouth.base_url,
            speech_api_key="k-mouth",
            data_dir=tmp_path,
        )
        connection = connect(load_providers(), model.base_url, "k-chat", {})
        async with open_house(chosen, connection) as house:
            recording = await house.assistant.attach(OWNER, wav(speech("Hello there")), "voice.wav")
            ears.hears("hello")
            model.says("Hello.")
            mouth.speaks()
            about = reply(await turn(house, recording, speak=True)).provenance
            assert about
            assert about.spoken
            spent = await house.assistant.usage(OWNER)
            assert [(one.senses, one.report.used) for one in spent.lent] == [
                (("transcription",), 1),
                (("speech",), 1),
            ]
            assert spent.report.used == 1
    for server, key in ((model, "k-chat"), (ears, "k-ears"), (mouth, "k-mouth")):
        assert [hit.headers["authorization"] for hit in server.hits] == [f"Bearer {key}"]


async def test_one_server_that_hears_and_speaks_has_the_models_of_both(
    model: ScriptedServer, tmp_path: Path
) -> None:
    with ScriptedServer() as both:
        chosen = Settings(
            base_url=model.base_url,
            model="big",
            transcribe_model="whisper",
            speech_model="kokoro",
            hearing_base_url=both.base_url,
            speech_base_url=both.base_url,
            data_dir=tmp_path,
        )
        connection = connect(load_providers(), model.base_url, "k-chat", {})
        async with open_house(chosen, connection) as house:
            roles = {
                role.sense: role.model for role in await house.assistant.roles(OWNER, new_id())
            }
            (lent,) = (await house.assistant.usage(OWNER)).lent
    assert (roles["transcription"], roles["speech"]) == ("whisper", "kokoro")
    assert lent.senses == ("transcription", "speech")


async def test_another_provider_has_a_budget_of_its_own(
    model: ScriptedServer, tmp_path: Path
) -> None:
    chosen = Settings(
        base_url=model.base_url,
        model="big",
        speech_base_url=load_providers()["oxlo"].base_url,
        speech_api_key="k-mouth",
        data_dir=tmp_path,
    )
    connection = connect(load_providers(), model.base_url, "k-chat", {})
    async with open_house(chosen, connection) as house:  # nothing is sent: its file has the plan
        (lent,) = (await house.assistant.usage(OWNER)).lent
    assert (lent.report.limit, lent.report.left) == (60, 60)


async def test_an_owner_chooses_who_sees_hears_and_speaks(
    model: ScriptedServer, tmp_path: Path
) -> None:
    async with limited(model, tmp_path, per_day=0) as house:
        assistant = house.assistant
        model.models([{"id": "big"}, {"id": "eagle-vl"}, {"id": "whisper-2"}, {"id": "tts-2"}])
        await assistant.refresh_offers(OWNER)
        offers = {role.sense: role.offers for role in await assistant.roles(OWNER, new_id())}
        assert "eagle-vl" in [offer.model for offer in offers["images"]]
        wanted: tuple[tuple[Sense, str], ...] = (
            ("images", "eagle-vl"),
            ("transcription", "whisper-2"),
            ("speech", "tts-2"),
        )
        for sense, name in wanted:
            (offer,) = (o for o in offers[sense] if o.model == name)
            await assistant.pick(OWNER, sense, offer.provider, name)
        with pytest.raises(Refused, match="nothing-2 is not offered for this"):
            await assistant.pick(OWNER, "speech", "custom", "nothing-2")
        model.hears("What is this?")
        model.says("A gate.")
        model.speaks()
        picture = await assistant.attach(OWNER, png("Gate 14"), "gate.png")
        recording = await assistant.attach(OWNER, wav(speech("Hello there")), "voice.wav")
        wishes = await assistant.wishes(OWNER, new_id(), True, "")
        about = reply(
            await turn(house, picture, recording, speak=True, choices=wishes.choices)
        ).provenance
    assert about
    assert {(one.purpose, one.model) for one in about.requests} == {
        ("transcription", "whisper-2"),
        ("answer", "eagle-vl"),
        ("speech", "tts-2"),
    }


async def test_a_reply_that_takes_too_long_in_all_ends_with_what_arrived(
    model: ScriptedServer, tmp_path: Path
) -> None:
    chosen = Settings(base_url=model.base_url, model="big", deadline_s=1, data_dir=tmp_path)
    async with open_house(chosen, connect(load_providers(), model.base_url, "k", {})) as house:
        model.says(*["word "] * 30, delay_s=0.1)
        events = await turn(house, "Go on")
        assert ended(events).reason == "interrupted"
        assert ended(events).fault
        assert reply(events).text.startswith("word ")


async def test_refreshing_the_list_of_models_spends_nothing(
    model: ScriptedServer, house: House
) -> None:
    model.models([{"id": "one"}, {"id": "two-vl"}])
    await house.assistant.refresh_offers(OWNER)
    assert {"one", "two-vl"} <= {offer.model for offer in house.assistant.offers(OWNER)}
    assert [hit.path for hit in model.hits if "chat" in hit.path] == []
    assert await house.ledger.used_today("custom") == 0
