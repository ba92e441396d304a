"""Choosing who answers and in which form: the sheet, the orders, and replies in JSON."""

import asyncio
import json
import re
from dataclasses import replace

import pytest

from assistant import EVERYWHERE, Answering
from components import choice, orders
from components.json_reply import begun, value_in
from components.orders import obey
from components.render import article, draw
from house import House
from inference.switchboard import Offer
from messages import Choices, JsonCheck, Message, Provenance, Request, Text
from tests.components.conftest import Visitor
from tests.components.test_render import read
from tests.conftest import OWNER
from tests.scripted_server import ScriptedServer

TALK, OTHER = "c" * 32, "d" * 32
OFFERS = [
    Offer("oxlo", "Oxlo", "deepseek-v3.2", ("chat",), "128K tokens"),
    Offer("oxlo", "Oxlo", "kimi-k2.5", ("chat", "images"), ""),
    Offer("oxlo", "Oxlo", "whisper", ("transcription",), ""),
    Offer("ollama", "Ollama", 'a"<b>', ("chat",), "free", "A <model>"),
]
SCHEMA = '{"type": "object", "required": ["city"]}'


def chosen(html: str) -> list[tuple[str, str]]:
    """Provider and model of the rows that are marked."""
    return re.findall(r'data-provider="([^"]*)" data-model="([^"]*)" checked', html)


def sheet(choices: Choices = Choices(), usual: Choices = Choices()) -> str:  # noqa: B008
    return choice.sheet(OFFERS, choices, usual)


async def told(house: House, **slip: object) -> dict[str, object]:
    text = json.dumps({"number": 1, **slip})
    answer: dict[str, object] = json.loads(
        await obey(house.assistant, orders.Visitor(OWNER), text, lambda _: None)
    )
    return answer


async def asked(house: House, words: str) -> Message:
    """The reply to a message of TALK, once it is whole."""
    await house.assistant.send(OWNER, TALK, words, (), speak=False)
    return await ended(house)


async def ended(house: House) -> Message:
    async with asyncio.timeout(15):
        while True:
            reply = (await house.assistant.open(OWNER, TALK)).messages[-1]
            if reply.status != "running":
                return reply
            await asyncio.sleep(0.02)


def reply(text: str, check: JsonCheck | None, *, free: bool = False) -> Message:
    request = Request("answer", "m", free=free)
    about = Provenance(model="m", requests=(request,), json=check)
    return Message("1" * 32, "assistant", (Text(text),), 0, provenance=about)


# ── the sheet ───────────────────────────────────────────────────────────────────────────────────


def test_models_stand_under_who_offers_them_and_parley_chooses_first() -> None:
    html = sheet()
    names = re.findall(r"<h3[^>]*>([^<]+)</h3>|<b[^>]*>([^<]+)</b>", html)
    assert [a or b for a, b in names][:6] == [
        "Parley chooses",
        "Oxlo",
        "deepseek-v3.2",
        "kimi-k2.5",
        "whisper",
        "Ollama",
    ]
    assert chosen(html) == [("", "")]


def test_the_model_that_answers_is_marked() -> None:
    assert chosen(sheet(Choices("oxlo", "kimi-k2.5"))) == [("oxlo", "kimi-k2.5")]
    assert chosen(sheet(Choices("oxlo"))) == [("oxlo", "deepseek-v3.2")]


def test_a_chosen_model_that_is_no_longer_offered_is_still_shown() -> None:
    assert chosen(sheet(Choices("oxlo", "gone"))) == [("oxlo", "gone")]
    assert "not in the list now" in sheet(Choices("oxlo", "gone"))
    assert chosen(sheet(Choices("elsewhere", "gone"))) == [("elsewhere", "gone")]


def test_only_what_answers_a_chat_can_be_chosen() -> None:
    html = sheet()
    assert html.count('type="radio"') == 4
    assert 'data-model="whisper"' not in html


def test_names_from_a_server_cannot_break_out() -> None:
    html = sheet(Choices("ollama", 'a"<b>', json=True, schema="</textarea><script>"))
    assert "A &lt;model&gt;" in html
    assert 'data-model="a&quot;&lt;b&gt;" checked' in html
    assert "<script>" not in html


def test_a_filter_comes_with_a_long_list() -> None:
    many = [replace(OFFERS[0], model=f"m{n}") for n in range(9)]
    assert "Filter by name" not in sheet()
    assert "Filter by name" in choice.sheet(many, Choices(), Choices())


def test_the_sheet_says_whether_new_chats_have_this_model_too() -> None:
    pinned = Choices("oxlo", "kimi-k2.5")
    on = 'data-switch="always" checked'
    assert on in sheet(replace(pinned, json=True), pinned)
    assert on not in sheet(pinned, Choices())
    assert on not in sheet()


def test_the_composer_says_when_replies_are_json() -> None:
    online = Answering("Oxlo", "deepseek-v3.2", offline=False, advice="")
    assert choice.chip(online) == ""
    assert "JSON</button>" in choice.chip(replace(online, json=True))


# ── the orders ──────────────────────────────────────────────────────────────────────────────────


async def test_a_chosen_model_answers_and_what_else_was_chosen_stays(
    house: House, model: ScriptedServer
) -> None:
    model.models([{"id": "big"}, {"id": "small"}])
    assert (await told(house, do="refresh"))["ok"] is True
    assert {hit.path for hit in model.hits} == {"/v1/models"}
    here = {"do": "choose", "conversation": TALK}
    assert (await told(house, **here, json=True, schema=SCHEMA))["ok"] is True
    assert (await told(house, **here, provider="custom", model="small"))["ok"] is True
    model.says('{"city": "Paris"}')
    assert (await asked(house, "Where?")).provenance.json == JsonCheck(True, by_schema=True)  # type: ignore[union-attr]
    assert model.requests[0]["model"] == "small"
    decided = await house.assistant.choices(OWNER, TALK)
    assert decided == Choices("custom", "small", json=True, schema=SCHEMA)
    assert await house.assistant.choices(OWNER, OTHER) == Choices()


async def test_new_chats_get_the_model_but_not_the_form(house: House) -> None:
    here = {"do": "choose", "conversation": TALK}
    await told(house, **here, json=True)
    await told(house, **here, provider="custom", model="big", always=True)
    assert await house.assistant.choices(OWNER, OTHER) == Choices("custom", "big")
    assert await house.assistant.choices(OWNER, TALK) == Choices("custom", "big", json=True)
    await told(house, **here, provider="", always=False)
    assert await house.assistant.choices(OWNER, EVERYWHERE) == Choices()
    assert await house.assistant.choices(OWNER, TALK) == Choices(json=True)


async def test_two_choices_at_once_are_both_kept(house: House) -> None:
    here = {"do": "choose", "conversation": TALK}
    for _ in range(20):
        await told(house, **here, json=False, schema="", provider="")
        await asyncio.gather(told(house, **here, json=True), told(house, **here, schema=SCHEMA))
        assert await house.assistant.choices(OWNER, TALK) == Choices(json=True, schema=SCHEMA)


async def test_one_talk_can_be_left_to_parley_while_new_chats_have_a_model(house: House) -> None:
    pin = {"do": "choose", "provider": "custom", "model": "big"}
    await told(house, **pin, conversation=TALK, always=True)
    await told(house, do="choose", conversation=TALK, provider="")
    assert await house.assistant.choices(OWNER, TALK) == Choices()
    assert await house.assistant.choices(OWNER, OTHER) == Choices("custom", "big")


@pytest.mark.parametrize(
    ("slip", "words"),
    [
        ({"provider": "custom", "model": "nowhere"}, "nowhere is not offered for chat"),
        ({"provider": "custom", "model": "hearing"}, "hearing is not offered for chat"),
        ({"provider": "", "model": "big"}, "big is not offered for chat"),
        ({"provider": "unheard-of"}, "unheard-of is not connected"),
        ({"json": True, "schema": "{"}, "This is no JSON Schema"),
        ({"json": "yes, please"}, "does not know"),
        ({"schema": "x" * 100_001}, "does not know"),
        ({"provider": "x" * 301}, "does not know"),
        ({"conversation": "../../x"}, "does not know"),
    ],
    ids=lambda value: str(value)[:40],
)
async def test_what_cannot_be_chosen_is_refused_and_changes_nothing(
    house: House, model: ScriptedServer, slip: dict[str, object], words: str
) -> None:
    answer = await told(house, **{"do": "choose", "conversation": TALK, **slip})
    assert answer["ok"] is False
    assert words in str(answer["message"])
    assert await house.assistant.choices(OWNER, TALK) == Choices()
    assert model.hits == []


async def test_a_list_that_cannot_be_had_is_said_so(house: House, model: ScriptedServer) -> None:
    model.fails(401, {"error": {"message": "no such key"}}, on="models")
    answer = await told(house, do="refresh")
    assert answer["ok"] is False
    assert "no such key" in str(answer["message"])


async def test_a_reply_is_repaired_once_by_one_request(house: House, model: ScriptedServer) -> None:
    await told(house, do="choose", conversation=TALK, json=True, schema=SCHEMA)
    model.says('{"town": "Paris"}').says('{"city": "Paris"}')
    first = await asked(house, "Where?")
    order = {"do": "repair", "conversation": TALK, "reply": first.id}
    assert (await told(house, **order))["ok"] is True
    second = await ended(house)
    assert second.provenance is not None
    assert second.provenance.json == JsonCheck(True, by_schema=True)
    assert len(model.hits) == 2
    assert (await told(house, **order))["ok"] is False
    assert len(model.hits) == 2


async def test_the_sheet_comes_while_it_is_open_and_follows_what_is_chosen(
    visitor: Visitor,
) -> None:
    async with visitor.line() as line:
        await line.follow(TALK)
        await line.shows("status", "big")
        assert "choice" not in line.panes
        await line.say({"choosing": True})
        await line.shows("choice", "Parley chooses")
        assert chosen(line.panes["choice"]) == [("", "")]
        pin = {"do": "choose", "conversation": TALK, "provider": "offline", "json": True}
        assert (await visitor.order(pin))["ok"]
        await line.shows("status", "Offline engine")
        await line.shows("json", "JSON")
        await line.shows("banner", "Choose a model")
        assert [provider for provider, _ in chosen(line.panes["choice"])] == ["offline"]
        for _ in range(2):  # whoever opens it again is sent it again
            line.panes.clear()
            await line.say({"choosing": False})
            await line.say({"choosing": True})
            await line.shows("choice", "Parley chooses")


# ── replies in JSON ─────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ('{"a":1}', ("", '{\n  "a": 1\n}', "")),
        ("  [1,\n2] ", ("", "[\n  1,\n  2\n]", "")),
        ('Here:\n```json\n{"a":1}\n```\nDone.', ("Here:\n", '{\n  "a": 1\n}', "\nDone.")),
        ('So {x} is {"a": "ü"}, see?', ("So {x} is ", '{\n  "a": "ü"\n}', ", see?")),
        ("42", ("", "42", "")),
        ("nothing here", None),
        ('{"a": NaN}', None),
        ('{"a": 1e999}', None),
        ("[" * 5000, None),
    ],
    ids=lambda value: str(value)[:24],
)
def test_json_is_found_in_a_reply(text: str, wanted: object) -> None:
    assert value_in(text) == wanted


def test_a_reply_that_fits_is_laid_out_and_can_be_downloaded() -> None:
    words = read(reply('{"city":"<b>"}', JsonCheck(fits=True)))
    assert '{ "city" : "<b>" }' in words
    assert "Valid JSON Download" in words
    assert "Ask again" not in words


def test_a_reply_that_does_not_fit_says_why_and_what_asking_again_costs() -> None:
    check = JsonCheck(fits=False, problems=("$: 'city' is <missing>", "$.n: -1 is too small"))
    words = read(reply('{"n":-1}', check))
    assert "$: 'city' is <missing> $.n: -1 is too small Ask again (1 request)" in words
    assert "Download" not in words
    assert "Ask again (1 request)" not in read(reply("{}", check, free=True))
    assert "Ask again" in read(reply("{}", check, free=True))


def test_json_that_broke_off_is_shown_as_it_is() -> None:
    html = article(reply('{"a": "*x*', JsonCheck(fits=False, problems=("It is no whole JSON",))))
    assert "<em>" not in html
    assert "*x*" in html


def test_json_is_code_while_it_grows_and_afterwards() -> None:
    whole = reply('{"a": 1}', None)
    for message in (replace(whole, status="running", parts=(Text('{"a": '),)), whole):
        assert "json" in read(message).split()
    assert not any(begun(text) for text in ("[a link](x)", "{x} is a set", "Well {", "[1] says"))


def test_what_is_done_for_the_budget_is_said_under_the_reply() -> None:
    plain = reply("Well.", None)
    about = replace(plain.provenance or Provenance(), note="3 left today: <tools> are left out.")
    words = read(replace(plain, provenance=about))
    assert "3 left today: <tools> are left out." in words
    assert [piece.key for piece in draw(plain)] == ["text0-0", "foot"]
