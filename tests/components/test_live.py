"""The WebSocket of a page, over a whole app."""

import json
import time
from collections.abc import Callable
from typing import Any

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient, WebSocketTestSession
from starlette.websockets import WebSocketDisconnect

from messages import Message, Text, new_id
from tests.components.canned import Canned
from tests.components.test_patch import Page

TALK = "c" * 32
Frame = dict[str, Any]


def follow(line: WebSocketTestSession, conversation: str = TALK) -> Frame:
    """The conversation as it is when it is opened."""
    line.send_text(json.dumps({"follow": conversation, "offset": 120}))
    return until(line, lambda frame: frame["kind"] == "open")[-1]


def until(line: WebSocketTestSession, wanted: Callable[[Frame], bool]) -> list[Frame]:
    """All frames up to the one that is wanted."""
    frames: list[Frame] = []
    while not frames or not wanted(frames[-1]):
        frames.append(json.loads(line.receive_text()))
    return frames


def send(visitor: TestClient, order: dict[str, object]) -> Frame:
    """An order, as Gradio's own event brings it."""
    config = visitor.get("/config").json()
    number = next(
        d["id"] for d in config["dependencies"] if d["backend_fn"] and len(d["inputs"]) == 1
    )
    body = {"data": [json.dumps({"number": 7, **order})], "fn_index": number, "session_hash": "s"}
    told: Frame = json.loads(visitor.post("/gradio_api/run/predict", json=body).json()["data"][0])
    return told


def say(visitor: TestClient, words: str, conversation: str = TALK) -> Frame:
    return send(visitor, {"do": "send", "conversation": conversation, "text": words})


def ended(frame: Frame) -> bool:
    return any(message.get("status") == "done" for message in frame.get("messages", ()))


def test_a_turn_reaches_the_page_piece_by_piece(visitor: TestClient) -> None:
    with visitor.websocket_connect("/parley/live") as line:
        assert follow(line)["messages"] == []
        assert say(visitor, "Hello") == {"number": 7, "ok": True, "message": "", "advice": ""}
        frames = [f for f in until(line, ended) if f["kind"] == "turn"]
    page = Page()
    for frame in frames:
        for message in frame["messages"]:
            page.apply(message)
    shown = "".join(page.pieces["2" * 32].values()) if "2" * 32 in page.pieces else ""
    shown = shown or "".join("".join(p.values()) for p in page.pieces.values())
    assert "<strong>06:31</strong>" in shown
    assert frames[0]["fresh"] is True
    assert 2 < len(frames) < 15


def test_a_page_that_comes_later_sees_the_whole_turn(visitor: TestClient) -> None:
    with visitor.websocket_connect("/parley/live") as line:
        follow(line)
        say(visitor, "Hello")
        until(line, ended)
    with visitor.websocket_connect("/parley/live") as line:
        frame = follow(line)
    assert [("user" in m["article"], "06:31" in m["article"]) for m in frame["messages"]] == [
        (True, False),
        (False, True),
    ]


def test_two_pages_see_the_same_turn(visitor: TestClient) -> None:
    with (
        visitor.websocket_connect("/parley/live") as one,
        visitor.websocket_connect("/parley/live") as two,
    ):
        follow(one)
        follow(two)
        say(visitor, "Hello")
        for line in (one, two):
            assert ended(until(line, ended)[-1])


def test_the_list_follows_in_every_page_of_the_same_visitor(visitor: TestClient) -> None:
    with visitor.websocket_connect("/parley/live") as elsewhere:
        follow(elsewhere, "d" * 32)
        say(visitor, "A new talk")
        until(elsewhere, lambda f: "A new talk" in f.get("panes", {}).get("conversations", ""))
        send(visitor, {"do": "rename", "conversation": TALK, "title": "Another name"})
        until(elsewhere, lambda f: "Another name" in f.get("panes", {}).get("conversations", ""))
        send(visitor, {"do": "delete", "conversation": TALK})
        until(elsewhere, lambda f: "is listed here" in f.get("panes", {}).get("conversations", ""))


def test_a_stranger_sees_nothing_of_it(visitor: TestClient, app: FastAPI) -> None:
    say(visitor, "My private words")
    stranger = TestClient(app, base_url="http://testserver")
    stranger.portal = visitor.portal
    stranger.get("/")
    with stranger.websocket_connect("/parley/live") as line:
        line.send_text(json.dumps({"follow": TALK}))
        seen = {frame["kind"]: frame for frame in (json.loads(line.receive_text()) for _ in "12")}
    assert seen["open"]["messages"] == []
    assert "private" not in json.dumps(seen["panes"])


def test_earlier_messages_come_when_asked_for(visitor: TestClient, assistant: Canned) -> None:
    say(visitor, "Hello")
    time.sleep(0.4)
    place = list(assistant.said)[-1]
    old = [Message(new_id(), "user", (Text(f"number {n}"),), 0) for n in range(50)]
    assistant.said[place] = [*old, *assistant.said[place]]
    with visitor.websocket_connect("/parley/live") as line:
        frame = follow(line)
        assert (len(frame["messages"]), frame["earlier"]) == (40, True)
        line.send_text(json.dumps({"follow": TALK, "before": frame["messages"][0]["id"]}))
        more = until(line, lambda f: f["kind"] == "earlier")[-1]
    assert (len(more["messages"]), more["earlier"]) == (12, False)
    assert "number 0" in more["messages"][0]["article"]


@pytest.mark.parametrize(
    "junk",
    ["", "x", "[]", "null", "{}", '{"follow": 1}', '{"follow": "../x"}', "[" * 4000, "a" * 100_000],
)
def test_junk_is_passed_over(visitor: TestClient, junk: str) -> None:
    with visitor.websocket_connect("/parley/live") as line:
        line.send_text(junk)
        assert follow(line)["kind"] == "open"


def test_bytes_end_the_line_and_nothing_else(visitor: TestClient) -> None:
    with visitor.websocket_connect("/parley/live") as line:
        line.send_bytes(b"\0\1")
        with pytest.raises(WebSocketDisconnect):
            until(line, lambda _: False)
    with visitor.websocket_connect("/parley/live") as line:
        assert follow(line)["kind"] == "open"


def test_another_site_cannot_listen(visitor: TestClient) -> None:
    headers = {"origin": "http://evil.example"}
    with (
        pytest.raises(WebSocketDisconnect),
        visitor.websocket_connect("/parley/live", headers=headers),
    ):
        pass


def test_a_visitor_cannot_open_pages_without_end(visitor: TestClient) -> None:
    from contextlib import ExitStack

    with ExitStack() as stack:
        for _ in range(24):
            stack.enter_context(visitor.websocket_connect("/parley/live"))
        with pytest.raises(WebSocketDisconnect), visitor.websocket_connect("/parley/live"):
            pass
    with visitor.websocket_connect("/parley/live") as line:
        assert follow(line)["kind"] == "open"
