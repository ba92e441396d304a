"""How replies are to be: instructions, temperature and length, in one chat and in all."""

import pytest

from assistant import EVERYWHERE, Refused
from house import House
from messages import Choices, Preset, Style, new_id
from tests.conftest import OWNER
from tests.scripted_server import ScriptedServer
from tests.test_spending import whole


async def test_instructions_temperature_and_length_go_along(
    model: ScriptedServer, house: House
) -> None:
    here = new_id()
    style = Style("Answer like a sailor.", temperature=0.2, longest=300)
    await house.assistant.set_style(OWNER, here, style)
    await house.assistant.send(OWNER, here, "Hello", (), speak=False)
    await whole(house, here, 2)
    sent = model.requests[0]
    assert sent["messages"][0]["role"] == "system"
    assert sent["messages"][0]["content"].endswith("Answer like a sailor.")
    assert (sent["temperature"], sent["max_tokens"]) == (0.2, 300)


async def test_without_a_style_nothing_is_asked_for(model: ScriptedServer, house: House) -> None:
    here = new_id()
    await house.assistant.send(OWNER, here, "Hello", (), speak=False)
    await whole(house, here, 2)
    assert "temperature" not in model.requests[0]
    assert "heed this" not in model.requests[0]["messages"][0]["content"]


async def test_what_holds_everywhere_holds_where_a_chat_says_nothing_else(
    model: ScriptedServer, house: House
) -> None:
    here = new_id()
    await house.assistant.choose(OWNER, here, Choices(json=True))
    await house.assistant.set_style(OWNER, EVERYWHERE, Style("Be brief.", 1.5))
    await house.assistant.set_style(OWNER, here, Style(temperature=0.0))
    await house.assistant.send(OWNER, here, "Hello", (), speak=False)
    await whole(house, here, 2)
    assert "Be brief." in model.requests[0]["messages"][0]["content"]
    assert model.requests[0]["temperature"] == 0.0
    assert (await house.assistant.choices(OWNER, here)).json is True
    assert (await house.assistant.choices("somebody-else", here)).style == Style()


async def test_a_new_chat_takes_no_copy_of_what_holds_everywhere(house: House) -> None:
    here = new_id()
    await house.assistant.set_style(OWNER, EVERYWHERE, Style("Be brief."))
    seen = await house.assistant.choices(OWNER, here)
    assert seen.style == Style()  # so that choosing a model here does not keep it for good


async def test_a_model_that_takes_no_temperature_is_asked_again_without_and_never_with(
    model: ScriptedServer, house: House
) -> None:
    words = "Unsupported value: 'temperature' does not support 0.2 with this model."
    model.fails(400, {"error": {"message": words, "param": "temperature"}}).says("Ahoy")
    here = new_id()
    assert (await house.assistant.limits(OWNER, here)).temperature is True
    await house.assistant.set_style(OWNER, here, Style(temperature=0.2))
    await house.assistant.send(OWNER, here, "Hello", (), speak=False)
    reply = await whole(house, here, 2)
    assert reply.text == "Ahoy"
    assert "temperature" not in model.requests[1]
    assert (await house.assistant.limits(OWNER, here)).temperature is False


async def test_presets_are_their_owners_and_bounded(house: House) -> None:
    kept = Preset("Sailor", "Answer like a sailor.")
    await house.assistant.set_presets(OWNER, [kept])
    assert (await house.assistant.choices(OWNER, EVERYWHERE)).presets == (kept,)
    assert (await house.assistant.choices("somebody-else", EVERYWHERE)).presets == ()
    with pytest.raises(Refused, match="presets are the most"):
        await house.assistant.set_presets(OWNER, [kept] * 31)


async def test_the_offline_engine_cannot_be_instructed(house: House) -> None:
    here = new_id()
    await house.assistant.choose(OWNER, here, Choices(provider="offline"))
    limits = await house.assistant.limits(OWNER, here)
    assert (limits.instructions, limits.temperature, limits.longest) == (False, False, 0)


async def test_who_does_what_is_told_by_sense(house: House) -> None:
    found = {role.sense: role.model for role in await house.assistant.roles(OWNER, new_id())}
    assert found["chat"] == "big"
    assert found["images"] == "seeing"
    assert (found["transcription"], found["speech"]) == ("hearing", "speaking")


async def test_a_provider_is_checked_by_its_list_and_for_nothing(
    model: ScriptedServer, house: House
) -> None:
    model.models([{"id": "big"}, {"id": "small"}])
    assert "offers 2 models" in await house.assistant.check(OWNER, "custom")
    assert {hit.path for hit in model.hits} == {"/v1/models"}
    assert (await house.assistant.usage(OWNER)).report.used == 0
    with pytest.raises(Refused, match="nowhere is not connected"):
        await house.assistant.check(OWNER, "nowhere")
