"""The panel of tools: what everybody sees, and what is for who runs this Parley."""

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from starlette.datastructures import Headers

from components.tool_panel import Tools, pane, sentence, shell, side
from gate.arrival import is_operator
from house import House, open_house
from inference.connection import connect
from inference.provider import load_providers
from settings import Settings
from tests.components.conftest import Visitor
from tests.components.test_render import Words
from tests.scripted_server import ScriptedServer
from tests.tools.mcp_calls import hostile, settled, written
from toolbox import Change, ServerStatus, ToolSwitch

TALK = "c" * 32
LOOK = ToolSwitch("look", "Parley", "Looks around. And more.", ("reads",), "allow")
SEND = ToolSwitch("far__send", "far", "Sends <b>it</b>.", ("writes", "reaches out"), "ask")
READY = ServerStatus("far", "ready", ("far__send",))
ELSEWHERE = {"x-forwarded-for": "203.0.113.7"}


def read(html: str) -> str:
    return " ".join(Words(html).text.split())


def test_tools_are_listed_by_source_with_what_they_are_and_one_of_three_chosen() -> None:
    html = pane(Tools((LOOK, SEND)))
    words = read(html)
    assert words.index("Built in") < words.index("look Reads Looks around.") < words.index("far ")
    assert "far__ send Writes Reaches out Sends <b>it</b>." in words
    assert html.count('type="radio"') == 6
    assert 'value="allow" checked' in html
    assert 'value="ask" checked' in html
    assert "<b>it</b>" not in html


def test_a_built_in_tool_is_told_in_plain_words_and_another_by_its_first_sentence() -> None:
    ours = replace(LOOK, name="calculate")
    assert sentence(ours) == "Works out arithmetic, exactly."
    assert sentence(replace(ours, source="far")) == "Looks around."
    assert sentence(replace(LOOK, description="No end " * 100)).endswith("…")
    assert sentence(replace(LOOK, description="Version 1.5 of it.\nMore")) == "Version 1.5 of it."


def test_the_side_says_how_many_there_are_and_what_needs_a_look() -> None:
    assert "2 tools" in read(side(Tools((LOOK, SEND))))
    assert "1 asks first" in read(side(Tools((LOOK, SEND))))
    assert "No tools" in read(side(Tools(())))
    failed = replace(READY, state="failed")
    assert "far: failed" in read(side(Tools((LOOK,), (failed,))))
    assert "2 servers need a look" in read(side(Tools((LOOK,), (failed, failed))))
    assert "Not used just now" in read(side(Tools((LOOK,), trouble="x cannot use tools.")))


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (READY, "far MCP server, 1 tool Running Restart"),
        (replace(READY, state="connecting"), "Starting"),
        (replace(READY, state="failed", error="No <such> file.", again_at=1.0), "No <such> file."),
        (replace(READY, state="failed", again_at=1.0), "Waiting to restart Next attempt at 00:00"),
        (replace(READY, state="failed"), "Failed Correct mcp.json"),
        (replace(READY, state="changed"), "Needs approval"),
    ],
    ids=["running", "starting", "error", "waiting", "failed", "approval"],
)
def test_the_operator_reads_how_a_server_is(status: ServerStatus, words: str) -> None:
    assert words in read(pane(Tools((LOOK, SEND), (status,))))
    everybody = read(pane(Tools((LOOK, SEND))))
    for told in ("Restart", "Running", "Starting", "Needs approval", "Waiting"):
        assert told not in everybody


def test_what_changed_is_shown_line_by_line_before_it_can_be_approved() -> None:
    before, now = "Adds.\n\nArguments: {}", "Adds, and <sends> all.\n\nArguments: {}"
    changes = (
        Change("add", "changed", "", before, now),
        Change("more", "new", "", "", "Is new."),
        Change("old", "changed", "", "", "Says this."),
    )
    html = pane(Tools((), (replace(READY, state="changed", changes=changes, seen="s1"),)))
    words = read(html)
    assert "3 tools are not what was let in before" in words
    assert "Removed: Adds. Added: Adds, and <sends> all. Arguments: {}" in words
    assert "more is new Is new." in words
    assert "old has changed What it said before was not kept" in words
    assert 'data-do="approve-server"' in html.partition("<details")[2].partition("</details>")[0]
    assert 'data-seen="s1"' in html


def test_a_note_tells_the_operator_how_servers_are_added_and_others_nothing() -> None:
    assert "mcp.json" in pane(Tools((LOOK,), ()))
    assert "mcp.json" not in pane(Tools((LOOK,)))
    assert 'role="status"' in shell()


@pytest.mark.parametrize(
    ("client", "headers", "expected"),
    [
        ("127.0.0.1", {"host": "127.0.0.1:7860"}, True),
        ("127.0.0.1", {"host": "localhost:7860"}, True),
        ("::1", {"host": "[::1]:7860"}, True),
        ("192.0.2.1", {"host": "127.0.0.1:7860"}, False),
        ("127.0.0.1", {"host": "abc.gradio.live"}, False),
        ("127.0.0.1", {"host": "localhost.evil.example"}, False),
        ("127.0.0.1", {"host": "localhost", "x-forwarded-for": "127.0.0.1"}, False),
        ("127.0.0.1", {"host": "localhost", "x-forwarded-host": "chat.example.org"}, False),
        ("127.0.0.1", {"host": "["}, False),
        ("127.0.0.1", {}, False),
        ("", {"host": "localhost"}, False),
    ],
    ids=lambda value: str(value) if not isinstance(value, dict) else " ".join(value.values()),
)
def test_the_operator_is_who_sits_at_the_machine_itself(
    client: str, headers: dict[str, str], expected: bool
) -> None:
    assert is_operator((client, 1) if client else None, Headers(headers)) is expected


# ── in a whole house ────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def told(tmp_path: Path) -> Path:
    """The tools of the server "s", as a file that a test can change under it."""
    path = tmp_path / "told.json"
    path.write_text(json.dumps([{"name": "add", "description": "Adds."}, {"name": "announce"}]))
    return path


@pytest.fixture
async def house(model: ScriptedServer, told: Path, tmp_path: Path) -> AsyncIterator[House]:
    """With a server that works, one that never answers and one that cannot be."""
    written(
        tmp_path,
        {
            "s": hostile("tools", str(told)),
            "slow": hostile("late", "3600"),
            "no": {"url": "${NOBODY}"},
        },
    )
    chosen = Settings(base_url=model.base_url, model="big", data_dir=tmp_path)
    async with open_house(chosen, connect(load_providers(), model.base_url, "k", {})) as opened:
        opened.mcp.start()
        yield opened


async def test_the_panel_is_there_before_the_servers_and_follows_them(
    house: House, visitor: Visitor, told: Path
) -> None:
    async with visitor.line() as line:
        await line.follow(TALK)
        await line.say({"tools": True})
        await line.shows("toolbox", "calculate")
        await line.shows("toolbox", "NOBODY is not set in Parley&#x27;s environment.")
        await line.shows("toolbox", 'aria-label="s__add"')
        states = dict.fromkeys(("running", "starting", "failed"), "")
        for state in states:
            assert f'data-state="{state}"' in line.panes["toolbox"]
        told.write_text(json.dumps([{"name": "add", "description": "Other."}]))
        assert (await visitor.order({"do": "restart-server", "server": "s"}))["ok"]
        await line.shows("toolbox", "Look at what changed")
        assert 'aria-label="s__add"' not in line.panes["toolbox"]
        assert "Removed: </span>Adds." in line.panes["toolbox"]
        changed = await settled(house.mcp, "s", "changed")
        outdated = {"do": "approve-server", "server": "s", "seen": "another"}
        answer = await visitor.order(outdated)
        assert answer["message"] == "What s says of its tools has changed again."
        assert (await visitor.order({**outdated, "seen": changed.seen}))["ok"]
        await line.shows("toolbox", 'aria-label="s__add"')
        # Closed, it is not kept up to date any more.
        await line.say({"tools": False})


async def test_others_see_the_tools_but_neither_status_nor_errors_and_change_no_server(
    house: House, address: str
) -> None:
    ready = await settled(house.mcp, "s")
    async with Visitor(base_url=address, timeout=15, headers=ELSEWHERE) as stranger:
        await stranger.get("/")
        async with stranger.line(**ELSEWHERE) as line:
            await line.follow(TALK)
            await line.say({"tools": True})
            await line.shows("toolbox", 'aria-label="s__add"')
            for word in ("NOBODY", "Restart", "data-state", "slow"):
                assert word not in line.panes["toolbox"] + line.panes["tools"]
        for order in (
            {"do": "restart-server", "server": "s"},
            {"do": "approve-server", "server": "s", "seen": ready.seen},
        ):
            answer = await stranger.order(order)
            assert answer["message"] == "Servers are for who runs this Parley."


async def test_a_switch_holds_for_its_owner_alone(
    house: House, visitor: Visitor, stranger: Visitor
) -> None:
    async with visitor.line() as line, stranger.line() as other:
        for one in (line, other):
            await one.follow(TALK)
            await one.say({"tools": True})
            await one.shows("toolbox", 'id="tool-clock-allow" value="allow" checked')
        assert (await visitor.order({"do": "permit", "tool": "clock", "permission": "off"}))["ok"]
        await line.shows("toolbox", 'id="tool-clock-off" value="off" checked')
        assert 'id="tool-clock-allow" value="allow" checked' in other.panes["toolbox"]
        for junk in (
            {"tool": "clock", "permission": "maybe"},
            {"tool": "none", "permission": "off"},
        ):
            assert not (await visitor.order({"do": "permit", **junk}))["ok"]


async def test_it_is_said_when_no_tool_is_used(
    house: House, visitor: Visitor, model: ScriptedServer
) -> None:
    async with visitor.line() as line:
        await line.follow(TALK)
        await line.say({"tools": True})
        await line.shows("toolbox", "clock")
        listed = [s.name for s in await house.assistant.toolbox.switches("x")]
        for name in listed:
            await visitor.order({"do": "permit", "tool": name, "permission": "off"})
        await line.shows("toolbox", "All tools are off: the model is told of none.")
        rows = [{"id": "big", "supported_parameters": ["temperature"]}]
        model.models(rows)
        await visitor.order({"do": "refresh"})
        await line.shows("toolbox", "big cannot use tools.")
