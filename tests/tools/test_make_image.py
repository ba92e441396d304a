"""Pictures through the whole house: asked for, paid for, cleaned, shown, refused, stopped."""

import asyncio
import io
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PIL import Image as Canvas

from events import Event, ToolAsked, ToolReturned, TurnEnded
from exchange import begin, grow
from house import House, open_house
from inference.connection import connect
from inference.provider import load_providers
from messages import Message, Purpose, ToolResult, new_id
from settings import Settings
from steps.tooling import default
from tests.conftest import OWNER
from tests.pictures import png
from tests.scripted_server import ScriptedServer
from tests.tools.local_web import LocalWeb, public
from tools.make_image import make_image
from tools.router import ToolError
from tools.web.guarded import PICTURES, Fetcher, GuardedNetwork

HOUSE = png("A house", (400, 300))
Limited = Callable[..., AbstractAsyncContextManager[House]]


@pytest.fixture
def limited(model: ScriptedServer, tmp_path: Path) -> Limited:
    """Opens a house whose provider has a model that draws."""

    @asynccontextmanager
    async def opened(
        billing: Any = "token", painter: str = "painter", **more: Any
    ) -> AsyncIterator[House]:
        chosen = Settings(
            base_url=model.base_url, model="big", image_model=painter, data_dir=tmp_path, **more
        )
        connection = connect(load_providers(), model.base_url, "k-1", {})
        provider = replace(connection.provider, billing=billing)
        async with open_house(chosen, replace(connection, provider=provider)) as house:
            yield house

    return opened


@pytest.fixture
async def easel(limited: Limited) -> AsyncIterator[House]:
    async with limited() as house:
        yield house


async def said_to(house: House, words: str, on: Any = None, here: str = "") -> list[Event]:
    """What happens in a turn, as a page sees it; `on` is called with each event and its place."""
    conversation = here or new_id()
    await house.assistant.send(OWNER, conversation, words, (), speak=False)
    events: list[Event] = []
    async with asyncio.timeout(30):
        async for batch in house.assistant.follow(OWNER, conversation):
            for event in batch:
                events.append(event)
                if on:
                    on(conversation, event)
            if isinstance(events[-1], TurnEnded):
                return events
    raise AssertionError


def reply(events: list[Event]) -> Message:
    so_far = begin(events[0])  # type: ignore[arg-type]
    for event in events:
        so_far = grow(so_far, event)
    return so_far.reply


def results(events: list[Event]) -> list[ToolResult]:
    return [event.result for event in events if isinstance(event, ToolReturned)]


def spent(events: list[Event]) -> list[Purpose]:
    about = reply(events).provenance
    return [request.purpose for request in about.requests] if about else []


def offered(body: dict[str, Any]) -> set[str]:
    return {row["function"]["name"] for row in body.get("tools", ())}


def painted(model: ScriptedServer) -> int:
    return [hit.path for hit in model.hits].count("/v1/images/generations")


def answer_with(house: House, verdict: Any) -> Any:
    def on(conversation: str, event: Event) -> None:
        if isinstance(event, ToolAsked):
            house.assistant.toolbox.decide(OWNER, conversation, event.asking.call_id, verdict)

    return on


async def test_a_picture_is_made_cleaned_kept_and_costs_one_request(
    model: ScriptedServer, easel: House
) -> None:
    photo, about_it = io.BytesIO(), Canvas.Exif()
    about_it[0x010E] = "where I live"
    Canvas.new("RGB", (3_000, 1_000), "navy").save(photo, "JPEG", exif=about_it)
    model.calls("make_image", prompt="A navy\nsea", shape="landscape")
    model.draws(photo.getvalue(), input_tokens=9, output_tokens=900).says("There it is.")
    events = await said_to(easel, "Draw me the sea")
    [result] = results(events)
    assert (result.ok, result.text) == (True, "The picture is made and shown to the user.")
    [shown] = result.pictures
    media, path = await easel.assistant.media(OWNER, shown.sha256)
    assert (media.mime, media.name) == ("image/jpeg", "A navy sea")
    with Canvas.open(path) as kept:
        assert dict(kept.getexif()) == {}
    assert spent(events) == ["answer", "image", "tool round"]
    about = reply(events).provenance
    assert about
    assert (about.requests[1].model, about.requests[1].completion_tokens) == ("painter", 900)
    assert await easel.ledger.by_purpose("custom", OWNER) == {
        "answer": 1, "image": 1, "tool round": 1,
    }  # fmt: skip
    report = (await easel.assistant.usage(OWNER)).report
    assert report.last_turn == {"answer": 1, "image": 1, "tool round": 1}


async def test_it_is_offered_only_where_somebody_draws(
    model: ScriptedServer, limited: Limited
) -> None:
    for painter in ("", "painter"):
        async with limited(painter=painter) as house:
            await said_to(house, "Hi")
            events = await said_to(house, "Draw")
            assert not results(events)
    assert ["make_image" in offered(body) for body in model.requests] == [False, False, True, True]


async def test_where_requests_are_paid_it_asks_first_and_a_rejected_one_costs_nothing(
    model: ScriptedServer, limited: Limited
) -> None:
    async with limited(billing="request") as house:
        model.calls("make_image", prompt="A house").says("As you like.")
        events = await said_to(house, "Draw", on=answer_with(house, "reject"))
        assert [e.asking.why for e in events if isinstance(e, ToolAsked)] == ["It costs 1 request."]
        assert [r.text for r in results(events)] == ["Rejected by the user."]
        assert (painted(model), spent(events)) == (0, ["answer", "tool round"])
        model.calls("make_image", prompt="A house").draws(HOUSE).says("There.")
        events = await said_to(house, "Draw", on=answer_with(house, "approve"))
        assert spent(events) == ["answer", "image", "tool round"]
        switches = {s.name: s.permission for s in await house.assistant.toolbox.switches(OWNER)}
        assert switches["make_image"] == "ask"
    assert default(make_image, "token") == default(make_image, "free") == "allow"


@pytest.mark.parametrize(
    ("status", "body", "words"),
    [
        (400, {"error": {"message": "Rejected by our safety system"}}, "Describe another picture."),
        (403, {"message": "Your plan has no pictures: upgrade"}, "Your plan has no pictures"),
        (500, {"error": {"message": "out of paint"}}, "out of paint"),
    ],
    ids=["unwanted", "plan", "broken"],
)
async def test_a_picture_that_is_refused_is_told_to_the_model_and_never_asked_for_twice(
    model: ScriptedServer, easel: House, status: int, body: Any, words: str
) -> None:
    model.calls("make_image", prompt="A house").fails(status, body, on="image").says("Sorry.")
    events = await said_to(easel, "Draw")
    [result] = results(events)
    assert not result.ok
    assert result.text.startswith("No picture was made. ")
    assert words in result.text
    assert result.text.endswith("do not try again unless the user says so.")
    assert (reply(events).text, reply(events).status) == ("Sorry.", "done")
    assert (painted(model), spent(events)) == (1, ["answer", "image", "tool round"])


async def test_pictures_share_the_turns_requests_and_the_last_is_kept_for_the_answer(
    model: ScriptedServer, limited: Limited
) -> None:
    async with limited(requests_per_day=5) as house:
        model.calls(("make_image", {"prompt": "one"}), ("make_image", {"prompt": "two"}))
        model.calls(("make_image", {"prompt": "three"}), ("make_image", {"prompt": "four"}))
        model.draws(HOUSE).draws(HOUSE).says("Two, then.")
        events = await said_to(house, "Draw four")
        assert [r.ok for r in results(events)] == [True, True, False, False]
        assert all(r.text.startswith("Not drawn: what is left") for r in results(events)[2:])
        assert ["make_image" in offered(body) for body in model.requests] == [True, False, False]
        assert "tools" not in model.requests[2]
        assert reply(events).text == "Two, then."
        assert (painted(model), await house.ledger.used_today("custom")) == (2, 5)


async def test_a_day_that_is_spent_meanwhile_makes_no_picture_and_counts_none(
    model: ScriptedServer, limited: Limited
) -> None:
    async with limited(requests_per_day=4, billing="request") as house:
        others: list[asyncio.Task[Any]] = []
        model.calls("make_image", prompt="A house").default("Hi.")

        async def spend_and_approve(conversation: str, call_id: str) -> None:
            for _ in range(3):
                await said_to(house, "Hi")
            house.assistant.toolbox.decide(OWNER, conversation, call_id, "approve")

        def on(conversation: str, event: Event) -> None:
            if isinstance(event, ToolAsked):
                deciding = spend_and_approve(conversation, event.asking.call_id)
                others.append(asyncio.ensure_future(deciding))

        events = await said_to(house, "Draw", on=on)
        await asyncio.gather(*others)
        [result] = results(events)
        assert result.text.startswith("No picture was made. All 4 requests of today")
        assert "may be paid for" not in result.text
        assert (painted(model), spent(events)) == (0, ["answer"])
        assert reply(events).status == "failed"  # nothing was left for the answer either


async def test_stop_in_the_middle_hangs_up_and_the_request_stays_counted(
    model: ScriptedServer, easel: House
) -> None:
    model.calls("make_image", prompt="A house").hangs(60, on="image")
    here = new_id()

    async def stop_once_it_draws() -> None:
        while not painted(model):
            await asyncio.sleep(0.01)
        await easel.assistant.stop(OWNER, here)

    stopping = asyncio.create_task(stop_once_it_draws())
    events = await said_to(easel, "Draw", here=here)
    await stopping
    assert [r.text for r in results(events)] == ["No result: the turn was stopped."]
    assert (reply(events).status, spent(events)) == ("stopped", ["answer", "image"])
    assert await easel.ledger.by_purpose("custom", OWNER) == {"answer": 1, "image": 1}
    kept = (await easel.assistant.open(OWNER, here)).messages[-1]
    assert kept.provenance
    assert [request.purpose for request in kept.provenance.requests] == ["answer", "image"]


@pytest.mark.parametrize(
    "data", [b"<svg onload='x'/>", HOUSE[:200], b""], ids=["svg", "cut", "none"]
)
async def test_what_is_no_whole_picture_is_not_shown(
    model: ScriptedServer, easel: House, data: bytes
) -> None:
    model.calls("make_image", prompt="A house").draws(data).says("Sorry.")
    [result] = results(await said_to(easel, "Draw"))
    assert (result.ok, result.pictures) == (False, ())
    assert painted(model) == 1


async def test_a_link_into_ones_own_network_is_not_followed(
    model: ScriptedServer, easel: House, web: LocalWeb
) -> None:
    web.gives("/picture.png", HOUSE, "image/png")
    for link in (
        f"{web.base_url}/picture.png",
        "http://169.254.169.254/latest",
        "file:///etc/passwd",
    ):
        model.calls("make_image", prompt="A house").draws(link=link).says("Sorry.")
        [result] = results(await said_to(easel, "Draw"))
        assert not result.ok
    assert web.hits == []


async def test_a_link_to_a_public_host_gives_its_picture_and_nothing_else(web: LocalWeb) -> None:
    fetcher = Fetcher(GuardedNetwork(public, web.dial), PICTURES)
    web.gives("/a", HOUSE, "image/png")
    web.gives("/b", HOUSE, "application/octet-stream")
    web.gives("/c", b"<html>", "text/html")
    web.gives("/d", b"x" * 25_000_001, "image/png")
    assert (await fetcher.fetch("http://example.org/a")).data == HOUSE
    assert (await fetcher.fetch("http://example.org/b")).data == HOUSE
    with pytest.raises(ToolError, match="no picture"):
        await fetcher.fetch("http://example.org/c")
    assert (await fetcher.fetch("http://example.org/d")).cut
    assert web.hits[0].headers["accept"] == "image/*, application/octet-stream"


# ── asked for by a command, without a model in between ──────────────────────────────────────────


async def test_a_command_draws_with_one_request_and_asks_no_model(
    model: ScriptedServer, easel: House
) -> None:
    model.draws(HOUSE)
    events = await said_to(easel, "/image a house by the sea")
    assert spent(events) == ["image"]
    assert [hit.path for hit in model.hits if "chat" in hit.path] == []
    (drawn,) = results(events)
    assert drawn.ok
    assert len(drawn.pictures) == 1
    about = reply(events).provenance
    assert about
    assert about.model == "painter"
    assert isinstance(events[-1], TurnEnded)
    assert events[-1].reason == "done"


async def test_a_command_takes_the_last_request_of_the_day(
    model: ScriptedServer, limited: Limited
) -> None:
    async with limited(billing="request", requests_per_day=1) as house:
        model.draws(HOUSE)
        assert spent(await said_to(house, "/image a house")) == ["image"]


async def test_a_command_says_so_where_nothing_draws(model: ScriptedServer, house: House) -> None:
    events = await said_to(house, "/image a house")
    assert isinstance(events[-1], TurnEnded)
    assert events[-1].fault
    assert "draws pictures" in events[-1].fault.message
    assert model.hits == []


async def test_words_that_only_begin_alike_go_to_the_model(
    model: ScriptedServer, easel: House
) -> None:
    await said_to(easel, "/images are what?")
    assert painted(model) == 0
    assert len(model.requests) == 1
